/* JWTs as attackers write them, against both doors that read one: client_assertion and /validate. Each case is
 * refused by both with the one answer that there is; the last of each family is good and accepted, so that a refusal
 * means something.
 *
 * A case is made of a good assertion and of a good access token, each signed with its right key after the change, so
 * that the change alone is at fault. Some are of an assertion only: of a token that we sign they would be true.
 * In headers TYP and KID stand for what the door's good header has. */
#include <time.h>

#include "../../lib/base/base64url.h"
#include "../check.h"
#include "../world.h"

enum { TOKEN = 65536, CASE_MS = 5 };

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define X10(a) a a a a a a a a a a

static struct world world;
static struct response response;
static unsigned cases, serial;
static double slowest_ms;

/* A good one of its kind. */
struct model {
    const char *header, *type, *kid;
    const char *claims[10];             /* name and value in turn */
    enum material material;
};

static const struct model assertion = {
    "{\"alg\":\"ES256\",\"kid\":\"k1\"}", "", "k1",
    { "iss", "\"svc\"", "sub", "\"svc\"", "aud", "\"" WORLD_ISSUER "\"", "exp", "1800000060", "jti", NULL },
        MATERIAL_other,
};
static const struct model access_token = {
    "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"es-1\"}", "\"typ\":\"at+jwt\",", "es-1",
    { "iss", "\"" WORLD_ISSUER "\"", "sub", "\"svc\"", "aud", "\"https://api.example\"", "exp", "1800000060", "jti",
        NULL }, MATERIAL_ec,
};

/* What is changed; the rest is the model's. */
struct change {
    const char *header;                 /* instead of the whole header */
    struct text claims;                 /* instead of all claims */
    const char *name, *value;           /* instead of one claim; value "": without it */
    const char *more;                   /* behind the claims, within the braces */
    const char *shape;                  /* how the parts H, P, S are put together */
    void (*spoil)(struct buffer *signature);
};

static bool furnish(void)
{
    if (world_open(&world)) return false;
    struct world_client *svc = world_client(&world, TEXT("svc")), *api = world_client(&world, TEXT("api"));
    const struct text audience = TEXT("https://api.example");
    world.failures_per_minute = UINT32_MAX;
    svc->client.methods = CLIENT_PRIVATE_KEY_JWT;
    return !world_add_client_key(&world, svc, &(struct world_key){ .kid = TEXT("k1"), .material = MATERIAL_other }) &&
           !world_add_client_key(&world, svc, &(struct world_key){ .kid = TEXT("r1"), .algorithm = JWS_RS256,
               .material = MATERIAL_rsa }) &&
           !world_add_secret(&world, api, &(struct world_secret){ .label = TEXT("main"), .secret = TEXT("apikey") }) &&
           !world_add_grant(&world, svc, &(struct client_grant){ audience, TEXT("read"), true, 0, -1 }) &&
           !world_add_reader(&world, api, audience);
}

/* t with TYP and KID replaced. */
static void put_header(struct buffer *b, const char *t, const struct model *model)
{
    for (; *t; t++) {
        bool type = !strncmp(t, "TYP", 3), kid = !strncmp(t, "KID", 3);
        if (type || kid) buffer_put(b, text_of(type ? model->type : model->kid));
        else buffer_put_char(b, *t);
        if (type || kid) t += 2;
    }
}

static void put_claim(struct buffer *b, const char *name, const char *value)
{
    buffer_put_char(b, b->size == 0 ? '{' : ',');
    buffer_put_json(b, text_of(name));
    buffer_put_char(b, ':');
    buffer_put(b, text_of(value));
}

static void put_claims(struct buffer *b, const struct change *change, const struct model *model)
{
    char jti[32];
    (void)snprintf(jti, sizeof jti, "\"jti-%u\"", serial++);
    for (size_t i = 0; i < 10; i += 2) {
        bool changed = change->name && !strcmp(change->name, model->claims[i]);
        const char *value = changed ? change->value : model->claims[i + 1] ? model->claims[i + 1] : jti;
        if (*value) put_claim(b, model->claims[i], value);
    }
    for (const char *const *name = LIST("iat", "nbf"); *name; name++) {
        bool changed = change->name && !strcmp(change->name, *name);
        if (!changed || *change->value) put_claim(b, *name, changed ? change->value : "1800000000");
    }
    put_claim(b, "client_id", "\"svc\"");
    put_claim(b, "cred", "\"k1\"");
    if (change->more) buffer_put(b, text_of(change->more));
    buffer_put_char(b, '}');
}

static int put_signature(struct buffer *b, struct text input, const struct change *change, const struct model *model)
{
    char bytes[JWS_SIGNATURE_BYTES];
    struct buffer signature = { bytes, 0, sizeof bytes, false };
    EVP_PKEY *key = material_open(model->material);
    EVP_PKEY_CTX *signer = key ? jws_signer(key, JWS_ES256) : NULL;
    int bad = signer ? jws_sign(signer, JWS_ES256, &world.hasher, input, &signature) : -1;
    EVP_PKEY_CTX_free(signer);
    EVP_PKEY_free(key);
    if (!bad && change->spoil) change->spoil(&signature);
    base64url_put(b, buffer_text(&signature));
    return bad;
}

static struct text make(const struct change *change, const struct model *model)
{
    static char json[TOKEN], parts[3][TOKEN], whole[TOKEN];
    struct buffer header = { parts[0], 0, TOKEN, false }, payload = { parts[1], 0, TOKEN, false },
                  signature = { parts[2], 0, TOKEN, false }, token = { whole, 0, TOKEN, false }, b = { json, 0, TOKEN,
                      false };
    put_header(&b, change->header ? change->header : model->header, model);
    base64url_put(&header, buffer_text(&b));
    b.size = 0;
    if (text_present(change->claims)) buffer_put(&b, change->claims);
    else put_claims(&b, change, model);
    base64url_put(&payload, buffer_text(&b));
    buffer_put(&token, buffer_text(&header));
    buffer_put_char(&token, '.');
    buffer_put(&token, buffer_text(&payload));
    if (put_signature(&signature, buffer_text(&token), change, model)) return (struct text){ NULL, 0 };
    token.size = 0;
    for (const char *c = change->shape ? change->shape : "H.P.S"; *c; c++) {
        const struct buffer *part = *c == 'H' ? &header : *c == 'P' ? &payload : *c == 'S' ? &signature : NULL;
        if (part) buffer_put(&token, buffer_text(part));
        else buffer_put_char(&token, *c);
    }
    return token.full ? (struct text){ NULL, 0 } : buffer_text(&token);
}

static void put_encoded(struct buffer *b, struct text t)
{
    for (size_t i = 0; i < t.size; i++) {
        char hex[4];
        (void)snprintf(hex, sizeof hex, "%%%02x", (unsigned char)t.data[i]);
        bool plain = (t.data[i] >= '0' && t.data[i] <= '9') || (t.data[i] >= 'A' && t.data[i] <= 'z');
        buffer_put(b, plain ? text_slice(t, i, 1) : text_of(hex));
    }
}

static struct text post(const char *path, const char *form, struct text token)
{
    static char body[4 * TOKEN];
    struct buffer b = { body, 0, sizeof body, false };
    struct timespec start, end;
    buffer_put(&b, text_of(form));
    put_encoded(&b, token);
    const struct request request = { .method = TEXT("POST"), .path = text_of(path), .body = buffer_text(&b),
                                     .content_type = TEXT("application/x-www-form-urlencoded") };
    world.seen_count = world.print_count = 0;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    struct text answer = world_handle(&world, &request, &response);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    double ms = (double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) / 1e6;
    if (ms > slowest_ms) slowest_ms = ms;
    return answer;
}

static struct text prove(struct text token)
{
    return post("/oauth/token", "grant_type=client_credentials&client_assertion_type="
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion=", token);
}

static struct text validate(struct text token)
{
    return post("/oauth/validate", "client_id=api&client_secret=apikey&token=", token);
}

static bool holds(struct text answer, const char *what) { return memmem(answer.data, answer.size, what,
    strlen(what)) != NULL; }

static bool is_refused(struct text token)
{
    if (!text_present(token)) return false;
    return holds(prove(token),
        "{\"error\":\"invalid_client\",\"error_description\":\"client authentication failed\"}") &&
           response.status == 401 && holds(validate(token), "\r\n\r\n{\"active\":false}") && response.status == 200;
}

/* The case against both doors, of an assertion and of an access token. */
static bool refused(const struct change *change, bool of_assertion_only, const char *what)
{
    cases++;
    bool good = is_refused(make(change, &assertion)) && (of_assertion_only || is_refused(make(change, &access_token)));
    if (!good) printf("# not refused: %s\n", what);
    return good;
}

static bool accepted(const struct change *change)
{
    return holds(prove(make(change, &assertion)), "\"access_token\"") &&
           holds(validate(make(change, &access_token)), "{\"active\":true");
}

static bool control(void) { return accepted(&(struct change){ .header = NULL }); }

static void headers_that_choose_an_algorithm(void)
{
    for (const char *const *alg = LIST("none", "None", "NONE", "nOnE", "", " ", "es256", "Es256", "ES256 ", " ES256",
             "ES256\\u0000",
             "ES256,none", "ES384", "ES512", "ES256K", "EdDSA", "Ed25519", "RS256", "RS384", "RS512", "RS1", "PS256",
             "PS384", "HS256",
             "HS384", "HS512", "A256KW", "dir", "RSA-OAEP", "RSA1_5", "ECDH-ES", "PBES2-HS256+A128KW",
             "ML-DSA-44"); *alg; alg++) {
        char header[256];
        (void)snprintf(header, sizeof header, "{TYP\"alg\":\"%s\",\"kid\":\"KID\"}", *alg);
        CHECK(refused(&(struct change){ .header = header }, false, header));
    }
    for (const char *const *alg = LIST("null", "1", "true", "[\"ES256\"]", "{\"alg\":\"ES256\"}",
             "ES256"); *alg; alg++) {
        char header[256];
        (void)snprintf(header, sizeof header, "{TYP\"alg\":%s,\"kid\":\"KID\"}", *alg);
        CHECK(refused(&(struct change){ .header = header }, false, header));
    }
    CHECK(refused(&(struct change){ .header = "{TYP\"alg\":\"none\"}", .shape = "H.P." }, false,
        "none and no signature"));
    CHECK(refused(&(struct change){ .header = "{TYP\"alg\":\"RS256\",\"kid\":\"r1\"}" }, false,
        "the key of another algorithm"));
    CHECK(refused(&(struct change){ .header = "{TYP\"alg\":\"ES256\",\"kid\":\"r1\"}" }, false,
        "an algorithm of another key"));
    CHECK(control());
}

static void headers_that_choose_a_key(void)
{
    for (const char *const *kid = LIST("", "k2", "K1", "ES-1", "k1 ", " k1", "k1\\u0000", "k1\\n", "k1,es-1", "k*",
             "k_", "%", "' OR 1=1--",
             "\\\" OR 1=1--", "k1'; DROP TABLE client;--", "../../dev/null", "/etc/passwd", "file:///dev/null",
             "https://x.example/k1",
             "k1|id", "$(id)", "${jndi:ldap://x}", "\\u006b2", "k1\\u00ad", X10(X10("k"))); *kid; kid++) {
        char header[512];
        (void)snprintf(header, sizeof header, "{TYP\"alg\":\"ES256\",\"kid\":\"%s\"}", *kid);
        CHECK(refused(&(struct change){ .header = header }, false, header));
    }
    for (const char *const *kid = LIST("null", "1", "[\"k1\"]", "{\"kid\":\"k1\"}", "true"); *kid; kid++) {
        char header[256];
        (void)snprintf(header, sizeof header, "{TYP\"alg\":\"ES256\",\"kid\":%s}", *kid);
        CHECK(refused(&(struct change){ .header = header }, false, header));
    }
    CHECK(control());
}

static void headers_that_bring_a_key_or_a_demand(void)
{
    for (const char *const *member = LIST("\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
             "\"jwk\":null", "\"jwk\":{}",
             "\"jku\":\"https://x.example/jwks.json\"", "\"jku\":\"" WORLD_ISSUER "/jwks.json\"",
             "\"x5u\":\"https://x.example/\"",
             "\"x5u\":\"\"", "\"x5c\":[\"MIIB\"]", "\"x5c\":[]", "\"crit\":[]", "\"crit\":[\"exp\"]",
             "\"crit\":[\"b64\"],\"b64\":true",
             "\"crit\":[\"b64\"],\"b64\":false", "\"crit\":\"exp\"", "\"crit\":null", "\"b64\":false", "\"b64\":true",
             "\"zip\":\"DEF\"",
             "\"enc\":\"A256GCM\"", "\"p2c\":2147483647,\"p2s\":\"AA\",\"enc\":\"A128CBC-HS256\""); *member; member++) {
        char header[512];
        (void)snprintf(header, sizeof header, "{TYP\"alg\":\"ES256\",\"kid\":\"KID\",%s}", *member);
        CHECK(refused(&(struct change){ .header = header }, false, header));
    }
    CHECK(control());
}

static void types_of_other_things(void)
{
    for (const char *const *type = LIST("\"dpop+jwt\"", "\"token-introspection+jwt\"", "\"logout+jwt\"",
             "\"secevent+jwt\"", "\"statuslist+jwt\"",
             "\"entity-statement+jwt\"", "\"JOSE\"", "\"JOSE+JSON\"", "\"JWE\"", "\"\"", "\" JWT\"", "\"at+jwt \"",
             "\"at+jwt\\u0000\"",
             "null", "1", "[\"JWT\"]", "{}"); *type; type++) {
        char header[256];
        (void)snprintf(header, sizeof header, "{\"typ\":%s,\"alg\":\"ES256\",\"kid\":\"KID\"}", *type);
        CHECK(refused(&(struct change){ .header = header }, false, header));
    }
    CHECK(is_refused(make(&(struct change){ .header = "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"k1\"}" },
        &assertion)));
    CHECK(is_refused(make(&(struct change){ .header = "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"kid\":\"es-1\"}" },
        &access_token)));
    CHECK(control());
}

static void headers_that_are_no_json(void)
{
    for (const char *const *header = LIST("{TYP\"alg\":\"ES256\",\"alg\":\"ES256\",\"kid\":\"KID\"}",
             "{TYP\"alg\":\"none\",\"alg\":\"ES256\",\"kid\":\"KID\"}",
             "{TYP\"alg\":\"ES256\",\"kid\":\"x\",\"kid\":\"KID\"}",
             "{TYP\"alg\":\"ES256\",\"\\u0061lg\":\"none\",\"kid\":\"KID\"}",
             "{TYP\"\\u0061lg\":\"ES256\",\"kid\":\"KID\"}", "{TYP\"ALG\":\"ES256\",\"kid\":\"KID\"}",
             "{TYP\"kid\":\"KID\"}", "{}", "[]", "null",
             "\"ES256\"", "1", "{", "}", "{TYP\"alg\":\"ES256\",\"kid\":\"KID\"",
             "{TYP\"alg\":\"ES256\",\"kid\":\"KID\"}}",
             "{TYP\"alg\":\"ES256\",\"kid\":\"KID\"} x", "{TYP\"alg\":\"ES256\",\"kid\":\"KID\",}",
             "{TYP'alg':'ES256','kid':'KID'}",
             "{TYPalg:\"ES256\",\"kid\":\"KID\"}", "{TYP\"alg\":\"ES256\",/**/\"kid\":\"KID\"}",
             "\xef\xbb\xbf{TYP\"alg\":\"ES256\",\"kid\":\"KID\"}",
             "{TYP\"alg\":\"ES256\",\"kid\":\"KID\",\"x\":NaN}", "{TYP\"alg\":\"ES256\",\"kid\":\"KID\",\"x\":01}",
             "{TYP\"alg\":\"ES256\",\"kid\":\"KID\",\"x\":\"\t\"}",
             "{TYP\"alg\":\"ES256\",\"kid\":\"KID\",\"x\":\"\\x\"}"); *header; header++)
        CHECK(refused(&(struct change){ .header = *header }, false, *header));
    CHECK(control());
}

static void claims_that_are_no_json(void)
{
    for (const char *const *more = LIST(",\"iss\":\"svc\"", ",\"aud\":\"x\"", ",\"exp\":1800000060",
             ",\"\\u0065xp\":1900000000", ",", ",\"x\":NaN",
             ",\"x\":01", ",\"x\":+1", ",\"x\":.5", ",\"x\":1.", ",\"x\":1e", ",\"x\":tru", ",\"x\":'y'", ",x:1",
             ",\"x\"", ",\"x\":", ",\"x\":\"\x01\"",
             ",\"x\":\"\\ud800\"", ",\"x\":\"\\udc00\\ud800\"", ",\"x\":\"\\u0000\"", ",\"x\":\"\\u00g0\"",
             ",\"x\":\"\xc0\xaf\"",
             ",\"x\":\"\xe0\x80\xaf\"", ",\"x\":\"\xed\xa0\x80\"", ",\"x\":\"\xf4\x90\x80\x80\"",
             ",\"x\":\"\xf8\x88\x80\x80\x80\"",
             ",\"x\":\"\xc3\"", ",\"x\":\"\x80\"", ",\"x\":\"\xff\"", ",\"x\":[1,]", ",\"x\":{\"y\":1,\"y\":2}",
             ",\"x\":[", "}", "/**/",
             ",\"x\":[[[[[[[[[[1]]]]]]]]]]",
             ",\"x\":{\"x\":{\"x\":{\"x\":{\"x\":{\"x\":{\"x\":{\"x\":{\"x\":1}}}}}}}}}"); *more; more++)
        CHECK(refused(&(struct change){ .more = *more }, false, *more));
    for (const char *const *all = LIST("{}", "[]", "null", "1", "\"x\"", "{", " ", "{\"iss\"}",
             "[{\"iss\":\"svc\"}]"); *all; all++)
        CHECK(refused(&(struct change){ .claims = text_of(*all) }, false, *all));
    CHECK(refused(&(struct change){ .claims = { "\0", 1 } }, false, "NUL"));
    CHECK(accepted(&(struct change){ .more = ",\"x\":[[[1]]],\"y\":\"\xc3\xa4\\u00e4\"" }));
}

static void more_than_fits(void)
{
    static char many[TOKEN], large[TOKEN];
    struct buffer b = { many, 0, sizeof many - 1, false }, c = { large, 0, sizeof large - 1, false };
    for (unsigned i = 0; i < 40; i++) {
        char member[32];
        (void)snprintf(member, sizeof member, ",\"m%u\":%u", i, i);
        buffer_put(&b, text_of(member));
    }
    buffer_put(&c, TEXT(",\"x\":\""));
    while (c.size < 7000) buffer_put_char(&c, 'x');
    buffer_put_char(&c, '"');
    CHECK(refused(&(struct change){ .more = many }, false, "40 members"));
    CHECK(refused(&(struct change){ .more = large }, false, "7 kB"));
    CHECK(control());
}

static void times_that_are_no_times(void)
{
    for (const char *const *value = LIST("", "null", "true", "\"1800000060\"", "\"\"", "[1800000060]", "{}", "-1",
             "-1800000060", "0", "1",
             "1799999999", "1800000000", "9007199254740993", "18446744073709551616", "1e999", "-1e999", "1e400",
             "01800000060", "0x6b49d23c",
             "1800000060.", "1_800_000_060", "Infinity", "NaN"); *value; value++)
        CHECK(refused(&(struct change){ .name = "exp", .value = *value }, false, *value));
    for (const char *const *value = LIST("1800000301", "1800086400", "1800000060000",
             "9007199254740991"); *value; value++)
        CHECK(refused(&(struct change){ .name = "exp", .value = *value }, true, *value));
    for (const char *const *name = LIST("iat", "nbf"); *name; name++)
        for (const char *const *value = LIST("null", "true", "\"1800000000\"", "[1800000000]", "-1", "1e999",
             "01800000000", "NaN"); *value; value++)
            CHECK(refused(&(struct change){ .name = *name, .value = *value }, false, *value));
    CHECK(refused(&(struct change){ .name = "nbf", .value = "1800000061" }, false, "nbf ahead"));
    CHECK(refused(&(struct change){ .name = "iat", .value = "1800000061" }, true, "iat ahead"));
    CHECK(refused(&(struct change){ .name = "iat", .value = "1799999699" }, true, "iat long ago"));
    CHECK(accepted(&(struct change){ .name = "exp", .value = "1800000060.75" }));
}

static void names_of_others(void)
{
    for (const char *const *value = LIST("", "null", "\"\"", "1", "[\"svc\"]", "{}", "\"SVC\"", "\"svc \"",
             "\"svc\\u0000\"", "\"svc\\u0000x\"", "\"sv\"",
             "\"svcx\"", "\"two\"", "\"https://as.example/oauth/\"", "\"https://as.example\"",
             "\"HTTPS://as.example/oauth\"",
             "\"https://as.example/oauth\\u0000\""); *value; value++)
        CHECK(refused(&(struct change){ .name = "iss", .value = *value }, false, *value));
    for (const char *const *value = LIST("", "null", "\"\"", "1", "[\"svc\"]", "\"SVC\"", "\"svc\\u0000\"", "\"two\"",
             "\"' OR 1=1--\""); *value; value++)
        CHECK(refused(&(struct change){ .name = "sub", .value = *value }, true, *value));
    for (const char *const *value = LIST("", "null", "\"\"", "1", "[]", "{}", "[1]", "[[\"" WORLD_ISSUER "\"]]",
             "\"" WORLD_ISSUER "/\"",
             "\"" WORLD_ISSUER " \"", "\"" WORLD_ISSUER "\\u0000\"", "\"https://else.example\"", "\"*\"",
             "\"" WORLD_ISSUER "/token\"",
             "[\"" WORLD_ISSUER "\"]", "[\"" WORLD_ISSUER "\",\"https://else.example\"]"); *value; value++)
        CHECK(refused(&(struct change){ .name = "aud", .value = *value }, false, *value));
    for (const char *const *value = LIST("", "null", "\"\"", "1", "[\"a\"]", "{}"); *value; value++)
        CHECK(refused(&(struct change){ .name = "jti", .value = *value }, false, *value));
    CHECK(control());
}

static void spoil_zero(struct buffer *s) { memset(s->data, 0, s->size); }
static void spoil_r(struct buffer *s) { memset(s->data, 0, 32); }
static void spoil_s(struct buffer *s) { memset(s->data + 32, 0, 32); }
static void spoil_ones(struct buffer *s) { memset(s->data, 0xff, s->size); }
static void spoil_short(struct buffer *s) { s->size--; }
static void spoil_half(struct buffer *s) { s->size = 32; }
static void spoil_long(struct buffer *s) { buffer_put_char(s, '\0'); }
static void spoil_bit(struct buffer *s) { s->data[63] = (char)(s->data[63] ^ 1); }

static void spoil_swap(struct buffer *s)
{
    char r[32];
    memcpy(r, s->data, 32);
    memmove(s->data, s->data + 32, 32);
    memcpy(s->data + 32, r, 32);
}

/* DER with both numbers of 33 bytes, the first of them zero: as good as any to a lenient reader. */
static void spoil_der(struct buffer *s)
{
    char raw[64];
    memcpy(raw, s->data, sizeof raw);
    s->size = 0;
    buffer_put(s, (struct text){ "\x30\x46\x02\x21\0", 5 });
    buffer_put(s, (struct text){ raw, 32 });
    buffer_put(s, (struct text){ "\x02\x21\0", 3 });
    buffer_put(s, (struct text){ raw + 32, 32 });
}

static void signatures_that_are_none(void)
{
    void (*const spoils[])(struct buffer *) = { spoil_zero, spoil_r, spoil_s, spoil_ones, spoil_short, spoil_half,
        spoil_long,
                                                spoil_bit, spoil_swap, spoil_der };
    for (size_t i = 0; i < sizeof spoils / sizeof *spoils; i++)
        CHECK(refused(&(struct change){ .spoil = spoils[i] }, false, "signature"));
    CHECK(control());
}

static void shapes_that_are_no_jws(void)
{
    for (const char *const *shape = LIST(".", "..", "...", "H", "H.P", "H.P.", "H..S", ".P.S", "P.H.S", "H.P.S.",
             ".H.P.S", "H.P.S.S", "H.P.S.S.S",
             "H.P..S", "H.P.S=", "H.P.S==", "H=.P.S", "H.P=.S", "H.P.S\n", "\nH.P.S", " H.P.S", "H.P.S ", "H .P.S",
             "H.P. S", "H. P.S", "H.P.S+",
             "H.P.S/", "H+.P.S", "H.P/.S", "H,P,S", "H.P.SA", "H.P.SSSS", "HH.P.S", "H.PP.S", "{}",
             "{\"payload\":\"P\"}", "[H.P.S]", "\"H.P.S\"",
             "Bearer H.P.S", "H.P.S,H.P.S", "H.P.S;x", "H%2EP%2ES", "H\t.P.S", "H.P.S\x7f"); *shape; shape++)
        CHECK(refused(&(struct change){ .shape = *shape }, false, *shape));
    CHECK(control());
}

static void there_are_enough_and_none_is_slow(void)
{
    printf("# %u cases, the slowest %.2f ms\n", cases, slowest_ms);
    CHECK(cases >= 200 && slowest_ms < CASE_MS);
}

int main(void)
{
    if (!furnish()) return EXIT_FAILURE;
    RUN(headers_that_choose_an_algorithm);
    RUN(headers_that_choose_a_key);
    RUN(headers_that_bring_a_key_or_a_demand);
    RUN(types_of_other_things);
    RUN(headers_that_are_no_json);
    RUN(claims_that_are_no_json);
    RUN(more_than_fits);
    RUN(times_that_are_no_times);
    RUN(names_of_others);
    RUN(signatures_that_are_none);
    RUN(shapes_that_are_no_jws);
    RUN(there_are_enough_and_none_is_slow);
    world_close(&world);
    return CHECK_EXIT();
}
