/* Client assertions through the whole server. The first byte says what follows: `s` header and claims as JSON, a NUL
 * between them, which are signed here with the client's own key; anything else is a compact serialisation as it is.
 *
 * Without the signature nobody is let in; with it, only by claims that name the client, the issuer and an id, and once. */
#include "../../lib/base/base64url.h"
#include "../world.h"
#include "fuzz.h"

enum { TOKEN = 32768 };

#define FORM "grant_type=client_credentials&client_assertion_type=" \
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion="

static struct world world;
static EVP_PKEY *pair;
static EVP_PKEY_CTX *signer;

static int furnish(void)
{
    if (signer) return 0;
    if (world_open(&world)) return -1;
    struct world_client *svc = world_client(&world, TEXT("svc"));
    world.failures_per_minute = UINT32_MAX;
    svc->client.methods = CLIENT_PRIVATE_KEY_JWT;
    pair = material_open(MATERIAL_other);
    signer = pair ? jws_signer(pair, JWS_ES256) : NULL;
    return !signer || world_add_client_key(&world, svc, &(struct world_key){ .kid = TEXT("k1"), .material = MATERIAL_other }) ||
           world_add_grant(&world, svc, &(struct client_grant){ TEXT("https://api.example"), TEXT("read"), true, 0, JWS_NONE });
}

static void put_signed(struct buffer *b, struct text header, struct text claims)
{
    char bytes[JWS_SIGNATURE_BYTES];
    struct buffer signature = { bytes, 0, sizeof bytes, false };
    size_t start = b->size;
    base64url_put(b, header);
    buffer_put_char(b, '.');
    base64url_put(b, claims);
    struct text input = text_slice(buffer_text(b), start, b->size);
    if (jws_sign(signer, JWS_ES256, &world.hasher, input, &signature)) abort();
    buffer_put_char(b, '.');
    base64url_put(b, buffer_text(&signature));
}

static int ask(struct text body)
{
    static struct response response;
    const struct request request = { .method = TEXT("POST"), .path = TEXT("/oauth/token"), .body = body,
                                     .content_type = TEXT("application/x-www-form-urlencoded") };
    struct text answer = world_handle(&world, &request, &response);
    bool given = memmem(answer.data, answer.size, "\"access_token\"", 14) != NULL;
    HOLDS(given == (response.status == 200));
    HOLDS(given || response.status == 400 || response.status == 401);
    return response.status;
}

static bool says(struct text t, const char *what) { return memmem(t.data, t.size, what, strlen(what)) != NULL; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char bytes[TOKEN];
    struct buffer body = { bytes, 0, sizeof bytes, false };
    struct text rest = { (const char *)data + 1, size - 1 }, header;
    if (furnish()) abort();
    if (size < 2) return 0;
    bool is_signed = data[0] == 's';
    buffer_put(&body, TEXT(FORM));
    if (!is_signed) buffer_put(&body, rest);
    else if (text_split(&rest, '\0', &header)) put_signed(&body, header, rest);
    if (body.full) return 0;
    world.seen_count = world.failure_count = 0;
    if (ask(buffer_text(&body)) != 200) return 0;
    HOLDS(is_signed && text_present(rest) && says(header, "alg"));
    HOLDS(says(rest, "\"aud\"") && says(rest, "\"exp\"") && says(rest, "\"jti\""));
    HOLDS(world.seen_count == 1 && ask(buffer_text(&body)) == 401);
    return 0;
}
