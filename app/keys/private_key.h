/* private_key: the private half of a signing key: out of the encrypted PEM of its row, or from where the URI of its row points.
 *
 * What a URI may be is OSSL_STORE's affair: file:/a/path, or another scheme that a provider of OpenSSL's configuration knows
 * (pkcs11:). The passphrase is offered to both; nobody is ever asked at a terminal. */
#ifndef APP_KEYS_PRIVATE_KEY_H
#define APP_KEYS_PRIVATE_KEY_H

#include <openssl/evp.h>

#include "../../lib/base/text.h"

/* NULL when the passphrase is not its own. */
EVP_PKEY *private_key_decrypt(struct text pem, struct text passphrase);

/* The first private key that is found there. NULL when there is none, and then why_r says why: a literal for an operator's
 * eyes. passphrase may be absent. */
EVP_PKEY *private_key_load(const char *uri, struct text passphrase, const char **why_r);

#endif
