/* What is stored of a secret, and who is let in by it. */
#include "../../lib/base/secret.h"

#include "../../lib/base/base64url.h"
#include "../check.h"

static struct secret_hasher hasher;
static const unsigned char salt[SECRET_SALT] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

#define SALT "AAECAwQFBgcICQoLDA0ODw"
#define FAST "$sha256$" SALT "$SsdijnPTV-9OdmKA2DFD8Dispz7omhyKa_mwrNYH4Po"
#define SLOW "$pbkdf2-sha256$10000$" SALT "$5RUHDgNTp9sBOWGYS4e6u57cz_Sq3_TQgaDP_8MW6L8"

static struct text format(struct text secret, uint32_t rounds)
{
    static char bytes[256];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    return secret_format(&hasher, secret, salt, rounds, &b) ? (struct text){ NULL, 0 } : buffer_text(&b);
}

/* FIPS 180-2 B.1, B.2, and the parts make no difference. */
static void sha256_vectors(void)
{
    unsigned char digest[SECRET_DIGEST];
    char hex[2 * SECRET_DIGEST];
    struct buffer b = { hex, 0, sizeof hex, false };
    struct text parts[] = { TEXT("abcdbcdecdefdefgefghfghighij"), TEXT(""), TEXT("hijkijkljklmklmnlmnomnopnopq") };
    CHECK(secret_digest(&hasher, parts, 3, digest) == 0);
    buffer_put_hex(&b, (struct text){ (const char *)digest, sizeof digest });
    CHECK_TEXT(buffer_text(&b), TEXT("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"));
    b.size = 0;
    CHECK(secret_digest(&hasher, &TEXT("abc"), 1, digest) == 0);
    buffer_put_hex(&b, (struct text){ (const char *)digest, sizeof digest });
    CHECK_TEXT(buffer_text(&b), TEXT("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
}

/* Both stored forms as another implementation computes them (hashlib of Python 3.11). */
static void stored_forms(void)
{
    CHECK_TEXT(format(TEXT("correct horse"), 0), TEXT(FAST));
    CHECK_TEXT(format(TEXT("correct horse"), 10000), TEXT(SLOW));
    CHECK(!text_present(format(TEXT(""), 0)));
}

static void secrets_of_any_length_that_is_allowed(void)
{
    static char secret[SECRET_BYTES + 1];
    struct secret_hash hash;
    memset(secret, 'x', sizeof secret);
    struct text stored = format((struct text){ secret, SECRET_BYTES }, 0);
    CHECK(text_present(stored) && secret_parse(stored, &hash) == 0);
    CHECK(secret_verify(&hasher, &hash, (struct text){ secret, SECRET_BYTES }) == 1);
    CHECK(secret_verify(&hasher, &hash, (struct text){ secret, SECRET_BYTES + 1 }) == 0);
    CHECK(!text_present(format((struct text){ secret, SECRET_BYTES + 1 }, 0)));
}

static void what_is_stored_lets_in_its_secret_only(void)
{
    static const struct text stored[] = { TEXT(FAST), TEXT(SLOW) };
    for (size_t i = 0; i < 2; i++) {
        struct secret_hash hash;
        CHECK(secret_parse(stored[i], &hash) == 0);
        CHECK(hash.rounds == (i == 0 ? 0 : 10000));
        CHECK(secret_verify(&hasher, &hash, TEXT("correct horse")) == 1);
        CHECK(secret_verify(&hasher, &hash, TEXT("correct horsE")) == 0);
        /* HMAC fills its key up with NULs (RFC 2104 2), so PBKDF2 cannot tell; no NUL gets past a form. */
        CHECK(secret_verify(&hasher, &hash, TEXT("correct horse\0")) == (i == 0 ? 0 : 1));
        CHECK(secret_verify(&hasher, &hash, TEXT("correct hors")) == 0);
        CHECK(secret_verify(&hasher, &hash, TEXT("")) == 0);
        CHECK(secret_verify(&hasher, &hash, (struct text){ NULL, 0 }) == 0);
        CHECK(secret_verify(&hasher, &hash, stored[i]) == 0);
        hash.digest[31] ^= 1;
        CHECK(secret_verify(&hasher, &hash, TEXT("correct horse")) == 0);
    }
}

static void forms_that_are_none(void)
{
    static const struct text refused[] = {
        TEXT(""), TEXT("$"), TEXT("correct horse"), TEXT("$sha256$"), TEXT("$sha256$" SALT), TEXT("$sha256$" SALT "$"),
        TEXT("sha256$" SALT "$SsdijnPTV-9OdmKA2DFD8Dispz7omhyKa_mwrNYH4Po"), TEXT(FAST "$"), TEXT(FAST "\0"), TEXT(" " FAST),
        TEXT("$sha512$" SALT "$SsdijnPTV-9OdmKA2DFD8Dispz7omhyKa_mwrNYH4Po"), TEXT("$SHA256$" SALT "$SsdijnPTV-9OdmKA2DFD8Dispz7omhyKa_mwrNYH4Po"),
        TEXT("$sha256$AAECAwQFBgcICQoLDA0O$SsdijnPTV-9OdmKA2DFD8Dispz7omhyKa_mwrNYH4Po"),        /* short salt */
        TEXT("$sha256$" SALT "$SsdijnPTV-9OdmKA2DFD8Dispz7omhyKa_mwrNYH4"),                     /* short digest */
        TEXT("$sha256$" SALT "$SsdijnPTV-9OdmKA2DFD8Dispz7omhyKa_mwrNYH4Po="),
        TEXT("$pbkdf2-sha256$9999$" SALT "$5RUHDgNTp9sBOWGYS4e6u57cz_Sq3_TQgaDP_8MW6L8"),       /* too few rounds */
        TEXT("$pbkdf2-sha256$5000001$" SALT "$5RUHDgNTp9sBOWGYS4e6u57cz_Sq3_TQgaDP_8MW6L8"),    /* too many */
        TEXT("$pbkdf2-sha256$99999999999999999999$" SALT "$5RUHDgNTp9sBOWGYS4e6u57cz_Sq3_TQgaDP_8MW6L8"),
        TEXT("$pbkdf2-sha256$-10000$" SALT "$5RUHDgNTp9sBOWGYS4e6u57cz_Sq3_TQgaDP_8MW6L8"),
        TEXT("$pbkdf2-sha256$" SALT "$5RUHDgNTp9sBOWGYS4e6u57cz_Sq3_TQgaDP_8MW6L8"),
    };
    struct secret_hash hash;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) CHECK(secret_parse(refused[i], &hash) == -1);
    CHECK(secret_parse((struct text){ NULL, 0 }, &hash) == -1);
}

static void a_full_buffer_is_a_failure(void)
{
    char bytes[40];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    CHECK(secret_format(&hasher, TEXT("correct horse"), salt, 0, &b) == -1);
}

int main(void)
{
    if (secret_hasher_open(&hasher)) return EXIT_FAILURE;
    RUN(sha256_vectors);
    RUN(stored_forms);
    RUN(secrets_of_any_length_that_is_allowed);
    RUN(what_is_stored_lets_in_its_secret_only);
    RUN(forms_that_are_none);
    RUN(a_full_buffer_is_a_failure);
    secret_hasher_close(&hasher);
    return CHECK_EXIT();
}
