/* What an assertion costs that is refused: verifications are counted, because time is not the same twice. */
#include "../../lib/oauth/assertion.h"

#include "../../lib/base/base64url.h"
#include "../../lib/jose/dummy_key.h"
#include "../check.h"
#include "../world.h"

/* The linker puts these in the place of the library's (Makefile.am). */
int __real_EVP_PKEY_verify(EVP_PKEY_CTX *c, const unsigned char *s, size_t n, const unsigned char *d, size_t m);
int __wrap_EVP_PKEY_verify(EVP_PKEY_CTX *c, const unsigned char *s, size_t n, const unsigned char *d, size_t m);
int __real_EVP_DigestVerify(EVP_MD_CTX *c, const unsigned char *s, size_t n, const unsigned char *d, size_t m);
int __wrap_EVP_DigestVerify(EVP_MD_CTX *c, const unsigned char *s, size_t n, const unsigned char *d, size_t m);

/* Of keys whose signatures have how many bytes, in all. */
static struct {
    unsigned count;
    int bytes;
} work;

int __wrap_EVP_PKEY_verify(EVP_PKEY_CTX *c, const unsigned char *s, size_t n, const unsigned char *d, size_t m)
{
    work.count++;
    work.bytes += EVP_PKEY_get_size(EVP_PKEY_CTX_get0_pkey(c));
    return __real_EVP_PKEY_verify(c, s, n, d, m);
}

int __wrap_EVP_DigestVerify(EVP_MD_CTX *c, const unsigned char *s, size_t n, const unsigned char *d, size_t m)
{
    work.count++;
    work.bytes += EVP_PKEY_get_size(EVP_PKEY_CTX_get0_pkey(EVP_MD_CTX_get_pkey_ctx(c)));
    return __real_EVP_DigestVerify(c, s, n, d, m);
}

static struct world world;
static struct response response;

enum { BODY = 8192 };

/* RSA of 3072 bits: that of the dummy itself will do, because nobody signs with it. */
static int add_large_key(struct world_client *client, const char *kid)
{
    struct world_key key = { .kid = text_of(kid), .algorithm = JWS_RS256, .material = MATERIAL_rsa,
                             .jwk = dummy_key_find(JWS_RS256, 384) };
    return world_add_client_key(&world, client, &key);
}

static bool furnish(void)
{
    static const enum jws_algorithm algorithms[] = { JWS_ES256, JWS_RS256, JWS_PS256, JWS_EdDSA };
    if (world_reset(&world)) return false;
    int bad = 0;
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        struct world_key key = { .kid = jws_algorithm_name(algorithms[i]), .algorithm = algorithms[i],
                                 .material = material_for(algorithms[i]) };
        bad |= world_add_client_key(&world, world_client(&world, TEXT("svc")), &key);
        bad |= world_add_client_key(&world, world_client(&world, TEXT("off")), &key);
        bad |= world_add_client_key(&world, world_client(&world, TEXT("basic")), &key);
        key.expires_at = WORLD_START - 1;
        bad |= world_add_client_key(&world, world_client(&world, TEXT("late")), &key);
    }
    bad |= add_large_key(world_client(&world, TEXT("svc")), "large");
    for (size_t i = 0; i < world.client_count; i++) world.clients[i].client.methods = CLIENT_PRIVATE_KEY_JWT;
    world_client(&world, TEXT("bare"))->client.methods = CLIENT_PRIVATE_KEY_JWT;
    world_client(&world, TEXT("off"))->client.enabled = false;
    world_client(&world, TEXT("basic"))->client.methods = CLIENT_SECRET_BASIC;
    return !bad;
}

/* Refuses an assertion of this client with a signature of that many bytes, which is nobody's; the work is in `work`. */
static bool refuse(const char *client_id, const char *algorithm, const char *kid, size_t signature_size)
{
    char body[BODY], json[512], signature[JWS_SIGNATURE_BYTES];
    struct buffer b = { body, 0, sizeof body, false };
    const struct request request = { .method = TEXT("POST"), .path = TEXT("/oauth/token"),
                                     .content_type = TEXT("application/x-www-form-urlencoded") };
    buffer_put(&b, TEXT("grant_type=client_credentials&client_assertion_type="
                        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion="));
    (void)snprintf(json, sizeof json, *kid ? "{\"alg\":\"%s\",\"kid\":\"%s\"}" : "{\"alg\":\"%s\"}", algorithm, kid);
    base64url_put(&b, text_of(json));
    buffer_put_char(&b, '.');
    (void)snprintf(json, sizeof json, "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"" WORLD_ISSUER "\",\"exp\":1800000060,"
                   "\"jti\":\"j\"}", client_id, client_id);
    base64url_put(&b, text_of(json));
    buffer_put_char(&b, '.');
    memset(signature, 1, sizeof signature);
    base64url_put(&b, (struct text){ signature, signature_size });
    struct request sent = request;
    sent.body = buffer_text(&b);
    work.count = 0;
    work.bytes = 0;
    (void)world_handle(&world, &sent, &response);
    return response.status == 401 && response.error == ERROR_invalid_client && !b.full;
}

/* Whether this refusal costs one verification by a key whose signatures have so many bytes. */
static bool costs_one(const char *client_id, const char *algorithm, const char *kid, size_t signature_size, int bytes)
{
    world.failure_count = 0;
    bool refused = refuse(client_id, algorithm, kid, signature_size);
    if (refused && work.count == 1 && work.bytes == bytes) return true;
    printf("# %s, %s, kid %s, %zu bytes: status %d, %u verifications of %d bytes\n", client_id, algorithm, kid, signature_size,
           response.status, work.count, work.bytes);
    return false;
}

static const struct { const char *algorithm; size_t size; int bytes; } forms[] = {
    { "ES256", 64, 72 }, { "EdDSA", 64, 64 }, { "RS256", 256, 256 }, { "PS256", 256, 256 }, { "RS256", 384, 384 },
    { "PS256", 384, 384 }, { "RS256", 512, 512 }, { "PS256", 512, 512 },
};

/* Unknown, disabled, of another method, without keys, with keys that have expired. */
static void A18_F7_a_client_that_cannot_sign_costs_one_verification(void)
{
    static const char *const clients[] = { "nobody", "off", "basic", "bare", "late" };
    CHECK(furnish());
    for (size_t i = 0; i < sizeof clients / sizeof *clients; i++)
        for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
            CHECK(costs_one(clients[i], forms[k].algorithm, forms[k].algorithm, forms[k].size, forms[k].bytes));
            CHECK(costs_one(clients[i], forms[k].algorithm, "", forms[k].size, forms[k].bytes));
        }
}

static void A18_F7_a_bad_signature_and_an_unknown_kid_cost_the_same(void)
{
    CHECK(furnish());
    for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
        CHECK(costs_one("svc", forms[k].algorithm, forms[k].algorithm, forms[k].size, forms[k].bytes));
        CHECK(costs_one("svc", forms[k].algorithm, "unknown", forms[k].size, forms[k].bytes));
    }
    CHECK(costs_one("svc", "RS256", "large", 384, 384) && costs_one("svc", "RS256", "large", 256, 256));
}

/* An algorithm that is not the key's, and one that the client has no key of. */
static void A18_F7_another_algorithm_costs_the_same(void)
{
    CHECK(furnish());
    CHECK(costs_one("svc", "ES256", "EdDSA", 64, 72) && costs_one("svc", "PS256", "RS256", 256, 256));
}

/* No signature of these algorithms has such a size, whoever signs: it costs nobody anything. */
static void a_signature_of_an_impossible_size_costs_nothing(void)
{
    static const char *const clients[] = { "nobody", "svc" };
    CHECK(furnish());
    for (size_t i = 0; i < 2; i++) {
        CHECK(refuse(clients[i], "ES256", "ES256", 63) && work.count == 0);
        CHECK(refuse(clients[i], "EdDSA", "EdDSA", 65) && work.count == 0);
        world.failure_count = 0;
        CHECK(refuse(clients[i], "RS256", "RS256", 100) && work.count == 0);
    }
}

static void the_dummies_are_keys_of_their_algorithms(void)
{
    for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
        struct jwk jwk;
        enum jws_algorithm algorithm = (enum jws_algorithm)jws_algorithm_find(text_of(forms[k].algorithm));
        CHECK(jwk_read(dummy_key_find(algorithm, forms[k].size), &jwk) == NULL);
        bool suits = jwk_suits(jwk.key, algorithm) && EVP_PKEY_get_size(jwk.key) == forms[k].bytes;
        jwk_close(&jwk);
        CHECK(suits);
    }
}

int main(void)
{
    if (world_open(&world)) return EXIT_FAILURE;
    RUN(A18_F7_a_client_that_cannot_sign_costs_one_verification);
    RUN(A18_F7_a_bad_signature_and_an_unknown_kid_cost_the_same);
    RUN(A18_F7_another_algorithm_costs_the_same);
    RUN(a_signature_of_an_impossible_size_costs_nothing);
    RUN(the_dummies_are_keys_of_their_algorithms);
    world_close(&world);
    return CHECK_EXIT();
}
