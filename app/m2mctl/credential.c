#include "credential.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <time.h>

#include "../../lib/base/base64url.h"
#include "../../lib/oauth/client.h"
#include "literal.h"

enum { RANDOM_BYTES = 32 };

/* The CRC-32 of ISO 3309 and zlib. */
static uint32_t crc32_of(struct text t)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < t.size; i++) {
        crc ^= (unsigned char)t.data[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
    }
    return ~crc;
}

int credential_new(struct buffer *b)
{
    unsigned char random[RANDOM_BYTES];
    size_t start = b->size;
    if (RAND_priv_bytes(random, sizeof random) != 1) return -1;
    buffer_put(b, TEXT("m2m_"));
    base64url_put(b, (struct text){ (const char *)random, sizeof random });
    OPENSSL_cleanse(random, sizeof random);
    uint32_t crc = crc32_of(text_slice(buffer_text(b), start, b->size));
    char bytes[] = { (char)(crc >> 24), (char)(crc >> 16), (char)(crc >> 8), (char)crc };
    base64url_put(b, (struct text){ bytes, sizeof bytes });
    return b->full ? -1 : 0;
}

int credential_put_hash(struct buffer *b, struct text secret, uint32_t rounds)
{
    struct secret_hasher hasher;
    unsigned char salt[SECRET_SALT];
    if (RAND_bytes(salt, sizeof salt) != 1 || secret_hasher_open(&hasher)) return -1;
    int failed = secret_format(&hasher, secret, salt, rounds, b);
    secret_hasher_close(&hasher);
    return failed;
}

int credential_put_random(struct buffer *b, struct text prefix, size_t count)
{
    static const char alphabet[32] = "abcdefghijkmnopqrstuvwxyz3456789";
    buffer_put(b, prefix);
    for (size_t i = 0; i < count; i++) {
        unsigned char random;
        if (RAND_bytes(&random, 1) != 1) return -1;
        buffer_put_char(b, alphabet[random % sizeof alphabet]);
    }
    return b->full ? -1 : 0;
}

int credential_put_label(struct buffer *b, int64_t now)
{
    struct tm tm;
    time_t time = now;
    char date[sizeof "s20261123-"];
    if (!gmtime_r(&time, &tm) || strftime(date, sizeof date, "s%Y%m%d-", &tm) == 0) return -1;
    return credential_put_random(b, text_of(date), 4);
}

bool credential_is_client_id(struct text id)
{
    for (size_t i = 0; i < id.size; i++)
        if (id.data[i] < ' ' || id.data[i] > '~') return false;
    return id.size > 0 && id.size <= CLIENT_ID_BYTES;
}

void credential_put_call(FILE *sql, const struct credential *credential)
{
    fputs("CALL client_add_secret(", sql);
    literal_put(sql, credential->client_id);
    fputs(", ", sql);
    literal_put(sql, credential->label);
    fputs(", ", sql);
    literal_put(sql, credential->hash);
    fputs(", ", sql);
    if (credential->expires_at) literal_put_instant(sql, credential->expires_at);
    else fputs("NULL", sql);
    fputs(");\n", sql);
}

void credential_show(struct text client_id, struct text secret)
{
    fprintf(stderr, "The secret of client %.*s is shown only now and is not stored: %.*s\n", (int)client_id.size,
            client_id.data, (int)secret.size, secret.data);
}
