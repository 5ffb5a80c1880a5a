/* place: the free places of the record arena, in units of 64 bytes. The keeper's own memory, no part of the region.
 *
 * A place that is given up rests PLACE_REST_MS before it is taken again, unless nothing else is left: readers who copy
 * find out by themselves when they were overtaken (table.h), and a rest makes that rare. Unit 0 is never given, so that
 * 0 can mean none. */
#ifndef APP_PLACE_H
#define APP_PLACE_H

#include <stddef.h>
#include <stdint.h>

enum { PLACE_UNIT = 64, PLACE_REST_MS = 10000 };

struct place_resting {
    uint32_t place, units;
    uint64_t since_ms;
};

struct place_map {
    uint64_t *taken;                    /* one bit per unit */
    uint64_t units;
    uint64_t next;                      /* where the last search ended */
    struct place_resting *resting;      /* a queue in a ring, the oldest first */
    size_t oldest, count, capacity;
};

/* 0, or -1 when memory is not to be had. */
int place_open(struct place_map *map, uint64_t units);
void place_close(struct place_map *map);

/* Marks what is in use already. */
void place_hold(struct place_map *map, uint64_t place, uint64_t units);

/* 0 when there is no room. */
uint32_t place_take(struct place_map *map, uint64_t units, uint64_t now_ms);
void place_rest(struct place_map *map, uint32_t place, uint64_t units, uint64_t now_ms);

#endif
