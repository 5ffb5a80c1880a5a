/* Liveness, readiness and the Prometheus metrics of this process, for the operator's monitoring. */
#include "endpoint.h"

enum { PAGE_BYTES = 65536 };

enum error endpoint_live(struct request_context *context)
{
    buffer_put(&context->response->body, TEXT("{\"live\":true}"));
    return ERROR_none;
}

static const struct text degraded_names[] = {
#define DEGRADED_TEXT(name, help) TEXT(#name),
    STORE_DEGRADED_LIST(DEGRADED_TEXT)
#undef DEGRADED_TEXT
};

/* ,"degraded":["NAME",...] unless the set is empty. */
static void put_degraded(struct buffer *body, uint64_t degraded)
{
    bool first = true;
    for (size_t i = 0; i < STORE_DEGRADED_COUNT; i++) {
        if (!(degraded & UINT64_C(1) << i)) continue;
        buffer_put(body, first ? TEXT(",\"degraded\":[\"") : TEXT("\",\""));
        buffer_put(body, degraded_names[i]);
        first = false;
    }
    if (!first) buffer_put(body, TEXT("\"]"));
}

enum error endpoint_ready(struct request_context *context)
{
    const struct issuer *issuer = context->issuer;
    if (issuer->store->age(issuer->store->context) > issuer->validate_seconds) return ERROR_unavailable;
    if (!keyring_signer(issuer->keyring, issuer->token_algorithm, context->now)) return ERROR_unavailable;
    struct buffer *body = &context->response->body;
    buffer_put(body, TEXT("{\"ready\":true"));
    put_degraded(body, issuer->store->degraded(issuer->store->context));
    buffer_put_char(body, '}');
    return ERROR_none;
}

enum error endpoint_metrics(struct request_context *context)
{
    const struct issuer *issuer = context->issuer;
    struct response *response = context->response;
    if (!issuer->metrics) return ERROR_not_found;
    if (response_reserve(response, context->arena, PAGE_BYTES)) return ERROR_unavailable;
    response->content_type = TEXT("text/plain; version=0.0.4; charset=utf-8");
    return issuer->metrics(issuer->context, &response->body) || response->body.full ? ERROR_unavailable : ERROR_none;
}
