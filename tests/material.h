/* material: five private keys that everybody knows, so that tests are the same everywhere and every time.
 *
 * They are printed in RFCs: 7515 A.3 (ec) and A.2 (rsa), 7517 A.2 (other), 8037 A.1 (ed), 7748 6.1 (secret: of HS256). */
#ifndef TESTS_MATERIAL_H
#define TESTS_MATERIAL_H

#include <openssl/evp.h>

#include "../lib/jose/jws.h"

#define MATERIAL_LIST(X) \
    X(ec) \
    X(other) \
    X(rsa) \
    X(ed) \
    X(secret)

enum material {
#define MATERIAL_NAME(name) MATERIAL_##name,
    MATERIAL_LIST(MATERIAL_NAME)
#undef MATERIAL_NAME
    MATERIALS
};

/* By its name in the list above; -1 when it is none. */
int material_find(struct text name);

/* A new key pair, which the caller frees; NULL when the library failed. */
EVP_PKEY *material_open(enum material material);

/* The key that is used for an algorithm when none is named. */
enum material material_for(enum jws_algorithm algorithm);

#endif
