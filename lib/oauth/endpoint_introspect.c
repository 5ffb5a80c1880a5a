#include "access_token.h"
#include "client_auth.h"
#include "endpoint.h"

/* A caller sees only tokens that are meant for an API it speaks for. */
static bool may_read(const struct client *caller, const struct access_token *token)
{
    for (size_t i = 0; i < caller->read_count; i++)
        for (size_t k = 0; k < token->audience_count; k++)
            if (text_equal(caller->reads[i], token->audiences[k])) return true;
    return false;
}

static enum error put_active(struct exchange *exchange, const struct access_token *token)
{
    struct buffer *b = &exchange->response->body;
    if (response_reserve(exchange->response, exchange->arena, 64 + token->shown.size)) return ERROR_unavailable;
    buffer_put(b, TEXT("{\"active\":true,\"token_type\":\""));
    buffer_put(b, access_token_type(&token->confirmation));
    buffer_put(b, TEXT("\","));
    buffer_put(b, token->shown);
    buffer_put_char(b, '}');
    return b->full ? ERROR_unavailable : ERROR_none;
}

enum error endpoint_introspect(struct exchange *exchange)
{
    struct access_token token;
    struct text compact;
    enum error error = client_auth_token(exchange, &compact);
    if (error) return error;

    enum answer active = access_token_read(exchange, compact, &token);
    if (active == ANSWER_YES && !may_read(&exchange->client, &token)) active = ANSWER_NO;
    if (active == ANSWER_YES) active = access_token_active(exchange, &token);
    if (active == ANSWER_CANNOT_SAY) return ERROR_unavailable;
    if (active == ANSWER_YES) return put_active(exchange, &token);
    buffer_put(&exchange->response->body, TEXT("{\"active\":false}"));
    return ERROR_none;
}
