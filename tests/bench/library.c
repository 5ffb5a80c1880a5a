/* library: the cost of one request without a front server: server_handle() over a real region of 1,000 clients, on one core,
 * including the wiping of the arena; and the cost of OpenSSL alone.
 *
 *     library                     nanoseconds per operation, medians of 9 rounds
 *     library OPERATION COUNT     that operation COUNT times, for an instruction counter */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../app/platform/random.h"
#include "../../app/region/region.h"
#include "../../app/region/client_table.h"
#include "../../app/worker/region_store.h"
#include "../../lib/base/arena.h"
#include "../../lib/base/base64url.h"
#include "../../lib/base/secret.h"
#include "../../lib/jose/jwk.h"
#include "../../lib/jose/jws.h"
#include "../../lib/jose/keyring.h"
#include "../../lib/oauth/server.h"

enum { CLIENTS = 1000, WARM_TOKENS = 16, ROUNDS = 9, ARENA_BYTES = 262144, SIGNATURE_BYTES = 80, RECENT_TOKENS = 4096 };

#define AUDIENCE "https://api.example/orders"
#define ISSUER "https://login.example"
#define SIGNER "bench-signer"
#define TOKEN_FORM "grant_type=client_credentials&scope=read%20write"
#define ASSERTION_FORM TOKEN_FORM "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer" \
    "&client_assertion="

static const struct config config = {
#define VALUE(key, fallback) .key = fallback,
#define NUMBER_VALUE(key, fallback, least, most) .key = fallback,
#define CHOICE_VALUE(key, fallback, words) .key = fallback,
    CONFIG_LIST(VALUE, NUMBER_VALUE, CHOICE_VALUE)
#undef VALUE
#undef NUMBER_VALUE
#undef CHOICE_VALUE
};

struct bench {
    struct region region;
    struct region_store store;
    struct secret_hasher hasher;
    struct token_cache token_cache;
    struct jwk_cache jwk_cache;
    struct keyring keyring;
    struct issuer issuer;
    struct arena arena;     /* of one request */
    struct arena kept;      /* of the whole run: requests and tokens */
    struct request issue[CLIENTS];
    struct request issue_signed[CLIENTS];
    struct request issue_dpop[CLIENTS];
    struct request validate[CLIENTS];
    EVP_PKEY *key;
    EVP_PKEY_CTX *signer, *verifier;
    unsigned char digest[SECRET_DIGEST];
    unsigned char signature[SIGNATURE_BYTES];
    size_t signature_size;
    size_t token_size;
    struct random_source random_source;
};

static void need(bool holds, const char *what)
{
    if (holds) return;
    fprintf(stderr, "library: %s\n", what);
    exit(EXIT_FAILURE);
}

static int64_t now(void *context)
{
    struct timespec t;
    (void)context;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec;
}

static int random_bytes(void *context, unsigned char *bytes, size_t size)
{
    struct bench *bench = context;
    return random_take(&bench->random_source, bytes, size);
}

static int sign(void *context, const struct keyring_key *key, struct secret_hasher *hasher, struct text input,
                struct buffer *signature)
{
    (void)context;
    return keyring_sign(key, hasher, input, signature);
}

/* Returns a text that is kept for the whole run. */
static struct text keep(struct bench *bench, struct text t)
{
    struct text copy = arena_copy(&bench->kept, t);
    need(text_present(copy), "out of memory");
    return copy;
}

static struct text secret_of(struct bench *bench, size_t i)
{
    char secret[64];
    int size = snprintf(secret, sizeof(secret), "m2m_%043zu%06zu", i, i);
    return keep(bench, (struct text){ secret, (size_t)size });
}

static struct text authorization_of(struct bench *bench, struct text id, struct text secret)
{
    char pair[256], header[512] = "Basic ";
    int size = snprintf(pair, sizeof(pair), "%.*s:%.*s", (int)id.size, id.data, (int)secret.size, secret.data);
    EVP_EncodeBlock((unsigned char *)header + strlen(header), (unsigned char *)pair, size);
    return keep(bench, text_of(header));
}

static struct request post(const char *path, struct text authorization, struct text body)
{
    return (struct request){
        .method = TEXT("POST"),
        .path = text_of(path),
        .content_type = TEXT("application/x-www-form-urlencoded"),
        .authorization = authorization,
        .remote_address = TEXT("192.0.2.1"),
        .id = TEXT("0123456789abcdef0123456789abcdef"),
        .body = body,
    };
}

/* Answers request; the answer must begin with `begin`, because a refusal would be too quick. */
static struct text handle(struct bench *bench, const struct request *request, struct text begin)
{
    struct response response;
    server_handle(&bench->issuer, &bench->arena, request, &response);
    struct text body = buffer_text(&response.body);
    if (response.status != 200 || !text_begins(body, begin)) {
        fprintf(stderr, "library: %.*s answers %d %.*s\n", (int)request->path.size, request->path.data,
                response.status, (int)body.size, body.data);
        exit(EXIT_FAILURE);
    }
    return body;
}

static void issue(struct bench *bench, size_t i)
{
    handle(bench, &bench->issue[i % CLIENTS], TEXT("{\"access_token\":\""));
    arena_reset(&bench->arena);
}

/* Proofs can be used once: when all have been used, the region is made to forget them. That writes 1 MB for 1,000 tokens. */
static void issue_once(struct bench *bench, const struct request requests[CLIENTS], size_t i)
{
    struct region *region = &bench->region;
    for (uint64_t n = 0; i % CLIENTS == 0 && n <= region->replay_mask; n++)
        atomic_store_explicit(&region->replay[n], 0, memory_order_relaxed);
    handle(bench, &requests[i % CLIENTS], TEXT("{\"access_token\":\""));
    arena_reset(&bench->arena);
}

static void issue_signed(struct bench *bench, size_t i)
{
    issue_once(bench, bench->issue_signed, i);
}

static void issue_dpop(struct bench *bench, size_t i)
{
    issue_once(bench, bench->issue_dpop, i);
}

static void ask(struct bench *bench, size_t which)
{
    handle(bench, &bench->validate[which], TEXT("{\"active\":true,"));
    arena_reset(&bench->arena);
}

/* Tokens of a few busy clients, which an API checks repeatedly. */
static void validate(struct bench *bench, size_t i)
{
    ask(bench, i % WARM_TOKENS);
}

/* More than fit into the caches of the processor. */
static void validate_wide(struct bench *bench, size_t i)
{
    ask(bench, i % CLIENTS);
}

/* Verified tokens are remembered for one generation of the keys only. */
static void validate_cold(struct bench *bench, size_t i)
{
    bench->keyring.generation++;
    validate_wide(bench, i);
}

static void openssl_sign(struct bench *bench, size_t i)
{
    unsigned char signature[SIGNATURE_BYTES];
    size_t size = sizeof(signature);
    (void)i;
    need(EVP_PKEY_sign(bench->signer, signature, &size, bench->digest, sizeof(bench->digest)) == 1, "no signature");
}

static void openssl_verify(struct bench *bench, size_t i)
{
    (void)i;
    need(EVP_PKEY_verify(bench->verifier, bench->signature, bench->signature_size, bench->digest,
                         sizeof(bench->digest)) == 1, "not verified");
}

enum place { SIGN, VERIFY, ISSUE, ISSUE_SIGNED, ISSUE_DPOP, VALIDATE, VALIDATE_WIDE, VALIDATE_COLD, OPERATIONS };

static const struct operation {
    const char *name, *what;
    void (*run)(struct bench *bench, size_t i);
    size_t count;               /* per round */
    double goal;                /* nanoseconds; 0: none */
    int signs, verifies;        /* operations of OpenSSL alone for it */
} operations[OPERATIONS] = {
    [SIGN] = { "openssl_sign", "OpenSSL's own ES256 signature", openssl_sign, 1000, 0, 1, 0 },
    [VERIFY] = { "openssl_verify", "OpenSSL's own ES256 verification", openssl_verify, 500, 0, 0, 1 },
    [ISSUE] = { "issue", "POST /token, ES256, Basic", issue, 1000, 30000, 1, 0 },
    [ISSUE_SIGNED] = { "issue_signed", "POST /token, ES256, private_key_jwt", issue_signed, 500, 0, 1, 1 },
    [ISSUE_DPOP] = { "issue_dpop", "POST /token, ES256, Basic, DPoP proof", issue_dpop, 500, 0, 1, 1 },
    [VALIDATE] = { "validate", "POST /validate, 16 tokens seen before", validate, 20000, 1200, 0, 0 },
    [VALIDATE_WIDE] = { "validate_wide", "POST /validate, 1,000 seen before", validate_wide, 20000, 0, 0, 0 },
    [VALIDATE_COLD] = { "validate_cold", "POST /validate, not seen before", validate_cold, 500, 0, 0, 1 },
};

static void put_client(struct bench *bench, struct client_table_writer *writer, size_t i, bool reads)
{
    char id[32];
    struct text audience = TEXT(AUDIENCE), name = { id, (size_t)snprintf(id, sizeof(id), "bench-%06zu", i) };
    struct client_secret secret = { .label = TEXT("s2026") };
    struct client_grant grants[] = { { audience, TEXT("read"), true, 0, JWS_NONE }, { audience, TEXT("write"), true, 0, JWS_NONE } };
    struct client client = {
        .id = keep(bench, name),
        .methods = CLIENT_SECRET_BASIC | CLIENT_SECRET_POST,
        .enabled = true,
        .secret_count = 1, .secrets = &secret,
        .grant_count = 2, .grants = grants,
        .read_count = reads ? 1 : 0, .reads = &audience,
    };
    struct text clear = secret_of(bench, i);
    struct text parts[] = { { (char *)secret.hash.salt, SECRET_SALT }, clear };
    need(RAND_bytes(secret.hash.salt, SECRET_SALT) == 1, "no random numbers");
    need(secret_digest(&bench->hasher, parts, 2, secret.hash.digest) == 0, "no digest");
    need(client_table_put(writer, &client) == 0, "the client table is full");
    if (i < CLIENTS) bench->issue[i] = post("/token", authorization_of(bench, client.id, clear), TEXT(TOKEN_FORM));
    else bench->validate[0] = post("/validate", authorization_of(bench, client.id, clear), TEXT(""));
}

/* A client that signs with the issuer's key: a second key would cost the same. */
static void put_signer(struct bench *bench, struct client_table_writer *writer)
{
    char json[512];
    struct buffer jwk = { json, 0, sizeof(json), false };
    struct text audience = TEXT(AUDIENCE);
    struct client_key key = { .kid = TEXT("k2026"), .algorithm = JWS_ES256 };
    struct client_grant grants[] = { { .audience = audience, .scope = TEXT("read"), .is_default = true },
                                     { .audience = audience, .scope = TEXT("write"), .is_default = true } };
    need(jwk_put(&jwk, bench->key, JWS_ES256, key.kid) == 0, "no JWK");
    key.jwk = buffer_text(&jwk);
    const struct client client = {
        .id = TEXT(SIGNER), .methods = CLIENT_PRIVATE_KEY_JWT, .enabled = true,
        .key_count = 1, .keys = &key, .grant_count = 2, .grants = grants,
    };
    need(client_table_put(writer, &client) == 0, "the client table is full");
}

/* Client number CLIENTS is the one that may read the tokens of the others. */
static void fill_region(struct bench *bench)
{
    need(region_open(&bench->region, &config) == 0, "no region");
    struct client_table_writer *writer = client_table_writer_new(&bench->region);
    need(writer != NULL, "no writer");
    for (size_t i = 0; i <= CLIENTS; i++) put_client(bench, writer, i, i == CLIENTS);
    put_signer(bench, writer);
    client_table_writer_free(writer);
    atomic_store(&bench->region.status->synced_ms, region_milliseconds());
    atomic_store(&bench->region.status->database_up, 1);
    atomic_store(&bench->region.status->complete, 1);
    struct region_process *row = region_process_take(&bench->region, REGION_WORKER);
    need(row && region_store_open(&bench->store, &bench->region, row, &bench->hasher, &config) == 0, "no store over the region");
}

static void make_keys(struct bench *bench)
{
    EVP_PKEY *key = bench->key;
    memset(bench->digest, 'd', sizeof(bench->digest));
    bench->signature_size = sizeof(bench->signature);
    bench->signer = EVP_PKEY_CTX_new(key, NULL);
    bench->verifier = EVP_PKEY_CTX_new(key, NULL);
    need(EVP_PKEY_sign_init(bench->signer) == 1 && EVP_PKEY_verify_init(bench->verifier) == 1, "no contexts");
    need(EVP_PKEY_sign(bench->signer, bench->signature, &bench->signature_size, bench->digest,
                       sizeof(bench->digest)) == 1, "no signature");
    int64_t start = now(NULL) - 60;
    struct keyring_times times = { .publish = start, .activate = start };
    need(EVP_PKEY_up_ref(key) == 1, "no reference");
    const char *refused = keyring_add(&bench->keyring, TEXT("bench"), JWS_ES256, &times, key, key);
    need(refused == NULL, refused);
}

static void make_issuer(struct bench *bench)
{
    bench->issuer = (struct issuer){
        .name = TEXT(ISSUER),
        .token_seconds = 3600,
        .jwks_max_age = config.jwks_max_age_seconds,
        .fresh_seconds = 3600,      /* the region is filled once and must not become stale */
        .validate_seconds = 3600,
        .issue_seconds = 3600,
        .keyring = &bench->keyring,
        .store = &bench->store.interface,
        .hasher = &bench->hasher,
        .token_cache = &bench->token_cache,
        .jwk_cache = &bench->jwk_cache,
        .context = bench,
        .now = now,
        .random = random_bytes,
        .sign = sign,
    };
    memcpy(bench->issuer.fingerprint_key, bench->region.head->fingerprint_key, ISSUER_FINGERPRINT_KEY);
}

/* One token of each client, in a request of the reader. */
static void make_tokens(struct bench *bench)
{
    struct text begin = TEXT("{\"access_token\":\""), authorization = bench->validate[0].authorization;
    for (size_t i = 0; i < CLIENTS; i++) {
        struct text token = handle(bench, &bench->issue[i], begin);
        token = text_slice(token, begin.size, token.size);
        token.size = (size_t)((char *)memchr(token.data, '"', token.size) - token.data);
        char body[JWS_BYTES];
        int size = snprintf(body, sizeof(body), "token=%.*s", (int)token.size, token.data);
        bench->validate[i] = post("/validate", authorization, keep(bench, (struct text){ body, (size_t)size }));
        bench->token_size = token.size;
        arena_reset(&bench->arena);
    }
}

/* Appends a compact serialisation, signed with the one key. */
static void put_jws(struct bench *bench, struct buffer *b, struct text header, struct text claims)
{
    char bytes[JWS_SIGNATURE_BYTES];
    struct buffer signature = { bytes, 0, sizeof(bytes), false };
    size_t start = b->size;
    base64url_put(b, header);
    buffer_put_char(b, '.');
    base64url_put(b, claims);
    struct text input = text_slice(buffer_text(b), start, b->size);
    need(jws_sign(bench->signer, JWS_ES256, &bench->hasher, input, &signature) == 0, "no signature");
    buffer_put_char(b, '.');
    base64url_put(b, buffer_text(&signature));
    need(!b->full, "a JWS is too long");
}

static struct text make_assertion(struct bench *bench, size_t i)
{
    char claims[512], body[JWS_BYTES];
    struct buffer b = { body, 0, sizeof(body), false };
    long long time = (long long)now(NULL);
    snprintf(claims, sizeof(claims), "{\"iss\":\"" SIGNER "\",\"sub\":\"" SIGNER "\",\"aud\":\"" ISSUER "\",\"iat\":%lld,"
             "\"exp\":%lld,\"jti\":\"%032zx\"}", time, time + 300, i);
    buffer_put(&b, TEXT(ASSERTION_FORM));
    put_jws(bench, &b, TEXT("{\"alg\":\"ES256\",\"kid\":\"k2026\"}"), text_of(claims));
    return keep(bench, buffer_text(&b));
}

/* They are valid for 300 s, longer than any run, even under an instruction counter. */
static void make_assertions(struct bench *bench)
{
    for (size_t i = 0; i < CLIENTS; i++)
        bench->issue_signed[i] = post("/token", (struct text){ NULL, 0 }, make_assertion(bench, i));
}

static struct text make_proof(struct bench *bench, size_t i)
{
    char head[1024], claims[512], line[JWS_BYTES];
    struct buffer header = { head, 0, sizeof(head), false }, b = { line, 0, sizeof(line), false };
    buffer_put(&header, TEXT("{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":"));
    need(jwk_put(&header, bench->key, JWS_ES256, TEXT("k2026")) == 0, "no JWK");
    buffer_put_char(&header, '}');
    snprintf(claims, sizeof(claims), "{\"jti\":\"%032zx\",\"htm\":\"POST\",\"htu\":\"" ISSUER "/token\",\"iat\":%lld}", i,
             (long long)now(NULL));
    put_jws(bench, &b, buffer_text(&header), text_of(claims));
    return keep(bench, buffer_text(&b));
}

/* A proof is valid for 60 s, so they are made last: the rounds take ten. */
static void make_proofs(struct bench *bench)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        bench->issue_dpop[i] = bench->issue[i];
        bench->issue_dpop[i].dpop = make_proof(bench, i);
    }
}

static void bench_open(struct bench *bench)
{
    bench->key = EVP_EC_gen("P-256");
    need(bench->key != NULL, "no key");
    need(arena_open(&bench->arena, ARENA_BYTES) == 0, "no arena");
    need(arena_open(&bench->kept, CLIENTS * 4096) == 0, "no arena");
    need(secret_hasher_open(&bench->hasher) == 0, "no hasher");
    need(token_cache_open(&bench->token_cache, RECENT_TOKENS) == 0 && jwk_cache_open(&bench->jwk_cache, 16) == 0, "no memory");
    fill_region(bench);
    make_keys(bench);
    make_issuer(bench);
    make_tokens(bench);
    make_assertions(bench);
    make_proofs(bench);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The rounds of all operations are interleaved, so that a slow phase of the machine affects all of them equally. */
static void measure(struct bench *bench, double rounds_r[OPERATIONS][ROUNDS])
{
    for (size_t round = 0; round < ROUNDS; round++)
        for (size_t o = 0; o < OPERATIONS; o++) {
            const struct operation *operation = &operations[o];
            for (size_t i = 0; i < CLIENTS && i < operation->count; i++) operation->run(bench, i);
            double start = nanoseconds();
            for (size_t i = 0; i < operation->count; i++) operation->run(bench, i);
            rounds_r[o][round] = (nanoseconds() - start) / (double)operation->count;
        }
    for (size_t o = 0; o < OPERATIONS; o++) qsort(rounds_r[o], ROUNDS, sizeof(double), compare);
}

static void print(const struct bench *bench, double rounds[OPERATIONS][ROUNDS])
{
    printf("%-40s%10s%10s%10s%20s\n", "in process, one core", "ns/op", "best", "goal", "times OpenSSL's own");
    for (size_t o = 0; o < OPERATIONS; o++) {
        const struct operation *operation = &operations[o];
        printf("%-40s%10.0f%10.0f", operation->what, rounds[o][ROUNDS / 2], rounds[o][0]);
        if (operation->goal > 0) printf("%10.0f", operation->goal);
        else printf("%10s", "");
        double own = operation->signs * rounds[SIGN][ROUNDS / 2] + operation->verifies * rounds[VERIFY][ROUNDS / 2];
        if (own > 0 && o > VERIFY) printf("%20.2f", rounds[o][ROUNDS / 2] / own);
        putchar('\n');
    }
    printf("a token has %zu bytes\n", bench->token_size);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    static double rounds[OPERATIONS][ROUNDS];
    const struct operation *operation = NULL;
    for (size_t o = 0; o < OPERATIONS && argc == 3; o++)
        if (strcmp(argv[1], operations[o].name) == 0) operation = &operations[o];
    if (argc != 1 && !operation) {
        fprintf(stderr, "usage: library [OPERATION COUNT], an operation being one of:");
        for (size_t o = 0; o < OPERATIONS; o++) fprintf(stderr, " %s", operations[o].name);
        fprintf(stderr, "\n");
        return 64;
    }
    bench_open(&bench);
    if (!operation) {
        measure(&bench, rounds);
        print(&bench, rounds);
        return EXIT_SUCCESS;
    }
    size_t count = strtoul(argv[2], NULL, 10);
    for (size_t i = 0; i < count; i++) operation->run(&bench, i);
    return EXIT_SUCCESS;
}
