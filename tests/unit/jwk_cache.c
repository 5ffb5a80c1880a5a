/* Public keys that one process has read lately. */
#include "../../lib/jose/jwk_cache.h"

#include "../check.h"
#include "../material.h"

#define EC "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define OTHER "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\"," \
    "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}"
#define EC_THUMBPRINT TEXT("oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U")

static struct jwk_cache jwk_cache;
static struct secret_hasher hasher;

static struct text thumbprint_of(const struct jwk_cache_key *known)
{
    return (struct text){ known->thumbprint, sizeof known->thumbprint };
}

/* NULL when it is refused. */
static const struct jwk_cache_key *take(struct jwk_cache *from, struct text json)
{
    const struct jwk_cache_key *known = NULL;
    enum answer taken = jwk_cache_take(from, &hasher, json, &known);
    if (taken == ANSWER_CANNOT_SAY || (taken == ANSWER_YES) != (known != NULL)) exit(2);
    return known;
}

static void a_key_is_read_once(void)
{
    const struct jwk_cache_key *first = take(&jwk_cache, TEXT(EC "}"));
    CHECK(first && first->algorithm == JWS_NONE);
    CHECK_TEXT(thumbprint_of(first), EC_THUMBPRINT);
    EVP_PKEY *key = first->key, *material = material_open(MATERIAL_ec);
    CHECK(EVP_PKEY_eq(key, material) == 1);
    EVP_PKEY_free(material);
    const struct jwk_cache_key *again = take(&jwk_cache, TEXT(EC "}"));
    CHECK(again == first && again->key == key);
}

/* The same key with another word about its algorithm is another text. */
static void another_text_is_another_entry(void)
{
    const struct jwk_cache_key *named = take(&jwk_cache, TEXT(EC ",\"alg\":\"ES256\"}"));
    CHECK(named && named->algorithm == JWS_ES256);
    CHECK_TEXT(thumbprint_of(named), EC_THUMBPRINT);
    const struct jwk_cache_key *plain = take(&jwk_cache, TEXT(EC "}"));
    CHECK(plain && plain->algorithm == JWS_NONE);
}

static void what_is_refused_is_refused_each_time(void)
{
    CHECK(take(&jwk_cache, TEXT(EC "}")) != NULL);
    for (int i = 0; i < 2; i++) {
        CHECK(!take(&jwk_cache, TEXT(EC ",\"d\":\"AA\"}")));
        CHECK(!take(&jwk_cache, TEXT(EC "")));
        CHECK(!take(&jwk_cache, TEXT("")));
    }
    CHECK_TEXT(thumbprint_of(take(&jwk_cache, TEXT(EC "}"))), EC_THUMBPRINT);
}

/* A shelf of one place: each takes the other's, and is right all the same. */
static void a_newcomer_takes_a_place(void)
{
    struct jwk_cache one;
    CHECK(jwk_cache_open(&one, 1) == 0);
    for (int i = 0; i < 3; i++) {
        const struct jwk_cache_key *known = take(&one, TEXT(EC "}"));
        CHECK(known && text_equal(thumbprint_of(known), EC_THUMBPRINT));
        known = take(&one, TEXT(OTHER));
        CHECK(known && !text_equal(thumbprint_of(known), EC_THUMBPRINT));
    }
    jwk_cache_close(&one);
}

int main(void)
{
    if (secret_hasher_open(&hasher) || jwk_cache_open(&jwk_cache, 16)) return EXIT_FAILURE;
    RUN(a_key_is_read_once);
    RUN(another_text_is_another_entry);
    RUN(what_is_refused_is_refused_each_time);
    RUN(a_newcomer_takes_a_place);
    jwk_cache_close(&jwk_cache);
    secret_hasher_close(&hasher);
    return CHECK_EXIT();
}
