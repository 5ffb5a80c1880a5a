/* certificate: a TLS client's X.509 certificate (RFC 5280), as a front server hands it over.
 *
 * The front has had the proof of possession in its handshake; what is read here is only which certificate it was. nginx
 * gives PEM with percent-encoding ($ssl_client_escaped_cert), lighttpd plain PEM. Chains are the front's affair. */
#ifndef JOSE_CERTIFICATE_H
#define JOSE_CERTIFICATE_H

#include <openssl/x509.h>

#include "../base/arena.h"
#include "../base/buffer.h"

enum { CERTIFICATE_BYTES = 16384, CERTIFICATE_THUMBPRINT = 43 };

struct certificate {
    X509 *x509; /* owned: certificate_close() */
};

/* Exactly one certificate and nothing else. 0, or -1; nothing is to be closed then. */
int certificate_read(struct text parameter, struct arena *arena, struct certificate *certificate_r);
void certificate_close(struct certificate *certificate);

/* Appends base64url of the SHA-256 of its DER form: x5t#S256 (RFC 8705 3.1). 0, or -1. */
int certificate_put_thumbprint(const struct certificate *certificate, struct buffer *b);

/* now, in seconds since 1970, lies within its validity. */
bool certificate_is_current(const struct certificate *certificate, int64_t now);

/* Subject and issuer have one name: whoever made it says so of himself. */
bool certificate_is_self_issued(const struct certificate *certificate);

bool certificate_has_key(const struct certificate *certificate, EVP_PKEY *key);

#endif
