#include "request_context.h"

#include <assert.h>

/* RFC 9110 8.3.1: case-insensitive; parameters are ignored. */
static bool is_form(struct text content_type)
{
    struct text type;
    return text_split(&content_type, ';', &type) &&
           text_equal_nocase(text_trim(type), TEXT("application/x-www-form-urlencoded"));
}

enum error request_context_form(struct request_context *context)
{
    const struct request *request = context->request;
    if (request->query.size > 0) return ERROR_query_parameter;
    if (!is_form(request->content_type)) return ERROR_content_type;
    if (form_parse(request->body, context->arena, &context->form)) return ERROR_malformed_form;
    context->steps |= REQUEST_CONTEXT_FORM;
    return ERROR_none;
}

enum error request_context_parameter(const struct request_context *context, struct text name, struct text *value_r)
{
    assert(context->steps & REQUEST_CONTEXT_FORM);
    return form_find(&context->form, name, value_r) > 1 ? ERROR_repeated_parameter : ERROR_none;
}

int request_context_fingerprint(const struct request_context *context, enum verified_kind kind, uint64_t state,
                                struct text t, unsigned char fingerprint_r[STORE_FINGERPRINT])
{
    struct {
        unsigned char key[ISSUER_FINGERPRINT_KEY];
        uint64_t kind, state, spare[2]; /* pads to one block of SHA-256 */
    } block = { .kind = kind, .state = state };
    memcpy(block.key, context->issuer->fingerprint_key, sizeof block.key);
    struct text parts[] = { { (const char *)&block, sizeof block }, t };
    return secret_digest(context->issuer->hasher, parts, 2, fingerprint_r);
}
