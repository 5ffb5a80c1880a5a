/* uri: compares two http or https URIs by syntax and scheme (RFC 3986 6.2.2, 6.2.3), as the check of htu requires.
 *
 * It is not a general URI parser. Scheme, authority and path are compared; query and fragment are ignored (RFC 9449
 * 4.3). Dot segments are not resolved, because front servers refuse or resolve them before. */
#ifndef BASE_URI_H
#define BASE_URI_H

#include "text.h"

/* Whether t consists of scheme and authority only: https://api.example.com */
bool uri_is_origin(struct text t);

/* Whether a and b are equivalent. False if either is not an http or https URI with a host, or contains userinfo. */
bool uri_same(struct text a, struct text b);

#endif
