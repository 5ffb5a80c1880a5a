/* The revocation endpoint (RFC 7009), for access tokens of the authenticated client. */
#include "access_token.h"
#include "client_auth.h"
#include "endpoint.h"

/* RFC 7009 2.1, 2.2: an invalid or expired token needs no revocation and is answered with 200; a token of another
 * client is refused whatever its state. 200 is sent only once a revocation is durable; with 503 the token may still be
 * valid (2.2.1). A revoked token is revoked again, because the first revocation may not have become durable. */
static enum error revoke(struct request_context *context, struct text compact)
{
    const struct store *store = context->issuer->store;
    struct access_token token;
    enum answer ours = access_token_read(context, compact, &token);
    if (ours == ANSWER_CANNOT_SAY) return ERROR_unavailable;
    if (ours == ANSWER_NO) return ERROR_none;
    if (!text_equal(token.facts.client_id, context->client.id)) return ERROR_foreign_token;
    if (context->now >= token.facts.expires_at) return ERROR_none;
    return store->token_revoke(store->context, &token.facts) ? ERROR_unavailable : ERROR_none;
}

enum error endpoint_revoke(struct request_context *context)
{
    struct text compact;
    enum error error = client_auth_token(context, &compact);
    if (!error) error = revoke(context, compact);
    if (!error) buffer_put(&context->response->body, TEXT("{}"));
    return error;
}
