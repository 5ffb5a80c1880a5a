/* The check endpoint: decides for the front server whether a request with an access token may be passed to the API
 * (RFC 6750, RFC 9449 7, RFC 8705 3). Answers 200 with the caller's identity, or the challenge of RFC 6750 3. */
#include "access_token.h"
#include "binding.h"
#include "endpoint.h"
#include "scope.h"

enum { LINES_BYTES = 512, METADATA_BYTES = 512 };

/* The scopes that a location requires, parsed. */
struct demand {
    struct scope all, any;
};

/* Whether t can be the value of a header field and is read back unchanged (RFC 9110 5.5). */
static bool is_header_safe(struct text t)
{
    for (size_t i = 0; i < t.size; i++)
        if (t.data[i] < 0x20 || t.data[i] > 0x7e) return false;
    return t.size > 0 && t.data[0] != ' ' && t.data[t.size - 1] != ' ';
}

/* Whether t can be sent as a quoted-string without escaping. */
static bool is_quotable_url(struct text t)
{
    if (t.size > METADATA_BYTES || !is_header_safe(t)) return false;
    return !memchr(t.data, '"', t.size) && !memchr(t.data, '\\', t.size) && !memchr(t.data, ' ', t.size);
}

/* A location without an audience, or with a malformed requirement, is misconfigured: every request is refused. */
static int read_demand(const struct request_check *check, struct demand *demand_r)
{
    if (check->audience.size == 0 || !binding_known(check)) return -1;
    if (check->scope.size > SCOPE_BYTES || scope_parse(check->scope, &demand_r->all)) return -1;
    if (check->scope_any.size > SCOPE_BYTES || scope_parse(check->scope_any, &demand_r->any)) return -1;
    return text_present(check->resource_metadata) && !is_quotable_url(check->resource_metadata) ? -1 : 0;
}

/* The scopes that are all required, followed by those of which one is. */
static struct text join_scopes(struct arena *arena, const struct request_check *check)
{
    if (check->scope.size == 0) return check->scope_any;
    if (check->scope_any.size == 0) return check->scope;
    size_t size = check->scope.size + 1 + check->scope_any.size;
    struct buffer b = { arena_take(arena, size), 0, size, false };
    if (!b.data) return check->scope;
    buffer_put(&b, check->scope);
    buffer_put_char(&b, ' ');
    buffer_put(&b, check->scope_any);
    return buffer_text(&b);
}

/* The scheme of the challenge: the one that the location requires, otherwise the one that the client used. */
static enum response_scheme scheme_of(const struct request *request)
{
    struct text rest = request->authorization, scheme;
    if (text_equal(request->check.binding, TEXT("dpop"))) return RESPONSE_DPOP;
    if (text_split(&rest, ' ', &scheme) && text_equal_nocase(scheme, TEXT("DPoP"))) return RESPONSE_DPOP;
    return text_equal(request->check.binding, TEXT("any")) ? RESPONSE_BEARER_OR_DPOP : RESPONSE_BEARER;
}

static int prepare_challenge(struct request_context *context)
{
    const struct request_check *check = &context->request->check;
    struct text scope = join_scopes(context->arena, check);
    size_t size = scope.size + check->resource_metadata.size + LINES_BYTES;
    if (response_widen(context->response, context->arena, size)) return -1;
    context->response->challenge = (struct response_challenge){ scheme_of(context->request), scope,
                                                                check->resource_metadata };
    return 0;
}

/* RFC 6750 2.3 is not supported: a token in a URL ends up in logs. The rest of the query belongs to the API, so a pair
 * that cannot be decoded is skipped. */
static bool has_token_in_query(struct request_context *context, struct text target)
{
    struct text pair, name;
    if (!text_split(&target, '?', &pair)) return false;
    while (text_split(&target, '&', &pair)) {
        if (!text_split(&pair, '=', &name) || form_decode(name, context->arena, &name)) continue;
        if (text_equal(name, TEXT("access_token"))) return true;
    }
    return false;
}

/* RFC 6750 2.1, b64token. */
static bool is_b64token(struct text t)
{
    while (t.size > 1 && t.data[t.size - 1] == '=') t.size--;
    for (size_t i = 0; i < t.size; i++) {
        char c = t.data[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter && c != '-' && c != '.' && c != '_' && c != '~' && c != '+' && c != '/') return false;
    }
    return t.size > 0;
}

/* A token as received. */
struct presented {
    struct text compact;
    bool as_dpop; /* with the scheme DPoP (RFC 9449 7.1) */
};

/* Another scheme counts as no authentication (RFC 6750 3.1). Front servers join repeated header fields with a comma,
 * which a b64token cannot contain. */
static enum error read_presented(struct request_context *context, struct presented *presented_r)
{
    const struct request *request = context->request;
    struct text scheme, rest = request->authorization;
    if (request->repeated) return ERROR_ambiguous;
    if (request->claims_identity) return ERROR_claimed_identity;
    if (request->body_too_large) return ERROR_too_large;
    if (has_token_in_query(context, request->check.target)) return ERROR_malformed_bearer;
    if (!text_split(&rest, ' ', &scheme)) return ERROR_missing_bearer;
    presented_r->as_dpop = text_equal_nocase(scheme, TEXT("DPoP"));
    if (!presented_r->as_dpop && !text_equal_nocase(scheme, TEXT("Bearer"))) return ERROR_missing_bearer;
    presented_r->compact = text_trim(rest);
    return is_b64token(presented_r->compact) ? ERROR_none : ERROR_malformed_bearer;
}

static bool is_meant_for(const struct access_token *token, struct text audience)
{
    for (size_t i = 0; i < token->audience_count; i++)
        if (text_equal(token->audiences[i], audience)) return true;
    return false;
}

static bool has_scopes(const struct access_token *token, const struct demand *demand)
{
    struct scope held;
    if (demand->all.count == 0 && demand->any.count == 0) return true;
    if (scope_parse(token->scope, &held)) return false;
    for (size_t i = 0; i < demand->all.count; i++)
        if (!scope_has(&held, demand->all.words[i])) return false;
    for (size_t i = 0; i < demand->any.count; i++)
        if (scope_has(&held, demand->any.words[i])) return true;
    return demand->any.count == 0;
}

/* The binding is verified after the other properties of the token, because it adds the proof to the replay cache; only
 * the scope is checked later. */
static enum error check_token(struct request_context *context, const struct presented *presented,
                              const struct demand *demand, struct access_token *token_r)
{
    const struct issuer *issuer = context->issuer;
    if (issuer->store->age(issuer->store->context) > issuer->validate_seconds) return ERROR_unavailable;
    enum answer good = access_token_read(context, presented->compact, token_r);
    if (good == ANSWER_YES && !is_meant_for(token_r, context->request->check.audience)) good = ANSWER_NO;
    if (good == ANSWER_YES) good = access_token_active(context, token_r);
    if (good == ANSWER_CANNOT_SAY) return ERROR_unavailable;
    if (good == ANSWER_NO) return ERROR_invalid_token;
    enum error error = binding_verify(context, token_r, presented->compact, presented->as_dpop);
    return error || has_scopes(token_r, demand) ? error : ERROR_insufficient_scope;
}

/* The identity of the caller for the application, in header lines named as the asking front server expects them. */
static int put_identity(struct buffer *b, const struct access_token *token, struct text audiences, bool as_variables)
{
    const struct {
        struct text header, variable, value;
        bool may_be_empty;
    } lines[] = {
        { TEXT("X-Auth-Client: "), TEXT("Variable-AUTH_CLIENT: "), token->facts.client_id, false },
        { TEXT("X-Auth-Subject: "), TEXT("Variable-AUTH_SUBJECT: "), token->subject, false },
        { TEXT("X-Auth-Scope: "), TEXT("Variable-AUTH_SCOPE: "), token->scope, true },
        { TEXT("X-Auth-Audience: "), TEXT("Variable-AUTH_AUDIENCE: "), audiences, false },
        { TEXT(""), TEXT("Variable-REMOTE_USER: "), token->facts.client_id, false },
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct text name = as_variables ? lines[i].variable : lines[i].header;
        if (name.size == 0 || (lines[i].may_be_empty && lines[i].value.size == 0)) continue;
        if (!is_header_safe(lines[i].value)) return -1;
        buffer_put(b, name);
        buffer_put(b, lines[i].value);
        buffer_put(b, TEXT("\r\n"));
    }
    return b->full ? -1 : 0;
}

/* The audiences separated by spaces. An audience with a space is refused, as it would be read as two. */
static int join_audiences(struct arena *arena, const struct access_token *token, struct text *audiences_r)
{
    size_t size = 0;
    *audiences_r = token->audiences[0];
    for (size_t i = 0; i < token->audience_count; i++) {
        if (token->audiences[i].size == 0 || memchr(token->audiences[i].data, ' ', token->audiences[i].size)) return -1;
        size += token->audiences[i].size + 1;
    }
    if (token->audience_count == 1) return 0;
    struct buffer b = { arena_take(arena, size), 0, size, false };
    if (!b.data) return -1;
    for (size_t i = 0; i < token->audience_count; i++) {
        if (i > 0) buffer_put_char(&b, ' ');
        buffer_put(&b, token->audiences[i]);
    }
    *audiences_r = buffer_text(&b);
    return 0;
}

/* A request whose identity cannot be passed to the application unambiguously is refused. */
static enum error put_permission(struct request_context *context, const struct access_token *token)
{
    struct response *response = context->response;
    struct text audiences;
    if (join_audiences(context->arena, token, &audiences)) return ERROR_unavailable;
    size_t size = LINES_BYTES + 2 * token->facts.client_id.size + token->subject.size + token->scope.size +
                  audiences.size;
    struct buffer lines = { arena_take(context->arena, size), 0, size, false };
    if (!lines.data || response_widen(response, context->arena, size)) return ERROR_unavailable;
    if (put_identity(&lines, token, audiences, context->request->kind == REQUEST_AUTHORIZER)) return ERROR_unavailable;
    response->lines = buffer_text(&lines);
    response->content_type = TEXT_NONE;
    response->client_id = token->facts.client_id;
    return ERROR_none;
}

enum error endpoint_check(struct request_context *context)
{
    struct demand demand;
    struct access_token token;
    struct presented presented;
    if (read_demand(&context->request->check, &demand)) return ERROR_unconfigured_check;
    if (prepare_challenge(context)) return ERROR_unavailable;
    enum error error = read_presented(context, &presented);
    if (!error) error = check_token(context, &presented, &demand, &token);
    return error ? error : put_permission(context, &token);
}
