/* url: what may be written where the configuration asks for a URL.
 *
 * Not a URL library: it knows the one form an issuer may have (RFC 8414 2), and which hosts are this one. */
#ifndef APP_PLATFORM_URL_H
#define APP_PLATFORM_URL_H

#include "../../lib/base/text.h"

/* What is wrong with the issuer and how to mend it, in words that follow "issuer"; NULL when nothing is. */
const char *url_issuer_fault(struct text issuer);

/* The path of a URL that has no fault: empty, or with a slash in front and none behind. */
struct text url_path(struct text url);

bool url_is_loopback(struct text host);

#endif
