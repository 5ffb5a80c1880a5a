#include "access_token.h"

#include <assert.h>

#include "../base/base64url.h"
#include "../jose/jwt.h"
#include "../jose/rotation.h"
#include "signed_jwt.h"

/* Upper limit of the size of the claims: 256 bytes of names, numbers and punctuation, and each text with every byte
 * escaped. */
static size_t claims_capacity(const struct request_context *context, const struct access_token_plan *plan)
{
    size_t texts = context->issuer->name.size + 2 * context->client.id.size + context->credential.size +
                   plan->scope.size;
    for (size_t i = 0; i < plan->audience_count; i++) texts += plan->audiences[i].size + 3;
    return 256 + 2 * (texts + plan->confirmation.certificate.size + plan->confirmation.key.size);
}

static void put_claim(struct buffer *b, struct text name, struct text value)
{
    buffer_put(b, name);
    buffer_put_json(b, value);
}

/* RFC 7519 4.1.3: a single audience is a string, several are an array. */
static void put_audience(struct buffer *b, const struct access_token_plan *plan)
{
    if (plan->audience_count == 1) {
        put_claim(b, TEXT(",\"aud\":"), plan->audiences[0]);
        return;
    }
    for (size_t i = 0; i < plan->audience_count; i++)
        put_claim(b, i == 0 ? TEXT(",\"aud\":[") : TEXT(","), plan->audiences[i]);
    buffer_put_char(b, ']');
}

/* RFC 7800 3.1; a bearer token has no cnf. */
static void put_confirmation(struct buffer *b, const struct confirmation *confirmation)
{
    bool certificate = confirmation->certificate.size > 0, key = confirmation->key.size > 0;
    if (!certificate && !key) return;
    if (certificate) put_claim(b, TEXT(",\"cnf\":{\"x5t#S256\":"), confirmation->certificate);
    if (key) put_claim(b, certificate ? TEXT(",\"jkt\":") : TEXT(",\"cnf\":{\"jkt\":"), confirmation->key);
    buffer_put_char(b, '}');
}

/* RFC 9068 2.2. */
static int put_claims(struct request_context *context, const struct access_token_plan *plan, struct buffer *b)
{
    unsigned char jti[ACCESS_TOKEN_JTI];
    const struct issuer *issuer = context->issuer;
    if (issuer->random(issuer->context, jti, sizeof jti)) return -1;
    put_claim(b, TEXT("{\"iss\":"), issuer->name);
    put_claim(b, TEXT(",\"sub\":"), context->client.id);
    put_audience(b, plan);
    put_claim(b, TEXT(",\"client_id\":"), context->client.id);
    if (plan->scope.size > 0) put_claim(b, TEXT(",\"scope\":"), plan->scope);
    buffer_put(b, TEXT(",\"iat\":"));
    buffer_put_number(b, (uint64_t)context->now);
    buffer_put(b, TEXT(",\"exp\":"));
    buffer_put_number(b, (uint64_t)context->now + plan->seconds);
    buffer_put(b, TEXT(",\"jti\":\""));
    base64url_put(b, (struct text){ (const char *)jti, sizeof jti });
    put_claim(b, TEXT("\",\"cred\":"), context->credential);
    put_confirmation(b, &plan->confirmation);
    buffer_put_char(b, '}');
    return b->full ? -1 : 0;
}

/* An API that names an algorithm accepts no other, so a key of another algorithm must not be used for it. */
static const struct keyring_key *find_signer(const struct request_context *context,
                                             const struct access_token_plan *plan)
{
    const struct issuer *issuer = context->issuer;
    if (plan->algorithm == JWS_NONE) return keyring_signer(issuer->keyring, issuer->token_algorithm, context->now);
    const struct keyring_key *key = keyring_signer(issuer->keyring, plan->algorithm, context->now);
    return key && key->algorithm == plan->algorithm ? key : NULL;
}

enum error access_token_issue(struct request_context *context, const struct access_token_plan *plan,
                              struct text *token_r)
{
    assert(context->steps & REQUEST_CONTEXT_CLIENT);
    assert(plan->audience_count > 0 && plan->audience_count <= ACCESS_TOKEN_AUDIENCES);
    size_t capacity = claims_capacity(context, plan);
    struct buffer claims = { arena_take(context->arena, capacity), 0, capacity, false };
    if (!claims.data || put_claims(context, plan, &claims)) return ERROR_unavailable;
    const struct signed_jwt statement = { find_signer(context, plan), KEYRING_ACCESS_TOKEN, buffer_text(&claims) };
    enum error error = signed_jwt_sign(context, &statement, token_r);
    if (error) return error;
    return token_r->size > ACCESS_TOKEN_BYTES ? ERROR_unavailable : ERROR_none;
}

/* The claims returned by introspection (RFC 7662 2.2); `cred` is private to this issuer. */
static const struct text shown[] = {
    TEXT("iss"), TEXT("sub"), TEXT("aud"), TEXT("client_id"), TEXT("scope"),
    TEXT("iat"), TEXT("exp"), TEXT("nbf"), TEXT("jti"),       TEXT("cnf"),
};

/* `"name":value`, copied from the token without decoding: this issuer wrote it as valid JSON. */
static void put_member(struct buffer *b, const struct member *member)
{
    struct text quote = member->kind == STRICT_JSON_STRING ? TEXT("\"") : TEXT("");
    if (b->size > 0) buffer_put_char(b, ',');
    buffer_put_char(b, '"');
    buffer_put(b, member->name);
    buffer_put(b, TEXT("\":"));
    buffer_put(b, quote);
    buffer_put(b, member->value);
    buffer_put(b, quote);
}

static int read_shown(struct request_context *context, const struct strict_json *object, size_t payload_size,
                      struct text *shown_r)
{
    struct buffer b = { arena_take(context->arena, payload_size), 0, payload_size, false };
    if (!b.data) return -1;
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        const struct member *member = strict_json_find(object, shown[i]);
        if (member) put_member(&b, member);
    }
    *shown_r = buffer_text(&b);
    return b.full ? -1 : 0;
}

/* A token without a scope has no scope claim (RFC 9068 2.2.3). */
static int read_scope(struct request_context *context, const struct strict_json *object, struct text *scope_r)
{
    const struct member *member = strict_json_member(object, "scope");
    *scope_r = TEXT_NONE;
    return member ? strict_json_string(member, context->arena, scope_r) : 0;
}

/* A confirmation method that is unknown here cannot be verified, so such a token is refused. */
static int read_confirmation(struct request_context *context, const struct strict_json *claims,
                             struct confirmation *confirmation_r)
{
    struct strict_json object;
    const struct member *member = strict_json_member(claims, "cnf");
    *confirmation_r = (struct confirmation){ TEXT_NONE, TEXT_NONE };
    if (!member) return 0;
    if (member->kind != STRICT_JSON_OBJECT || strict_json_read(member->value, &object) || object.count == 0) return -1;
    for (size_t i = 0; i < object.count; i++) {
        const struct member *one = &object.members[i];
        struct text *place = NULL;
        if (text_equal(one->name, TEXT("jkt"))) place = &confirmation_r->key;
        if (text_equal(one->name, TEXT("x5t#S256"))) place = &confirmation_r->certificate;
        if (!place || strict_json_string(one, context->arena, place) || place->size == 0) return -1;
    }
    return 0;
}

/* Refuses what put_claims() never writes, to limit what a stolen signing key can forge: a lifetime over the longest
 * that any configuration allows (not the one configured now, because lowering it must not end tokens already issued),
 * and a subject other than the client (RFC 9068 2.2, RFC 9700 4.15). As an iat in the future would disguise a long
 * lifetime, the time left from now is limited, too, allowing for the slowest clock. */
static bool could_be_ours(const struct access_token *token, int64_t now)
{
    const struct token_facts *facts = &token->facts;
    int64_t life = facts->expires_at - facts->issued_at, left = facts->expires_at - now;
    return life >= 0 && life <= ROTATION_LONGEST_TOKEN && left <= ROTATION_LONGEST_TOKEN + ROTATION_SKEW &&
           text_equal(token->subject, facts->client_id);
}

/* A valid signature is not sufficient: every claim that later steps rely on must be present. */
static int read_claims(struct request_context *context, struct text payload, struct access_token *token_r)
{
    struct token_facts *facts = &token_r->facts;
    struct jwt_claims claims;
    if (jwt_claims_read(payload, context->arena, &claims)) return -1;
    if (strict_json_string(strict_json_member(&claims.object, "client_id"), context->arena, &facts->client_id))
        return -1;
    if (strict_json_string(strict_json_member(&claims.object, "cred"), context->arena, &facts->credential)) return -1;
    if (read_scope(context, &claims.object, &token_r->scope)) return -1;
    if (read_confirmation(context, &claims.object, &token_r->confirmation)) return -1;
    if (!text_equal(claims.issuer, context->issuer->name) || claims.jti.size == 0) return -1;
    if (claims.expires_at < 0 || claims.issued_at < 0) return -1;
    if (claims.audience_count == 0 || claims.audience_count > ACCESS_TOKEN_AUDIENCES) return -1;
    token_r->subject = claims.subject;
    facts->jti = claims.jti;
    facts->issued_at = claims.issued_at;
    facts->expires_at = claims.expires_at;
    if (!could_be_ours(token_r, context->now)) return -1;
    token_r->not_before = claims.not_before;
    token_r->audience_count = claims.audience_count;
    memcpy(token_r->audiences, claims.audiences, claims.audience_count * sizeof *claims.audiences);
    return read_shown(context, &claims.object, payload.size, &token_r->shown);
}

/* On a cache miss: verifies the signature, unless another process of this host has done so, and reads the claims. */
static enum answer verify(struct request_context *context, const struct jws *jws, const struct keyring_key *key,
                          const unsigned char print[STORE_FINGERPRINT], struct access_token *token_r)
{
    const struct issuer *issuer = context->issuer;
    const struct store *store = issuer->store;
    bool seen = store->verified_find(store->context, print, context->now);
    enum answer good = seen ? ANSWER_YES : keyring_verify(key, issuer->hasher, jws);
    if (good != ANSWER_YES) return good;
    if (read_claims(context, jws->payload, token_r)) return ANSWER_NO;
    if (!seen && context->now < token_r->facts.expires_at)
        store->verified_put(store->context, print, context->now, token_r->facts.expires_at);
    token_cache_put(issuer->token_cache, print, token_r);
    return ANSWER_YES;
}

enum answer access_token_read(struct request_context *context, struct text token, struct access_token *token_r)
{
    const struct issuer *issuer = context->issuer;
    unsigned char print[STORE_FINGERPRINT];
    struct jws jws;
    if (jws_split(token, &jws)) return ANSWER_NO;
    const struct keyring_key *key = keyring_find(issuer->keyring, jws.header, context->now);
    if (!key) return issuer->keyring->incomplete ? ANSWER_CANNOT_SAY : ANSWER_NO;
    if (request_context_fingerprint(context, VERIFIED_TOKEN, issuer->keyring->generation, token, print))
        return ANSWER_CANNOT_SAY;
    const struct access_token *known = token_cache_find(issuer->token_cache, print);
    if (!known) return verify(context, &jws, key, print, token_r);
    *token_r = *known;
    return ANSWER_YES;
}

struct text access_token_type(const struct confirmation *confirmation)
{
    return confirmation->key.size > 0 ? TEXT("DPoP") : TEXT("Bearer");
}

enum answer access_token_active(struct request_context *context, const struct access_token *token)
{
    const struct store *store = context->issuer->store;
    struct client client;
    if (context->now >= token->facts.expires_at || context->now < token->not_before) return ANSWER_NO;
    enum answer revoked = store->token_revoked(store->context, &token->facts);
    if (revoked != ANSWER_NO) return answer_not(revoked);
    enum answer known = store->client_find(store->context, token->facts.client_id, context->arena, &client);
    if (known == ANSWER_NO && store->age(store->context) > context->issuer->fresh_seconds) return ANSWER_CANNOT_SAY;
    if (known != ANSWER_YES) return known;
    return client.enabled ? ANSWER_YES : ANSWER_NO;
}
