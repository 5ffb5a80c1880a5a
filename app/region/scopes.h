/* scopes: the words of audience_scope, for scopes_supported in the metadata (RFC 8414 2).
 *
 * Two halves, of which one word on the board names the current, as with rules and keys. */
#ifndef APP_REGION_SCOPES_H
#define APP_REGION_SCOPES_H

#include "../../lib/base/arena.h"
#include "../../lib/base/text.h"
#include "region.h"

/* By the keeper: publishes these words, single spaces between them; absent: none. 0, or -1 when they are longer than
 * REGION_SCOPES bytes: then none are published. */
int scopes_put(struct region *region, struct text words);

/* What was published last, copied into the arena; absent when there is none, or no memory. */
struct text scopes_read(const struct region *region, struct arena *arena);

#endif
