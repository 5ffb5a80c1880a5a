/* media_type: evaluates the Accept header (RFC 9110 12.5.1) for the introspection endpoint, which has two response
 * formats.
 *
 * It never leads to 406 Not Acceptable: a caller that accepts neither format gets the usual one. */
#ifndef OAUTH_MEDIA_TYPE_H
#define OAUTH_MEDIA_TYPE_H

#include "../base/text.h"

/* Whether list (the value of Accept) contains type itself, with a weight above zero and not below that of usual. Ranges
 * with a wildcard match usual only, because callers that do not know type send them. type and usual are lower-case
 * subtypes of application. Returns false for an absent list. */
bool media_type_prefers(struct text list, struct text type, struct text usual);

#endif
