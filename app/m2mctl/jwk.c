#include "jwk.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "../../lib/jose/jwk.h"

enum { JWK_LINE = 2048 };

struct wish {
    const struct command *self;
    const char *path;
    int algorithm;                      /* enum jws_algorithm; -1: the usual one of the key */
    struct text kid;                    /* absent: the thumbprint (RFC 7638) */
};

/* Of a certificate, or of a public key. A private key is not looked at: it has no business here. */
static EVP_PKEY *read_key(const char *path)
{
    BIO *bio = BIO_new_file(path, "r");
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    EVP_PKEY *key = certificate ? X509_get_pubkey(certificate) : NULL;
    if (bio && !certificate && BIO_reset(bio) == 0) key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    X509_free(certificate);
    BIO_free(bio);
    ERR_clear_error();
    return key;
}

static int choose_algorithm(const struct wish *wish, EVP_PKEY *key)
{
    if (wish->algorithm >= 0) return jwk_suits(key, (enum jws_algorithm)wish->algorithm) ? wish->algorithm : -1;
    for (int i = 0; i < JWS_PUBLIC_ALGORITHMS; i++)
        if (jwk_suits(key, (enum jws_algorithm)i)) return i;
    return -1;
}

static int put_jwk(const struct wish *wish, EVP_PKEY *key, enum jws_algorithm algorithm)
{
    char bytes[JWK_LINE], thumbprint[JWK_THUMBPRINT];
    struct buffer b = { bytes, 0, sizeof bytes, false }, t = { thumbprint, 0, sizeof thumbprint, false };
    struct secret_hasher hasher;
    if (secret_hasher_open(&hasher)) return -1;
    int bad = jwk_put_thumbprint(&t, &hasher, key);
    if (!bad) bad = jwk_put(&b, key, algorithm, text_present(wish->kid) ? wish->kid : buffer_text(&t));
    secret_hasher_close(&hasher);
    if (!bad) printf("%.*s\n", (int)b.size, b.data);
    return bad;
}

static int print_jwk(const struct wish *wish)
{
    EVP_PKEY *key = read_key(wish->path);
    if (!key) {
        command_complain(wish->self, "%s: no certificate and no public key in PEM (openssl pkey -pubout makes one of a private "
                         "key)", wish->path);
        return COMMAND_NO;
    }
    int status = COMMAND_FINE, algorithm = choose_algorithm(wish, key);
    if (algorithm < 0) {
        command_complain(wish->self, "%s: the key is none of P-256, RSA of 2048 to 4096 bits and Ed25519, or not one for that "
                         "algorithm", wish->path);
        status = COMMAND_NO;
    } else if (put_jwk(wish, key, (enum jws_algorithm)algorithm)) {
        command_complain(wish->self, "the key cannot be written");
        status = COMMAND_TROUBLE;
    }
    EVP_PKEY_free(key);
    return status;
}

static int run(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    enum { ALG = 1, KID };
    static const struct option options[] = {
        { "alg", required_argument, NULL, ALG },
        { "kid", required_argument, NULL, KID },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct wish wish = { .self = self, .algorithm = -1 };
    int option;
    (void)session;
    while ((option = command_option(self, argc, argv, options)) != -1) {
        if (option == 'h') return COMMAND_FINE;
        if (option == '?') return COMMAND_USAGE;
        if (option == KID) wish.kid = text_of(optarg);
        else if ((wish.algorithm = jws_algorithm_find(text_of(optarg))) < 0)
            return command_usage(self, "--alg is one of ES256, RS256, PS256, EdDSA");
    }
    if (optind + 1 != argc) return command_usage(self, "one file is meant");
    if (text_present(wish.kid) && (wish.kid.size == 0 || wish.kid.size > JWK_KID_BYTES))
        return command_usage(self, "a kid has 1 to %d bytes", JWK_KID_BYTES);
    wish.path = argv[optind];
    return print_jwk(&wish);
}

const struct command jwk_command = {
    "jwk", "print the public key of a certificate or PEM file as a JWK",
    "m2mctl jwk [--alg ALG] [--kid KID] FILE\n"
    "\n"
    "Prints the public JWK (RFC 7517) that client_add_key and client_add_certificate_key take. FILE is a certificate or a\n"
    "public key in PEM: P-256, RSA of 2048 to 4096 bits, or Ed25519.\n"
    "\n"
    "  --alg ALG   ES256, RS256, PS256 or EdDSA; default: the usual one of the key (RS256 of an RSA key)\n"
    "  --kid KID   default: the thumbprint (RFC 7638)\n"
    "\n"
    "exit codes: 0 printed; 1 no such key in FILE; 2 usage; 3 trouble\n",
    run,
};
