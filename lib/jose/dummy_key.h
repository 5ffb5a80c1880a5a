/* dummy_key: public keys of nobody, so that a signature that cannot be good costs what another one costs.
 *
 * One of each kind, and RSA keys of 2048, 3072 and 4096 bits. What they verify is never believed. */
#ifndef JOSE_DUMMY_KEY_H
#define JOSE_DUMMY_KEY_H

#include "jws.h"

/* The JWK of a key whose signatures by that algorithm have that size in bytes; absent when there is none. */
struct text dummy_key_find(enum jws_algorithm algorithm, size_t signature_size);

#endif
