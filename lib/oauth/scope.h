/* scope: RFC 6749 3.3. A list of case-sensitive words, whose order means nothing and whose repetition adds nothing. */
#ifndef OAUTH_SCOPE_H
#define OAUTH_SCOPE_H

#include "../base/text.h"

enum { SCOPE_WORDS = 128, SCOPE_WORD_BYTES = 255, SCOPE_BYTES = 2048 };

struct scope {
    size_t count;
    struct text words[SCOPE_WORDS];
};

/* Words of the charset %x21 / %x23-5B / %x5D-7E, single spaces between them; repetitions are dropped. 0, or -1. */
int scope_parse(struct text t, struct scope *scope_r);

bool scope_has(const struct scope *scope, struct text word);

/* Adds word unless it stands there. 0, or -1 when the list is full. */
int scope_add(struct scope *scope, struct text word);

#endif
