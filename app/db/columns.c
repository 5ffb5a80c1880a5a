#include "columns.h"

#include "../../lib/jose/jwk.h"
#include "../../lib/oauth/scope.h"

static const struct columns_verdict fine = { NULL, NULL };

bool columns_plain(struct text t, char first, size_t most)
{
    for (size_t i = 0; i < t.size; i++)
        if (t.data[i] < first || t.data[i] > '~') return false;
    return t.size > 0 && t.size <= most;
}

bool columns_number(struct text column, uint64_t most, uint32_t *number_r)
{
    uint64_t value = 0;
    if (text_present(column) && text_number(column, most, &value)) return false;
    *number_r = (uint32_t)value;
    return true;
}

/* Converts a time; the zero date '0000-00-00' is invalid. */
static bool instant(struct text column, int64_t *seconds_r)
{
    uint64_t value = 0;
    if (text_present(column) && (text_number(column, INT64_MAX, &value) || value == 0)) return false;
    *seconds_r = (int64_t)value;
    return true;
}

struct columns_verdict columns_secret(const struct text columns[COLUMN_SECRET_COUNT], struct client_secret *secret_r)
{
    if (!columns_plain(columns[COLUMN_SECRET_label], '!', COLUMNS_LABEL))
        return (struct columns_verdict){ "label", "not 1 to 32 printable characters without a blank" };
    if (!text_present(columns[COLUMN_SECRET_hash]) || secret_parse(columns[COLUMN_SECRET_hash], &secret_r->hash))
        return (struct columns_verdict){ "hash", "not one that m2mctl secret prints" };
    if (!instant(columns[COLUMN_SECRET_not_before], &secret_r->not_before))
        return (struct columns_verdict){ "not_before", "not a time" };
    if (!instant(columns[COLUMN_SECRET_expires_at], &secret_r->expires_at))
        return (struct columns_verdict){ "expires_at", "not a time" };
    return fine;
}

/* Returns why the row of a key cannot be used, or NULL. The key is serialized again into b, so only that form is
 * passed on. */
static const char *read_jwk(const struct text columns[COLUMN_CLIENT_KEY_COUNT], struct buffer *b,
                            struct client_key *key)
{
    struct text kid = columns[COLUMN_CLIENT_KEY_kid];
    struct jwk jwk;
    enum jws_algorithm algorithm = jws_algorithm_find(columns[COLUMN_CLIENT_KEY_alg]);
    if (algorithm == JWS_NONE) return "its alg is not known";
    if (!text_present(columns[COLUMN_CLIENT_KEY_public_jwk])) return "it is NULL";
    const char *refused = jwk_read(columns[COLUMN_CLIENT_KEY_public_jwk], &jwk);
    if (refused) return refused;
    if (jwk.kid[0] != '\0' && !text_equal(text_of(jwk.kid), kid)) refused = "its kid is not that of the row";
    if (jwk.algorithm != JWS_NONE && jwk.algorithm != algorithm) refused = "its alg is not that of the row";
    key->algorithm = algorithm;
    if (!refused && !jwk_suits(jwk.key, key->algorithm)) refused = "the alg of the row does not suit it";
    if (!refused && jwk_put(b, jwk.key, key->algorithm, kid)) refused = "it cannot be written";
    jwk_close(&jwk);
    key->jwk = buffer_text(b);
    return refused;
}

struct columns_verdict columns_key(const struct text columns[COLUMN_CLIENT_KEY_COUNT], struct buffer *jwk,
                                   struct client_key *key_r)
{
    if (!columns_plain(columns[COLUMN_CLIENT_KEY_kid], '!', JWK_KID_BYTES))
        return (struct columns_verdict){ "kid", "not 1 to 64 printable characters without a blank" };
    if (!instant(columns[COLUMN_CLIENT_KEY_not_before], &key_r->not_before))
        return (struct columns_verdict){ "not_before", "not a time" };
    if (!instant(columns[COLUMN_CLIENT_KEY_expires_at], &key_r->expires_at))
        return (struct columns_verdict){ "expires_at", "not a time" };
    return (struct columns_verdict){ "public_jwk", read_jwk(columns, jwk, key_r) };
}

/* If the row of an audience is invalid, its limits are unknown: no token is issued for it until the row is
 * corrected. */
struct columns_verdict columns_grant(const struct text columns[COLUMN_GRANT_COUNT], struct client_grant *grant_r)
{
    struct scope words;
    uint32_t is_default = 0;
    if (!columns_plain(columns[COLUMN_GRANT_audience], '!', COLUMNS_AUDIENCE))
        return (struct columns_verdict){ "audience", "not an absolute URI of at most 255 bytes" };
    if (columns[COLUMN_GRANT_scope].size > COLUMNS_SCOPE ||
        (columns[COLUMN_GRANT_scope].size > 0 &&
         (scope_parse(columns[COLUMN_GRANT_scope], &words) || words.count != 1)))
        return (struct columns_verdict){ "scope", "not one scope word of at most 255 bytes" };
    if (!columns_number(columns[COLUMN_GRANT_is_default], 1, &is_default))
        return (struct columns_verdict){ "is_default", "neither 0 nor 1" };
    if (!columns_number(columns[COLUMN_GRANT_token_seconds], COLUMNS_TOKEN_SECONDS, &grant_r->audience_seconds))
        return (struct columns_verdict){ "token_seconds of its audience", "over 86400" };
    grant_r->audience_algorithm = text_present(columns[COLUMN_GRANT_token_algorithm])
                                    ? jws_algorithm_find(columns[COLUMN_GRANT_token_algorithm])
                                    : JWS_NONE;
    if (text_present(columns[COLUMN_GRANT_token_algorithm]) && grant_r->audience_algorithm == JWS_NONE)
        return (struct columns_verdict){ "token_algorithm of its audience", "not known" };
    grant_r->is_default = is_default == 1;
    return fine;
}
