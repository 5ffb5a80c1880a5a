#include "server.h"

#include "endpoint.h"

enum place { UNDER_PREFIX, BEFORE_PREFIX }; /* RFC 8414 3.1: the well-known path precedes that of the issuer */

enum method { GET, POST, DOCUMENT }; /* DOCUMENT: a GET that pages of another origin may send */

enum stale { ANY_AGE, ISSUE_AGE, VALIDATE_AGE }; /* the limit on the age of the replica */

#define WELL_KNOWN "/.well-known/oauth-authorization-server"

static const struct route {
    const char *name;
    struct text path;
    enum place place;
    enum method method;
    enum stale stale;
    enum error (*handle)(struct request_context *context);
} routes[] = {
    { "token", TEXT("/token"), UNDER_PREFIX, POST, ISSUE_AGE, endpoint_token },
    { "validate", TEXT("/validate"), UNDER_PREFIX, POST, VALIDATE_AGE, endpoint_introspect },
    { "introspect", TEXT("/introspect"), UNDER_PREFIX, POST, VALIDATE_AGE, endpoint_introspect },
    { "revoke", TEXT("/revoke"), UNDER_PREFIX, POST, VALIDATE_AGE, endpoint_revoke },
    { "jwks", TEXT("/jwks.json"), UNDER_PREFIX, DOCUMENT, ANY_AGE, endpoint_jwks },
    { "metadata", TEXT(WELL_KNOWN), BEFORE_PREFIX, DOCUMENT, ANY_AGE, endpoint_metadata },
    { "metadata", TEXT(WELL_KNOWN), UNDER_PREFIX, DOCUMENT, ANY_AGE, endpoint_metadata },
    { "live", TEXT("/live"), UNDER_PREFIX, GET, ANY_AGE, endpoint_live },
    { "ready", TEXT("/ready"), UNDER_PREFIX, GET, ANY_AGE, endpoint_ready },
    { "metrics", TEXT("/metrics"), UNDER_PREFIX, GET, ANY_AGE, endpoint_metrics },
};

/* Further indexes of routes: the check, which has no path, and requests that match no route. */
enum { ROUTES = sizeof routes / sizeof *routes, ROUTE_CHECK = ROUTES, ROUTE_OTHER };

size_t server_routes(void) { return ROUTE_OTHER + 1; }

const char *server_route_name(size_t route)
{
    if (route == ROUTE_CHECK) return "check";
    return route < ROUTES ? routes[route].name : "other";
}

static bool is_at(const struct route *route, struct text prefix, struct text path)
{
    struct text first = route->place == UNDER_PREFIX ? prefix : route->path;
    struct text last = route->place == UNDER_PREFIX ? route->path : prefix;
    return path.size == first.size + last.size && text_begins(path, first) &&
           text_equal(text_slice(path, first.size, last.size), last);
}

static size_t find_route(struct text prefix, struct text path)
{
    size_t i = 0;
    while (i < ROUTES && !is_at(&routes[i], prefix, path)) i++;
    return i < ROUTES ? i : ROUTE_OTHER;
}

/* A route that accepts GET also accepts HEAD (RFC 9110 9.3.2). */
static bool takes(const struct route *route, struct text method)
{
    if (route->method == POST) return text_equal(method, TEXT("POST"));
    return text_equal(method, TEXT("GET")) || text_equal(method, TEXT("HEAD"));
}

static struct text allowed(const struct route *route)
{
    if (route->method == POST) return TEXT("POST");
    return route->method == DOCUMENT ? TEXT("GET, HEAD, OPTIONS") : TEXT("GET, HEAD");
}

static bool is_too_old(const struct issuer *issuer, const struct route *route)
{
    uint32_t limit = route->stale == ISSUE_AGE ? issuer->issue_seconds : issuer->validate_seconds;
    return route->stale != ANY_AGE && issuer->store->age(issuer->store->context) > limit;
}

static enum error answer_endpoint(struct request_context *context)
{
    const struct request *request = context->request;
    struct response *response = context->response;
    response->head_only = text_equal(request->method, TEXT("HEAD"));
    response->route = (unsigned)find_route(context->issuer->prefix, request->path);
    if (response->route == ROUTE_OTHER) return ERROR_not_found;
    const struct route *route = &routes[response->route];
    if (route->method == DOCUMENT && text_equal(request->method, TEXT("OPTIONS"))) {
        response->allow = allowed(route);
        return endpoint_preflight(context);
    }
    if (!takes(route, request->method)) {
        response->allow = allowed(route);
        return ERROR_method;
    }
    if (request->repeated) return ERROR_ambiguous;
    if (request->body_too_large) return ERROR_too_large;
    if (is_too_old(context->issuer, route)) return ERROR_unavailable;
    return route->handle(context);
}

static enum error answer(struct request_context *context)
{
    struct response *response = context->response;
    switch (context->request->kind) {
    case REQUEST_ENDPOINT: return answer_endpoint(context);
    case REQUEST_SUBREQUEST:
    case REQUEST_AUTHORIZER: response->route = ROUTE_CHECK; return endpoint_check(context);
    default: response->route = ROUTE_OTHER; return ERROR_not_found;
    }
}

struct text server_handle(const struct issuer *issuer, struct arena *arena, const struct request *request,
                          struct response *response)
{
    struct request_context context; /* not cleared: form and client are set by the steps that read them */
    context.issuer = issuer;
    context.arena = arena;
    context.request = request;
    context.response = response;
    context.credential = TEXT_NONE;
    context.steps = 0;
    response_open(response);
    context.now = issuer->now(issuer->context);
    enum error error = answer(&context);
    if (error) response_refuse(response, error);
    return response_format(response, issuer->name, request->id_is_ours ? request->id : TEXT_NONE);
}
