#include "client_add.h"

#include <time.h>

#include "client_plan.h"
#include "instant.h"

/* The arguments of the command. */
struct request {
    struct text client_id;
    struct public_key_source source;
    int64_t now, expires_at; /* expires_at 0: never */
    bool help;
};

enum { PEM = 1, JWK, ALG, KID, EXPIRES };

static const char *take_file(struct request *request, enum public_key_form form, const char *path)
{
    if (request->source.path) return "give one --pem or --jwk";
    request->source.path = path;
    request->source.form = form;
    return NULL;
}

static const char *take_option(struct request *request, int option, const char *argument)
{
    switch (option) {
    case PEM: return take_file(request, PUBLIC_KEY_PEM, argument);
    case JWK: return take_file(request, PUBLIC_KEY_SET, argument);
    case KID: request->source.kid = text_of(argument); return NULL;
    case ALG:
        request->source.algorithm = jws_algorithm_find(text_of(argument));
        return request->source.algorithm == JWS_NONE ? "--alg is one of ES256, RS256, PS256, EdDSA" : NULL;
    default:
        if (instant_parse(argument, request->now, &request->expires_at) == 0 && request->expires_at > request->now)
            return NULL;
        return "--expires takes a time in the future: " INSTANT_FORMS;
    }
}

/* Leaves optind at the first argument that is not an option. */
static int read_options(const struct command *self, int argc, char **argv, const struct option *options,
                        struct request *request)
{
    int option;
    while ((option = command_option(self, argc, argv, options)) != -1) {
        request->help = option == 'h';
        if (option == 'h') return COMMAND_FINE;
        if (option == '?') return COMMAND_USAGE;
        const char *wrong = take_option(request, option, optarg);
        if (wrong) return command_usage(self, "%s", wrong);
    }
    if (optind < argc) request->client_id = text_of(argv[optind]);
    if (optind < argc && !credential_is_client_id(request->client_id))
        return command_usage(self, "a CLIENT_ID has 1 to 128 printable ASCII characters");
    return COMMAND_FINE;
}

static int print(const struct command *self, const struct request *request, const char *what, const char *procedure)
{
    struct public_key key;
    int status = public_key_take(self, &request->source, &key);
    if (status != COMMAND_FINE) return status;
    printf("-- data\n-- %s for client %.*s\n", what, (int)request->client_id.size, request->client_id.data);
    client_plan_put_key(procedure, request->client_id, &key, request->expires_at);
    return COMMAND_FINE;
}

static int run_key(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    static const struct option options[] = {
        { "pem", required_argument, NULL, PEM },
        { "jwk", required_argument, NULL, JWK },
        { "alg", required_argument, NULL, ALG },
        { "kid", required_argument, NULL, KID },
        { "expires", required_argument, NULL, EXPIRES },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct request request = { .source.algorithm = JWS_NONE, .now = time(NULL) };
    (void)session;
    int status = read_options(self, argc, argv, options, &request);
    if (status != COMMAND_FINE || request.help) return status;
    if (optind != argc - 1 || !request.source.path)
        return command_usage(self, "one CLIENT_ID, and --pem FILE or --jwk FILE");
    return print(self, &request, "a public key", "client_add_key");
}

static int run_certificate(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    static const struct option options[] = {
        { "alg", required_argument, NULL, ALG },
        { "kid", required_argument, NULL, KID },
        { "expires", required_argument, NULL, EXPIRES },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct request request = { .source = { .form = PUBLIC_KEY_CERTIFICATE, .algorithm = JWS_NONE }, .now = time(NULL) };
    (void)session;
    int status = read_options(self, argc, argv, options, &request);
    if (status != COMMAND_FINE || request.help) return status;
    if (optind != argc - 2) return command_usage(self, "one CLIENT_ID and one FILE");
    request.source.path = argv[optind + 1];
    return print(self, &request, "the key of a certificate", "client_add_certificate_key");
}

#define OPTIONS_HELP \
    "  --kid KID        name of the key in tokens, logs and revocation rules; default: its thumbprint (RFC 7638)\n" \
    "  --alg ALG        ES256, RS256, PS256 or EdDSA; default: the default for the key (RS256 for RSA)\n" \
    "  --expires WHEN   when it expires: " INSTANT_FORMS "\n" \
    "\n" \
    "exit codes: 0 done; 1 no such key in FILE; 2 usage\n"

const struct command client_add_key_command = {
    "client-key",
    "add a public key to a client (private_key_jwt): prints a migration",
    "m2mctl client-key [OPTIONS] --pem FILE | --jwk FILE CLIENT_ID > NNNN_name.sql\n"
    "\n"
    "Prints a migration that adds a public key. Existing keys stay valid: to rotate a key, add the new one, switch\n"
    "the client over, then call client_expire_key for the old one. Does not connect to the database.\n"
    "\n"
    "  --pem FILE       a public key or a certificate in PEM\n"
    "  --jwk FILE       a public key as a JWK; its kid and alg are used unless given here\n" OPTIONS_HELP,
    run_key,
};

const struct command client_add_certificate_command = {
    "client-certificate",
    "add a certificate to a client (self_signed_tls_client_auth): prints a migration",
    "m2mctl client-certificate [OPTIONS] CLIENT_ID FILE > NNNN_name.sql\n"
    "\n"
    "Prints a migration that adds the key of the certificate in FILE (PEM). Any certificate with that key\n"
    "authenticates the client, regardless of its issuer. Existing certificates stay valid. Does not connect to the\n"
    "database.\n"
    "\n" OPTIONS_HELP,
    run_certificate,
};
