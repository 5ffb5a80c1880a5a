#include "endpoint.h"

enum { PAGE_BYTES = 65536 };

enum error endpoint_live(struct exchange *exchange)
{
    buffer_put(&exchange->response->body, TEXT("{\"live\":true}"));
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

enum error endpoint_ready(struct exchange *exchange)
{
    const struct issuer *issuer = exchange->issuer;
    if (issuer->store->age(issuer->store->world) > issuer->validate_seconds) return ERROR_unavailable;
    if (!keyring_signer(issuer->keyring, issuer->token_algorithm, exchange->now)) return ERROR_unavailable;
    struct buffer *body = &exchange->response->body;
    buffer_put(body, TEXT("{\"ready\":true"));
    put_degraded(body, issuer->store->degraded(issuer->store->world));
    buffer_put_char(body, '}');
    return ERROR_none;
}

enum error endpoint_metrics(struct exchange *exchange)
{
    const struct issuer *issuer = exchange->issuer;
    struct response *response = exchange->response;
    if (!issuer->metrics) return ERROR_not_found;
    if (response_reserve(response, exchange->arena, PAGE_BYTES)) return ERROR_unavailable;
    response->content_type = TEXT("text/plain; version=0.0.4; charset=utf-8");
    return issuer->metrics(issuer->world, &response->body) || response->body.full ? ERROR_unavailable : ERROR_none;
}
