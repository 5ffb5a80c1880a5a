#include "grant.h"

#include <assert.h>

#include "scope.h"

/* Any grant of the audience, or NULL. All grants of one audience have the same audience_* members. */
static const struct client_grant *find_audience(const struct client *client, struct text audience)
{
    for (size_t i = 0; i < client->grant_count; i++)
        if (text_equal(client->grants[i].audience, audience)) return &client->grants[i];
    return NULL;
}

static bool has_scope(const struct client *client, struct text audience, struct text word)
{
    for (size_t i = 0; i < client->grant_count; i++)
        if (text_equal(client->grants[i].scope, word) && text_equal(client->grants[i].audience, audience)) return true;
    return false;
}

/* A scope token is granted only if the client has it for every audience of the token. */
static bool has_scope_everywhere(const struct client *client, const struct access_token_plan *plan, struct text word)
{
    for (size_t i = 0; i < plan->audience_count; i++)
        if (!has_scope(client, plan->audiences[i], word)) return false;
    return true;
}

/* The shortest lifetime of the audiences applies; audiences with different algorithms cannot share a token. */
static enum error add_demands(const struct client_grant *grant, struct access_token_plan *plan)
{
    enum jws_algorithm algorithm = grant->audience_algorithm;
    if (grant->audience_seconds > 0 && grant->audience_seconds < plan->seconds) plan->seconds = grant->audience_seconds;
    if (algorithm == JWS_NONE) return ERROR_none;
    if (plan->algorithm != JWS_NONE && plan->algorithm != algorithm) return ERROR_invalid_target;
    plan->algorithm = algorithm;
    return ERROR_none;
}

static enum error add_audience(const struct client *client, struct text audience, struct access_token_plan *plan)
{
    const struct client_grant *grant = find_audience(client, audience);
    for (size_t i = 0; i < plan->audience_count; i++)
        if (text_equal(plan->audiences[i], audience)) return ERROR_none;
    if (plan->audience_count == ACCESS_TOKEN_AUDIENCES || !grant) return ERROR_invalid_target;
    plan->audiences[plan->audience_count++] = audience;
    return add_demands(grant, plan);
}

/* Without `resource`: the client's default audience, or its only audience. */
static enum error default_audience(const struct client *client, struct access_token_plan *plan)
{
    if (client->default_audience.size > 0) return add_audience(client, client->default_audience, plan);
    for (size_t i = 1; i < client->grant_count; i++)
        if (!text_equal(client->grants[i].audience, client->grants[0].audience)) return ERROR_invalid_target;
    return add_audience(client, client->grants[0].audience, plan);
}

/* RFC 8707 2: `resource` may be repeated. */
static enum error decide_audience(struct request_context *context, struct access_token_plan *plan)
{
    const struct client *client = &context->client;
    for (size_t i = 0; i < context->form.count; i++) {
        const struct parameter *p = &context->form.parameters[i];
        if (p->value.size == 0 || !text_equal(p->name, TEXT("resource"))) continue;
        enum error error = add_audience(client, p->value, plan);
        if (error) return error;
    }
    return plan->audience_count > 0 ? ERROR_none : default_audience(client, plan);
}

/* RFC 6749 3.3: a request without scope gets a default that is registered for the client, or is refused. */
static enum error omitted_scope(const struct client *client, const struct access_token_plan *plan,
                                struct scope *scope_r)
{
    bool some = false;
    scope_r->count = 0;
    if (client->omitted_scope == CLIENT_OMITTED_REFUSE) return ERROR_missing_scope;
    if (client->omitted_scope == CLIENT_OMITTED_NONE) return ERROR_none;
    for (size_t i = 0; i < client->grant_count; i++) {
        const struct client_grant *grant = &client->grants[i];
        if (grant->scope.size == 0 || !has_scope_everywhere(client, plan, grant->scope)) continue;
        some = true;
        if (client->omitted_scope == CLIENT_OMITTED_DEFAULT && !grant->is_default) continue;
        if (scope_add(scope_r, grant->scope)) return ERROR_invalid_scope;
    }
    return some && scope_r->count == 0 ? ERROR_missing_scope : ERROR_none;
}

static enum error requested_scope(const struct client *client, const struct access_token_plan *plan, struct text wanted,
                                  struct scope *scope_r)
{
    if (scope_parse(wanted, scope_r)) return ERROR_invalid_scope;
    for (size_t i = 0; i < scope_r->count; i++)
        if (!has_scope_everywhere(client, plan, scope_r->words[i])) return ERROR_invalid_scope;
    return ERROR_none;
}

/* The scope tokens separated by single spaces, in the arena. A longer scope than SCOPE_BYTES could make a token too
 * long to be read (JWS_BYTES), so it is refused. */
static enum error join(struct request_context *context, const struct scope *scope, struct text *joined_r)
{
    size_t size = 0;
    for (size_t i = 0; i < scope->count; i++) size += scope->words[i].size + 1;
    if (size > SCOPE_BYTES) return ERROR_invalid_scope;
    struct buffer b = { arena_take(context->arena, size), 0, size, false };
    if (!b.data) return ERROR_unavailable;
    for (size_t i = 0; i < scope->count; i++) {
        if (i > 0) buffer_put_char(&b, ' ');
        buffer_put(&b, scope->words[i]);
    }
    *joined_r = buffer_text(&b);
    return ERROR_none;
}

static enum error decide_scope(struct request_context *context, struct access_token_plan *plan)
{
    struct scope scope;
    struct text wanted;
    enum error error = request_context_parameter(context, TEXT("scope"), &wanted);
    if (error) return error;
    if (text_present(wanted)) error = requested_scope(&context->client, plan, wanted, &scope);
    else error = omitted_scope(&context->client, plan, &scope);
    return error ? error : join(context, &scope, &plan->scope);
}

enum error grant_decide(struct request_context *context, struct access_token_plan *plan_r)
{
    assert(context->steps & REQUEST_CONTEXT_CLIENT); /* or a client of an earlier request is served */
    const struct client *client = &context->client;
    struct text type;
    enum error error = request_context_parameter(context, TEXT("grant_type"), &type);
    if (error) return error;
    if (!text_present(type)) return ERROR_missing_grant_type;
    if (!text_equal(type, TEXT("client_credentials"))) return ERROR_unsupported_grant;
    if (client->grant_count == 0) return ERROR_unauthorized_client;

    *plan_r = (struct access_token_plan){ .seconds = client->token_seconds ? client->token_seconds
                                                                           : context->issuer->token_seconds,
                                          .algorithm = JWS_NONE };
    error = decide_audience(context, plan_r);
    if (error) return error;
    /* An API that names an algorithm verifies tokens with a public key, and with HS256 this issuer publishes none. */
    if (plan_r->algorithm != JWS_NONE && context->issuer->token_algorithm == JWS_HS256) return ERROR_invalid_target;
    return decide_scope(context, plan_r);
}
