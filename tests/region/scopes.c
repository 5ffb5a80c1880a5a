/* scopes: read as they were put, whole even if the writer is killed, and none if they do not fit. */
#include "../../app/region/scopes.h"

#include "fixture.h"

enum { ARENA = 65536 };

static struct config config;
static struct region region;
static struct arena arena;

static struct text get(void)
{
    arena_reset(&arena);
    return scopes_read(&region, &arena);
}

static void nothing_before_the_first(void)
{
    CHECK(!text_present(get()));
}

static void what_was_put_is_read(void)
{
    CHECK(scopes_put(&region, TEXT("read write")) == 0);
    CHECK_TEXT(get(), TEXT("read write"));
    CHECK(scopes_put(&region, TEXT("a")) == 0);
    CHECK_TEXT(get(), TEXT("a"));
    uint64_t word = atomic_load(&region.status->scopes);
    CHECK(scopes_put(&region, TEXT("a")) == 0 && atomic_load(&region.status->scopes) == word);
    CHECK(scopes_put(&region, (struct text){ NULL, 0 }) == 0 && !text_present(get()));
}

static void what_does_not_fit_is_left_out(void)
{
    static char bytes[REGION_SCOPES + 1];
    memset(bytes, 's', sizeof bytes);
    CHECK(scopes_put(&region, (struct text){ bytes, REGION_SCOPES }) == 0 && get().size == REGION_SCOPES);
    CHECK(scopes_put(&region, (struct text){ bytes, REGION_SCOPES + 1 }) == -1 && !text_present(get()));
    CHECK(scopes_put(&region, TEXT("read")) == 0);
    CHECK_TEXT(get(), TEXT("read"));
}

static void no_memory_is_no_scopes(void)
{
    struct arena small;
    CHECK(scopes_put(&region, TEXT("read")) == 0 && arena_open(&small, 1024) == 0);
    struct text words = scopes_read(&region, &small);
    arena_close(&small);
    CHECK(!text_present(words));
}

/* All bytes and the size are derived from one character. */
static void put_forever(unsigned salt)
{
    static char bytes[REGION_SCOPES];
    for (unsigned turn = salt;; turn++) {
        memset(bytes, 'a' + (int)(turn % 26), sizeof bytes);
        (void)scopes_put(&region, (struct text){ bytes, 100 + turn % 26 * 300 });
    }
}

static bool is_whole(struct text words)
{
    for (size_t i = 1; i < words.size; i++)
        if (words.data[i] != words.data[0]) return false;
    return words.size == 100 + (size_t)(words.data[0] - 'a') * 300;
}

static void readers_never_see_two_at_once(void)
{
    for (unsigned kills = 0; kills < 20; kills++) {
        pid_t writer = fixture_fork();
        if (writer == 0) put_forever(kills);
        uint64_t until = (atomic_load(&region.status->scopes) >> 1) + 100 + kills;
        while (atomic_load(&region.status->scopes) >> 1 < until) {
            struct text words = get();
            CHECK(!text_present(words) || is_whole(words));
        }
        CHECK(kill(writer, SIGKILL) == 0 && fixture_wait(writer) == 128 + SIGKILL);
        CHECK(is_whole(get()));
    }
}

int main(void)
{
    config = fixture_config();
    region = fixture_region(&config);
    if (arena_open(&arena, ARENA)) return EXIT_FAILURE;
    RUN(nothing_before_the_first);
    RUN(what_was_put_is_read);
    RUN(what_does_not_fit_is_left_out);
    RUN(no_memory_is_no_scopes);
    (void)scopes_put(&region, (struct text){ NULL, 0 });
    RUN(readers_never_see_two_at_once);
    region_close(&region);
    return CHECK_EXIT();
}
