#include "client.h"

#include <openssl/crypto.h>
#include <time.h>

#include "../db/columns.h"
#include "client_plan.h"

enum { URI_BYTES = 255, DESCRIPTION_BYTES = 255, GENERATED_ID = 20 };

/* RFC 3986 4.3: a scheme and more, without a fragment. Spaces, quotes and < > \ ^ ` { | } are not URI characters. */
static bool is_absolute_uri(struct text uri)
{
    size_t at = 0;
    while (at < uri.size && uri.data[at] != ':') {
        char c = uri.data[at++];
        bool job = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!job && (at == 1 || !((c >= '0' && c <= '9') || c == '+' || c == '.' || c == '-'))) return false;
    }
    if (at == 0 || at + 1 >= uri.size || uri.size > URI_BYTES) return false;
    for (size_t i = at; i < uri.size; i++)
        if (uri.data[i] <= ' ' || uri.data[i] > '~' || strchr("\"#<>\\^`{|}", uri.data[i])) return false;
    return true;
}

/* RFC 6749 A.4: words with single spaces between them. */
static bool is_scope(struct text scope)
{
    struct text word;
    while (text_split(&scope, ' ', &word)) {
        if (word.size == 0 || word.size > URI_BYTES) return false;
        for (size_t i = 0; i < word.size; i++)
            if (word.data[i] <= ' ' || word.data[i] > '~' || word.data[i] == '"' || word.data[i] == '\\') return false;
    }
    return true;
}

static bool has_word(struct text scope, struct text wanted)
{
    struct text word;
    while (text_split(&scope, ' ', &word))
        if (text_equal(word, wanted)) return true;
    return false;
}

static bool has_words(struct text scope, struct text wanted)
{
    struct text word;
    while (text_split(&wanted, ' ', &word))
        if (!has_word(scope, word)) return false;
    return true;
}

static bool has_api(const struct client_plan *plan, struct text audience)
{
    for (size_t i = 0; i < plan->api_count; i++)
        if (text_equal(plan->apis[i].audience, audience)) return true;
    return false;
}

/* The options of an API. Each function returns NULL, or what is wrong. */
static const char *take_audience(struct client_plan *plan, struct text value)
{
    if (!is_absolute_uri(value))
        return "--audience takes an absolute URI without a fragment, as https://api.example.com/";
    if (plan->api_count == CLIENT_GRANTS) return "too many --audience";
    if (has_api(plan, value)) return "an --audience is repeated; give all its scopes in one --scope";
    plan->apis[plan->api_count++] = (struct client_plan_api){ .audience = value };
    return NULL;
}

static const char *take_scope(struct client_plan *plan, struct text value)
{
    if (!is_scope(value)) return "--scope takes words with single spaces between them, without quotes and backslashes";
    if (plan->api_count == 0) return "--scope belongs to an --audience: give that first";
    struct client_plan_api *api = &plan->apis[plan->api_count - 1];
    if (text_present(api->scope)) return "--scope is repeated; give all words of an audience in one";
    api->scope = value;
    return NULL;
}

static const char *take_default_scope(struct client_plan *plan, struct text value)
{
    if (plan->api_count == 0 || !text_present(plan->apis[plan->api_count - 1].scope))
        return "--default-scope belongs to a --scope: give that first";
    struct client_plan_api *api = &plan->apis[plan->api_count - 1];
    if (!is_scope(value) || !has_words(api->scope, value)) return "--default-scope takes words of --scope";
    api->default_scope = value;
    return NULL;
}

static const char *take_introspects(struct client_plan *plan, struct text value)
{
    if (!is_absolute_uri(value)) return "--introspects takes the URI of an audience";
    if (plan->introspect_count == CLIENT_READS) return "too many --introspects (at most 64)";
    plan->introspects[plan->introspect_count++] = value;
    return NULL;
}

/* N or N/BURST. */
static const char *take_rate(struct client_plan *plan, struct text value)
{
    struct text rate;
    (void)text_split(&value, '/', &rate);
    bool good = text_number(rate, COLUMNS_RATE, &plan->rate) == 0 && plan->rate > 0;
    if (good && text_present(value)) good = text_number(value, COLUMNS_BURST, &plan->burst) == 0 && plan->burst > 0;
    return good ? NULL : "--rate takes N or N/BURST: 1 to 1000000 requests per minute, 1 to 100000 at once";
}

static const char *take_binding(struct client_plan *plan, struct text value)
{
    static const char *const words[] = { "none", "any", "mtls", "dpop" };
    plan->binding = value;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_equal(value, text_of(words[i]))) return NULL;
    return "--binding takes dpop, mtls, any or none";
}

/* Names of RFC 7591 2, separated by commas. */
static const char *take_methods(struct client_plan *plan, struct text value)
{
    static const char *const names[] = {
#define METHOD_NAME(name, text) text,
        CLIENT_METHOD_LIST(METHOD_NAME)
#undef METHOD_NAME
    };
    struct text word;
    plan->methods = 0;
    while (text_split(&value, ',', &word)) {
        unsigned i = 0;
        while (i < CLIENT_METHODS && !text_equal(word, text_of(names[i]))) i++;
        if (i == CLIENT_METHODS)
            return "--methods takes a comma-separated list of client_secret_basic, client_secret_post, "
                   "private_key_jwt, tls_client_auth and "
                   "self_signed_tls_client_auth";
        plan->methods |= 1u << i;
    }
    return plan->methods ? NULL : "--methods takes at least one";
}

/* --mtls-subject KIND VALUE: two arguments. */
static const char *take_subject(struct client_plan *plan, struct text kind, const char *value)
{
    static const char *const kinds[] = {
#define KIND_NAME(name) [SUBJECT_##name] = #name,
        CERTIFICATE_SUBJECT_KIND_LIST(KIND_NAME)
#undef KIND_NAME
    };
    for (size_t i = 1; i < CERTIFICATE_SUBJECT_KINDS; i++)
        if (text_equal(kind, text_of(kinds[i]))) plan->tls_subject.kind = (enum certificate_subject_kind)i;
    if (plan->tls_subject.kind == CERTIFICATE_SUBJECT_NONE || !value)
        return "--mtls-subject takes two arguments: subject_dn, san_dns, san_uri, san_ip or san_email, and the value";
    plan->tls_subject.value = text_of(value);
    return certificate_subject_fault(&plan->tls_subject)
             ? "the value of --mtls-subject is not valid for that kind; a subject_dn is written "
               "as in RFC 4514: CN=orders,O=Example,C=DE"
             : NULL;
}

static const char *take_issuer(struct client_plan *plan, struct text value)
{
    plan->tls_issuer = value;
    return certificate_subject_issuer_fault(value)
             ? "--mtls-issuer takes a name as in RFC 4514 (CN=Machines CA,O=Example), or keyid: and the "
               "hexadecimal id of the authority's key"
             : NULL;
}

static const char *take_key(struct client_plan *plan, enum public_key_form form, const char *path)
{
    if (plan->key_source.path) return "give one --pem or --jwk; m2mctl client-key adds another key";
    plan->key_source.path = path;
    plan->key_source.form = form;
    return NULL;
}

enum {
    DESCRIPTION = 1,
    AUDIENCE,
    SCOPE,
    DEFAULT_SCOPE,
    INTROSPECTS,
    READS,
    TOKEN_SECONDS,
    RATE,
    GENERATE,
    SECRET,
    NO_SECRET,
    PEM,
    JWK,
    ALG,
    KID,
    CERTIFICATE,
    SUBJECT,
    ISSUER,
    METHODS,
    BINDING
};

static const char *take_credential(struct client_plan *plan, int option, const char *argument)
{
    switch (option) {
    case SECRET: plan->with_secret = true; return NULL;
    case NO_SECRET: plan->without_secret = true; return NULL;
    case PEM: return take_key(plan, PUBLIC_KEY_PEM, argument);
    case JWK: return take_key(plan, PUBLIC_KEY_SET, argument);
    case KID: plan->key_source.kid = text_of(argument); return NULL;
    case CERTIFICATE: plan->certificate_source.path = argument; return NULL;
    case ISSUER: return take_issuer(plan, text_of(argument));
    case METHODS: return take_methods(plan, text_of(argument));
    default:
        plan->key_source.algorithm = jws_algorithm_find(text_of(argument));
        return plan->key_source.algorithm == JWS_NONE ? "--alg is one of ES256, RS256, PS256, EdDSA" : NULL;
    }
}

static const char *take_option(struct client_plan *plan, int option, const char *argument)
{
    struct text value = text_of(argument);
    switch (option) {
    case AUDIENCE: return take_audience(plan, value);
    case SCOPE: return take_scope(plan, value);
    case DEFAULT_SCOPE: return take_default_scope(plan, value);
    case INTROSPECTS:
    case READS: return take_introspects(plan, value);
    case GENERATE: plan->generate = true; return NULL;
    case RATE: return take_rate(plan, value);
    case BINDING: return take_binding(plan, value);
    case DESCRIPTION:
        plan->description = value;
        return value.size > DESCRIPTION_BYTES ? "--description takes at most 255 bytes" : NULL;
    case TOKEN_SECONDS:
        if (text_number(value, COLUMNS_TOKEN_SECONDS, &plan->token_seconds) == 0 &&
            plan->token_seconds >= ROTATION_SHORTEST_TOKEN)
            return NULL;
        return "--token-seconds takes 5 to 86400";
    default: return take_credential(plan, option, argument);
    }
}

/* Checks that involve several options. */
static const char *check_plan(const struct client_plan *plan)
{
    bool key = plan->key_source.path != NULL,
         alone = plan->key_source.algorithm != JWS_NONE || text_present(plan->key_source.kid);
    if (plan->api_count == 0 && plan->introspect_count == 0)
        return "a client needs an --audience to request tokens for, or one whose tokens it --introspects";
    if (plan->with_secret && plan->without_secret) return "--secret and --no-secret exclude each other";
    if (!key && alone) return "--alg and --kid belong to --pem or --jwk";
    if (text_present(plan->tls_issuer) && plan->tls_subject.kind == CERTIFICATE_SUBJECT_NONE)
        return "--mtls-issuer belongs to an --mtls-subject";
    if ((plan->methods & CLIENT_TLS) && plan->tls_subject.kind == CERTIFICATE_SUBJECT_NONE)
        return "tls_client_auth among --methods needs an --mtls-subject";
    return NULL;
}

/* Reads all options. Returns COMMAND_FINE or an exit code. */
static int read_options(const struct command *self, int argc, char **argv, struct client_plan *plan, bool *help_r)
{
    static const struct option options[] = {
        { "description", required_argument, NULL, DESCRIPTION },
        { "audience", required_argument, NULL, AUDIENCE },
        { "scope", required_argument, NULL, SCOPE },
        { "introspects", required_argument, NULL, INTROSPECTS },
        { "default-scope", required_argument, NULL, DEFAULT_SCOPE },
        { "reads", required_argument, NULL, READS },
        { "token-seconds", required_argument, NULL, TOKEN_SECONDS },
        { "rate", required_argument, NULL, RATE },
        { "generate", no_argument, NULL, GENERATE },
        { "secret", no_argument, NULL, SECRET },
        { "no-secret", no_argument, NULL, NO_SECRET },
        { "pem", required_argument, NULL, PEM },
        { "jwk", required_argument, NULL, JWK },
        { "alg", required_argument, NULL, ALG },
        { "kid", required_argument, NULL, KID },
        { "certificate", required_argument, NULL, CERTIFICATE },
        { "mtls-issuer", required_argument, NULL, ISSUER },
        { "mtls-subject", required_argument, NULL, SUBJECT },
        { "methods", required_argument, NULL, METHODS },
        { "binding", required_argument, NULL, BINDING },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int option;
    while ((option = command_option(self, argc, argv, options)) != -1) {
        *help_r = option == 'h';
        if (option == 'h') return COMMAND_FINE;
        if (option == '?') return COMMAND_USAGE;
        if (option == READS)
            command_complain(self, "note: --reads was renamed to --introspects and will be removed in a later version");
        const char *wrong = option == SUBJECT
                              ? take_subject(plan, text_of(optarg), optind < argc ? argv[optind++] : NULL)
                              : take_option(plan, option, optarg);
        if (wrong) return command_usage(self, "%s", wrong);
    }
    return COMMAND_FINE;
}

static int read_plan(const struct command *self, int argc, char **argv, struct client_plan *plan, bool *help_r)
{
    int status = read_options(self, argc, argv, plan, help_r);
    if (status != COMMAND_FINE || *help_r) return status;
    if (plan->generate ? optind != argc : optind != argc - 1)
        return command_usage(self, "one CLIENT_ID or --generate, not both; a secret is never an argument");
    const char *wrong = check_plan(plan);
    if (wrong) return command_usage(self, "%s", wrong);
    if (!plan->generate) plan->client_id = text_of(argv[optind]);
    if (!plan->generate && !credential_is_client_id(plan->client_id))
        return command_usage(self, "a CLIENT_ID has 1 to 128 printable ASCII characters");
    if (plan->key_source.path) status = public_key_take(self, &plan->key_source, &plan->key);
    if (status == COMMAND_FINE && plan->certificate_source.path)
        status = public_key_take(self, &plan->certificate_source, &plan->certificate);
    return status;
}

static int fail(const struct command *self)
{
    command_complain(self, "no random numbers: RAND_bytes failed");
    return COMMAND_TROUBLE;
}

static int print_with_secret(const struct command *self, const struct client_plan *plan)
{
    char secret_bytes[CREDENTIAL_BYTES], hash_bytes[CREDENTIAL_HASH_BYTES], label_bytes[CREDENTIAL_LABEL_BYTES];
    struct buffer secret = { secret_bytes, 0, sizeof secret_bytes, false };
    struct buffer hash = { hash_bytes, 0, sizeof hash_bytes, false };
    struct buffer label = { label_bytes, 0, sizeof label_bytes, false };
    bool failed = credential_new(&secret) || credential_put_hash(&hash, buffer_text(&secret), 0) ||
                  credential_put_label(&label, time(NULL));
    if (!failed) {
        struct credential credential = { plan->client_id, buffer_text(&label), buffer_text(&hash), 0 };
        client_plan_put(plan, &credential);
        credential_show(plan->client_id, buffer_text(&secret));
    }
    OPENSSL_cleanse(secret_bytes, sizeof secret_bytes);
    return failed ? fail(self) : COMMAND_FINE;
}

/* Prints what the client needs beside its secret. */
static void put_facts(const struct client_plan *plan)
{
    if (plan->generate) fprintf(stderr, "The client_id is %.*s\n", (int)plan->client_id.size, plan->client_id.data);
    if (plan->key_source.path) fprintf(stderr, "The kid of its key is %s\n", plan->key.kid);
}

static int print(const struct command *self, struct client_plan *plan)
{
    struct buffer id = { plan->id_bytes, 0, sizeof plan->id_bytes, false };
    if (plan->generate && credential_put_random(&id, TEXT("c-"), GENERATED_ID)) return fail(self);
    if (plan->generate) plan->client_id = buffer_text(&id);
    put_facts(plan);
    if (client_plan_has_secret(plan)) return print_with_secret(self, plan);
    client_plan_put(plan, NULL);
    return COMMAND_FINE;
}

static int run(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    (void)session;
    struct client_plan plan = { .description = TEXT(""),
                                .key_source.algorithm = JWS_NONE,
                                .certificate_source = { .form = PUBLIC_KEY_CERTIFICATE, .algorithm = JWS_NONE } };
    bool help = false;
    int status = read_plan(self, argc, argv, &plan, &help);
    return status != COMMAND_FINE || help ? status : print(self, &plan);
}

const struct command client_command = {
    "client",
    "create a client: prints a migration and shows the secret",
    "m2mctl client [OPTIONS] CLIENT_ID > NNNN_name.sql\n"
    "m2mctl client [OPTIONS] --generate > NNNN_name.sql\n"
    "\n"
    "Prints a migration for a new client; apply it with m2mctl migrate. Unless another credential is given, a secret\n"
    "is generated and shown once on standard error. Does not connect to the database.\n"
    "\n"
    "  --audience URI         an API that the client may request tokens for; may be repeated. The first one is the\n"
    "                         default of a request without resource\n"
    "  --scope \"WORD ...\"     the scopes of the client at that API\n"
    "  --default-scope \"...\"  the scopes granted to a request without scope; default: all of --scope\n"
    "  --introspects URI      an API whose tokens the client may introspect; may be repeated\n"
    "  --description TEXT     a description for people\n"
    "  --token-seconds N      lifetime of its tokens, 5 to 86400\n"
    "  --rate N[/BURST]       requests per minute, 1 to 1000000, and how many at once (default: N)\n"
    "  --binding WORD         tokens must be bound to a DPoP key (dpop), to the client's certificate (mtls), or to\n"
    "                         either (any)\n"
    "  --generate             generate the CLIENT_ID\n"
    "\n"
    "Client authentication; several of these may be given:\n"
    "  --pem FILE             private_key_jwt: FILE is the public key or a certificate in PEM\n"
    "  --jwk FILE             private_key_jwt: FILE is the public key as a JWK\n"
    "  --alg ALG, --kid KID   of that key. ALG: ES256, RS256, PS256 or EdDSA. Default: those of the JWK, or the\n"
    "                         default for the key (RS256 for RSA) and its thumbprint (RFC 7638)\n"
    "  --mtls-subject KIND VALUE  tls_client_auth: the certificate has this subject and is signed by an authority "
    "that\n"
    "                         the front server trusts; KIND is subject_dn, san_dns, san_uri, san_ip or san_email\n"
    "  --mtls-issuer NAME     the authority that must have signed the certificate: CN=Machines CA,O=Example, or "
    "keyid:\n"
    "                         and the hexadecimal id of its key; default: any that the front server trusts\n"
    "  --certificate FILE     self_signed_tls_client_auth: the certificate has the key of this one, with any issuer\n"
    "  --secret               a secret in addition\n"
    "  --no-secret            no secret; m2mctl secret, client-key or client-certificate adds a credential later\n"
    "  --methods LIST         the allowed methods, separated by commas, instead of those of the options above\n"
    "\n"
    "exit codes: 0 done; 1 no such key in FILE; 2 usage; 3 system trouble\n",
    run,
};
