/* certificate: parses a TLS client's X.509 certificate (RFC 5280) as received from the front server.
 *
 * nginx sends PEM with percent-encoding ($ssl_client_escaped_cert), lighttpd plain PEM. The front server has verified
 * possession of the key in the TLS handshake, and the chain; neither is verified here. */
#ifndef JOSE_CERTIFICATE_H
#define JOSE_CERTIFICATE_H

#include <openssl/x509.h>

#include "../base/arena.h"
#include "../base/buffer.h"

enum { CERTIFICATE_BYTES = 16384, CERTIFICATE_THUMBPRINT = 43 };

struct certificate {
    X509 *x509; /* owned: certificate_close() */
};

/* Parses exactly one certificate. Returns 0; the caller closes it. Returns -1 if parameter is anything else, longer
 * than CERTIFICATE_BYTES, or the arena is exhausted; then nothing needs closing. */
int certificate_read(struct text parameter, struct arena *arena, struct certificate *certificate_r);
void certificate_close(struct certificate *certificate);

/* Appends the thumbprint, base64url of the SHA-256 of the DER form (x5t#S256, RFC 8705 3.1). Returns 0, or -1 if b is
 * full or the library failed. */
int certificate_put_thumbprint(const struct certificate *certificate, struct buffer *b);

/* Whether now, in seconds since 1970, is within the validity of the certificate (RFC 5280 4.1.2.5). */
bool certificate_is_current(const struct certificate *certificate, int64_t now);

/* Whether subject and issuer are the same name (RFC 5280 3.2, self-issued). */
bool certificate_is_self_issued(const struct certificate *certificate);

/* Whether the certificate's public key is key. */
bool certificate_has_key(const struct certificate *certificate, EVP_PKEY *key);

#endif
