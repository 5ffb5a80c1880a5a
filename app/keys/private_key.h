/* private_key: opens the private half of a signing key, from the encrypted PEM in its row or from the URI in its row. It does
 * not check that the half matches the public one.
 *
 * OSSL_STORE defines which URIs are valid: file:/a/path, or a scheme of a provider in OpenSSL's configuration (pkcs11:). The
 * passphrase is offered for both; there is never a prompt at a terminal. */
#ifndef APP_KEYS_PRIVATE_KEY_H
#define APP_KEYS_PRIVATE_KEY_H

#include <openssl/evp.h>

#include "../../lib/base/text.h"

/* Decrypts a PEM. Returns the key, which the caller frees, or NULL when the passphrase does not open it. */
EVP_PKEY *private_key_decrypt(struct text pem, struct text passphrase);

/* Returns the first private key at the URI, which the caller frees, or NULL with *why_r set to the reason: a literal for the
 * operator. passphrase may be absent. */
EVP_PKEY *private_key_load(const char *uri, struct text passphrase, const char **why_r);

#endif
