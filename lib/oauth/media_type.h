/* media_type: what a caller would rather read (RFC 9110 12.5.1), for the one endpoint that has two forms of its answer.
 *
 * Not a negotiation that can fail: whoever asks for neither form is given the usual one, which everybody reads. */
#ifndef OAUTH_MEDIA_TYPE_H
#define OAUTH_MEDIA_TYPE_H

#include "../base/text.h"

/* Whether the list names type itself, with a weight above zero and not below that of usual. A wildcard, `application` or
 * all, speaks for usual only: it stands in the headers of callers that have never heard of type. Both types are of
 * `application`, in lower case. An absent list prefers nothing. */
bool media_type_prefers(struct text list, struct text type, struct text usual);

#endif
