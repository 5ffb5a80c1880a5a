#include "client_auth.h"

#include <openssl/crypto.h>

#include "../base/base64url.h"
#include "assertion.h"
#include "mtls_auth.h"

/* How long the result of a slow hash is cached. */
enum { VERIFIED_SECONDS = 300 };

/* The authentication that the request contains. */
struct proof {
    unsigned methods; /* bits of enum client_method: the methods that it may be */
    struct text client_id;
    struct text secret;
    const struct assertion *assertion;
};

/* RFC 6749 2.3.1: base64 of id ":" secret, each form-encoded. */
static enum error read_basic(struct request_context *context, struct text credentials, struct proof *proof_r)
{
    size_t capacity = credentials.size / 4 * 3 + 3;
    struct buffer b = { arena_take(context->arena, capacity), 0, capacity, false };
    if (!b.data) return ERROR_unavailable;
    if (credentials.size == 0 || base64url_decode_basic(credentials, &b)) return ERROR_malformed_basic;
    struct text rest = buffer_text(&b), id;
    if (!text_split(&rest, ':', &id) || !text_present(rest)) return ERROR_malformed_basic;
    proof_r->methods = CLIENT_SECRET_BASIC;
    if (form_decode(id, context->arena, &proof_r->client_id)) return ERROR_invalid_client;
    return form_decode(rest, context->arena, &proof_r->secret) ? ERROR_invalid_client : ERROR_none;
}

static enum error read_post(struct text client_id, struct text secret, struct proof *proof_r)
{
    if (!text_present(client_id) || !text_present(secret)) return ERROR_invalid_client;
    *proof_r = (struct proof){ CLIENT_SECRET_POST, client_id, secret, NULL };
    return ERROR_none;
}

/* RFC 7521 4.2: client_id is optional; if present, it must identify the same client. */
static enum error read_assertion(struct request_context *context, struct text client_id, struct text compact,
                                 struct proof *proof_r)
{
    struct text type;
    enum error error = request_context_parameter(context, TEXT("client_assertion_type"), &type);
    struct assertion *assertion = arena_take(context->arena, sizeof *assertion);
    if (error) return error;
    if (!assertion) return ERROR_unavailable;
    if (assertion_read(context, type, compact, assertion)) return ERROR_invalid_client;
    struct text subject = assertion->claims.subject;
    if (!text_present(subject) || (text_present(client_id) && !text_equal(client_id, subject)))
        return ERROR_invalid_client;
    *proof_r = (struct proof){ .methods = CLIENT_PRIVATE_KEY_JWT, .client_id = subject, .assertion = assertion };
    return ERROR_none;
}

/* RFC 8705 2: client_id in the form identifies the client. */
static bool is_by_certificate(const struct request_context *context, struct text client_id, struct text secret)
{
    return text_present(context->request->certificate) && text_present(client_id) && !text_present(secret);
}

/* Determines the method that the request uses; several are refused before any is evaluated (RFC 6749 2.3). */
static enum error read_proof(struct request_context *context, struct proof *proof_r)
{
    struct text scheme, rest = context->request->authorization, client_id, secret, assertion;
    enum error error = request_context_parameter(context, TEXT("client_id"), &client_id);
    if (!error) error = request_context_parameter(context, TEXT("client_secret"), &secret);
    if (!error) error = request_context_parameter(context, TEXT("client_assertion"), &assertion);
    if (error) return error;

    bool in_header = text_present(rest);
    if (in_header + text_present(secret) + text_present(assertion) > 1) return ERROR_several_methods;
    if (text_present(assertion)) return read_assertion(context, client_id, assertion, proof_r);
    if (!in_header && is_by_certificate(context, client_id, secret)) {
        *proof_r = (struct proof){ .methods = CLIENT_TLS | CLIENT_SELF_SIGNED_TLS, .client_id = client_id };
        return ERROR_none;
    }
    if (!in_header) return read_post(client_id, secret, proof_r);
    if (!text_split(&rest, ' ', &scheme) || !text_equal_nocase(scheme, TEXT("Basic"))) return ERROR_invalid_client;
    error = read_basic(context, text_trim(rest), proof_r);
    if (error) return error;
    if (text_present(client_id) && !text_equal(client_id, proof_r->client_id)) return ERROR_several_methods;
    return ERROR_none;
}

/* A client without secrets, or an unknown one, costs the same digest as a wrong secret. */
static void verify_nothing(struct request_context *context, struct text secret)
{
    static const struct secret_hash nothing;
    (void)secret_verify(context->issuer->hasher, &nothing, secret);
}

static bool is_current(const struct client_secret *secret, int64_t now)
{
    return secret->not_before <= now && (secret->expires_at == 0 || now < secret->expires_at);
}

/* The cache key of this secret under this label and version of the client: a cached result ends with a change of the
 * row and does not apply to another of the client's secrets. */
static int fingerprint(struct request_context *context, const struct client *client, struct text label,
                       struct text secret, unsigned char fingerprint_r[STORE_FINGERPRINT])
{
    size_t size = client->id.size + 1 + label.size + 1 + secret.size;
    struct buffer all = { arena_take(context->arena, size), 0, size, false };
    if (!all.data) return -1;
    buffer_put(&all, client->id);
    buffer_put_char(&all, '\0'); /* which none of the three contains */
    buffer_put(&all, label);
    buffer_put_char(&all, '\0');
    buffer_put(&all, secret);
    return request_context_fingerprint(context, VERIFIED_SECRET, client->version, buffer_text(&all), fingerprint_r);
}

/* A slow hash is not computed while the source has too many failures, only one at a time on the host, and once in
 * VERIFIED_SECONDS for a correct secret. */
static enum answer verify_slowly(struct request_context *context, const struct client *client,
                                 const struct client_secret *stored, struct text secret)
{
    const struct store *store = context->issuer->store;
    unsigned char print[STORE_FINGERPRINT];
    if (fingerprint(context, client, stored->label, secret, print)) return ANSWER_CANNOT_SAY;
    if (store->verified_find(store->context, print, context->now)) return ANSWER_YES;
    if (store->failure_allowed(store->context, client->id, context->request->remote_address) != ANSWER_YES)
        return ANSWER_NO;
    if (store->slow_lane_take(store->context) != ANSWER_YES) return ANSWER_CANNOT_SAY;
    enum answer same = secret_verify(context->issuer->hasher, &stored->hash, secret);
    store->slow_lane_give(store->context);
    if (same == ANSWER_YES) store->verified_put(store->context, print, context->now, context->now + VERIFIED_SECONDS);
    return same;
}

/* Whether secret is one of the client's, and its label. Generated secrets are tried first, as their hash is cheap. */
static enum answer verify_secret(struct request_context *context, const struct client *client, struct text secret,
                                 struct text *label_r)
{
    enum answer answer = ANSWER_NO;
    size_t tried = 0;
    for (size_t i = 0; i < client->secret_count; i++) {
        const struct client_secret *stored = &client->secrets[i];
        if (stored->hash.rounds > 0 || !is_current(stored, context->now)) continue;
        tried++;
        enum answer same = secret_verify(context->issuer->hasher, &stored->hash, secret);
        *label_r = stored->label;
        if (same != ANSWER_NO) return same;
    }
    if (tried == 0) verify_nothing(context, secret);
    for (size_t i = 0; answer == ANSWER_NO && i < client->secret_count; i++) {
        const struct client_secret *stored = &client->secrets[i];
        if (stored->hash.rounds == 0 || !is_current(stored, context->now)) continue;
        answer = verify_slowly(context, client, stored, secret);
        *label_r = stored->label;
    }
    return answer;
}

/* A client that may not use its method is refused before the assertion is added to the replay cache. */
static enum answer verify_proof(struct request_context *context, const struct client *client, const struct proof *proof,
                                struct text *credential_r)
{
    bool allowed = client->enabled && (client->methods & proof->methods);
    if (text_present(proof->secret)) return verify_secret(context, client, proof->secret, credential_r);
    if (!allowed) {
        if (proof->assertion) assertion_verify_nothing(context, proof->assertion);
        return ANSWER_NO;
    }
    return proof->assertion ? assertion_verify(context, proof->assertion, client, credential_r)
                            : mtls_auth_verify(context, client, credential_r);
}

/* RFC 6749 2.3.1: the rate of failures is limited per client and source address. A correct secret of 256 bits is
 * accepted whatever the failures of its source, because it cannot have been guessed; so another host at the same
 * address cannot lock out the client. */
static enum error refuse(struct request_context *context, struct text client_id)
{
    const struct store *store = context->issuer->store;
    struct text source = context->request->remote_address;
    bool allowed = store->failure_allowed(store->context, client_id, source) == ANSWER_YES;
    store->failure_count(store->context, client_id, source);
    return allowed ? ERROR_invalid_client : ERROR_too_many_failures;
}

enum error client_auth_verify(struct request_context *context)
{
    const struct store *store = context->issuer->store;
    struct proof proof = { .assertion = NULL };
    enum error error = read_proof(context, &proof);
    if (error) return error;

    struct client *client = &context->client;
    enum answer known = store->client_find(store->context, proof.client_id, context->arena, client);
    bool stale = store->age(store->context) > context->issuer->fresh_seconds;
    if (known == ANSWER_CANNOT_SAY || (known == ANSWER_NO && stale)) return ERROR_unavailable;
    if (known == ANSWER_NO) *client = (struct client){ .id = proof.client_id };
    enum answer right = verify_proof(context, client, &proof, &context->credential);
    if (right == ANSWER_CANNOT_SAY) return ERROR_unavailable;
    if (right == ANSWER_NO || known == ANSWER_NO || !client->enabled || !(client->methods & proof.methods))
        return refuse(context, proof.client_id);
    context->response->client_id = client->id;
    if (store->client_allowed(store->context, client) != ANSWER_YES) return ERROR_rate_limited;
    context->steps |= REQUEST_CONTEXT_CLIENT;
    return ERROR_none;
}

enum error client_auth_token(struct request_context *context, struct text *token_r)
{
    enum error error = request_context_form(context);
    if (!error) error = client_auth_verify(context);
    if (!error) error = request_context_parameter(context, TEXT("token"), token_r);
    return error || text_present(*token_r) ? error : ERROR_missing_token;
}
