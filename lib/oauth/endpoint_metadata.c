#include "endpoint.h"

enum { DOCUMENT_BYTES = 16384 };

static enum error publish(struct request_context *context, uint32_t max_age)
{
    struct response *response = context->response;
    if (response->body.full) return ERROR_unavailable;
    response->cache = RESPONSE_PUBLIC;
    response->max_age = max_age;
    response_validate(response, context->issuer->hasher, context->request->if_none_match);
    return ERROR_none;
}

/* An issuer that signs with a secret goes on publishing the keys from before: tokens that they signed may live as long as a
 * key is not removed, and the way back to one of them has to be open at any moment. */
static bool has_jwks(const struct request_context *context)
{
    const struct issuer *issuer = context->issuer;
    if (issuer->token_algorithm != JWS_HS256) return true;
    for (int i = 0; i < JWS_PUBLIC_ALGORITHMS; i++)
        if (keyring_publishes(issuer->keyring, (enum jws_algorithm)i, context->now)) return true;
    return false;
}

enum error endpoint_jwks(struct request_context *context)
{
    const struct issuer *issuer = context->issuer;
    /* Without a key that is known to be ours the set would make verifiers forget those that they have. */
    if (keyring_is_unproven(issuer->keyring)) return ERROR_unavailable;
    if (!has_jwks(context)) return ERROR_not_found;
    if (response_reserve(context->response, context->arena, DOCUMENT_BYTES)) return ERROR_unavailable;
    if (keyring_put_jwks(issuer->keyring, context->now, &context->response->body)) return ERROR_unavailable;
    /* What is published and what signs now is the same on all hosts within validate_seconds; a set from further back may
     * lack a key that signs elsewhere, so nobody is to keep it. */
    bool old = issuer->store->age(issuer->store->context) > issuer->validate_seconds;
    return publish(context, old ? 0 : issuer->jwks_max_age);
}

/* A page of another origin that sends a header of its own is asked first what it may send. Whom the documents are for is
 * said by the front server (Access-Control-Allow-Origin), with its own errors, too. "*" does not mean Authorization. */
enum error endpoint_preflight(struct request_context *context)
{
    struct response *response = context->response;
    const struct text lines = TEXT("Access-Control-Allow-Methods: GET, HEAD\r\n"
                                   "Access-Control-Allow-Headers: *, Authorization\r\n"
                                   "Access-Control-Max-Age: 3600\r\n");
    if (response_widen(response, context->arena, lines.size)) return ERROR_unavailable;
    response->status = 204;
    response->lines = lines;
    return ERROR_none;
}

static void put_url(struct buffer *b, struct text member, struct text issuer, struct text path)
{
    char bytes[512];
    struct buffer url = { bytes, 0, sizeof bytes, false };
    buffer_put(&url, issuer);
    buffer_put(&url, path);
    buffer_put(b, member);
    buffer_put_json(b, buffer_text(&url));
    if (url.full) b->full = true;
}

/* RFC 8705 5: where a client that has a certificate to show finds the endpoints. */
static void put_mtls_aliases(struct buffer *b, struct text name)
{
    if (name.size == 0) return;
    put_url(b, TEXT(",\"mtls_endpoint_aliases\":{\"token_endpoint\":"), name, TEXT("/token"));
    put_url(b, TEXT(",\"introspection_endpoint\":"), name, TEXT("/validate"));
    put_url(b, TEXT(",\"revocation_endpoint\":"), name, TEXT("/revoke"));
    buffer_put_char(b, '}');
}

/* RFC 9701 7, which verifiers take for what they may accept: every algorithm of the JWK Set, whichever of them signs now.
 * An array may not be empty (RFC 8414 3.2). An issuer that signs with a secret gives no signed answers, whatever public keys
 * are left from before. */
static void put_introspection_algorithms(struct request_context *context, struct buffer *b)
{
    bool any = false;
    if (context->issuer->token_algorithm == JWS_HS256) return;
    for (int i = 0; i < JWS_PUBLIC_ALGORITHMS; i++) {
        if (!keyring_publishes(context->issuer->keyring, (enum jws_algorithm)i, context->now)) continue;
        buffer_put(b, any ? TEXT(",") : TEXT(",\"introspection_signing_alg_values_supported\":["));
        buffer_put_json(b, jws_algorithm_name((enum jws_algorithm)i));
        any = true;
    }
    if (any) buffer_put_char(b, ']');
}

/* RFC 8414 2; an array may not be empty (3.2). */
static void put_scopes(struct buffer *b, struct text words)
{
    struct text rest = words, word;
    if (words.size == 0) return;
    for (bool any = false; text_split(&rest, ' ', &word); any = true) {
        buffer_put(b, any ? TEXT(",") : TEXT(",\"scopes_supported\":["));
        buffer_put_json(b, word);
    }
    buffer_put_char(b, ']');
}

/* Neither authorization_endpoint nor its companions: no grant here uses it. response_types_supported is required all the
 * same (RFC 8414 2) and an empty array may not stand, so it names the one registered type that gives nothing out. Without a
 * public key there is no jwks_uri. */
enum error endpoint_metadata(struct request_context *context)
{
#define METHODS(endpoint) \
    ",\"" endpoint "_auth_methods_supported\":[\"client_secret_basic\",\"client_secret_post\",\"private_key_jwt\"," \
    "\"tls_client_auth\",\"self_signed_tls_client_auth\"]" \
    ",\"" endpoint "_auth_signing_alg_values_supported\":[" ALGORITHMS "]"
#define ALGORITHMS "\"ES256\",\"RS256\",\"PS256\",\"EdDSA\",\"Ed25519\""
    struct text issuer = context->issuer->name;
    struct buffer *b = &context->response->body;
    const struct store *store = context->issuer->store;
    struct text scopes = store->scopes(store->context, context->arena);
    /* Each word of one byte, with its quotes and comma, is four. */
    if (response_reserve(context->response, context->arena, DOCUMENT_BYTES + 3 * scopes.size)) return ERROR_unavailable;
    put_url(b, TEXT("{\"issuer\":"), issuer, TEXT(""));
    put_url(b, TEXT(",\"token_endpoint\":"), issuer, TEXT("/token"));
    put_url(b, TEXT(",\"introspection_endpoint\":"), issuer, TEXT("/validate"));
    put_url(b, TEXT(",\"revocation_endpoint\":"), issuer, TEXT("/revoke"));
    if (has_jwks(context)) put_url(b, TEXT(",\"jwks_uri\":"), issuer, TEXT("/jwks.json"));
    buffer_put(b, TEXT(",\"grant_types_supported\":[\"client_credentials\"]"
                       ",\"response_types_supported\":[\"none\"]" METHODS("token_endpoint")
                           METHODS("introspection_endpoint")
                               METHODS("revocation_endpoint") ",\"dpop_signing_alg_values_supported\":[" ALGORITHMS "]"
                                                              ",\"tls_client_certificate_bound_access_tokens\":true"));
    put_introspection_algorithms(context, b);
    put_scopes(b, scopes);
    put_mtls_aliases(b, context->issuer->mtls_name);
    buffer_put_char(b, '}');
#undef ALGORITHMS
#undef METHODS
    return publish(context, context->issuer->jwks_max_age);
}
