#include "endpoint.h"

enum { PAGE_BYTES = 65536 };

enum error endpoint_live(struct exchange *exchange)
{
    buffer_put(&exchange->response->body, TEXT("{\"live\":true}"));
    return ERROR_none;
}

enum error endpoint_ready(struct exchange *exchange)
{
    const struct issuer *issuer = exchange->issuer;
    if (issuer->store->age(issuer->store->world) > issuer->validate_seconds) return ERROR_unavailable;
    if (!keyring_signer(issuer->keyring, issuer->token_algorithm, exchange->now)) return ERROR_unavailable;
    buffer_put(&exchange->response->body, TEXT("{\"ready\":true}"));
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
