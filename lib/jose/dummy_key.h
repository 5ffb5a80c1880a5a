/* dummy_key: public keys whose private halves have been discarded, for verifications that only take time, so that the
 * response time does not show whether a client or key exists (assertion.h).
 *
 * One key of each kind (RFC 7518 3.1, RFC 8037 3.1), and RSA keys of 2048, 3072 and 4096 bits. The result of a
 * verification with them must be ignored. */
#ifndef JOSE_DUMMY_KEY_H
#define JOSE_DUMMY_KEY_H

#include "jws.h"

/* Returns the JWK of a key whose signatures by algorithm have signature_size bytes, or an absent text. Static. */
struct text dummy_key_find(enum jws_algorithm algorithm, size_t signature_size);

#endif
