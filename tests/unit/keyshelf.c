/* Public keys that one process has read lately. */
#include "../../lib/jose/keyshelf.h"

#include "../check.h"
#include "../material.h"

#define EC "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define OTHER "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\"," \
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}"
#define EC_THUMBPRINT TEXT("oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U")

static struct keyshelf shelf;
static struct secret_hasher hasher;

static struct text thumbprint_of(const struct keyshelf_key *known)
{
    return (struct text){ known->thumbprint, sizeof known->thumbprint };
}

/* NULL when it is refused. */
static const struct keyshelf_key *take(struct keyshelf *from, struct text json)
{
    const struct keyshelf_key *known = NULL;
    int taken = keyshelf_take(from, &hasher, json, &known);
    if (taken < 0 || (taken == 1) != (known != NULL)) exit(2);
    return known;
}

static void a_key_is_read_once(void)
{
    const struct keyshelf_key *first = take(&shelf, TEXT(EC "}"));
    CHECK(first && first->algorithm == -1);
    CHECK_TEXT(thumbprint_of(first), EC_THUMBPRINT);
    EVP_PKEY *key = first->key, *material = material_open(MATERIAL_ec);
    CHECK(EVP_PKEY_eq(key, material) == 1);
    EVP_PKEY_free(material);
    const struct keyshelf_key *again = take(&shelf, TEXT(EC "}"));
    CHECK(again == first && again->key == key);
}

/* The same key with another word about its algorithm is another text. */
static void another_text_is_another_entry(void)
{
    const struct keyshelf_key *named = take(&shelf, TEXT(EC ",\"alg\":\"ES256\"}"));
    CHECK(named && named->algorithm == JWS_ES256);
    CHECK_TEXT(thumbprint_of(named), EC_THUMBPRINT);
    const struct keyshelf_key *plain = take(&shelf, TEXT(EC "}"));
    CHECK(plain && plain->algorithm == -1);
}

static void what_is_refused_is_refused_each_time(void)
{
    CHECK(take(&shelf, TEXT(EC "}")) != NULL);
    for (int i = 0; i < 2; i++) {
        CHECK(!take(&shelf, TEXT(EC ",\"d\":\"AA\"}")));
        CHECK(!take(&shelf, TEXT(EC "")));
        CHECK(!take(&shelf, TEXT("")));
    }
    CHECK_TEXT(thumbprint_of(take(&shelf, TEXT(EC "}"))), EC_THUMBPRINT);
}

/* A shelf of one place: each takes the other's, and is right all the same. */
static void a_newcomer_takes_a_place(void)
{
    struct keyshelf one;
    CHECK(keyshelf_open(&one, 1) == 0);
    for (int i = 0; i < 3; i++) {
        const struct keyshelf_key *known = take(&one, TEXT(EC "}"));
        CHECK(known && text_equal(thumbprint_of(known), EC_THUMBPRINT));
        known = take(&one, TEXT(OTHER));
        CHECK(known && !text_equal(thumbprint_of(known), EC_THUMBPRINT));
    }
    keyshelf_close(&one);
}

int main(void)
{
    if (secret_hasher_open(&hasher) || keyshelf_open(&shelf, 16)) return EXIT_FAILURE;
    RUN(a_key_is_read_once);
    RUN(another_text_is_another_entry);
    RUN(what_is_refused_is_refused_each_time);
    RUN(a_newcomer_takes_a_place);
    keyshelf_close(&shelf);
    secret_hasher_close(&hasher);
    return CHECK_EXIT();
}
