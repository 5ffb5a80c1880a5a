/* record_space: allocates space for client records, in units of 64 bytes. It keeps only a bitmap, in the keeper's private
 * memory; the records are in the region.
 *
 * Space that is freed is not allocated again for RECORD_SPACE_REST_MS, unless no other is left. Readers detect that a record
 * was overwritten while they copied it (client_table.h); the delay makes that rare. Unit 0 is never allocated, so that 0 can
 * mean none. */
#ifndef APP_REGION_RECORD_SPACE_H
#define APP_REGION_RECORD_SPACE_H

#include <stddef.h>
#include <stdint.h>

enum { RECORD_SPACE_UNIT = 64, RECORD_SPACE_REST_MS = 10000 };

struct record_space_resting {
    uint32_t place, units;
    uint64_t since_ms;
};

struct record_space {
    uint64_t *taken; /* one bit per unit */
    uint64_t units;
    uint64_t next;                        /* where the last search ended */
    struct record_space_resting *resting; /* a queue in a ring, the oldest first */
    size_t oldest, count, capacity;
};

/* Makes a map of so many units (at most 2^32), all free but unit 0. Returns 0, or -1 if out of memory. */
int record_space_open(struct record_space *map, uint64_t units);

/* Frees the map; harmless after a failed record_space_open(). */
void record_space_close(struct record_space *map);

/* Marks units as allocated, from place (above 0) on; some may be allocated already. */
void record_space_hold(struct record_space *map, uint64_t place, uint64_t units);

/* Allocates adjacent units (above 0). Returns the first, or 0 when there is no space. now_ms: CLOCK_BOOTTIME. */
uint32_t record_space_take(struct record_space *map, uint64_t units, uint64_t now_ms);

/* Frees allocated units after RECORD_SPACE_REST_MS. */
void record_space_rest(struct record_space *map, uint32_t place, uint64_t units, uint64_t now_ms);

#endif
