/* hash: where things lie in the region. Seeded, fast, not cryptographic: nothing is decided by it alone but which word
 * to look at, except where the key was random already (the jti of our own tokens). */
#ifndef APP_REGION_HASH_H
#define APP_REGION_HASH_H

#include "../../lib/base/text.h"
#include "region.h"

struct hash {
    uint64_t place, tag;
};

struct hash hash_text(const struct region *region, struct text t);
struct hash hash_pair(const struct region *region, struct text a, struct text b);

#endif
