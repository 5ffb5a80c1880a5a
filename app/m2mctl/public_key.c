#include "public_key.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <time.h>

enum { FILE_BYTES = 65536 };

/* The content of a file, before it is written as a JWK. */
struct found {
    EVP_PKEY *key;
    enum jws_algorithm algorithm;
    char kid[JWK_KID_BYTES + 1];
    int64_t ends;
    size_t count;
    const char *refused;
};

static int64_t end_of(const X509 *certificate)
{
    struct tm tm;
    return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static const char *find_in_pem(struct text file, enum public_key_form form, struct found *found)
{
    BIO *bio = BIO_new_mem_buf(file.data, (int)file.size);
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    if (certificate) {
        found->key = X509_get_pubkey(certificate);
        found->ends = end_of(certificate);
    } else if (bio && form == PUBLIC_KEY_PEM && BIO_reset(bio) == 1) {
        found->key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    }
    X509_free(certificate);
    BIO_free(bio);
    ERR_clear_error();
    if (found->key) return NULL;
    if (strstr(file.data, "PRIVATE KEY-----"))
        return "it has a private key, which must stay with the client; extract the public key with openssl pkey "
               "-pubout";
    return form == PUBLIC_KEY_PEM ? "it has no certificate and no public key in PEM" : "it has no certificate in PEM";
}

static int take_jwk(void *context, struct jwk *jwk, const char *refused)
{
    struct found *found = context;
    found->count++;
    if (refused) {
        found->refused = refused;
        return 0;
    }
    EVP_PKEY_free(found->key);
    found->key = jwk->key;
    found->algorithm = jwk->algorithm;
    memcpy(found->kid, jwk->kid, sizeof found->kid);
    return 0;
}

static const char *find_in_set(struct text file, struct found *found)
{
    if (jwk_read_set(file, take_jwk, found)) return "it is neither a JWK nor a JWK Set";
    if (found->count != 1) return "it is a JWK Set with more than one key, or none: write the one key to a file";
    return found->refused;
}

static const char *choose_algorithm(const struct public_key_source *source, struct found *found)
{
    static const char unsuited[] =
        "the key is none of P-256, RSA of 2048 to 4096 bits and Ed25519, or not one for that algorithm";
    if (source->algorithm != JWS_NONE) found->algorithm = source->algorithm;
    if (found->algorithm != JWS_NONE) return jwk_suits(found->key, found->algorithm) ? NULL : unsuited;
    for (int i = 0; i < JWS_PUBLIC_ALGORITHMS && found->algorithm == JWS_NONE; i++)
        if (jwk_suits(found->key, (enum jws_algorithm)i)) found->algorithm = (enum jws_algorithm)i;
    return found->algorithm == JWS_NONE ? unsuited : NULL;
}

static const char *choose_kid(const struct public_key_source *source, struct found *found)
{
    struct secret_hasher hasher;
    struct buffer kid = { found->kid, 0, JWK_KID_BYTES, false };
    if (!text_present(source->kid) && found->kid[0]) return NULL;
    memset(found->kid, 0, sizeof found->kid);
    if (text_present(source->kid)) {
        buffer_put(&kid, source->kid);
        return kid.full || kid.size == 0 ? "a kid has 1 to 64 bytes" : NULL;
    }
    if (secret_hasher_open(&hasher)) return "SHA-256 is not available";
    int bad = jwk_put_thumbprint(&kid, &hasher, found->key);
    secret_hasher_close(&hasher);
    return bad ? "the key cannot be written" : NULL;
}

static const char *write_key(const struct found *found, struct public_key *key_r)
{
    *key_r = (struct public_key){ .algorithm = (enum jws_algorithm)found->algorithm, .ends = found->ends };
    struct buffer b = { key_r->jwk, 0, sizeof key_r->jwk - 1, false };
    memcpy(key_r->kid, found->kid, sizeof key_r->kid);
    return jwk_put(&b, found->key, key_r->algorithm, text_of(key_r->kid)) ? "the key cannot be written" : NULL;
}

static const char *find(const struct public_key_source *source, struct found *found)
{
    char bytes[FILE_BYTES + 1];
    FILE *file = fopen(source->path, "r");
    if (!file) return "it cannot be opened";
    size_t size = fread(bytes, 1, sizeof bytes, file);
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed || size > FILE_BYTES) return failed ? "it cannot be read" : "it is longer than 64 KiB";
    bytes[size] = '\0';
    struct text text = { bytes, size };
    return source->form == PUBLIC_KEY_SET ? find_in_set(text, found) : find_in_pem(text, source->form, found);
}

const char *public_key_read(const struct public_key_source *source, struct public_key *key_r)
{
    struct found found = { .algorithm = JWS_NONE };
    const char *why = find(source, &found);
    if (!why) why = choose_algorithm(source, &found);
    if (!why) why = choose_kid(source, &found);
    if (!why) why = write_key(&found, key_r);
    EVP_PKEY_free(found.key);
    return why;
}

static bool is_kid(struct text kid)
{
    for (size_t i = 0; i < kid.size; i++) {
        char c = kid.data[i];
        bool word = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!word && c != '.' && c != '_' && c != '-') return false;
    }
    return kid.size > 0 && kid.size <= JWK_KID_BYTES;
}

int public_key_take(const struct command *self, const struct public_key_source *source, struct public_key *key_r)
{
    const char *why = public_key_read(source, key_r);
    if (!why && !is_kid(text_of(key_r->kid)))
        why = "its kid has characters other than A-Z a-z 0-9 . _ -: give another one with --kid and have the client "
              "send it";
    if (why) {
        command_complain(self, "%s: %s", source->path, why);
        return COMMAND_NO;
    }
    if (key_r->ends && key_r->ends <= (int64_t)time(NULL))
        command_complain(self, "note: the certificate in %s has expired: the server refuses it", source->path);
    return COMMAND_FINE;
}
