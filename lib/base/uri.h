/* uri: whether two http URIs name the same resource (RFC 3986 6.2.2, 6.2.3), as far as it takes to compare them.
 *
 * Not a URL parser, and nothing is fetched: scheme, authority and path are compared, query and fragment are passed over
 * (RFC 9449 4.3). Dot segments are not resolved: front servers refuse or resolve them before anything is asked here. */
#ifndef BASE_URI_H
#define BASE_URI_H

#include "text.h"

/* Scheme and authority and nothing behind them: https://api.example.com */
bool uri_is_origin(struct text t);

/* False also when one of them is no http or https URI with a host, or names a user. */
bool uri_same(struct text a, struct text b);

#endif
