/* base64url: the base64url encoding without padding (RFC 4648 5, RFC 7515 2), and decoding of the base64 of HTTP Basic.
 *
 * It is strict, so that a value has exactly one encoding: padding, white space, characters of another alphabet and
 * non-zero spare bits are refused. It is not for PEM. */
#ifndef BASE_BASE64URL_H
#define BASE_BASE64URL_H

#include "buffer.h"

/* The size of the encoding of that many bytes. */
#define BASE64URL_SIZE(bytes) (((bytes)*4 + 2) / 3)

/* Appends the encoding of bytes; sets b->full if it does not fit. */
void base64url_put(struct buffer *b, struct text bytes);

/* Appends the decoded bytes. Returns 0, or -1 if t is not a canonical encoding or does not fit; then the size of bytes
 * is unchanged. */
int base64url_decode(struct text t, struct buffer *bytes);

/* The same for RFC 4648 4. The padding is optional, because some clients omit it. */
int base64url_decode_basic(struct text t, struct buffer *bytes);

#endif
