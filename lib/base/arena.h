/* arena: the memory of one request, a bump allocator over one block of fixed size.
 *
 * It does not grow, and nothing in it is freed individually. arena_reset() empties it and wipes what was used, because
 * it holds the secrets and tokens of a request. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct text;

struct arena {
    char *block;
    size_t size;
    size_t used;
};

/* Allocates a block of size bytes, excluded from core dumps. Returns 0, or -1 if out of memory. arena_close() wipes and
 * frees it. */
int arena_open(struct arena *arena, size_t size);
void arena_close(struct arena *arena);

/* Returns size zeroed bytes, aligned for any object, valid until the arena is reset; NULL if the arena is exhausted. */
void *arena_take(struct arena *arena, size_t size);

/* Returns a copy of t in the arena, followed by a NUL that is not counted; absent if the arena is exhausted. */
struct text arena_copy(struct arena *arena, struct text t);

/* Wipes what was used and makes the whole block available again. All pointers and views into it become invalid. */
void arena_reset(struct arena *arena);

#endif
