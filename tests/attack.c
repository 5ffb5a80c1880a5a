#include "attack.h"

#include <stdio.h>
#include <time.h>

#include "../lib/base/base64url.h"

enum { TOKEN = 65536, CLAIMS = 14 };

static struct world world;
static struct response response;
static unsigned cases, serial;
static double slowest_ms;

/* A good one of its kind. */
struct model {
    const char *header, *type, *kid, *jwk;
    const char *claims[CLAIMS];         /* name and value in turn; value NULL: a jti */
    enum material material;
};

static const struct model assertion = {
    "{\"alg\":\"ES256\",\"kid\":\"k1\"}", "", "k1", "",
    { "iss", "\"svc\"", "sub", "\"svc\"", "aud", "\"" WORLD_ISSUER "\"", "exp", "1800000060", "jti", NULL },
        MATERIAL_other,
};
static const struct model access_token = {
    "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"es-1\"}", "\"typ\":\"at+jwt\",", "es-1", "",
    { "iss", "\"" WORLD_ISSUER "\"", "sub", "\"svc\"", "aud", "\"https://api.example\"", "exp", "1800000060", "jti",
        NULL }, MATERIAL_ec,
};

#define JWK "\"jwk\":{" ATTACK_EC "},"

/* The claims that other JWTs have mean nothing in a proof. */
static const struct model proof = {
    "{\"typ\":\"dpop+jwt\"," JWK "\"alg\":\"ES256\"}", "\"typ\":\"dpop+jwt\"," JWK, "k", JWK,
    { "iss", "\"x\"", "sub", "\"x\"", "aud", "\"x\"", "exp", "1800000060", "jti", NULL, "htm", "\"POST\"",
      "htu", "\"" WORLD_ISSUER "/token\"" }, MATERIAL_ec,
};

int attack_open(void)
{
    if (world_open(&world)) return -1;
    struct world_client *svc = world_client(&world, TEXT("svc")), *api = world_client(&world, TEXT("api"));
    const struct text audience = TEXT("https://api.example");
    world.failures_per_minute = UINT32_MAX;
    svc->client.methods = CLIENT_PRIVATE_KEY_JWT;
    return world_add_client_key(&world, svc, &(struct world_key){ .kid = TEXT("k1"), .material = MATERIAL_other }) ||
           world_add_client_key(&world, svc, &(struct world_key){ .kid = TEXT("r1"), .algorithm = JWS_RS256,
               .material = MATERIAL_rsa }) ||
           world_add_secret(&world, api, &(struct world_secret){ .label = TEXT("main"), .secret = TEXT("apikey") }) ||
           world_add_grant(&world, svc, &(struct client_grant){ audience, TEXT("read"), true, 0, JWS_NONE }) ||
           world_add_grant(&world, api, &(struct client_grant){ audience, TEXT("read"), true, 0, JWS_NONE }) ||
           world_add_reader(&world, api, audience) ? -1 : 0;
}

/* t with TYP, KID and JWK replaced. */
static void put_header(struct buffer *b, const char *t, const struct model *model)
{
    for (; *t; t++) {
        bool type = !strncmp(t, "TYP", 3), kid = !strncmp(t, "KID", 3), jwk = !strncmp(t, "JWK", 3);
        if (type || kid || jwk) buffer_put(b, text_of(type ? model->type : kid ? model->kid : model->jwk));
        else buffer_put_char(b, *t);
        if (type || kid || jwk) t += 2;
    }
}

static void put_claim(struct buffer *b, const char *name, const char *value)
{
    buffer_put_char(b, b->size == 0 ? '{' : ',');
    buffer_put_json(b, text_of(name));
    buffer_put_char(b, ':');
    buffer_put(b, text_of(value));
}

static void put_claims(struct buffer *b, const struct attack *attack, const struct model *model)
{
    char jti[32];
    (void)snprintf(jti, sizeof jti, "\"jti-%u\"", serial++);
    for (size_t i = 0; i < CLAIMS && model->claims[i]; i += 2) {
        bool changed = attack->name && !strcmp(attack->name, model->claims[i]);
        const char *value = changed ? attack->value : model->claims[i + 1] ? model->claims[i + 1] : jti;
        if (*value) put_claim(b, model->claims[i], value);
    }
    static const char *const dates[] = { "iat", "nbf" };
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        bool changed = attack->name && !strcmp(attack->name, dates[i]);
        if (!changed || *attack->value) put_claim(b, dates[i], changed ? attack->value : "1800000000");
    }
    put_claim(b, "client_id", "\"svc\"");
    put_claim(b, "cred", "\"k1\"");
    if (attack->more) buffer_put(b, text_of(attack->more));
    buffer_put_char(b, '}');
}

static int put_signature(struct buffer *b, struct text input, const struct attack *attack, const struct model *model)
{
    char bytes[JWS_SIGNATURE_BYTES];
    struct buffer signature = { bytes, 0, sizeof bytes, false };
    EVP_PKEY *key = material_open(model->material);
    EVP_PKEY_CTX *signer = key ? jws_signer(key, JWS_ES256) : NULL;
    int bad = signer ? jws_sign(signer, JWS_ES256, &world.hasher, input, &signature) : -1;
    EVP_PKEY_CTX_free(signer);
    EVP_PKEY_free(key);
    if (!bad && attack->spoil) attack->spoil(&signature);
    base64url_put(b, buffer_text(&signature));
    return bad;
}

static struct text make(const struct attack *attack, const struct model *model)
{
    static char json[TOKEN], parts[3][TOKEN], whole[TOKEN];
    struct buffer header = { parts[0], 0, TOKEN, false }, payload = { parts[1], 0, TOKEN, false },
                  signature = { parts[2], 0, TOKEN, false }, token = { whole, 0, TOKEN, false }, b = { json, 0, TOKEN,
                      false };
    put_header(&b, attack->header ? attack->header : model->header, model);
    base64url_put(&header, buffer_text(&b));
    b.size = 0;
    if (text_present(attack->claims)) buffer_put(&b, attack->claims);
    else put_claims(&b, attack, model);
    base64url_put(&payload, buffer_text(&b));
    buffer_put(&token, buffer_text(&header));
    buffer_put_char(&token, '.');
    buffer_put(&token, buffer_text(&payload));
    if (put_signature(&signature, buffer_text(&token), attack, model)) return (struct text){ NULL, 0 };
    token.size = 0;
    for (const char *c = attack->shape ? attack->shape : "H.P.S"; *c; c++) {
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

static struct text handle(const struct request *request)
{
    struct timespec start, end;
    world.seen_count = world.print_count = 0;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    struct text answer = world_handle(&world, request, &response);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    double ms = (double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) / 1e6;
    if (ms > slowest_ms) slowest_ms = ms;
    return answer;
}

static struct text post(const char *path, const char *form, struct text token)
{
    static char body[4 * TOKEN];
    struct buffer b = { body, 0, sizeof body, false };
    buffer_put(&b, text_of(form));
    put_encoded(&b, token);
    const struct request request = { .method = TEXT("POST"), .path = text_of(path), .body = buffer_text(&b),
                                     .content_type = TEXT("application/x-www-form-urlencoded") };
    return handle(&request);
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

static struct text bind(struct text token)
{
    return handle(&(struct request){ .method = TEXT("POST"), .path = TEXT("/oauth/token"), .dpop = token,
        .body = TEXT("grant_type=client_credentials&client_id=api&client_secret=apikey"),
        .content_type = TEXT("application/x-www-form-urlencoded") });
}

static bool holds(struct text answer, const char *what) { return memmem(answer.data, answer.size, what,
    strlen(what)) != NULL; }

/* By every door, whatever it is. */
static bool is_refused(struct text token)
{
    if (!text_present(token)) return false;
    return holds(prove(token),
        "{\"error\":\"invalid_client\",\"error_description\":\"client authentication failed\"}") &&
           response.status == 401 && holds(validate(token), "\r\n\r\n{\"active\":false}") && response.status == 200 &&
           holds(bind(token), "{\"error\":\"invalid_dpop_proof\",") && response.status == 400;
}


bool attack_refused(const struct attack *attack, unsigned doors, const char *what)
{
    cases++;
    bool good = (!(doors & ATTACK_ASSERTION) || is_refused(make(attack, &assertion))) &&
                (!(doors & ATTACK_TOKEN) || is_refused(make(attack, &access_token))) &&
                (!(doors & ATTACK_PROOF) || is_refused(make(attack, &proof)));
    if (!good) printf("# not refused: %s\n", what);
    return good;
}

bool attack_accepted(const struct attack *attack, unsigned doors)
{
    return (!(doors & ATTACK_ASSERTION) || holds(prove(make(attack, &assertion)), "\"access_token\"")) &&
           (!(doors & ATTACK_TOKEN) || holds(validate(make(attack, &access_token)), "{\"active\":true")) &&
           (!(doors & ATTACK_PROOF) || holds(bind(make(attack, &proof)), "\"token_type\":\"DPoP\""));
}

unsigned attack_cases(void) { return cases; }

double attack_slowest_ms(void) { return slowest_ms; }

void attack_close(void) { world_close(&world); }
