#include "arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "text.h"

enum { WIPE_BYTES = 1024 };

int arena_open(struct arena *arena, size_t size)
{
    void *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) return -1;
    (void)madvise(block, size, MADV_DONTDUMP);
    *arena = (struct arena){ block, size, 0 };
    return 0;
}

void arena_close(struct arena *arena)
{
    arena_reset(arena);
    if (arena->block) munmap(arena->block, arena->size);
    *arena = (struct arena){ NULL, 0, 0 };
}

void *arena_take(struct arena *arena, size_t size)
{
    assert(arena->used <= arena->size);
    size_t start = (arena->used + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (start > arena->size || size > arena->size - start) return NULL;
    arena->used = start + size;
    return arena->block + start; /* zero since the last reset */
}

struct text arena_copy(struct arena *arena, struct text t)
{
    char *copy = t.size < SIZE_MAX ? arena_take(arena, t.size + 1) : NULL;
    if (!copy) return TEXT_NONE;
    if (t.size > 0) memcpy(copy, t.data, t.size);
    return (struct text){ copy, t.size };
}

/* In pieces: for 2 KB and more glibc's memset uses rep stosb, which is slow to start; most requests use about that much. */
void arena_reset(struct arena *arena)
{
    for (size_t at = 0; at < arena->used; at += WIPE_BYTES)
        explicit_bzero(arena->block + at, arena->used - at < WIPE_BYTES ? arena->used - at : WIPE_BYTES);
    arena->used = 0;
}
