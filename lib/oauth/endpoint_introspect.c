/* The introspection endpoint (RFC 7662), for clients that are registered as introspectors of the token's audience, and
 * its signed responses (RFC 9701). */
#include "access_token.h"
#include "client_auth.h"
#include "endpoint.h"
#include "media_type.h"
#include "signed_jwt.h"

#define SIGNED TEXT("application/token-introspection+jwt")

/* RFC 7662 2.2: a caller may introspect only tokens for an audience that it is registered to introspect. */
static bool may_read(const struct client *caller, const struct access_token *token)
{
    for (size_t i = 0; i < caller->read_count; i++)
        for (size_t k = 0; k < token->audience_count; k++)
            if (text_equal(caller->reads[i], token->audiences[k])) return true;
    return false;
}

static enum error put_active(struct request_context *context, const struct access_token *token)
{
    struct buffer *b = &context->response->body;
    if (response_reserve(context->response, context->arena, 64 + token->shown.size)) return ERROR_unavailable;
    buffer_put(b, TEXT("{\"active\":true,\"token_type\":\""));
    buffer_put(b, access_token_type(&token->confirmation));
    buffer_put(b, TEXT("\","));
    buffer_put(b, token->shown);
    buffer_put_char(b, '}');
    return b->full ? ERROR_unavailable : ERROR_none;
}

static enum error put_plain(struct request_context *context)
{
    struct access_token token;
    struct text compact;
    enum error error = client_auth_token(context, &compact);
    if (error) return error;

    enum answer active = access_token_read(context, compact, &token);
    if (active == ANSWER_YES && !may_read(&context->client, &token)) active = ANSWER_NO;
    if (active == ANSWER_YES) active = access_token_active(context, &token);
    if (active == ANSWER_CANNOT_SAY) return ERROR_unavailable;
    if (active == ANSWER_YES) return put_active(context, &token);
    buffer_put(&context->response->body, TEXT("{\"active\":false}"));
    return ERROR_none;
}

/* RFC 9701 4. An issuer that signs with HS256 publishes no key that could verify a signed response, so it sends
 * none. */
static bool wants_signed(const struct request_context *context)
{
    return context->issuer->token_algorithm != JWS_HS256 &&
           media_type_prefers(context->request->accept, SIGNED, TEXT("application/json"));
}

/* RFC 9701 5. sub and exp are omitted, so that the response cannot be taken for another kind of JWT. */
static int put_claims(const struct request_context *context, struct text plain, struct buffer *b)
{
    buffer_put(b, TEXT("{\"iss\":"));
    buffer_put_json(b, context->issuer->name);
    buffer_put(b, TEXT(",\"aud\":"));
    buffer_put_json(b, context->client.id);
    buffer_put(b, TEXT(",\"iat\":"));
    buffer_put_number(b, (uint64_t)context->now);
    buffer_put(b, TEXT(",\"token_introspection\":"));
    buffer_put(b, plain);
    buffer_put_char(b, '}');
    return b->full ? -1 : 0;
}

/* While only an HS256 key is active, no recipient could verify a signed response. */
static const struct keyring_key *find_signer(const struct request_context *context)
{
    const struct issuer *issuer = context->issuer;
    const struct keyring_key *key = keyring_signer(issuer->keyring, issuer->token_algorithm, context->now);
    return key && key->algorithm != JWS_HS256 ? key : NULL;
}

/* Replaces the plain response in the body by a signed one that contains it as a claim. */
static enum error sign_answer(struct request_context *context)
{
    struct response *response = context->response;
    struct text plain = buffer_text(&response->body), compact;
    size_t capacity = 128 + 6 * (context->issuer->name.size + context->client.id.size) + plain.size;
    struct buffer claims = { arena_take(context->arena, capacity), 0, capacity, false };
    if (!claims.data || put_claims(context, plain, &claims)) return ERROR_unavailable;
    const struct signed_jwt statement = { find_signer(context), KEYRING_INTROSPECTION, buffer_text(&claims) };
    enum error error = signed_jwt_sign(context, &statement, &compact);
    if (error) return error;
    if (response_reserve(response, context->arena, compact.size)) return ERROR_unavailable;
    buffer_put(&response->body, compact);
    response->content_type = SIGNED;
    return ERROR_none;
}

enum error endpoint_introspect(struct request_context *context)
{
    enum error error = put_plain(context);
    return error || !wants_signed(context) ? error : sign_answer(context);
}
