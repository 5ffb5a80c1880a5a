/* client_table: readers run beside a writer that replaces, removes and inserts in a record space so small that it is reused
 * all the time, and that is killed at any instruction and replaced: no reader finds part of a client, or misses one. */
#include <pthread.h>
#include "../../app/region/client_table.h"
#include "fixture.h"

enum { RESIDENTS = 24, GUESTS = 4, READERS = 2, KILLS = 60, GOAL = 2000 };

struct tally {
    _Atomic int stop;
    _Atomic uint64_t puts, found, torn, missed, undecided;
};

static struct config config;
static struct region region;
static struct tally *tally;

/* All fields of a client follow from its number and one version, so that a mixture of two is detected. */
static void put_version(struct client_table_writer *writer, unsigned number, unsigned version)
{
    struct client_secret secret = { .not_before = version, .expires_at = (int64_t)version + number };
    struct client_grant grants[5];
    char id[24], word[64];
    size_t size = 1 + (number + version) % sizeof word;
    memset(word, (int)('a' + version % 26), sizeof word);
    memset(secret.hash.digest, (int)(version & 0xff), sizeof secret.hash.digest);
    memset(secret.hash.salt, (int)(version & 0xff), sizeof secret.hash.salt);
    secret.label = (struct text){ word, size % 32 };
    size_t grant_count = version % 5;
    for (size_t i = 0; i < grant_count; i++) grants[i] = (struct client_grant){ { word, size }, { word, size }, true, 0, JWS_NONE };
    struct client client = { .id = fixture_number(id, "client-", number), .default_audience = { word, size },
                             .token_seconds = version, .enabled = true, .secret_count = 1, .secrets = &secret,
                             .grant_count = grant_count, .grants = grants };
    if (client_table_put(writer, &client) == 0) atomic_fetch_add_explicit(&tally->puts, 1, memory_order_relaxed);
}

static bool is_filled(const void *bytes, size_t size, unsigned value)
{
    for (size_t i = 0; i < size; i++)
        if (((const unsigned char *)bytes)[i] != (value & 0xff)) return false;
    return true;
}

static bool is_whole(const struct client *client, unsigned number)
{
    unsigned version = client->token_seconds, job = 'a' + version % 26;
    size_t size = 1 + (number + version) % 64;
    if (client->secret_count != 1 || client->grant_count != version % 5 || !client->enabled) return false;
    const struct client_secret *secret = &client->secrets[0];
    if (secret->not_before != version || secret->expires_at != (int64_t)version + number) return false;
    if (!is_filled(secret->hash.digest, SECRET_DIGEST, version) || !is_filled(secret->hash.salt, SECRET_SALT, version))
        return false;
    for (size_t i = 0; i < client->grant_count; i++) {
        struct text scope = client->grants[i].scope;
        if (scope.size != size || !is_filled(scope.data, scope.size, job)) return false;
    }
    return client->default_audience.size == size && is_filled(client->default_audience.data, size, job);
}

static void write_until_stopped(void)
{
    struct client_table_writer *writer = client_table_writer_new(&region);
    unsigned turn = (unsigned)region_milliseconds() * 1000 + (unsigned)getpid();
    while (writer && !atomic_load_explicit(&tally->stop, memory_order_relaxed)) {
        char id[24];
        put_version(writer, turn % RESIDENTS, turn);
        if (turn % 3 == 0) put_version(writer, RESIDENTS + turn % GUESTS, turn);
        if (turn % 7 == 0) client_table_remove(writer, fixture_number(id, "client-", RESIDENTS + turn % GUESTS));
        if (turn % 64 == 0) fixture_sleep_us(50);
        turn++;
    }
    client_table_writer_free(writer);
}

static void read_until_stopped(void)
{
    struct arena arena;
    struct client client;
    if (arena_open(&arena, 1 << 18)) _exit(2);
    for (unsigned n = 0; !atomic_load_explicit(&tally->stop, memory_order_relaxed); n++) {
        char id[24];
        unsigned number = n % (RESIDENTS + GUESTS);
        arena.used = 0;
        enum answer answer = client_table_find(&region, fixture_number(id, "client-", number), &arena, &client);
        if (answer == ANSWER_YES) {
            _Atomic uint64_t *count = is_whole(&client, number) ? &tally->found : &tally->torn;
            atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
        }
        if (answer == ANSWER_NO && number < RESIDENTS) atomic_fetch_add(&tally->missed, 1);
        if (answer == ANSWER_CANNOT_SAY) atomic_fetch_add(&tally->undecided, 1);
        memset(arena.block, 0, arena.used);
    }
    arena_close(&arena);
}

static pid_t start(void (*work)(void))
{
    pid_t pid = fixture_fork();
    if (pid == 0) {
        work();
        _exit(0);
    }
    return pid;
}

/* Independent of the speed of the machine. */
static void await(const _Atomic uint64_t *count, uint64_t goal)
{
    while (atomic_load(count) < goal) fixture_sleep_us(500);
}

static void set_up(void)
{
    config = fixture_config();
    config.client_bytes = 512;          /* freed space is not reused at once, and the writer is fast */
    region = fixture_region(&config);
    tally = fixture_shared(sizeof *tally);
    struct client_table_writer *writer = client_table_writer_new(&region);
    if (!writer) exit(2);
    for (unsigned i = 0; i < RESIDENTS; i++) put_version(writer, i, i);
    client_table_writer_free(writer);
}

static void tear_down(void)
{
    printf("# %llu puts, %llu whole, %llu torn, %llu missed, %llu undecided\n", (unsigned long long)tally->puts,
           (unsigned long long)tally->found, (unsigned long long)tally->torn, (unsigned long long)tally->missed,
           (unsigned long long)tally->undecided);
    munmap(tally, sizeof *tally);
    region_close(&region);
}

static void readers_outlive_killed_writers(void)
{
    pid_t readers[READERS], writer = start(write_until_stopped);
    for (int i = 0; i < READERS; i++) readers[i] = start(read_until_stopped);
    for (int kills = 0; kills < KILLS; kills++) {
        await(&tally->puts, atomic_load(&tally->puts) + 1);
        fixture_sleep_us(1000 + kills * 7919 % 20000);
        CHECK(kill(writer, SIGKILL) == 0);
        CHECK(fixture_wait(writer) == 128 + SIGKILL);
        writer = start(write_until_stopped);
    }
    await(&tally->puts, GOAL);
    await(&tally->found, GOAL);
    atomic_store(&tally->stop, 1);
    CHECK(fixture_wait(writer) == 0);
    for (int i = 0; i < READERS; i++) CHECK(fixture_wait(readers[i]) == 0);
    CHECK(tally->torn == 0 && tally->missed == 0 && tally->undecided == 0);
}

/* The same in one process, for the thread sanitizer. */
static void *write_thread(void *unused)
{
    write_until_stopped();
    return unused;
}

static void *read_thread(void *unused)
{
    read_until_stopped();
    return unused;
}

static void readers_and_a_writer_in_threads(void)
{
    pthread_t threads[READERS + 1];
    for (int i = 0; i <= READERS; i++)
        CHECK(pthread_create(&threads[i], NULL, i == 0 ? write_thread : read_thread, NULL) == 0);
    await(&tally->puts, GOAL);
    await(&tally->found, GOAL);
    atomic_store(&tally->stop, 1);
    for (int i = 0; i <= READERS; i++) pthread_join(threads[i], NULL);
    CHECK(tally->torn == 0 && tally->missed == 0 && tally->undecided == 0);
}

int main(void)
{
    set_up();
    RUN(readers_outlive_killed_writers);
    tear_down();
    set_up();
    RUN(readers_and_a_writer_in_threads);
    tear_down();
    return CHECK_EXIT();
}
