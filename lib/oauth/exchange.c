#include "exchange.h"

/* The media type alone counts (RFC 9110 8.3.1): any case, parameters allowed. */
static bool is_form(struct text content_type)
{
    struct text type;
    return text_split(&content_type, ';', &type) &&
           text_equal_nocase(text_trim(type), TEXT("application/x-www-form-urlencoded"));
}

enum error exchange_form(struct exchange *exchange)
{
    const struct request *request = exchange->request;
    if (request->query.size > 0) return ERROR_query_parameter;
    if (!is_form(request->content_type)) return ERROR_content_type;
    return form_parse(request->body, exchange->arena, &exchange->form) ? ERROR_malformed_form : ERROR_none;
}

enum error exchange_parameter(const struct exchange *exchange, struct text name, struct text *value_r)
{
    return form_find(&exchange->form, name, value_r) > 1 ? ERROR_repeated_parameter : ERROR_none;
}

int exchange_fingerprint(const struct exchange *exchange, enum exchange_verified kind, uint64_t state, struct text t,
                         unsigned char fingerprint_r[STORE_FINGERPRINT])
{
    struct {
        unsigned char key[ISSUER_FINGERPRINT_KEY];
        uint64_t kind, state, spare[2];     /* to the end of one block of SHA-256 */
    } block = { .kind = kind, .state = state };
    memcpy(block.key, exchange->issuer->fingerprint_key, sizeof block.key);
    struct text parts[] = { { (const char *)&block, sizeof block }, t };
    return secret_digest(exchange->issuer->hasher, parts, 2, fingerprint_r);
}
