/* hash: chooses the home slot and tag of an entry in the region's tables.
 *
 * Seeded and fast, but not cryptographic: a hash alone only decides which word to read, except where the hashed text is
 * random already (the jti of tokens issued here). */
#ifndef APP_REGION_HASH_H
#define APP_REGION_HASH_H

#include "../../lib/base/text.h"
#include "region.h"

struct hash {
    uint64_t place, tag;
};

/* Hashes one text, by the seed of the region. */
struct hash hash_text(const struct region *region, struct text t);

/* Hashes two texts in order; moving a byte from one to the other changes the result. */
struct hash hash_pair(const struct region *region, struct text a, struct text b);

#endif
