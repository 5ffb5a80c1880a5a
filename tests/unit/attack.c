/* The attack corpus: the last of each family is good and accepted, so that a refusal means something. */
#include "../attack.h"

#include "../check.h"

enum { TOKEN = 65536, CASE_MS = 250 };   /* of CPU time, on a slow machine with sanitizers */

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define X10(a) a a a a a a a a a a

static bool control(void) { return attack_accepted(&(struct attack){ .header = NULL }, ATTACK_ALL); }

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
        CHECK(attack_refused(&(struct attack){ .header = header }, ATTACK_ALL, header));
    }
    for (const char *const *alg = LIST("null", "1", "true", "[\"ES256\"]", "{\"alg\":\"ES256\"}",
             "ES256"); *alg; alg++) {
        char header[256];
        (void)snprintf(header, sizeof header, "{TYP\"alg\":%s,\"kid\":\"KID\"}", *alg);
        CHECK(attack_refused(&(struct attack){ .header = header }, ATTACK_ALL, header));
    }
    CHECK(attack_refused(&(struct attack){ .header = "{TYP\"alg\":\"none\"}", .shape = "H.P." }, ATTACK_ALL,
        "none and no signature"));
    CHECK(attack_refused(&(struct attack){ .header = "{TYP\"alg\":\"RS256\",\"kid\":\"r1\"}" }, ATTACK_ALL,
        "the key of another algorithm"));
    CHECK(attack_refused(&(struct attack){ .header = "{TYP\"alg\":\"ES256\",\"kid\":\"r1\"}" }, ATTACK_NAMED,
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
        CHECK(attack_refused(&(struct attack){ .header = header }, ATTACK_NAMED, header));
    }
    for (const char *const *kid = LIST("null", "1", "[\"k1\"]", "{\"kid\":\"k1\"}", "true"); *kid; kid++) {
        char header[256];
        (void)snprintf(header, sizeof header, "{TYP\"alg\":\"ES256\",\"kid\":%s}", *kid);
        CHECK(attack_refused(&(struct attack){ .header = header }, ATTACK_ALL, header));
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
        CHECK(attack_refused(&(struct attack){ .header = header }, ATTACK_ALL, header));
    }
    CHECK(control());
}

static void types_of_other_things(void)
{
    for (const char *const *type = LIST("\"token-introspection+jwt\"", "\"logout+jwt\"",
             "\"secevent+jwt\"", "\"statuslist+jwt\"",
             "\"entity-statement+jwt\"", "\"JOSE\"", "\"JOSE+JSON\"", "\"JWE\"", "\"\"", "\" JWT\"", "\"at+jwt \"",
             "\"at+jwt\\u0000\"",
             "null", "1", "[\"JWT\"]", "{}"); *type; type++) {
        char header[512];
        (void)snprintf(header, sizeof header, "{JWK\"typ\":%s,\"alg\":\"ES256\",\"kid\":\"KID\"}", *type);
        CHECK(attack_refused(&(struct attack){ .header = header }, ATTACK_ALL, header));
    }
    CHECK(attack_refused(&(struct attack){ .header = "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"kid\":\"KID\"}" }, ATTACK_NAMED, "dpop+jwt"));
    CHECK(attack_refused(&(struct attack){ .header = "{JWK\"typ\":\"at+jwt\",\"alg\":\"ES256\"}" }, ATTACK_PROOF, "at+jwt"));
    CHECK(attack_refused(&(struct attack){ .header = "{JWK\"typ\":\"JWT\",\"alg\":\"ES256\"}" }, ATTACK_PROOF, "JWT"));
    CHECK(attack_refused(&(struct attack){ .header = "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"k1\"}" }, ATTACK_ASSERTION, "at+jwt"));
    CHECK(attack_refused(&(struct attack){ .header = "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"kid\":\"es-1\"}" }, ATTACK_TOKEN, "JWT"));
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
        CHECK(attack_refused(&(struct attack){ .header = *header }, ATTACK_ALL, *header));
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
        CHECK(attack_refused(&(struct attack){ .more = *more }, ATTACK_ALL, *more));
    for (const char *const *all = LIST("{}", "[]", "null", "1", "\"x\"", "{", " ", "{\"iss\"}",
             "[{\"iss\":\"svc\"}]"); *all; all++)
        CHECK(attack_refused(&(struct attack){ .claims = text_of(*all) }, ATTACK_ALL, *all));
    CHECK(attack_refused(&(struct attack){ .claims = { "\0", 1 } }, ATTACK_ALL, "NUL"));
    CHECK(attack_accepted(&(struct attack){ .more = ",\"x\":[[[1]]],\"y\":\"\xc3\xa4\\u00e4\"" }, ATTACK_ALL));
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
    CHECK(attack_refused(&(struct attack){ .more = many }, ATTACK_ALL, "40 members"));
    CHECK(attack_refused(&(struct attack){ .more = large }, ATTACK_ALL, "7 kB"));
    CHECK(control());
}

static void times_that_are_no_times(void)
{
    for (const char *const *value = LIST("", "null", "true", "\"1800000060\"", "\"\"", "[1800000060]", "{}", "-1",
             "-1800000060", "0", "1",
             "1799999999", "1800000000", "9007199254740993", "18446744073709551616", "1e999", "-1e999", "1e400",
             "01800000060", "0x6b49d23c",
             "1800000060.", "1_800_000_060", "Infinity", "NaN"); *value; value++)
        CHECK(attack_refused(&(struct attack){ .name = "exp", .value = *value }, ATTACK_NAMED, *value));
    for (const char *const *value = LIST("1800000301", "1800086400", "1800000060000",
             "9007199254740991"); *value; value++)
        CHECK(attack_refused(&(struct attack){ .name = "exp", .value = *value }, ATTACK_ASSERTION, *value));
    for (const char *const *name = LIST("iat", "nbf"); *name; name++)
        for (const char *const *value = LIST("null", "true", "\"1800000000\"", "[1800000000]", "-1", "1e999",
             "01800000000", "NaN"); *value; value++)
            CHECK(attack_refused(&(struct attack){ .name = *name, .value = *value }, ATTACK_ALL, *value));
    CHECK(attack_refused(&(struct attack){ .name = "nbf", .value = "1800000061" }, ATTACK_NAMED, "nbf ahead"));
    CHECK(attack_refused(&(struct attack){ .name = "iat", .value = "1800000061" }, ATTACK_ASSERTION | ATTACK_PROOF, "iat ahead"));
    CHECK(attack_refused(&(struct attack){ .name = "iat", .value = "1799999699" }, ATTACK_ASSERTION | ATTACK_PROOF, "iat long ago"));
    CHECK(attack_accepted(&(struct attack){ .name = "exp", .value = "1800000060.75" }, ATTACK_ALL));
}

static void names_of_others(void)
{
    for (const char *const *value = LIST("", "null", "\"\"", "1", "[\"svc\"]", "{}", "\"SVC\"", "\"svc \"",
             "\"svc\\u0000\"", "\"svc\\u0000x\"", "\"sv\"",
             "\"svcx\"", "\"two\"", "\"https://as.example/oauth/\"", "\"https://as.example\"",
             "\"HTTPS://as.example/oauth\"",
             "\"https://as.example/oauth\\u0000\""); *value; value++)
        CHECK(attack_refused(&(struct attack){ .name = "iss", .value = *value }, ATTACK_NAMED, *value));
    for (const char *const *value = LIST("", "null", "\"\"", "1", "[\"svc\"]", "\"SVC\"", "\"svc\\u0000\"", "\"two\"",
             "\"' OR 1=1--\""); *value; value++)
        CHECK(attack_refused(&(struct attack){ .name = "sub", .value = *value }, ATTACK_ASSERTION, *value));
    for (const char *const *value = LIST("", "null", "\"\"", "1", "[]", "{}", "[1]", "[[\"" WORLD_ISSUER "\"]]",
             "\"" WORLD_ISSUER "/\"",
             "\"" WORLD_ISSUER " \"", "\"" WORLD_ISSUER "\\u0000\"", "\"https://else.example\"", "\"*\"",
             "\"" WORLD_ISSUER "/token\"",
             "[\"" WORLD_ISSUER "\",\"https://else.example\"]"); *value; value++)
        CHECK(attack_refused(&(struct attack){ .name = "aud", .value = *value }, ATTACK_NAMED, *value));
    CHECK(attack_accepted(&(struct attack){ .name = "aud", .value = "[\"" WORLD_ISSUER "\"]" }, ATTACK_ASSERTION));
    for (const char *const *value = LIST("", "null", "\"\"", "1", "[\"a\"]", "{}"); *value; value++)
        CHECK(attack_refused(&(struct attack){ .name = "jti", .value = *value }, ATTACK_ALL, *value));
    CHECK(control());
}

static void requests_of_others(void)
{
    for (const char *const *value = LIST("", "null", "\"\"", "1", "[\"POST\"]", "\"post\"", "\"GET\"", "\"POST \"",
             "\"POST\\u0000\""); *value; value++)
        CHECK(attack_refused(&(struct attack){ .name = "htm", .value = *value }, ATTACK_PROOF, *value));
    for (const char *const *value = LIST("", "null", "\"\"", "1", "[\"" WORLD_ISSUER "/token\"]", "\"" WORLD_ISSUER "\"",
             "\"" WORLD_ISSUER "/token/\"", "\"" WORLD_ISSUER "/TOKEN\"", "\"" WORLD_ISSUER "/tokenx\"", "\"/oauth/token\"",
             "\"" WORLD_ISSUER "/x/../token\"", "\"" WORLD_ISSUER "//token\"", "\"" WORLD_ISSUER "%2ftoken\"",
             "\"http://as.example/oauth/token\"", "\"https://as.example:444/oauth/token\"", "\"https://as.example.evil/oauth/token\"",
             "\"https://x@as.example/oauth/token\"", "\"https://as.example\\u0000.evil/oauth/token\"",
             "\"" WORLD_ISSUER "/token\\u0000\"", "\"" WORLD_ISSUER "/token;x\"", "\" " WORLD_ISSUER "/token\""); *value; value++)
        CHECK(attack_refused(&(struct attack){ .name = "htu", .value = *value }, ATTACK_PROOF, *value));
    CHECK(control());
}

/* A proof is signed by the key that it brings: it has to be one, public, and of the algorithm. */
static void keys_that_are_none(void)
{
    for (const char *const *jwk = LIST("null", "1", "\"x\"", "[]", "{}", "{\"kty\":\"EC\"}", "{\"kty\":\"oct\",\"k\":\"AAAA\"}",
             "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
             "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
             "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\",\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}",
             "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
             "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"); *jwk; jwk++) {
        char header[512];
        (void)snprintf(header, sizeof header, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":%s}", *jwk);
        CHECK(attack_refused(&(struct attack){ .header = header }, ATTACK_PROOF, header));
    }
    for (const char *const *more = LIST("\"d\":\"AA\"", "\"use\":\"enc\"", "\"alg\":\"RS256\"", "\"alg\":\"ECDH-ES\"", "\"key_ops\":[\"sign\"]",
             "\"kty\":\"EC\"", "\"k\":\"AA\""); *more; more++) {
        char header[512];
        (void)snprintf(header, sizeof header, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{%s,%s}}", *more, ATTACK_EC);
        CHECK(attack_refused(&(struct attack){ .header = header }, ATTACK_PROOF, header));
    }
    CHECK(attack_accepted(&(struct attack){ .header = "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{\"use\":\"sig\",\"alg\":\"ES256\"," ATTACK_EC "}}" }, ATTACK_PROOF));
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
        CHECK(attack_refused(&(struct attack){ .spoil = spoils[i] }, ATTACK_ALL, "signature"));
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
        CHECK(attack_refused(&(struct attack){ .shape = *shape }, ATTACK_ALL, *shape));
    CHECK(control());
}

static void there_are_enough_and_none_is_slow(void)
{
    printf("# %u cases, the slowest %.2f ms\n", attack_cases(), attack_slowest_ms());
    CHECK(attack_cases() >= 200 && attack_slowest_ms() < CASE_MS);
}

int main(void)
{
    if (attack_open()) return EXIT_FAILURE;
    RUN(headers_that_choose_an_algorithm);
    RUN(headers_that_choose_a_key);
    RUN(headers_that_bring_a_key_or_a_demand);
    RUN(types_of_other_things);
    RUN(headers_that_are_no_json);
    RUN(claims_that_are_no_json);
    RUN(more_than_fits);
    RUN(times_that_are_no_times);
    RUN(names_of_others);
    RUN(requests_of_others);
    RUN(keys_that_are_none);
    RUN(signatures_that_are_none);
    RUN(shapes_that_are_no_jws);
    RUN(there_are_enough_and_none_is_slow);
    attack_close();
    return CHECK_EXIT();
}
