/* The library fails: at each call of it, once. What could not be verified is neither good nor bad: 503, and nothing is
 * remembered as verified, used or revoked. */
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "../../lib/base/base64url.h"
#include "../check.h"
#include "../world.h"

/* Called by the code under test, and replaced by the linker (Makefile.am): name, what a failure is. */
#define CALL_LIST(X) \
    X(EVP_PKEY_verify_init, -1) \
    X(EVP_DigestVerifyInit, -1) \
    X(EVP_MAC_init, 0) \
    X(EVP_MAC_update, 0) \
    X(EVP_MAC_final, 0) \
    X(PKCS5_PBKDF2_HMAC, 0) \
    X(SHA256_Init, 0) \
    X(SHA256_Update, 0) \
    X(SHA256_Final, 0) \
    X(HMAC, NULL) \
    X(EVP_PKEY_verify, -1) \
    X(EVP_DigestVerify, -1)

enum call {
#define CALL_NAME(name, failure) CALL_##name,
    CALL_LIST(CALL_NAME)
#undef CALL_NAME
    CALLS,
    CALLS_THAT_JUDGE = CALL_EVP_PKEY_verify     /* from here on a failure cannot be told from a bad signature: refused */
};

static const char *const call_names[] = {
#define CALL_TEXT(name, failure) #name,
    CALL_LIST(CALL_TEXT)
#undef CALL_TEXT
};

static struct world world;
static struct response response;

/* Which call fails, when it is made for the left-th time; 0: none does. */
static struct {
    enum call call;
    unsigned left;
    bool failed;
    unsigned verified_puts;             /* when it failed */
    size_t seen_count;
} trap;

static bool fails(enum call call)
{
    if (trap.left == 0 || trap.call != call || --trap.left > 0) return false;
    trap.failed = true;
    trap.verified_puts = world.verified_puts;
    trap.seen_count = world.seen_count;
    return true;
}

#define WRAP(type, failure, name, parameters, arguments) \
    type __real_##name parameters; \
    type __wrap_##name parameters; \
    type __wrap_##name parameters { return fails(CALL_##name) ? failure : __real_##name arguments; }

WRAP(int, -1, EVP_PKEY_verify_init, (EVP_PKEY_CTX *c), (c))
WRAP(int, -1, EVP_DigestVerifyInit, (EVP_MD_CTX *c, EVP_PKEY_CTX **p, const EVP_MD *m, ENGINE *e, EVP_PKEY *k), (c, p, m, e, k))
WRAP(int, 0, EVP_MAC_init, (EVP_MAC_CTX *c, const unsigned char *k, size_t n, const OSSL_PARAM *p), (c, k, n, p))
WRAP(int, 0, EVP_MAC_update, (EVP_MAC_CTX *c, const unsigned char *d, size_t n), (c, d, n))
WRAP(int, 0, EVP_MAC_final, (EVP_MAC_CTX *c, unsigned char *o, size_t *s, size_t n), (c, o, s, n))
WRAP(int, 0, PKCS5_PBKDF2_HMAC, (const char *p, int n, const unsigned char *s, int m, int i, const EVP_MD *d, int k,
     unsigned char *o), (p, n, s, m, i, d, k, o))
WRAP(int, 0, SHA256_Init, (SHA256_CTX *c), (c))
WRAP(int, 0, SHA256_Update, (SHA256_CTX *c, const void *d, size_t n), (c, d, n))
WRAP(int, 0, SHA256_Final, (unsigned char *o, SHA256_CTX *c), (o, c))
WRAP(unsigned char *, NULL, HMAC, (const EVP_MD *m, const void *k, int n, const unsigned char *d, size_t s, unsigned char *o,
     unsigned *z), (m, k, n, d, s, o, z))
WRAP(int, -1, EVP_PKEY_verify, (EVP_PKEY_CTX *c, const unsigned char *s, size_t n, const unsigned char *d, size_t m),
     (c, s, n, d, m))
WRAP(int, -1, EVP_DigestVerify, (EVP_MD_CTX *c, const unsigned char *s, size_t n, const unsigned char *d, size_t m),
     (c, s, n, d, m))

#define API "https://api.example/orders"
#define TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define EC_JWK "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define ED_JWK "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
#define TOKEN_HEADER(alg, kid) "{\"typ\":\"at+jwt\",\"alg\":\"" alg "\",\"kid\":\"" kid "\"}"
#define TOKEN_CLAIMS(more) "{\"iss\":\"" WORLD_ISSUER "\",\"sub\":\"svc\",\"aud\":\"" API "\",\"client_id\":\"svc\"," \
    "\"iat\":1800000000,\"exp\":1800000300,\"jti\":\"j\",\"cred\":\"main\"" more "}"
#define ASSERTION_CLAIMS "{\"iss\":\"svc\",\"sub\":\"svc\",\"aud\":\"" WORLD_ISSUER "\",\"exp\":1800000060,\"jti\":\"a\"}"
#define PROOF_CLAIMS(method, url, more) "{\"htm\":\"" method "\",\"htu\":\"" url "\",\"iat\":1800000000,\"jti\":\"p\"" more "}"
#define BOUND ",\"cnf\":{\"jkt\":\"oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U\"}"

/* ALG of what is signed, header, claims; spoilt: the signature is another's. */
struct signed_text {
    enum jws_algorithm algorithm;
    const char *header, *claims;
};

enum kind { BY_SECRET, BY_ASSERTION, BY_PROOF, VALIDATE, CHECK_IT, CHECK_BOUND, REVOKE };

/* A request, and what it is proved by. */
static const struct deed {
    const char *name;
    enum kind kind;
    struct signed_text by;
    const char *secret;                 /* of BY_SECRET: the right one */
} deeds[] = {
    { "a generated secret", BY_SECRET, { JWS_ES256, NULL, NULL }, "s3cret" },
    { "a slow secret", BY_SECRET, { JWS_ES256, NULL, NULL }, "password" },
    { "an assertion, ES256", BY_ASSERTION, { JWS_ES256, "{\"alg\":\"ES256\"}", ASSERTION_CLAIMS }, NULL },
    { "an assertion, RS256", BY_ASSERTION, { JWS_RS256, "{\"alg\":\"RS256\"}", ASSERTION_CLAIMS }, NULL },
    { "an assertion, EdDSA", BY_ASSERTION, { JWS_EdDSA, "{\"alg\":\"EdDSA\"}", ASSERTION_CLAIMS }, NULL },
    { "a proof, ES256", BY_PROOF, { JWS_ES256, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":" EC_JWK "}",
        PROOF_CLAIMS("POST", WORLD_ISSUER "/token", ",\"nonce\":\"NONCE\"") }, NULL },
    { "a proof, EdDSA", BY_PROOF, { JWS_EdDSA, "{\"typ\":\"dpop+jwt\",\"alg\":\"EdDSA\",\"jwk\":" ED_JWK "}",
        PROOF_CLAIMS("POST", WORLD_ISSUER "/token", ",\"nonce\":\"NONCE\"") }, NULL },
    { "a token at /validate, ES256", VALIDATE, { JWS_ES256, TOKEN_HEADER("ES256", WORLD_KID), TOKEN_CLAIMS("") }, NULL },
    { "a token at /validate, EdDSA", VALIDATE, { JWS_EdDSA, TOKEN_HEADER("EdDSA", "ed-1"), TOKEN_CLAIMS("") }, NULL },
    { "a token at /validate, HS256", VALIDATE, { JWS_HS256, TOKEN_HEADER("HS256", "hs-1"), TOKEN_CLAIMS("") }, NULL },
    { "a token at the check, ES256", CHECK_IT, { JWS_ES256, TOKEN_HEADER("ES256", WORLD_KID), TOKEN_CLAIMS("") }, NULL },
    { "a token at the check, HS256", CHECK_IT, { JWS_HS256, TOKEN_HEADER("HS256", "hs-1"), TOKEN_CLAIMS("") }, NULL },
    { "a bound token at the check", CHECK_BOUND, { JWS_ES256, TOKEN_HEADER("ES256", WORLD_KID), TOKEN_CLAIMS(BOUND) }, NULL },
    { "a token at /revoke, RS256", REVOKE, { JWS_RS256, TOKEN_HEADER("RS256", "rs-1"), TOKEN_CLAIMS("") }, NULL },
};

enum { DEEDS = sizeof deeds / sizeof *deeds, TEXT_BYTES = 4096 };

static bool furnish(bool with_slow)
{
    static const struct keyring_times always = { WORLD_START - 86400, WORLD_START - 86400, 0, 0 };
    static const struct world_secret fast = { .label = TEXT("main"), .secret = TEXT("s3cret") };
    static const struct world_secret slow = { .label = TEXT("slow"), .secret = TEXT("password"), .rounds = 10000 };
    static const struct client_grant grant = { TEXT(API), TEXT("read"), true, 0, JWS_NONE };
    static const enum jws_algorithm algorithms[] = { JWS_ES256, JWS_RS256, JWS_EdDSA };
    if (world_reset(&world)) return false;
    world.issuer.dpop_nonce = true;
    struct world_client *svc = world_client(&world, TEXT("svc"));
    svc->client.methods |= CLIENT_PRIVATE_KEY_JWT;
    int bad = world_add_secret(&world, svc, &fast) || (with_slow && world_add_secret(&world, svc, &slow)) ||
              world_add_grant(&world, svc, &grant) || world_add_reader(&world, svc, TEXT(API)) ||
              world_add_key(&world, TEXT("ed-1"), JWS_EdDSA, MATERIAL_ed, &always) ||
              world_add_key(&world, TEXT("rs-1"), JWS_RS256, MATERIAL_rsa, &always) ||
              world_add_key(&world, TEXT("hs-1"), JWS_HS256, MATERIAL_secret, &always);
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        const struct world_key key = { .kid = text_slice(TEXT("123"), i, 1), .algorithm = algorithms[i],
                                       .material = material_for(algorithms[i]) };
        bad |= world_add_client_key(&world, svc, &key);
    }
    return !bad;
}

static int put_hmac(struct text input, struct buffer *signature)
{
    unsigned char secret[JWS_MAC_KEY_LEAST];
    size_t size = sizeof secret;
    EVP_PKEY *key = material_open(MATERIAL_secret);
    int read = key && EVP_PKEY_get_raw_private_key(key, secret, &size) == 1;
    EVP_MAC_CTX *mac = read ? jws_mac((struct text){ (const char *)secret, size }) : NULL;
    int bad = mac ? jws_mac_sign(mac, input, signature) : -1;
    EVP_MAC_CTX_free(mac);
    EVP_PKEY_free(key);
    return bad;
}

static int put_signature(enum jws_algorithm algorithm, struct text input, struct buffer *signature)
{
    if (algorithm == JWS_HS256) return put_hmac(input, signature);
    EVP_PKEY *key = material_open(material_for(algorithm));
    EVP_PKEY_CTX *signer = key ? jws_signer(key, algorithm) : NULL;
    int bad = signer ? jws_sign(signer, algorithm, &world.hasher, input, signature) : -1;
    EVP_PKEY_CTX_free(signer);
    EVP_PKEY_free(key);
    return bad;
}

/* The JWS, kept by the world; spoilt: one bit of its signature is another. Absent: it cannot be made. */
static struct text sign(const struct signed_text *text, bool spoilt)
{
    char bytes[TEXT_BYTES], raw[JWS_SIGNATURE_BYTES];
    struct buffer b = { bytes, 0, sizeof bytes, false }, signature = { raw, 0, sizeof raw, false };
    base64url_put(&b, text_of(text->header));
    buffer_put_char(&b, '.');
    base64url_put(&b, text_of(text->claims));
    if (put_signature(text->algorithm, buffer_text(&b), &signature)) return (struct text){ NULL, 0 };
    if (spoilt) raw[20] = (char)(raw[20] ^ 1);
    buffer_put_char(&b, '.');
    base64url_put(&b, buffer_text(&signature));
    return b.full ? (struct text){ NULL, 0 } : world_keep(&world, buffer_text(&b));
}

/* Replaces NONCE and ATH, which have to be made anew. */
static const char *fill(const char *claims, const char *word, struct text value)
{
    static char bytes[2][TEXT_BYTES];
    static unsigned turn;
    const char *at = strstr(claims, word);
    char *to = bytes[turn++ % 2];
    if (!at) return claims;
    (void)snprintf(to, TEXT_BYTES, "%.*s%.*s%s", (int)(at - claims), claims, (int)value.size, value.data, at + strlen(word));
    return to;
}

/* A nonce as the server offers it. */
static struct text get_nonce(void)
{
    const struct request request = {
        .method = TEXT("POST"), .path = TEXT("/oauth/token"), .content_type = TEXT("application/x-www-form-urlencoded"),
        .dpop = sign(&(struct signed_text){ JWS_ES256, deeds[5].by.header, PROOF_CLAIMS("POST", WORLD_ISSUER "/token", "") }, false),
        .body = TEXT("grant_type=client_credentials&client_id=svc&client_secret=s3cret") };
    (void)world_handle(&world, &request, &response);
    return world_keep(&world, text_of(response.nonce));
}

static struct text digest_of(struct text t)
{
    unsigned char digest[SECRET_DIGEST];
    char bytes[BASE64URL_SIZE(SECRET_DIGEST)];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    if (secret_digest(&world.hasher, &t, 1, digest)) return (struct text){ NULL, 0 };
    base64url_put(&b, (struct text){ (const char *)digest, sizeof digest });
    return world_keep(&world, buffer_text(&b));
}

static struct text join(const char *before, struct text t)
{
    char bytes[TEXT_BYTES];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    buffer_put(&b, text_of(before));
    buffer_put(&b, t);
    return world_keep(&world, buffer_text(&b));
}

static void ask_for_token(const struct deed *deed, bool spoilt, struct request *request)
{
    struct signed_text by = deed->by;
    request->path = TEXT("/oauth/token");
    if (deed->kind == BY_SECRET) {
        request->body = join("grant_type=client_credentials&client_id=svc&client_secret=",
                             spoilt ? TEXT("wrong") : text_of(deed->secret));
    } else if (deed->kind == BY_ASSERTION) {
        request->body = join("grant_type=client_credentials&client_assertion_type=" TYPE "&client_assertion=",
                             sign(&by, spoilt));
    } else {
        by.claims = fill(by.claims, "NONCE", get_nonce());
        request->dpop = sign(&by, spoilt);
        request->body = TEXT("grant_type=client_credentials&client_id=svc&client_secret=s3cret");
    }
}

static void check(const struct deed *deed, bool spoilt, struct request *request)
{
    struct text token = sign(&deed->by, spoilt && deed->kind != CHECK_BOUND);
    bool bound = deed->kind == CHECK_BOUND;
    request->method = TEXT("GET");
    request->kind = REQUEST_SUBREQUEST;
    request->check = (struct request_check){ .audience = TEXT(API), .target = TEXT("/7"), .origin = TEXT("https://api.example") };
    request->authorization = join(bound ? "DPoP " : "Bearer ", token);
    if (!bound) return;
    struct signed_text proof = { JWS_ES256, deeds[5].by.header,
                                 PROOF_CLAIMS("GET", "https://api.example/7", ",\"nonce\":\"NONCE\",\"ath\":\"ATH\"") };
    proof.claims = fill(fill(proof.claims, "NONCE", get_nonce()), "ATH", digest_of(token));
    request->dpop = sign(&proof, spoilt);
}

/* Sends it into a new world, in which one call fails; the answer's status. Whether it does what it asks for: *done_r. */
static int send(const struct deed *deed, bool spoilt, enum call call, unsigned nth, bool *done_r)
{
    struct request request = { .method = TEXT("POST"), .content_type = TEXT("application/x-www-form-urlencoded") };
    if (!furnish(deed->kind == BY_SECRET && strcmp(deed->secret, "s3cret") != 0)) exit(2);
    if (deed->kind <= BY_PROOF) ask_for_token(deed, spoilt, &request);
    else if (deed->kind == CHECK_IT || deed->kind == CHECK_BOUND) check(deed, spoilt, &request);
    else request.body = join("client_id=svc&client_secret=s3cret&token=", sign(&deed->by, spoilt));
    if (deed->kind == VALIDATE) request.path = TEXT("/oauth/validate");
    if (deed->kind == REVOKE) request.path = TEXT("/oauth/revoke");
    if (world_forget(&world)) exit(2);
    world.seen_count = world.print_count = world.verified_puts = 0;
    trap.call = call;
    trap.left = nth;
    trap.failed = false;
    struct text answer = world_handle(&world, &request, &response);
    trap.left = 0;
    *done_r = deed->kind == VALIDATE ? memmem(answer.data, answer.size, "\"active\":true", 13) != NULL
            : deed->kind == REVOKE   ? world.revoked_count > 0
                                     : response.status == 200;
    return response.status;
}

static void without_a_failure_each_is_done_and_none_is_when_spoilt(void)
{
    bool done;
    for (size_t i = 0; i < DEEDS; i++) {
        int good = send(&deeds[i], false, CALLS, 0, &done);
        if (good != 200 || !done) printf("# %s: %d\n", deeds[i].name, good);
        CHECK(good == 200 && done);
        int spoilt = send(&deeds[i], true, CALLS, 0, &done);
        if (done) printf("# spoilt, %s: %d\n", deeds[i].name, spoilt);
        CHECK(spoilt != 503 && !done);
        CHECK(world.verified_puts == 0 || deeds[i].kind == CHECK_BOUND);       /* its token is good */
    }
}

/* The n-th call of it fails, for each n; *failures_r counts. */
static bool holds(const struct deed *deed, bool spoilt, enum call call, unsigned *failures_r)
{
    bool done;
    for (unsigned nth = 1; nth < 100; nth++) {
        int status = send(deed, spoilt, call, nth, &done);
        if (!trap.failed) return true;
        ++*failures_r;
        bool right = call < CALLS_THAT_JUDGE ? status == 503 : !done;
        if (right && !done && world.verified_puts == trap.verified_puts && world.seen_count == trap.seen_count &&
            world.revocations == 0) continue;
        printf("# %s%s: call %u of %s fails: status %d%s, remembered %u\n", spoilt ? "spoilt, " : "", deed->name, nth,
               call_names[call], status, done ? ", and it is done" : "", world.verified_puts - trap.verified_puts);
        return false;
    }
    return false;
}

static void A21_C7_each_failure_is_503_and_nothing_is_remembered(void)
{
    unsigned failures[CALLS] = { 0 };
    for (enum call call = 0; call < CALLS; call++) {
        for (size_t i = 0; i < DEEDS; i++) CHECK(holds(&deeds[i], false, call, &failures[call]));
        if (failures[call] == 0) printf("# %s is never called\n", call_names[call]);
        CHECK(failures[call] > 0);
    }
}

static void A21_C7_a_failure_makes_nothing_good_of_what_is_bad(void)
{
    unsigned failures = 0;
    for (enum call call = 0; call < CALLS; call++)
        for (size_t i = 0; i < DEEDS; i++) CHECK(holds(&deeds[i], true, call, &failures));
}

int main(void)
{
    if (world_open(&world)) return EXIT_FAILURE;
    RUN(without_a_failure_each_is_done_and_none_is_when_spoilt);
    RUN(A21_C7_each_failure_is_503_and_nothing_is_remembered);
    RUN(A21_C7_a_failure_makes_nothing_good_of_what_is_bad);
    world_close(&world);
    return CHECK_EXIT();
}
