/* url: checks the URLs of the configuration. It is not a URL library: it knows only the form that an issuer may have
 * (RFC 8414 2), and the names of the loopback host. */
#ifndef APP_PLATFORM_URL_H
#define APP_PLATFORM_URL_H

#include "../../lib/base/text.h"

/* Returns what is wrong with the issuer and what to write, as a literal to follow the word "issuer"; NULL if it is valid. */
const char *url_issuer_fault(struct text issuer);

/* Returns the path of a URL that url_issuer_fault() accepts: empty, or with a slash at its start and none at its end. */
struct text url_path(struct text url);

/* Returns whether host is localhost or a loopback address; an IPv6 address may be in brackets. */
bool url_is_loopback(struct text host);

#endif
