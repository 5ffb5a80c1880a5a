/* scopes: the scope values of audience_scope, for scopes_supported in the metadata (RFC 8414 2). They are not used to decide
 * a request.
 *
 * Two halves, of which one word of the status block names the current, as for rules and keys. */
#ifndef APP_REGION_SCOPES_H
#define APP_REGION_SCOPES_H

#include "../../lib/base/arena.h"
#include "../../lib/base/text.h"
#include "region.h"

/* Keeper. Publishes these values, separated by single spaces; absent: none. Returns 0, or -1 when they are longer than
 * REGION_SCOPES bytes: then none are published. */
int scopes_put(struct region *region, struct text words);

/* Returns the values published last, copied into the arena; absent when there are none or the arena is full. */
struct text scopes_read(const struct region *region, struct arena *arena);

#endif
