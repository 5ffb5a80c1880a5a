#include "token.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <time.h>
#include <unistd.h>

#include "../../lib/base/base64url.h"
#include "../../lib/jose/jwk.h"
#include "../../lib/jose/jwt.h"
#include "instant.h"

enum { ARENA_BYTES = 512 * 1024, VALUE_BYTES = JWS_BYTES * 6 };

struct question {
    const struct command *self;
    const char *jwks_path, *issuer; /* NULL: not given */
    bool signature_only;
    int64_t now;
    struct arena arena;
    struct text token;
    struct jws jws;
};

/* Descriptions of the members of tokens. A member with two descriptions is a time in the future or in the past. */
static const struct fact {
    const char *name, *meaning, *past;
} facts[] = {
    { "alg", "how it is signed", NULL },
    { "kid", "which key of the issuer signed it", NULL },
    { "typ", "what kind of token it is", NULL },
    { "iss", "who issued it", NULL },
    { "sub", "whom it represents", NULL },
    { "aud", "the API it is for", NULL },
    { "client_id", "the client that asked for it", NULL },
    { "scope", "what it allows", NULL },
    { "iat", "will be issued", "issued" },
    { "nbf", "begins", "began" },
    { "exp", "ends", "ended" },
    { "jti", "its own name, for revocation", NULL },
    { "cred", "the secret or key that it was asked for with", NULL },
    { "cnf", "the key that it is bound to", NULL },
};

/* A value is untrusted: it must not control the terminal. */
static void put_value(const struct member *member, struct arena *arena)
{
    struct text value = member->value;
    struct buffer b = { arena_take(arena, VALUE_BYTES), 0, VALUE_BYTES, false };
    if (!b.data) return;
    if (member->kind == STRICT_JSON_STRING && strict_json_string(member, arena, &value) == 0) {
        buffer_put_json(&b, value);
    } else {
        for (size_t i = 0; i < value.size; i++)
            buffer_put_char(&b, value.data[i] > ' ' && value.data[i] < 0x7f ? value.data[i] : ' ');
    }
    printf("%.*s", (int)b.size, b.data);
}

static void put_fact(const struct fact *fact, const struct member *member, int64_t now)
{
    char when[INSTANT_BYTES], distance[INSTANT_BYTES];
    int64_t seconds;
    if (!fact->past) {
        printf("    %s", fact->meaning);
    } else if (strict_json_date(member, &seconds) == 0) {
        instant_format(seconds, when);
        instant_format_distance(seconds, now, distance);
        printf("    %s %s, %s", seconds > now ? fact->meaning : fact->past, when, distance);
    } else {
        printf("    (not a time)");
    }
}

static void put_object(const struct strict_json *object, struct question *question)
{
    for (size_t i = 0; i < object->count; i++) {
        const struct member *member = &object->members[i];
        size_t mark = question->arena.used;
        printf("  %-10.*s ", (int)member->name.size, member->name.data);
        put_value(member, &question->arena);
        for (size_t f = 0; f < sizeof facts / sizeof *facts; f++)
            if (text_equal(member->name, text_of(facts[f].name))) put_fact(&facts[f], member, question->now);
        putchar('\n');
        OPENSSL_cleanse(question->arena.block + mark, question->arena.used - mark);
        question->arena.used = mark;
    }
}

/* Returns NULL, or why the part cannot be shown. */
static const char *explain_part(struct question *question, struct text part)
{
    struct strict_json object;
    struct buffer json = { arena_take(&question->arena, JWS_BYTES), 0, JWS_BYTES, false };
    if (!json.data || base64url_decode(part, &json)) return "is not base64url without padding";
    if (strict_json_read(buffer_text(&json), &object))
        return "is not a JSON object (RFC 8259) with unique names and of limited size";
    put_object(&object, question);
    return NULL;
}

static int explain(struct question *question)
{
    printf("header\n");
    const char *wrong = explain_part(question, question->jws.header);
    if (wrong) {
        command_complain(question->self, "the header %s", wrong);
        return COMMAND_NO;
    }
    printf("claims\n");
    wrong = explain_part(question, question->jws.payload);
    if (wrong) {
        command_complain(question->self, "the payload %s", wrong);
        return COMMAND_NO;
    }
    return COMMAND_FINE;
}

/* The search for a key. Every key whose kid matches (or is absent) and that suits alg is tried. */
struct search {
    struct question *question;
    struct jwt_header header;
    struct secret_hasher hasher;
    size_t tried, refused;
    bool verified, failed;
};

static bool is_candidate(const struct search *search, const struct jwk *jwk)
{
    struct text kid = text_of(jwk->kid);
    if (text_present(search->header.kid) && kid.size > 0 && !text_equal(kid, search->header.kid)) return false;
    if (jwk->algorithm != JWS_NONE) return jwk->algorithm == search->header.algorithm;
    return jwk_suits(jwk->key, search->header.algorithm);
}

static int take_key(void *context, struct jwk *jwk, const char *refused)
{
    struct search *search = context;
    if (refused) {
        search->refused++;
        command_complain(search->question->self, "note: a key of the set is not used: %s", refused);
        return 0;
    }
    if (!search->verified && is_candidate(search, jwk)) {
        enum answer verified = jws_verify(jwk->key, search->header.algorithm, &search->hasher, &search->question->jws);
        search->tried++;
        search->verified = verified == ANSWER_YES;
        search->failed = search->failed || verified == ANSWER_CANNOT_SAY;
    }
    jwk_close(jwk);
    return 0;
}

/* Returns NULL, or why the signature is not valid. */
static const char *check_signature(struct question *question, struct text jwks)
{
    struct search search = { .question = question };
    const char *refused = jwt_header_read(question->jws.header, &question->arena, &search.header);
    if (refused) return refused;
    if (secret_hasher_open(&search.hasher)) return "the cryptographic library failed";
    int unread = jwk_read_set(jwks, take_key, &search);
    secret_hasher_close(&search.hasher);
    if (unread) return "the file of keys is not a JWK Set";
    if (search.verified) return NULL;
    if (search.failed) return "the cryptographic library failed";
    return search.tried ? "the signature is not that of the key" : "no key of the set has its kid and suits its alg";
}

/* Returns NULL, or why the claims are not valid. */
static const char *check_claims(struct question *question)
{
    struct jwt_claims claims;
    const char *refused = jwt_claims_read(question->jws.payload, &question->arena, &claims);
    if (refused) return refused;
    if (claims.expires_at < 0) return "it has no exp";
    if (claims.expires_at <= question->now) return "it has expired (exp)";
    if (claims.not_before > question->now) return "it is not valid yet (nbf)";
    if (question->issuer && !text_equal(claims.issuer, text_of(question->issuer))) return "its iss is another issuer";
    return NULL;
}

static int read_all(int fd, struct buffer *b)
{
    while (b->size < b->capacity) {
        ssize_t size = read(fd, b->data + b->size, b->capacity - b->size);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return (int)size;
        b->size += (size_t)size;
    }
    b->full = true;
    return 0;
}

static int read_jwks(struct question *question, struct text *jwks_r)
{
    struct buffer b = { arena_take(&question->arena, STRICT_JSON_BYTES + 1), 0, STRICT_JSON_BYTES + 1, false };
    FILE *file = b.data ? fopen(question->jwks_path, "r") : NULL;
    int failed = file ? read_all(fileno(file), &b) : -1;
    if (failed) command_complain(question->self, "%s: %s", question->jwks_path, strerror(errno));
    if (file) fclose(file);
    if (b.full) command_complain(question->self, "%s: larger than %d bytes", question->jwks_path, STRICT_JSON_BYTES);
    *jwks_r = buffer_text(&b);
    return failed || b.full ? -1 : 0;
}

/* With --signature-only the payload may be anything, so it is neither parsed nor shown, and the reason goes to
 * standard error, where scripts that run test vectors expect it. */
static int verify(struct question *question)
{
    struct text jwks;
    if (read_jwks(question, &jwks)) return COMMAND_TROUBLE;
    const char *why = check_signature(question, jwks);
    if (!why && !question->signature_only) why = check_claims(question);
    if (why && question->signature_only) command_complain(question->self, "not valid: %s", why);
    else if (why) printf("not valid: %s\n", why);
    else printf("valid\n");
    return why ? COMMAND_NO : COMMAND_FINE;
}

/* Reads one token from standard input, without surrounding white space. */
static int read_token(struct question *question)
{
    struct buffer b = { arena_take(&question->arena, JWS_BYTES + 2), 0, JWS_BYTES + 2, false };
    if (!b.data || read_all(STDIN_FILENO, &b)) {
        command_complain(question->self, "standard input cannot be read");
        return COMMAND_TROUBLE;
    }
    while (b.size > 0 && strchr(" \t\r\n", b.data[b.size - 1])) b.size--;
    question->token = text_trim(buffer_text(&b));
    int unsplit = question->signature_only ? jws_split_any(question->token, &question->jws)
                                           : jws_split(question->token, &question->jws);
    if (!unsplit) return COMMAND_FINE;
    command_complain(question->self,
                     "not a signed token: three base64url parts with dots between them, at most %d bytes", JWS_BYTES);
    return COMMAND_NO;
}

static int answer(struct question *question)
{
    int status = read_token(question);
    if (status != COMMAND_FINE) return status;
    if (question->jwks_path) status = verify(question);
    if (status == COMMAND_TROUBLE || question->signature_only) return status;
    int explained = explain(question);
    if (!question->jwks_path) printf("The signature was not checked; use --jwks FILE.\n");
    return status == COMMAND_FINE ? explained : status;
}

static int run(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    enum { JWKS = 1, ISSUER, SIGNATURE_ONLY };
    static const struct option options[] = {
        { "jwks", required_argument, NULL, JWKS },
        { "issuer", required_argument, NULL, ISSUER },
        { "signature-only", no_argument, NULL, SIGNATURE_ONLY },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct question question = { .self = self, .now = time(NULL) };
    int option;
    (void)session;
    while ((option = command_option(self, argc, argv, options)) != -1) {
        if (option == 'h') return COMMAND_FINE;
        if (option == '?') return COMMAND_USAGE;
        if (option == JWKS) question.jwks_path = optarg;
        else if (option == ISSUER) question.issuer = optarg;
        else question.signature_only = true;
    }
    if (optind != argc) return command_usage(self, "a token is never an argument; it comes on standard input");
    if (question.issuer && !question.jwks_path) return command_usage(self, "--issuer is checked together with --jwks");
    if (question.signature_only && (!question.jwks_path || question.issuer))
        return command_usage(self, "--signature-only takes --jwks and nothing else");
    if (arena_open(&question.arena, ARENA_BYTES)) {
        command_complain(self, "no memory");
        return COMMAND_TROUBLE;
    }
    int status = answer(&question);
    arena_close(&question.arena);
    return status;
}

const struct command token_command = {
    "token",
    "explain a token, or verify it with a JWK Set",
    "m2mctl token [--jwks FILE [--issuer URL | --signature-only]] < token\n"
    "\n"
    "Reads a token (JWT) from standard input and explains its header and claims. Connects neither to the database\n"
    "nor to a server, so it does not know revocations; POST /validate does.\n"
    "\n"
    "  --jwks FILE    verify the signature with a key of this JWK Set (or single JWK), and the times exp and nbf;\n"
    "                 the first line of the output is `valid`, or `not valid:` and the reason\n"
    "  --issuer URL   require this iss\n"
    "  --signature-only\n"
    "                 verify the signature of any compact JWS (RFC 7515) without parsing or showing the payload;\n"
    "                 prints `valid`, or on standard error `not valid:` and the reason\n"
    "\n"
    "exit codes: 0 explained, or valid; 1 no token, or not valid; 2 usage; 3 a file cannot be read\n",
    run,
};
