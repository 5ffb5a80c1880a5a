#include "private_key.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/store.h>
#include <openssl/ui.h>

enum { OBJECTS_MAX = 64 };

static int give_passphrase(char *buffer, int size, int writing, void *context)
{
    const struct text *passphrase = context;
    if (writing || size < 0 || passphrase->size == 0 || passphrase->size > (size_t)size) return -1;
    memcpy(buffer, passphrase->data, passphrase->size);
    return (int)passphrase->size;
}

EVP_PKEY *private_key_decrypt(struct text pem, struct text passphrase)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, &passphrase) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    return key;
}

/* A file may begin with parameters (`openssl ecparam -genkey`) or certificates. For an object that is not expected or not
 * understood OSSL_STORE_load() returns NULL, which is not the end; the limit stops a provider that never reports one. */
static EVP_PKEY *find_key(OSSL_STORE_CTX *store)
{
    EVP_PKEY *key = NULL;
    for (int i = 0; !key && i < OBJECTS_MAX && !OSSL_STORE_eof(store); i++) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);
        if (!info) continue;
        if (OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY) key = OSSL_STORE_INFO_get1_PKEY(info);
        OSSL_STORE_INFO_free(info);
    }
    return key;
}

EVP_PKEY *private_key_load(const char *uri, struct text passphrase, const char **why_r)
{
    UI_METHOD *questions = UI_UTIL_wrap_read_pem_callback(give_passphrase, 0);
    OSSL_STORE_CTX *store = questions ? OSSL_STORE_open(uri, questions, &passphrase, NULL, NULL) : NULL;
    EVP_PKEY *key = store && OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY) ? find_key(store) : NULL;
    *why_r = store ? "holds no private key that the passphrase opens" : "cannot be opened";
    if (key) *why_r = NULL;
    OSSL_STORE_close(store);
    UI_destroy_method(questions);
    ERR_clear_error();
    return key;
}
