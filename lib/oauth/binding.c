#include "binding.h"

#include <assert.h>

#include "../base/uri.h"
#include "../jose/certificate.h"
#include "dpop.h"

/* The thumbprint of the request's certificate, in the arena. The TLS handshake has proved possession of its key; the
 * chain is irrelevant for binding (RFC 8705 3). Returns 0, or -1 if there is no certificate or it cannot be parsed. */
static int read_thumbprint(struct request_context *context, struct text *thumbprint_r)
{
    struct certificate certificate;
    struct buffer b = { arena_take(context->arena, CERTIFICATE_THUMBPRINT), 0, CERTIFICATE_THUMBPRINT, false };
    if (!b.data || certificate_read(context->request->certificate, context->arena, &certificate)) return -1;
    int bad = certificate_put_thumbprint(&certificate, &b);
    certificate_close(&certificate);
    *thumbprint_r = buffer_text(&b);
    return bad;
}

/* name followed by path; absent if name is empty or the arena is exhausted. */
static struct text url_of(struct request_context *context, struct text name, struct text path)
{
    size_t size = name.size + path.size;
    struct buffer b = { name.size > 0 ? arena_take(context->arena, size) : NULL, 0, size, false };
    if (!b.data) return TEXT_NONE;
    buffer_put(&b, name);
    buffer_put(&b, path);
    return buffer_text(&b);
}

/* RFC 9449 5. */
static enum error decide_key(struct request_context *context, struct confirmation *confirmation)
{
    const struct issuer *issuer = context->issuer;
    const struct dpop_demand demand = { .url = url_of(context, issuer->name, TEXT("/token")),
                                        .other_url = url_of(context, issuer->mtls_name, TEXT("/token")) };
    switch (dpop_verify(context, &demand, &confirmation->key)) {
    case DPOP_GOOD: return ERROR_none;
    case DPOP_NO_NONCE: return ERROR_use_dpop_nonce;
    case DPOP_CANNOT_SAY: return ERROR_unavailable;
    default: return ERROR_invalid_dpop_proof;
    }
}

enum error binding_decide(struct request_context *context, struct confirmation *confirmation_r)
{
    assert(context->steps & REQUEST_CONTEXT_CLIENT);
    bool proof = text_present(context->request->dpop);
    uint8_t required = context->client.require_binding;
    *confirmation_r = (struct confirmation){ TEXT_NONE, TEXT_NONE };
    if (required == CLIENT_BINDING_MTLS || (required == CLIENT_BINDING_ANY && !proof))
        if (read_thumbprint(context, &confirmation_r->certificate)) return ERROR_missing_certificate;
    if (!proof) return required == CLIENT_BINDING_DPOP ? ERROR_invalid_dpop_proof : ERROR_none;
    return decide_key(context, confirmation_r);
}

bool binding_known(const struct request_check *check)
{
    struct text binding = check->binding;
    bool by_key = text_equal(binding, TEXT("any")) || text_equal(binding, TEXT("dpop"));
    if ((by_key || check->origin.size > 0) && !uri_is_origin(check->origin)) return false;
    return by_key || binding.size == 0 || text_equal(binding, TEXT("none")) || text_equal(binding, TEXT("mtls"));
}

static bool is_bound_as_demanded(const struct confirmation *confirmation, struct text demanded)
{
    bool mtls = confirmation->certificate.size > 0, dpop = confirmation->key.size > 0;
    if (text_equal(demanded, TEXT("mtls"))) return mtls;
    if (text_equal(demanded, TEXT("dpop"))) return dpop;
    return !text_equal(demanded, TEXT("any")) || mtls || dpop;
}

/* RFC 9449 7.1. The URL is the origin that the operator configured followed by the target that the client sent. */
static enum error verify_key(struct request_context *context, struct text key, struct text compact)
{
    const struct request_check *check = &context->request->check;
    struct text used;
    if (check->origin.size == 0) return ERROR_invalid_token; /* no proof can match a location without an origin */
    if (!text_begins(check->target, TEXT("/"))) return ERROR_check_dpop_proof;
    const struct dpop_demand demand = { .url = url_of(context, check->origin, check->target),
                                        .access_token = compact,
                                        .key = key };
    switch (dpop_verify(context, &demand, &used)) {
    case DPOP_GOOD: return ERROR_none;
    case DPOP_NO_NONCE: return ERROR_check_dpop_nonce;
    case DPOP_OTHER_KEY: return ERROR_invalid_token;
    case DPOP_CANNOT_SAY: return ERROR_unavailable;
    default: return ERROR_check_dpop_proof;
    }
}

enum error binding_verify(struct request_context *context, const struct access_token *token, struct text compact,
                          bool as_dpop)
{
    const struct confirmation *confirmation = &token->confirmation;
    struct text shown;
    if (!is_bound_as_demanded(confirmation, context->request->check.binding)) return ERROR_invalid_token;
    if (as_dpop != (confirmation->key.size > 0)) return ERROR_invalid_token; /* RFC 9449 7.2: no downgrade to Bearer */
    if (confirmation->certificate.size > 0 &&
        (read_thumbprint(context, &shown) || !text_equal(shown, confirmation->certificate)))
        return ERROR_invalid_token;
    return as_dpop ? verify_key(context, confirmation->key, compact) : ERROR_none;
}
