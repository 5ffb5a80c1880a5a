#include "jwk.h"

#include "public_key.h"

static int run(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    enum { ALG = 1, KID };
    static const struct option options[] = {
        { "alg", required_argument, NULL, ALG },
        { "kid", required_argument, NULL, KID },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct public_key_source source = { .form = PUBLIC_KEY_PEM, .algorithm = JWS_NONE };
    struct public_key key;
    int option;
    (void)session;
    while ((option = command_option(self, argc, argv, options)) != -1) {
        if (option == 'h') return COMMAND_FINE;
        if (option == '?') return COMMAND_USAGE;
        if (option == KID) source.kid = text_of(optarg);
        else if ((source.algorithm = jws_algorithm_find(text_of(optarg))) == JWS_NONE)
            return command_usage(self, "--alg is one of ES256, RS256, PS256, EdDSA");
    }
    if (optind + 1 != argc) return command_usage(self, "give one FILE");
    if (text_present(source.kid) && (source.kid.size == 0 || source.kid.size > JWK_KID_BYTES))
        return command_usage(self, "a kid has 1 to %d bytes", JWK_KID_BYTES);
    source.path = argv[optind];
    const char *why = public_key_read(&source, &key);
    if (why) command_complain(self, "%s: %s", source.path, why);
    else puts(key.jwk);
    return why ? COMMAND_NO : COMMAND_FINE;
}

const struct command jwk_command = {
    "jwk",
    "print the public key of a certificate or PEM file as a JWK",
    "m2mctl jwk [--alg ALG] [--kid KID] FILE\n"
    "\n"
    "Prints the public JWK (RFC 7517) that client_add_key and client_add_certificate_key take. FILE is a certificate "
    "or a\n"
    "public key in PEM: P-256, RSA of 2048 to 4096 bits, or Ed25519.\n"
    "\n"
    "  --alg ALG   ES256, RS256, PS256 or EdDSA; default: the default for the key (RS256 for RSA)\n"
    "  --kid KID   default: the thumbprint (RFC 7638)\n"
    "\n"
    "exit codes: 0 printed; 1 no such key in FILE; 2 usage\n",
    run,
};
