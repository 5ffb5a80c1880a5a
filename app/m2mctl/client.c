#include "client.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <time.h>

#include "../../lib/oauth/client.h"
#include "credential.h"
#include "literal.h"

enum { WORDS = CLIENT_GRANTS, READS = CLIENT_READS, URI_BYTES = 255, DESCRIPTION_BYTES = 255, GENERATED_ID = 20 };

/* One --audience with what followed it; words are views into the arguments. */
struct api {
    struct text audience, scope, default_scope;
};

struct wish {
    struct text client_id, description;
    char id_bytes[CLIENT_ID_BYTES];
    bool generate;
    size_t api_count, read_count;
    struct api apis[WORDS];
    struct text reads[READS];
    uint64_t token_seconds, rate;           /* 0: not given */
};

/* RFC 3986 4.3: a scheme and what follows it, without a fragment; spaces, quotes, < > \ ^ ` { | } stand for themselves
 * in no URI. */
static bool is_absolute_uri(struct text uri)
{
    size_t at = 0;
    while (at < uri.size && uri.data[at] != ':') {
        char c = uri.data[at++];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!letter && (at == 1 || !((c >= '0' && c <= '9') || c == '+' || c == '.' || c == '-'))) return false;
    }
    if (at == 0 || at + 1 >= uri.size || uri.size > URI_BYTES) return false;
    for (size_t i = at; i < uri.size; i++)
        if (uri.data[i] <= ' ' || uri.data[i] > '~' || strchr("\"#<>\\^`{|}", uri.data[i])) return false;
    return true;
}

/* RFC 6749 A.4, words with single spaces between them. */
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

static bool has_api(const struct wish *wish, struct text audience)
{
    for (size_t i = 0; i < wish->api_count; i++)
        if (text_equal(wish->apis[i].audience, audience)) return true;
    return false;
}

/* The options of an API; each NULL, or what is wrong. */
static const char *take_audience(struct wish *wish, struct text value)
{
    if (!is_absolute_uri(value))
        return "--audience takes an absolute URI without a fragment, as https://api.example.com/";
    if (wish->api_count == WORDS) return "too many --audience";
    if (has_api(wish, value)) return "an --audience is repeated; give all its scopes in one --scope";
    wish->apis[wish->api_count++] = (struct api){ .audience = value };
    return NULL;
}

static const char *take_scope(struct wish *wish, struct text value)
{
    if (!is_scope(value)) return "--scope takes words with single spaces between them, without quotes and backslashes";
    if (wish->api_count == 0) return "--scope belongs to an --audience: give that first";
    struct api *api = &wish->apis[wish->api_count - 1];
    if (text_present(api->scope)) return "--scope is repeated; give all words of an audience in one";
    api->scope = value;
    return NULL;
}

static const char *take_default_scope(struct wish *wish, struct text value)
{
    if (wish->api_count == 0 || !text_present(wish->apis[wish->api_count - 1].scope))
        return "--default-scope belongs to a --scope: give that first";
    struct api *api = &wish->apis[wish->api_count - 1];
    if (!is_scope(value) || !has_words(api->scope, value)) return "--default-scope takes words that stand in --scope";
    api->default_scope = value;
    return NULL;
}

static const char *take_reads(struct wish *wish, struct text value)
{
    if (!is_absolute_uri(value)) return "--reads takes the URI of an audience";
    if (wish->read_count == READS) return "too many --reads (at most 64)";
    wish->reads[wish->read_count++] = value;
    return NULL;
}

enum { DESCRIPTION = 1, AUDIENCE, SCOPE, DEFAULT_SCOPE, READ, TOKEN_SECONDS, RATE, GENERATE };

static const char *take_option(struct wish *wish, int option, struct text value)
{
    switch (option) {
    case AUDIENCE: return take_audience(wish, value);
    case SCOPE: return take_scope(wish, value);
    case DEFAULT_SCOPE: return take_default_scope(wish, value);
    case READ: return take_reads(wish, value);
    case GENERATE: wish->generate = true; return NULL;
    case DESCRIPTION:
        wish->description = value;
        return value.size > DESCRIPTION_BYTES ? "--description takes at most 255 bytes" : NULL;
    case TOKEN_SECONDS:
        if (text_number(value, 86400, &wish->token_seconds) == 0 && wish->token_seconds >= 30) return NULL;
        return "--token-seconds takes 30 to 86400";
    default:
        if (text_number(value, 1000000, &wish->rate) == 0 && wish->rate >= 1) return NULL;
        return "--rate takes 1 to 1000000 (requests per minute)";
    }
}

static int read_options(const struct command *self, int argc, char **argv, struct wish *wish, bool *help_r)
{
    static const struct option options[] = {
        { "description", required_argument, NULL, DESCRIPTION },     { "audience", required_argument, NULL, AUDIENCE },
        { "scope", required_argument, NULL, SCOPE },                 { "reads", required_argument, NULL, READ },
        { "default-scope", required_argument, NULL, DEFAULT_SCOPE }, { "rate", required_argument, NULL, RATE },
        { "token-seconds", required_argument, NULL, TOKEN_SECONDS }, { "generate", no_argument, NULL, GENERATE },
        { "help", no_argument, NULL, 'h' },                          { NULL, 0, NULL, 0 },
    };
    int option;
    while ((option = command_option(self, argc, argv, options)) != -1) {
        *help_r = option == 'h';
        if (option == 'h') return COMMAND_FINE;
        if (option == '?') return COMMAND_USAGE;
        const char *wrong = take_option(wish, option, text_of(optarg));
        if (wrong) return command_usage(self, "%s", wrong);
    }
    if (wish->generate ? optind != argc : optind != argc - 1)
        return command_usage(self, "one CLIENT_ID or --generate, not both; a secret is never an argument");
    if (wish->api_count == 0 && wish->read_count == 0)
        return command_usage(self, "a client needs an --audience to ask tokens for, or one that it --reads");
    if (!wish->generate) wish->client_id = text_of(argv[optind]);
    if (!wish->generate && !credential_is_client_id(wish->client_id))
        return command_usage(self, "a CLIENT_ID has 1 to 128 printable ASCII characters");
    return COMMAND_FINE;
}

static void put_audience(struct text audience)
{
    printf("INSERT IGNORE INTO audience (audience) VALUES (");
    literal_put(stdout, audience);
    printf(");\n");
}

static void put_scopes(const struct api *api)
{
    struct text rest = api->scope, word;
    while (text_split(&rest, ' ', &word)) {
        printf("INSERT IGNORE INTO audience_scope (audience, scope) VALUES (");
        literal_put(stdout, api->audience);
        printf(", ");
        literal_put(stdout, word);
        printf(");\n");
    }
}

static void put_grant(const struct wish *wish, const struct api *api, struct text word, bool is_default)
{
    printf("CALL client_allow(");
    literal_put(stdout, wish->client_id);
    printf(", ");
    literal_put(stdout, api->audience);
    printf(", ");
    literal_put(stdout, word);
    printf(", %d);\n", is_default);
}

static void put_grants(const struct wish *wish, const struct api *api)
{
    struct text rest = api->scope, word;
    if (!text_present(rest)) put_grant(wish, api, TEXT(""), true);
    while (text_split(&rest, ' ', &word))
        put_grant(wish, api, word, !text_present(api->default_scope) || has_word(api->default_scope, word));
}

static void put_number(const struct wish *wish, const char *column, uint64_t number)
{
    if (number == 0) return;
    printf("UPDATE client SET %s = %" PRIu64 " WHERE client_id = ", column, number);
    literal_put(stdout, wish->client_id);
    printf(";\n");
}

/* With several audiences one has to be the usual one. */
static void put_default_audience(const struct wish *wish)
{
    if (wish->api_count < 2) return;
    printf("UPDATE client SET default_audience = ");
    literal_put(stdout, wish->apis[0].audience);
    printf(" WHERE client_id = ");
    literal_put(stdout, wish->client_id);
    printf(";\n");
}

static void put_migration(const struct wish *wish, const struct credential *credential)
{
    printf("-- data\n-- client %.*s; the secret itself is not in here\n", (int)wish->client_id.size,
           wish->client_id.data);
    for (size_t i = 0; i < wish->api_count; i++) {
        put_audience(wish->apis[i].audience);
        put_scopes(&wish->apis[i]);
    }
    for (size_t i = 0; i < wish->read_count; i++)
        if (!has_api(wish, wish->reads[i])) put_audience(wish->reads[i]);
    printf("CALL client_create(");
    literal_put(stdout, wish->client_id);
    printf(", ");
    literal_put_text(stdout, wish->description);
    printf(");\n");
    put_number(wish, "token_seconds", wish->token_seconds);
    put_number(wish, "rate_per_minute", wish->rate);
    put_default_audience(wish);
    credential_put_call(stdout, credential);
    for (size_t i = 0; i < wish->api_count; i++) put_grants(wish, &wish->apis[i]);
    for (size_t i = 0; i < wish->read_count; i++) {
        printf("CALL client_may_read(");
        literal_put(stdout, wish->client_id);
        printf(", ");
        literal_put(stdout, wish->reads[i]);
        printf(");\n");
    }
}

static int print(const struct command *self, struct wish *wish)
{
    char secret_bytes[CREDENTIAL_BYTES], hash_bytes[CREDENTIAL_HASH_BYTES], label_bytes[CREDENTIAL_LABEL_BYTES];
    struct buffer secret = { secret_bytes, 0, sizeof secret_bytes, false };
    struct buffer hash = { hash_bytes, 0, sizeof hash_bytes, false };
    struct buffer label = { label_bytes, 0, sizeof label_bytes, false };
    struct buffer id = { wish->id_bytes, 0, sizeof wish->id_bytes, false };
    bool failed = wish->generate && credential_put_random(&id, TEXT("c-"), GENERATED_ID);
    if (wish->generate) wish->client_id = buffer_text(&id);
    failed = failed || credential_new(&secret) || credential_put_hash(&hash, buffer_text(&secret), 0) ||
             credential_put_label(&label, time(NULL));
    if (failed) {
        command_complain(self, "no random numbers are to be had");
    } else {
        struct credential credential = { wish->client_id, buffer_text(&label), buffer_text(&hash), 0 };
        put_migration(wish, &credential);
        credential_show(wish->client_id, buffer_text(&secret));
    }
    OPENSSL_cleanse(secret_bytes, sizeof secret_bytes);
    return failed ? COMMAND_TROUBLE : COMMAND_FINE;
}

static int run(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    (void)session;
    struct wish wish = { .description = TEXT("") };
    bool help = false;
    int status = read_options(self, argc, argv, &wish, &help);
    return status != COMMAND_FINE || help ? status : print(self, &wish);
}

const struct command client_command = {
    "client", "make a new client: a ready migration, and its secret",
    "m2mctl client [OPTIONS] CLIENT_ID > NNNN_name.sql\n"
    "m2mctl client [OPTIONS] --generate > NNNN_name.sql\n"
    "\n"
    "Prints a migration for a new client with a new secret; apply it with m2mctl migrate. The secret is shown\n"
    "once, on standard error. Asks no database.\n"
    "\n"
    "  --audience URI         an API that the client may ask tokens for; may be repeated, and the first one is\n"
    "                         what a request gets that names no resource\n"
    "  --scope \"WORD ...\"     what it may do there\n"
    "  --default-scope \"...\"  what a request without scope is given; without this option all of --scope\n"
    "  --reads URI            an API whose tokens the client may introspect; may be repeated\n"
    "  --description TEXT     for people\n"
    "  --token-seconds N      lifetime of its tokens, 30 to 86400\n"
    "  --rate N               requests per minute, 1 to 1000000\n"
    "  --generate             makes up the CLIENT_ID, too\n"
    "\n"
    "exit codes: 0 done; 2 usage; 3 system trouble\n",
    run,
};
