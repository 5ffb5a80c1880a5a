#include "statement.h"

#include "../base/base64url.h"

enum error statement_sign(struct exchange *exchange, enum keyring_kind kind, struct text claims, struct text *compact_r)
{
    const struct issuer *issuer = exchange->issuer;
    const struct keyring_key *key = keyring_signer(issuer->keyring, issuer->token_algorithm, exchange->now);
    if (!key) return ERROR_unavailable;
    size_t size = key->headers[kind].size + 2 + BASE64URL_SIZE(claims.size) + BASE64URL_SIZE(JWS_SIGNATURE_BYTES);
    char signature_bytes[JWS_SIGNATURE_BYTES];
    struct buffer signature = { signature_bytes, 0, sizeof signature_bytes, false };
    struct buffer compact = { arena_take(exchange->arena, size), 0, size, false };
    if (!compact.data) return ERROR_unavailable;
    buffer_put(&compact, key->headers[kind]);
    buffer_put_char(&compact, '.');
    base64url_put(&compact, claims);
    if (issuer->sign(issuer->world, key, issuer->hasher, buffer_text(&compact), &signature)) return ERROR_unavailable;
    buffer_put_char(&compact, '.');
    base64url_put(&compact, buffer_text(&signature));
    *compact_r = buffer_text(&compact);
    return compact.full ? ERROR_unavailable : ERROR_none;
}
