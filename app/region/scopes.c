#include "scopes.h"

#include <assert.h>

#include "shared_copy.h"

static_assert(sizeof(struct region_scopes) % sizeof(uint64_t) == 0, "scopes are copied in words");

int scopes_put(struct region *region, struct text words)
{
    struct region_scopes scopes = { .size = words.size };
    uint64_t word = atomic_load_explicit(&region->status->scopes, memory_order_relaxed);
    bool fits = words.size <= sizeof scopes.text;
    if (!fits) scopes.size = 0;
    else if (words.size > 0) memcpy(scopes.text, words.data, words.size);
    if (word != 0 && memcmp(region->scopes[word & 1], &scopes, sizeof scopes) == 0) return fits ? 0 : -1;
    uint64_t next = region_next_half(word);
    atomic_thread_fence(memory_order_release); /* pairs with the fence in scopes_read */
    shared_copy_store(region->scopes[next & 1], &scopes, sizeof scopes);
    region_publish_half(&region->status->scopes, next);
    return fits ? 0 : -1;
}

/* Starts again when the keeper has published meanwhile: it may then be overwriting the half that was copied. */
struct text scopes_read(const struct region *region, struct arena *arena)
{
    struct region_scopes *copy = arena_take(arena, sizeof *copy);
    uint64_t word = atomic_load_explicit(&region->status->scopes, memory_order_acquire), before;
    if (!copy) return (struct text){ NULL, 0 };
    do {
        before = word;
        shared_copy_load(region->scopes[before & 1], sizeof *copy, copy);
        atomic_thread_fence(memory_order_acquire);
        word = atomic_load_explicit(&region->status->scopes, memory_order_acquire);
    } while (word != before);
    bool some = copy->size > 0 && copy->size <= sizeof copy->text;
    return some ? (struct text){ copy->text, copy->size } : (struct text){ NULL, 0 };
}
