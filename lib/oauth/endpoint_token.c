/* The token endpoint (RFC 6749 3.2) for the client credentials grant (4.4). */
#include "binding.h"
#include "client_auth.h"
#include "endpoint.h"
#include "grant.h"

/* RFC 6749 5.1. `scope` is sent whenever a scope is granted, also if it is the requested one, so that a client need not
 * compare. */
static enum error put_answer(struct request_context *context, const struct access_token_plan *plan, struct text token)
{
    struct response *response = context->response;
    if (response_reserve(response, context->arena, 128 + token.size + 2 * plan->scope.size)) return ERROR_unavailable;
    struct buffer *b = &response->body;
    buffer_put(b, TEXT("{\"access_token\":\""));
    buffer_put(b, token);
    buffer_put(b, TEXT("\",\"token_type\":\""));
    buffer_put(b, access_token_type(&plan->confirmation));
    buffer_put(b, TEXT("\",\"expires_in\":"));
    buffer_put_number(b, plan->seconds);
    if (plan->scope.size > 0) {
        buffer_put(b, TEXT(",\"scope\":"));
        buffer_put_json(b, plan->scope);
    }
    buffer_put_char(b, '}');
    return b->full ? ERROR_unavailable : ERROR_none;
}

enum error endpoint_token(struct request_context *context)
{
    struct access_token_plan plan;
    struct text token;
    enum error error = request_context_form(context);
    if (!error) error = client_auth_verify(context);
    if (!error) error = grant_decide(context, &plan);
    if (!error) error = binding_decide(context, &plan.confirmation);
    if (!error) error = access_token_issue(context, &plan, &token);
    return error ? error : put_answer(context, &plan, token);
}
