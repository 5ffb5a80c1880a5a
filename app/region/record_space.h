/* record_space: the free places of the record arena, in units of 64 bytes. The keeper's own memory, no part of the region.
 *
 * A place that is given up rests RECORD_SPACE_REST_MS before it is taken again, unless nothing else is left: readers who copy
 * find out by themselves when they were overtaken (client_table.h), and a rest makes that rare. Unit 0 is never given, so that
 * 0 can mean none. */
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

/* 0, or -1 when memory is not to be had. */
int record_space_open(struct record_space *map, uint64_t units);
void record_space_close(struct record_space *map);

/* Marks what is in use already. */
void record_space_hold(struct record_space *map, uint64_t place, uint64_t units);

/* 0 when there is no room. */
uint32_t record_space_take(struct record_space *map, uint64_t units, uint64_t now_ms);
void record_space_rest(struct record_space *map, uint32_t place, uint64_t units, uint64_t now_ms);

#endif
