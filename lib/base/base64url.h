/* base64url: RFC 4648 5 without padding, as RFC 7515 2 wants it, and the padded alphabet of HTTP Basic.
 *
 * Strict: one text for one value. Padding, white space, a foreign alphabet or non-zero spare bits are refused. */
#ifndef BASE_BASE64URL_H
#define BASE_BASE64URL_H

#include "buffer.h"

#define BASE64URL_SIZE(bytes) (((bytes)*4 + 2) / 3)

void base64url_put(struct buffer *b, struct text bytes);

/* Appends the decoded bytes. 0, or -1 when t is not canonical or does not fit. */
int base64url_decode(struct text t, struct buffer *bytes);

/* RFC 4648 4 with its padding (which may be left out, as some clients of HTTP Basic do). */
int base64url_decode_basic(struct text t, struct buffer *bytes);

#endif
