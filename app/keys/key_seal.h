/* key_seal: the MAC of a row of signing_key, which proves that m2mauth or m2mctl wrote the row. It does not encrypt.
 *
 * HMAC-SHA256 over kid, alg, public_jwk and private_uri, each preceded by its length, with a key that is derived from the
 * passphrase: write access to the table is not enough to add a signing key. Times are not covered, so that they can be
 * changed by SQL. The private half is not covered, because making one that matches the public half requires the passphrase. */
#ifndef APP_KEYS_KEY_SEAL_H
#define APP_KEYS_KEY_SEAL_H

#include "passphrase.h"

enum { KEY_SEAL_KEY = 32, KEY_SEAL_MAC = 43 }; /* base64url */

enum key_seal_state {
    KEY_SEAL_NONE, /* the row has no MAC: written by an older version */
    KEY_SEAL_GOOD,
    KEY_SEAL_WRONG /* forged, or made with another passphrase */
};

struct key_seal_row {
    struct text kid, algorithm, jwk, uri; /* uri: absent or empty if the row has none */
};

/* A process's readings of the passphrase, and a MAC key for each; without a reading, every MAC is wrong. */
struct key_seal {
    struct passphrase passphrase;
    unsigned char keys[PASSPHRASE_READINGS][KEY_SEAL_KEY];
};

/* Derives the keys from seal->passphrase, which must have been read; takes some milliseconds each. Returns 0, or -1 if OpenSSL
 * failed. */
int key_seal_derive(struct key_seal *seal);

/* Wipes the keys and the passphrase. */
void key_seal_close(struct key_seal *seal);

/* Makes the MAC of a row with the key of one reading (below passphrase.count), NUL-terminated. Returns 0, or -1 if the row
 * is too long or OpenSSL failed. */
int key_seal_put(const struct key_seal *seal, size_t reading, const struct key_seal_row *row,
                 char mac_r[KEY_SEAL_MAC + 1]);

/* Checks the MAC of a row, in constant time. *reading_r is the reading that it was made with; set only for KEY_SEAL_GOOD. */
enum key_seal_state key_seal_check(const struct key_seal *seal, const struct key_seal_row *row, struct text mac,
                                   size_t *reading_r);

#endif
