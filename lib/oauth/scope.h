/* scope: parses the value of `scope` (RFC 6749 3.3) into a set of case-sensitive scope tokens. It does not know which
 * scopes exist or are granted (grant.h). */
#ifndef OAUTH_SCOPE_H
#define OAUTH_SCOPE_H

#include "../base/text.h"

enum { SCOPE_WORDS = 128, SCOPE_WORD_BYTES = 255, SCOPE_BYTES = 2048 };

struct scope {
    size_t count;
    struct text words[SCOPE_WORDS];
};

/* Parses scope tokens of the characters %x21 / %x23-5B / %x5D-7E separated by single spaces; repeated ones are dropped.
 * Returns 0, or -1 if t is malformed or has more than SCOPE_WORDS tokens. The words are views into t. */
int scope_parse(struct text t, struct scope *scope_r);

/* Whether word is in the set. */
bool scope_has(const struct scope *scope, struct text word);

/* Adds word unless it is in the set already. Returns 0, or -1 if the set is full. Keeps the view. */
int scope_add(struct scope *scope, struct text word);

#endif
