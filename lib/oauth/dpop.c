#include "dpop.h"

#include "../base/base64url.h"
#include "../base/uri.h"
#include "../jose/jwt.h"
#include "nonce.h"

/* The replay cache's owner of proofs starts with this. No client_id collides with it, as none contains a NUL. */
#define REPLAY_OWNER TEXT("dpop\0")

struct proof {
    struct jws jws;
    struct jwt_header header;
    struct jwt_claims claims;
    struct text method, url, token_hash, nonce;
    struct text thumbprint;
};

static int string_claim(struct request_context *context, const struct strict_json *object, const char *name,
                        struct text *string_r)
{
    const struct member *member = strict_json_member(object, name);
    *string_r = TEXT_NONE;
    return member ? strict_json_string(member, context->arena, string_r) : 0;
}

/* RFC 9449 4.3, checks 2 to 5: one well-formed JWT of the right type with the required claims. */
static int read_proof(struct request_context *context, struct proof *proof_r)
{
    const struct strict_json *object = &proof_r->claims.object;
    if (jws_split(context->request->dpop, &proof_r->jws)) return -1;
    if (jwt_header_read_with_key(proof_r->jws.header, context->arena, &proof_r->header)) return -1;
    if (!jwt_is_type(proof_r->header.type, TEXT("dpop+jwt"))) return -1;
    if (jwt_claims_read(proof_r->jws.payload, context->arena, &proof_r->claims)) return -1;
    return string_claim(context, object, "htm", &proof_r->method) ||
                   string_claim(context, object, "htu", &proof_r->url) ||
                   string_claim(context, object, "ath", &proof_r->token_hash) ||
                   string_claim(context, object, "nonce", &proof_r->nonce)
             ? -1
             : 0;
}

/* RFC 9449 4.3, checks 6 and 7: verified by the jwk of its header, which has no private members. */
static enum answer verify_signature(struct request_context *context, struct proof *proof)
{
    const struct issuer *issuer = context->issuer;
    const struct jwk_cache_key *known;
    enum answer read = jwk_cache_take(issuer->jwk_cache, issuer->hasher, proof->header.jwk, &known);
    if (read != ANSWER_YES) return read;
    enum jws_algorithm algorithm = proof->header.algorithm;
    bool suits = jwk_suits(known->key, algorithm) && (known->algorithm == JWS_NONE || known->algorithm == algorithm);
    enum answer good = suits ? jws_verify(known->key, algorithm, issuer->hasher, &proof->jws) : ANSWER_NO;
    proof->thumbprint = arena_copy(context->arena, (struct text){ known->thumbprint, sizeof known->thumbprint });
    if (!text_present(proof->thumbprint)) return ANSWER_CANNOT_SAY;
    return good;
}

/* RFC 9449 4.3, check 11. exp and nbf are optional, and are respected if present (RFC 7519 4.1.4, 4.1.5). */
static bool is_now(const struct jwt_claims *claims, int64_t now)
{
    if (claims->issued_at < 0 || claims->issued_at > now + DPOP_AHEAD || now - claims->issued_at > DPOP_SECONDS)
        return false;
    return claims->not_before <= now + DPOP_AHEAD && (claims->expires_at < 0 || now < claims->expires_at);
}

/* RFC 9449 4.3, checks 8, 9 and 11. */
static bool is_for_this_request(const struct request_context *context, const struct proof *proof,
                                const struct dpop_demand *demand)
{
    const struct jwt_claims *claims = &proof->claims;
    if (!text_equal(proof->method, context->request->method)) return false;
    if (!uri_same(proof->url, demand->url) && (demand->other_url.size == 0 || !uri_same(proof->url, demand->other_url)))
        return false;
    return claims->jti.size > 0 && claims->jti.size <= DPOP_JTI && is_now(claims, context->now);
}

/* RFC 9449 4.3, check 12: ath. */
static enum answer is_with_token(const struct request_context *context, const struct proof *proof,
                                 struct text access_token)
{
    unsigned char digest[SECRET_DIGEST];
    char encoded[BASE64URL_SIZE(SECRET_DIGEST)];
    struct buffer b = { encoded, 0, sizeof encoded, false };
    if (!text_present(access_token)) return ANSWER_YES;
    if (secret_digest(context->issuer->hasher, &access_token, 1, digest)) return ANSWER_CANNOT_SAY;
    base64url_put(&b, (struct text){ (const char *)digest, sizeof digest });
    return answer_of(text_equal(proof->token_hash, buffer_text(&b)));
}

/* RFC 9449 4.3, check 10. A nonce is ignored if this issuer does not require one. */
static enum dpop_verdict check_nonce(struct request_context *context, const struct proof *proof)
{
    bool old = false;
    if (!context->issuer->dpop_nonce) return DPOP_GOOD;
    enum answer known = text_present(proof->nonce) ? nonce_verify(context, proof->nonce, &old) : ANSWER_NO;
    if (known == ANSWER_CANNOT_SAY) return DPOP_CANNOT_SAY;
    if ((known == ANSWER_NO || old) && nonce_offer(context)) return DPOP_CANNOT_SAY;
    return known == ANSWER_YES ? DPOP_GOOD : DPOP_NO_NONCE;
}

/* RFC 9449 11.1: adds the key and jti to the replay cache for as long as iat would be accepted. */
static enum dpop_verdict check_replay(struct request_context *context, const struct proof *proof)
{
    const struct store *store = context->issuer->store;
    size_t size = REPLAY_OWNER.size + proof->thumbprint.size;
    struct buffer who = { arena_take(context->arena, size), 0, size, false };
    if (!who.data) return DPOP_CANNOT_SAY;
    buffer_put(&who, REPLAY_OWNER);
    buffer_put(&who, proof->thumbprint);
    int64_t until = proof->claims.issued_at + DPOP_SECONDS + 1;
    enum answer first = store->replay_once(store->context, buffer_text(&who), proof->claims.jti, context->now, until);
    if (first == ANSWER_CANNOT_SAY) return DPOP_CANNOT_SAY;
    return first == ANSWER_YES ? DPOP_GOOD : DPOP_BAD;
}

enum dpop_verdict dpop_verify(struct request_context *context, const struct dpop_demand *demand,
                              struct text *thumbprint_r)
{
    struct proof *proof = arena_take(context->arena, sizeof *proof);
    if (!proof) return DPOP_CANNOT_SAY;
    if (!text_present(context->request->dpop) || read_proof(context, proof)) return DPOP_BAD;
    enum answer good = verify_signature(context, proof);
    if (good == ANSWER_YES && !is_for_this_request(context, proof, demand)) good = ANSWER_NO;
    if (good == ANSWER_YES) good = is_with_token(context, proof, demand->access_token);
    if (good != ANSWER_YES) return good == ANSWER_NO ? DPOP_BAD : DPOP_CANNOT_SAY;
    if (demand->key.size > 0 && !text_equal(demand->key, proof->thumbprint)) return DPOP_OTHER_KEY;
    enum dpop_verdict verdict = check_nonce(context, proof);
    *thumbprint_r = proof->thumbprint;
    return verdict == DPOP_GOOD ? check_replay(context, proof) : verdict;
}
