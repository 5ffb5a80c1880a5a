/* arena: the memory of one exchange.
 *
 * A bump allocator over one block of a fixed size. Nothing in it is freed by hand; arena_reset() wipes what was used,
 * because secrets and tokens of a request pass through it, and makes it empty again. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct text;

struct arena {
    char *block;
    size_t size;
    size_t used;
};

/* 0, or -1 when the memory is not to be had. The block is kept out of core files. */
int arena_open(struct arena *arena, size_t size);
void arena_close(struct arena *arena);

/* size bytes, zeroed, aligned for any object; NULL when the arena is used up. */
void *arena_take(struct arena *arena, size_t size);

/* A copy of t in the arena, followed by a NUL that is not counted; absent when the arena is used up. */
struct text arena_copy(struct arena *arena, struct text t);

/* Wipes and empties. */
void arena_reset(struct arena *arena);

#endif
