/* Memory that is handed out in order and wiped at once. */
#include "../../lib/base/arena.h"

#include <stdalign.h>
#include <stdint.h>

#include "../../lib/base/text.h"
#include "../check.h"

enum { SIZE = 4096 };

static void taken_memory_is_zero_and_aligned(void)
{
    struct arena arena;
    CHECK(arena_open(&arena, SIZE) == 0);
    for (size_t size = 1; size < 40; size += 7) {
        unsigned char *block = arena_take(&arena, size);
        CHECK(block && (uintptr_t)block % alignof(max_align_t) == 0);
        for (size_t i = 0; i < size; i++) CHECK(block[i] == 0);
        memset(block, 0xff, size);
    }
    arena_close(&arena);
}

static void reset_wipes_all_that_was_used(void)
{
    struct arena arena;
    CHECK(arena_open(&arena, SIZE) == 0);
    const char *first = arena_copy(&arena, TEXT("a secret of this request")).data;
    memset(arena_take(&arena, 1000), 0x5a, 1000);
    size_t used = arena.used;
    arena_reset(&arena);
    CHECK(arena.used == 0);
    for (size_t i = 0; i < used; i++) CHECK(arena.block[i] == 0);
    CHECK(arena_take(&arena, 8) == first);
    arena_close(&arena);
    CHECK(arena.block == NULL && arena.size == 0);
}

static void what_does_not_fit_is_not_given(void)
{
    struct arena arena;
    CHECK(arena_open(&arena, SIZE) == 0);
    CHECK(arena_take(&arena, SIZE + 1) == NULL);
    CHECK(arena_take(&arena, SIZE_MAX) == NULL);
    CHECK(arena_take(&arena, SIZE) != NULL);
    CHECK(arena_take(&arena, 1) == NULL);
    CHECK(!text_present(arena_copy(&arena, TEXT("x"))));
    arena_reset(&arena);
    CHECK(arena_take(&arena, SIZE - 1) != NULL);
    CHECK(arena_take(&arena, 1) == NULL);
    arena_close(&arena);
}

static void copies_end_with_a_nul_that_is_not_counted(void)
{
    struct arena arena;
    CHECK(arena_open(&arena, SIZE) == 0);
    memset(arena_take(&arena, 64), 'x', 64);
    struct text copy = arena_copy(&arena, TEXT("a\0b")), empty = arena_copy(&arena, TEXT(""));
    CHECK_TEXT(copy, TEXT("a\0b"));
    CHECK(copy.data[3] == '\0');
    CHECK(text_present(empty) && empty.size == 0);
    arena_close(&arena);
}

int main(void)
{
    RUN(taken_memory_is_zero_and_aligned);
    RUN(reset_wipes_all_that_was_used);
    RUN(what_does_not_fit_is_not_given);
    RUN(copies_end_with_a_nul_that_is_not_counted);
    return CHECK_EXIT();
}
