/* The documents that verifiers and clients fetch: the JWK Set (RFC 7517 5) and the authorization server metadata (RFC
 * 8414), and the CORS preflight for both (Fetch 3.2.2). */
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

/* An issuer that has changed to HS256 continues to publish its earlier public keys until they are removed: tokens that
 * they signed may still be valid, and the issuer must be able to change back at any time. */
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
    /* A set without any proven key would make verifiers drop the keys that they have cached. */
    if (keyring_is_unproven(issuer->keyring)) return ERROR_unavailable;
    if (!has_jwks(context)) return ERROR_not_found;
    if (response_reserve(context->response, context->arena, DOCUMENT_BYTES)) return ERROR_unavailable;
    if (keyring_put_jwks(issuer->keyring, context->now, &context->response->body)) return ERROR_unavailable;
    /* Within validate_seconds all hosts publish the key that any of them signs with; an older replica may lack a key
     * that another host signs with, so its set must not be cached. */
    bool old = issuer->store->age(issuer->store->context) > issuer->validate_seconds;
    return publish(context, old ? 0 : issuer->jwks_max_age);
}

/* A browser sends a preflight when a page of another origin adds header fields. Access-Control-Allow-Origin is set by
 * the front server, which also sets it on its own error pages. "*" does not include Authorization. */
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

/* RFC 8705 5: the endpoints for clients that use a certificate. */
static void put_mtls_aliases(struct buffer *b, struct text name)
{
    if (name.size == 0) return;
    put_url(b, TEXT(",\"mtls_endpoint_aliases\":{\"token_endpoint\":"), name, TEXT("/token"));
    put_url(b, TEXT(",\"introspection_endpoint\":"), name, TEXT("/validate"));
    put_url(b, TEXT(",\"revocation_endpoint\":"), name, TEXT("/revoke"));
    buffer_put_char(b, '}');
}

/* RFC 9701 7. Verifiers take the list as what they may accept, so it has every algorithm of the JWK Set, not only the
 * current one. An empty array is not allowed (RFC 8414 3.2). With HS256 there are no signed responses, even if earlier
 * public keys are still published. */
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

/* RFC 8414 2; an empty array is not allowed (3.2). */
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

/* authorization_endpoint and related members are omitted, as no supported grant uses them. response_types_supported is
 * required nevertheless (RFC 8414 2) and must not be empty, so it has the registered type "none". Without a public key
 * there is no jwks_uri. */
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
    /* A scope token of one byte takes four bytes with its quotes and comma, so an n-byte list takes at most 4n. */
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
