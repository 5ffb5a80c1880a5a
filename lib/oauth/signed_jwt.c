#include "signed_jwt.h"

#include "../base/base64url.h"

enum error signed_jwt_sign(struct request_context *context, const struct signed_jwt *statement, struct text *compact_r)
{
    const struct issuer *issuer = context->issuer;
    const struct keyring_key *key = statement->key;
    size_t size = KEYRING_HEADER_BYTES + 2 + BASE64URL_SIZE(statement->claims.size) +
                  BASE64URL_SIZE(JWS_SIGNATURE_BYTES);
    char signature_bytes[JWS_SIGNATURE_BYTES];
    struct buffer signature = { signature_bytes, 0, sizeof signature_bytes, false };
    struct buffer compact = { arena_take(context->arena, size), 0, size, false };
    if (!key || !compact.data) return ERROR_unavailable;
    buffer_put(&compact, key->headers[statement->kind]);
    buffer_put_char(&compact, '.');
    base64url_put(&compact, statement->claims);
    if (issuer->sign(issuer->context, key, issuer->hasher, buffer_text(&compact), &signature)) return ERROR_unavailable;
    buffer_put_char(&compact, '.');
    base64url_put(&compact, buffer_text(&signature));
    *compact_r = buffer_text(&compact);
    return compact.full ? ERROR_unavailable : ERROR_none;
}
