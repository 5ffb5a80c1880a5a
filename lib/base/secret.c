/* For the SHA256_*() functions, which work on the stack. OpenSSL 3 allocates the state of an EVP digest each time,
 * which costs more than hashing a short secret, and a cached validation hashes twice. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "secret.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "base64url.h"

int secret_hasher_open(struct secret_hasher *hasher)
{
    hasher->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    return hasher->sha256 ? 0 : -1;
}

void secret_hasher_close(struct secret_hasher *hasher)
{
    EVP_MD_free(hasher->sha256);
    hasher->sha256 = NULL;
}

int secret_digest(struct secret_hasher *hasher, const struct text *parts, size_t count,
                  unsigned char digest_r[SECRET_DIGEST])
{
    SHA256_CTX state;
    int good = hasher->sha256 && SHA256_Init(&state);
    for (size_t i = 0; good && i < count; i++) good = SHA256_Update(&state, parts[i].data, parts[i].size);
    good = good && SHA256_Final(digest_r, &state);
    explicit_bzero(&state, sizeof state);
    return good ? 0 : -1;
}

/* Decodes exactly size bytes. */
static int decode_exactly(struct text encoded, unsigned char *bytes_r, size_t size)
{
    struct buffer b = { (char *)bytes_r, 0, size, false };
    return base64url_decode(encoded, &b) || b.size != size ? -1 : 0;
}

int secret_parse(struct text stored, struct secret_hash *hash_r)
{
    struct text rest = stored, empty, form, rounds, salt, digest;
    uint64_t number = 0;
    if (!text_split(&rest, '$', &empty) || empty.size > 0 || !text_split(&rest, '$', &form)) return -1;
    if (text_equal(form, TEXT("pbkdf2-sha256"))) {
        if (!text_split(&rest, '$', &rounds) || text_number(rounds, SECRET_ROUNDS_MAX, &number)) return -1;
        if (number < SECRET_ROUNDS_MIN) return -1;
    } else if (!text_equal(form, TEXT("sha256"))) {
        return -1;
    }
    if (!text_split(&rest, '$', &salt) || !text_split(&rest, '$', &digest) || text_present(rest)) return -1;
    hash_r->rounds = (uint32_t)number;
    if (decode_exactly(salt, hash_r->salt, SECRET_SALT)) return -1;
    return decode_exactly(digest, hash_r->digest, SECRET_DIGEST);
}

static int derive(struct secret_hasher *hasher, struct text secret, const unsigned char *salt, uint32_t rounds,
                  unsigned char digest_r[SECRET_DIGEST])
{
    struct text parts[] = { { (const char *)salt, SECRET_SALT }, secret };
    if (rounds == 0) return secret_digest(hasher, parts, 2, digest_r);
    return PKCS5_PBKDF2_HMAC(secret.data, (int)secret.size, salt, SECRET_SALT, (int)rounds, hasher->sha256,
                             SECRET_DIGEST, digest_r)
             ? 0
             : -1;
}

int secret_format(struct secret_hasher *hasher, struct text secret, const unsigned char salt[SECRET_SALT],
                  uint32_t rounds, struct buffer *b)
{
    unsigned char digest[SECRET_DIGEST];
    if (secret.size == 0 || secret.size > SECRET_BYTES || derive(hasher, secret, salt, rounds, digest)) return -1;
    buffer_put(b, rounds > 0 ? TEXT("$pbkdf2-sha256$") : TEXT("$sha256$"));
    if (rounds > 0) {
        buffer_put_number(b, rounds);
        buffer_put_char(b, '$');
    }
    base64url_put(b, (struct text){ (const char *)salt, SECRET_SALT });
    buffer_put_char(b, '$');
    base64url_put(b, (struct text){ (const char *)digest, sizeof digest });
    return b->full ? -1 : 0;
}

enum answer secret_verify(struct secret_hasher *hasher, const struct secret_hash *hash, struct text secret)
{
    unsigned char digest[SECRET_DIGEST];
    if (secret.size > SECRET_BYTES) return ANSWER_NO;
    if (derive(hasher, secret, hash->salt, hash->rounds, digest)) return ANSWER_CANNOT_SAY;
    bool same = CRYPTO_memcmp(digest, hash->digest, SECRET_DIGEST) == 0;
    OPENSSL_cleanse(digest, sizeof digest);
    return answer_of(same);
}
