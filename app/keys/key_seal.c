#include "key_seal.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include "../../lib/base/base64url.h"

enum { FIELDS = 4, INPUT_BYTES = 4096, LENGTH_BYTES = 4 };

int key_seal_derive(struct key_seal *seal)
{
    assert(seal->passphrase.count <= PASSPHRASE_READINGS);
    for (size_t i = 0; i < seal->passphrase.count; i++)
        if (passphrase_derive(seal->passphrase.readings[i], TEXT("m2mauth signing_key.mac"), seal->keys[i],
                              KEY_SEAL_KEY))
            return -1;
    return 0;
}

void key_seal_close(struct key_seal *seal)
{
    passphrase_close(&seal->passphrase);
    OPENSSL_cleanse(seal->keys, sizeof seal->keys);
}

/* Each field is preceded by its length, so that no two rows have the same input. */
static int put_field(struct buffer *b, struct text field)
{
    for (int shift = 8 * (LENGTH_BYTES - 1); shift >= 0; shift -= 8)
        buffer_put_char(b, (char)(unsigned char)(field.size >> shift));
    buffer_put(b, field);
    return b->full ? -1 : 0;
}

int key_seal_put(const struct key_seal *seal, size_t reading, const struct key_seal_row *row,
                 char mac_r[KEY_SEAL_MAC + 1])
{
    assert(reading < seal->passphrase.count);
    const struct text fields[FIELDS] = { row->kid, row->algorithm, row->jwk, row->uri };
    char bytes[INPUT_BYTES];
    unsigned char digest[KEY_SEAL_KEY];
    struct buffer input = { bytes, 0, sizeof bytes, false }, mac = { mac_r, 0, KEY_SEAL_MAC, false };
    for (size_t i = 0; i < FIELDS; i++)
        if (put_field(&input, fields[i])) return -1;
    if (!HMAC(EVP_sha256(), seal->keys[reading], KEY_SEAL_KEY, (unsigned char *)bytes, input.size, digest, NULL))
        return -1;
    base64url_put(&mac, (struct text){ (const char *)digest, sizeof digest });
    mac_r[KEY_SEAL_MAC] = '\0';
    return mac.full ? -1 : 0;
}

enum key_seal_state key_seal_check(const struct key_seal *seal, const struct key_seal_row *row, struct text mac,
                                   size_t *reading_r)
{
    char right[KEY_SEAL_MAC + 1];
    assert(seal->passphrase.count <= PASSPHRASE_READINGS);
    if (mac.size == 0) return KEY_SEAL_NONE;
    if (mac.size != KEY_SEAL_MAC) return KEY_SEAL_WRONG;
    for (size_t i = 0; i < seal->passphrase.count; i++) {
        if (key_seal_put(seal, i, row, right) || CRYPTO_memcmp(right, mac.data, KEY_SEAL_MAC) != 0) continue;
        *reading_r = i;
        return KEY_SEAL_GOOD;
    }
    return KEY_SEAL_WRONG;
}
