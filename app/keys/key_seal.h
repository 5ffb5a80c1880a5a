/* key_seal: the MAC of a row of signing_key, by which a host knows that m2mauth or m2mctl wrote it.
 *
 * HMAC-SHA256 over kid, alg, public_jwk and private_uri, each after its length, by a key that is derived from the passphrase:
 * the right to write rows is not enough to become the issuer. Times are not covered, so that they can be set by SQL; the
 * private half is not, because without its passphrase nobody makes one that fits the public half. */
#ifndef APP_KEYS_KEY_SEAL_H
#define APP_KEYS_KEY_SEAL_H

#include "passphrase.h"

enum { KEY_SEAL_KEY = 32, KEY_SEAL_MAC = 43 }; /* base64url */

enum key_seal_state {
    KEY_SEAL_NONE, /* the row has no MAC: an older version wrote it */
    KEY_SEAL_GOOD,
    KEY_SEAL_WRONG /* forged, or made with another passphrase */
};

struct key_seal_row {
    struct text kid, algorithm, jwk, uri; /* no uri: absent or empty */
};

/* A process's readings of the passphrase (none: every MAC is wrong), and a key for each. */
struct key_seal {
    struct passphrase passphrase;
    unsigned char keys[PASSPHRASE_READINGS][KEY_SEAL_KEY];
};

/* Derives the keys from seal->passphrase, which was read before: some milliseconds each. 0, or -1 when the library failed. */
int key_seal_derive(struct key_seal *seal);

/* Wipes it, the passphrase included. */
void key_seal_close(struct key_seal *seal);

/* The MAC by one reading, with a NUL after it. 0, or -1 when the library failed. */
int key_seal_put(const struct key_seal *seal, size_t reading, const struct key_seal_row *row,
                 char mac_r[KEY_SEAL_MAC + 1]);

/* reading_r: which reading made it; set when it is good. */
enum key_seal_state key_seal_check(const struct key_seal *seal, const struct key_seal_row *row, struct text mac,
                                   size_t *reading_r);

#endif
