#include "certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "../base/base64url.h"
#include "../base/form.h"
#include "../base/secret.h"

/* A plus sign belongs to base64: nginx encodes it as %2B, and plain PEM must not be decoded. */
static int unescape(struct text parameter, struct arena *arena, struct text *pem_r)
{
    *pem_r = parameter;
    if (parameter.size == 0 || parameter.size > CERTIFICATE_BYTES) return -1;
    if (!memchr(parameter.data, '%', parameter.size)) return 0;
    return memchr(parameter.data, '+', parameter.size) ? -1 : form_decode(parameter, arena, pem_r);
}

/* Without this callback OpenSSL would ask for the passphrase of encrypted PEM on the terminal. */
static int give_none(char *buffer, int size, int writing, void *context)
{
    (void)buffer, (void)size, (void)writing, (void)context;
    return -1;
}

/* After the certificate, one line end is allowed and nothing else. */
static bool is_at_end(BIO *bio)
{
    char *rest;
    long size = BIO_get_mem_data(bio, &rest);
    return size == 0 || (size == 1 && rest[0] == '\n');
}

int certificate_read(struct text parameter, struct arena *arena, struct certificate *certificate_r)
{
    struct text pem;
    if (unescape(parameter, arena, &pem) || !text_begins(pem, TEXT("-----BEGIN CERTIFICATE-----"))) return -1;
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    certificate_r->x509 = bio ? PEM_read_bio_X509(bio, NULL, give_none, NULL) : NULL;
    if (certificate_r->x509 && !is_at_end(bio)) certificate_close(certificate_r);
    BIO_free(bio);
    ERR_clear_error();
    return certificate_r->x509 ? 0 : -1;
}

void certificate_close(struct certificate *certificate)
{
    X509_free(certificate->x509);
    certificate->x509 = NULL;
}

int certificate_put_thumbprint(const struct certificate *certificate, struct buffer *b)
{
    unsigned char digest[SECRET_DIGEST];
    unsigned size = 0;
    if (!X509_digest(certificate->x509, EVP_sha256(), digest, &size) || size != sizeof digest) return -1;
    base64url_put(b, (struct text){ (const char *)digest, sizeof digest });
    return b->full ? -1 : 0;
}

bool certificate_is_current(const struct certificate *certificate, int64_t now)
{
    time_t when = (time_t)now;
    return X509_cmp_time(X509_get0_notBefore(certificate->x509), &when) < 0 &&
           X509_cmp_time(X509_get0_notAfter(certificate->x509), &when) > 0;
}

bool certificate_is_self_issued(const struct certificate *certificate)
{
    return X509_NAME_cmp(X509_get_subject_name(certificate->x509), X509_get_issuer_name(certificate->x509)) == 0;
}

bool certificate_has_key(const struct certificate *certificate, EVP_PKEY *key)
{
    EVP_PKEY *its = X509_get0_pubkey(certificate->x509);
    bool same = its && EVP_PKEY_eq(its, key) == 1;
    ERR_clear_error();
    return same;
}
