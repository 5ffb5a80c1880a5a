/* public_key: reads the public key of a client from a file and converts it to the JWK for its row (RFC 7517).
 * Private keys are refused: they stay with the client. */
#ifndef APP_M2MCTL_PUBLIC_KEY_H
#define APP_M2MCTL_PUBLIC_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "../../lib/base/text.h"
#include "../../lib/jose/jwk.h"
#include "command.h"

enum { PUBLIC_KEY_JWK = 2048 };

enum public_key_form {
    PUBLIC_KEY_PEM,         /* SubjectPublicKeyInfo or a certificate */
    PUBLIC_KEY_CERTIFICATE, /* only a certificate */
    PUBLIC_KEY_SET          /* a JWK, or a JWK Set with one key */
};

struct public_key_source {
    const char *path;
    enum public_key_form form;
    enum jws_algorithm algorithm; /* JWS_NONE: that of the JWK, or the default for the key */
    struct text kid;              /* absent: that of the JWK, or the thumbprint (RFC 7638) */
};

struct public_key {
    enum jws_algorithm algorithm;
    char kid[JWK_KID_BYTES + 1];
    char jwk[PUBLIC_KEY_JWK];
    int64_t ends; /* end of validity of a certificate, seconds since 1970; 0: not a certificate */
};

/* Returns NULL, or why there is no such key, as a literal. */
const char *public_key_read(const struct public_key_source *source, struct public_key *key_r);

/* As public_key_read(), for the row of a client: client_key.kid has 1 to 64 of A-Z a-z 0-9 . _ -. Returns
 * COMMAND_FINE, or COMMAND_NO after a message. An expired certificate is accepted with a note. */
int public_key_take(const struct command *self, const struct public_key_source *source, struct public_key *key_r);

#endif
