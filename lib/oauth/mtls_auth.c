#include "mtls_auth.h"

#include "../jose/certificate.h"

/* RFC 8705 2.1. Self-issued certificates are excluded: one that a front server trusts would be verified with any
 * subject. */
static bool has_subject(const struct request_context *context, const struct client *client,
                        const struct certificate *certificate)
{
    if (!(client->methods & CLIENT_TLS) || certificate_is_self_issued(certificate)) return false;
    if (!text_equal(context->request->certificate_verified, TEXT("SUCCESS"))) return false;
    if (text_present(client->tls_issuer) && !certificate_subject_issuer_matches(client->tls_issuer, certificate))
        return false;
    return certificate_subject_matches(&client->tls_subject, certificate);
}

static enum answer is_key_of(const struct issuer *issuer, const struct client_key *key,
                             const struct certificate *certificate)
{
    const struct jwk_cache_key *known;
    if (jwk_cache_take(issuer->jwk_cache, issuer->hasher, key->jwk, &known) != ANSWER_YES)
        return ANSWER_CANNOT_SAY; /* it could be read when the row was loaded */
    return answer_of(certificate_has_key(certificate, known->key));
}

/* RFC 8705 2.2. */
static enum answer find_key(const struct request_context *context, const struct client *client,
                            const struct certificate *certificate, struct text *kid_r)
{
    enum answer answer = ANSWER_NO;
    if (!(client->methods & CLIENT_SELF_SIGNED_TLS)) return answer;
    for (size_t i = 0; i < client->key_count && answer == ANSWER_NO; i++) {
        if (!client_key_is_current(&client->keys[i], context->now)) continue;
        answer = is_key_of(context->issuer, &client->keys[i], certificate);
        *kid_r = client->keys[i].kid;
    }
    return answer;
}

enum answer mtls_auth_verify(struct request_context *context, const struct client *client, struct text *credential_r)
{
    struct certificate certificate;
    enum answer answer = ANSWER_NO;
    if (certificate_read(context->request->certificate, context->arena, &certificate)) return ANSWER_NO;
    if (certificate_is_current(&certificate, context->now)) {
        answer = answer_of(has_subject(context, client, &certificate));
        if (answer == ANSWER_YES) *credential_r = TEXT("tls_client_auth");
        else answer = find_key(context, client, &certificate, credential_r);
    }
    certificate_close(&certificate);
    return answer;
}
