#include "access_token.h"
#include "client_auth.h"
#include "endpoint.h"

/* Claims that an introspection answer repeats (RFC 7662 2.2); `cred` is nobody else's affair. */
static const struct text answered[] = {
    TEXT("iss"), TEXT("sub"), TEXT("aud"), TEXT("client_id"), TEXT("scope"), TEXT("iat"), TEXT("exp"), TEXT("nbf"), TEXT("jti"),
};

static bool is_answered(struct text name)
{
    for (size_t i = 0; i < sizeof answered / sizeof *answered; i++)
        if (text_equal(name, answered[i])) return true;
    return false;
}

/* A caller sees only tokens that are meant for an API it speaks for. */
static bool may_read(const struct client *caller, const struct access_token *token)
{
    for (size_t i = 0; i < caller->read_count; i++)
        for (size_t k = 0; k < token->claims.audience_count; k++)
            if (text_equal(caller->reads[i], token->claims.audiences[k])) return true;
    return false;
}

/* Each member as it stands in the token, which is JSON that we wrote. */
static void put_member(struct buffer *b, const struct member *member)
{
    struct text quote = member->kind == OBJECT_STRING ? TEXT("\"") : TEXT("");
    buffer_put(b, TEXT(",\""));
    buffer_put(b, member->name);
    buffer_put(b, TEXT("\":"));
    buffer_put(b, quote);
    buffer_put(b, member->value);
    buffer_put(b, quote);
}

static enum error put_active(struct exchange *exchange, const struct access_token *token)
{
    struct response *response = exchange->response;
    const struct object *object = &token->claims.object;
    size_t size = 64;
    for (size_t i = 0; i < object->count; i++) size += object->members[i].name.size + object->members[i].value.size + 8;
    if (response_reserve(response, exchange->arena, size)) return ERROR_unavailable;
    buffer_put(&response->body, TEXT("{\"active\":true,\"token_type\":\"Bearer\""));
    for (size_t i = 0; i < object->count; i++)
        if (is_answered(object->members[i].name)) put_member(&response->body, &object->members[i]);
    buffer_put_char(&response->body, '}');
    return response->body.full ? ERROR_unavailable : ERROR_none;
}

enum error endpoint_introspect(struct exchange *exchange)
{
    struct access_token token;
    struct text compact;
    enum error error = exchange_form(exchange);
    if (!error) error = client_auth_verify(exchange);
    if (!error) error = exchange_parameter(exchange, TEXT("token"), &compact);
    if (error) return error;
    if (!text_present(compact)) return ERROR_missing_token;

    enum answer active = access_token_read(exchange, compact, &token);
    if (active == ANSWER_YES && !may_read(&exchange->client, &token)) active = ANSWER_NO;
    if (active == ANSWER_YES) active = access_token_active(exchange, &token);
    if (active == ANSWER_CANNOT_SAY) return ERROR_unavailable;
    if (active == ANSWER_YES) return put_active(exchange, &token);
    buffer_put(&exchange->response->body, TEXT("{\"active\":false}"));
    return ERROR_none;
}
