#include "assertion.h"

#include "../jose/dummy_key.h"

#define ASSERTION_TYPE TEXT("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")

/* RFC 8725 3.11: another explicit type means another purpose. rfc7523bis 3: "JWT" or no type is accepted. */
static bool is_type(struct text type)
{
    return !text_present(type) || jwt_is_type(type, TEXT("JWT")) ||
           jwt_is_type(type, TEXT("client-authentication+jwt"));
}

int assertion_read(struct request_context *context, struct text type, struct text compact,
                   struct assertion *assertion_r)
{
    if (!text_equal(type, ASSERTION_TYPE) || jws_split(compact, &assertion_r->jws)) return -1;
    if (jwt_header_read(assertion_r->jws.header, context->arena, &assertion_r->header)) return -1;
    if (!is_type(assertion_r->header.type)) return -1;
    return jwt_claims_read(assertion_r->jws.payload, context->arena, &assertion_r->claims) ? -1 : 0;
}

/* RFC 8725 3.1: the algorithm is the one registered for the key; that of the header must be equal to it. */
static bool is_candidate(const struct request_context *context, const struct assertion *assertion,
                         const struct client_key *key)
{
    struct text kid = assertion->header.kid;
    if (key->algorithm != assertion->header.algorithm || !client_key_is_current(key, context->now)) return false;
    return !text_present(kid) || text_equal(kid, key->kid);
}

/* In bytes, decoded. */
static size_t signature_size(const struct assertion *assertion) { return assertion->jws.signature.size * 3 / 4; }

/* Sets *costly_r if the signature had the right size for the key, so that a verification was computed. */
static enum answer verify_signature(struct request_context *context, const struct assertion *assertion,
                                    const struct client_key *key, bool *costly_r)
{
    const struct issuer *issuer = context->issuer;
    const struct jwk_cache_key *known;
    if (jwk_cache_take(issuer->jwk_cache, issuer->hasher, key->jwk, &known) != ANSWER_YES)
        return ANSWER_CANNOT_SAY; /* it could be read when the row was loaded */
    bool is_rsa = key->algorithm == JWS_RS256 || key->algorithm == JWS_PS256;
    if (!is_rsa || signature_size(assertion) == (size_t)EVP_PKEY_get_size(known->key)) *costly_r = true;
    return jws_verify(known->key, key->algorithm, issuer->hasher, &assertion->jws);
}

void assertion_verify_nothing(struct request_context *context, const struct assertion *assertion)
{
    const struct issuer *issuer = context->issuer;
    const struct jwk_cache_key *known;
    enum jws_algorithm algorithm = assertion->header.algorithm;
    struct text jwk = dummy_key_find(algorithm, signature_size(assertion));
    if (text_present(jwk) && jwk_cache_take(issuer->jwk_cache, issuer->hasher, jwk, &known) == ANSWER_YES)
        (void)jws_verify(known->key, algorithm, issuer->hasher, &assertion->jws);
}

static enum answer find_signer(struct request_context *context, const struct assertion *assertion,
                               const struct client *client, struct text *kid_r)
{
    enum answer answer = ANSWER_NO;
    unsigned tries = 0;
    bool costly = false;
    for (size_t i = 0; i < client->key_count && answer == ANSWER_NO && tries < ASSERTION_TRIES; i++) {
        if (!is_candidate(context, assertion, &client->keys[i])) continue;
        answer = verify_signature(context, assertion, &client->keys[i], &costly);
        *kid_r = client->keys[i].kid;
        tries++;
    }
    if (!costly) assertion_verify_nothing(context, assertion);
    return answer;
}

/* rfc7523bis 3: the issuer is the only audience, as a string or an array of one (RFC 7519 4.1.3). A client may be
 * registered to use the URL of the token endpoint instead. */
static bool is_for_us(const struct request_context *context, const struct jwt_claims *claims,
                      const struct client *client)
{
    struct text issuer = context->issuer->name;
    if (claims->audience_count != 1) return false;
    if (text_equal(claims->audiences[0], issuer)) return true;
    return client->assertion_audience == CLIENT_ASSERTION_TOKEN_ENDPOINT && text_begins(claims->audiences[0], issuer) &&
           text_equal(text_slice(claims->audiences[0], issuer.size, claims->audiences[0].size), TEXT("/token"));
}

/* An absent claim is -1; exp is required. */
static bool is_now(const struct jwt_claims *claims, const struct client *client, int64_t now)
{
    int64_t longest = client->assertion_seconds > 0 ? client->assertion_seconds : ASSERTION_SECONDS;
    if (claims->expires_at <= now || claims->expires_at - now > longest) return false;
    if (claims->not_before > now + ASSERTION_AHEAD || claims->issued_at > now + ASSERTION_AHEAD) return false;
    return claims->issued_at < 0 || now - claims->issued_at <= longest;
}

static bool is_proof(const struct request_context *context, const struct assertion *assertion,
                     const struct client *client)
{
    const struct jwt_claims *claims = &assertion->claims;
    return text_equal(claims->issuer, client->id) && text_equal(claims->subject, client->id) && claims->jti.size > 0 &&
           claims->jti.size <= ASSERTION_JTI && is_for_us(context, claims, client) &&
           is_now(claims, client, context->now);
}

enum answer assertion_verify(struct request_context *context, const struct assertion *assertion,
                             const struct client *client, struct text *kid_r)
{
    const struct store *store = context->issuer->store;
    const struct jwt_claims *claims = &assertion->claims;
    enum answer signer = find_signer(context, assertion, client, kid_r);
    if (signer != ANSWER_YES) return signer;
    if (!is_proof(context, assertion, client)) return ANSWER_NO;
    return store->replay_once(store->context, client->id, claims->jti, context->now, claims->expires_at);
}
