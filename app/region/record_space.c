#include "record_space.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

int record_space_open(struct record_space *map, uint64_t units)
{
    assert(units <= (uint64_t)UINT32_MAX + 1); /* a place has 32 bits in the index */
    *map = (struct record_space){ .taken = calloc(units / 64 + 1, sizeof *map->taken), .units = units, .next = 1 };
    return map->taken ? 0 : -1;
}

void record_space_close(struct record_space *map)
{
    free(map->taken);
    free(map->resting);
    *map = (struct record_space){ 0 };
}

static bool is_taken(const struct record_space *map, uint64_t unit) { return map->taken[unit / 64] >> unit % 64 & 1; }

void record_space_hold(struct record_space *map, uint64_t place, uint64_t units)
{
    assert(place > 0 && place < map->units && units <= map->units - place);
    for (uint64_t unit = place; unit < place + units; unit++) map->taken[unit / 64] |= (uint64_t)1 << unit % 64;
}

static void release_oldest(struct record_space *map)
{
    const struct record_space_resting *r = &map->resting[map->oldest];
    for (uint64_t unit = r->place; unit < (uint64_t)r->place + r->units; unit++)
        map->taken[unit / 64] &= ~((uint64_t)1 << unit % 64);
    map->oldest = (map->oldest + 1) % map->capacity;
    map->count--;
}

/* Returns the first run of free units that begins in from .. end - 1, or 0. */
static uint64_t find_run(const struct record_space *map, uint64_t from, uint64_t end, uint64_t units)
{
    for (uint64_t unit = from; unit < end && unit + units <= map->units;) {
        uint64_t run = 0;
        if (unit % 64 == 0 && map->taken[unit / 64] == UINT64_MAX) {
            unit += 64;
            continue;
        }
        while (run < units && !is_taken(map, unit + run)) run++;
        if (run == units) return unit;
        unit += run + 1;
    }
    return 0;
}

static uint64_t search_around(const struct record_space *map, uint64_t units)
{
    uint64_t place = find_run(map, map->next, map->units, units);
    return place != 0 ? place : find_run(map, 1, map->next, units);
}

uint32_t record_space_take(struct record_space *map, uint64_t units, uint64_t now_ms)
{
    assert(units > 0); /* a place without a unit would be allocated again for another record */
    while (map->count > 0 && now_ms - map->resting[map->oldest].since_ms >= RECORD_SPACE_REST_MS) release_oldest(map);
    uint64_t place = search_around(map, units);
    if (place == 0 && map->count > 0) {
        while (map->count > 0) release_oldest(map);
        place = search_around(map, units);
    }
    if (place == 0) return 0;
    record_space_hold(map, place, units);
    map->next = place + units;
    return (uint32_t)place;
}

static int grow(struct record_space *map)
{
    size_t capacity = map->capacity ? map->capacity * 2 : 64;
    struct record_space_resting *resting = malloc(capacity * sizeof *resting);
    if (!resting) return -1;
    for (size_t i = 0; i < map->count; i++) resting[i] = map->resting[(map->oldest + i) % map->capacity];
    free(map->resting);
    map->resting = resting;
    map->oldest = 0;
    map->capacity = capacity;
    return 0;
}

void record_space_rest(struct record_space *map, uint32_t place, uint64_t units, uint64_t now_ms)
{
    assert(place > 0 && units > 0 && place + units <= map->units);
    assert(is_taken(map, place) && is_taken(map, place + units - 1)); /* freed twice, a unit would have two owners */
    /* Out of memory, the units stay allocated until the next keeper reads the index. */
    if (map->count == map->capacity && grow(map)) return;
    map->resting[(map->oldest + map->count) % map->capacity] = (struct record_space_resting){ place, (uint32_t)units,
                                                                                              now_ms };
    map->count++;
}
