#include "region.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../platform/log.h"

enum { REGION_UNIT = 64, REGION_FAILURES = 65536, REGION_ROWS_SPARE = 4, REGION_WHY = 400 };

/* Offsets of the parts, in their order in memory. A size that does not fit into 64 bits sets overflow; it does not wrap. */
struct layout {
    uint64_t end;
    bool overflow;
    uint64_t head, status, index, records, rules[2], keys[2], scopes[2], private_size;
    uint64_t revoked, revoked_reach, revocations_full, verified, replay, replay_full, limits, failures, slow_lane,
        scoreboard;
    uint64_t log_lost, log_left_out;
};

static uint64_t layout_add(struct layout *layout, uint64_t count, uint64_t size)
{
    uint64_t start = layout->end, bytes;
    assert(layout->overflow || start % REGION_UNIT == 0);
    layout->overflow |= __builtin_mul_overflow(count, size, &bytes);
    layout->overflow |= __builtin_add_overflow(start, bytes, &layout->end);
    layout->overflow |= __builtin_add_overflow(layout->end, REGION_UNIT - 1, &layout->end);
    layout->end &= ~(uint64_t)(REGION_UNIT - 1);
    return start;
}

static uint64_t power_of_two(uint64_t least)
{
    uint64_t power = 1;
    while (power < least) power *= 2;
    return power;
}

/* The counts and masks that follow from config alone. */
static void count_parts(const struct config *config, struct region *region)
{
    uint64_t records = (uint64_t)config->clients_max * config->client_bytes;
    region->index_mask = power_of_two((uint64_t)config->clients_max * 2) - 1;
    /* one unit more, because unit 0 is never allocated (record_space.h) */
    region->records_size = (records / REGION_UNIT + 2) * REGION_UNIT;
    region->rules_max = config->rules_max;
    region->revoked_mask = power_of_two((uint64_t)config->revocations_max * 17 / 10 + 1) - 1;
    region->verified_mask = power_of_two(config->verified_max) - 1;
    region->replay_mask = power_of_two((uint64_t)config->seen_max * 17 / 10 + 1) - 1;
    region->failures_mask = REGION_FAILURES - 1;
    region->process_count = (size_t)config->workers * 3 + REGION_ROWS_SPARE; /* a reload has up to three generations */
}

static struct layout lay_out(const struct region *region, uint64_t page)
{
    struct layout l = { 0 };
    l.head = layout_add(&l, 1, sizeof(struct region_head));
    l.status = layout_add(&l, 1, sizeof(struct region_status));
    l.index = layout_add(&l, region->index_mask + 1, sizeof(uint64_t));
    l.records = layout_add(&l, region->records_size, 1);
    for (int half = 0; half < 2; half++) {
        l.rules[half] = layout_add(&l, region->rules_max + 1, sizeof(struct region_rule));
        l.keys[half] = layout_add(&l, 1, sizeof(struct region_keys));
        l.scopes[half] = layout_add(&l, 1, sizeof(struct region_scopes));
    }
    l.overflow |= __builtin_add_overflow(l.end, page - 1, &l.end);
    l.private_size = l.end &= ~(page - 1);
    l.revoked = layout_add(&l, region->revoked_mask + 1, sizeof(uint64_t));
    l.revoked_reach = layout_add(&l, 1, sizeof(uint64_t));
    l.revocations_full = layout_add(&l, 1, sizeof(uint64_t));
    l.verified = layout_add(&l, region->verified_mask + 1, 2 * sizeof(uint64_t));
    l.replay = layout_add(&l, region->replay_mask + 1, sizeof(uint64_t));
    l.replay_full = layout_add(&l, 1, sizeof(uint64_t));
    l.limits = layout_add(&l, region->index_mask + 1, sizeof(uint64_t));
    l.failures = layout_add(&l, region->failures_mask + 1, sizeof(uint64_t));
    l.slow_lane = layout_add(&l, 1, sizeof(uint64_t));
    l.log_lost = layout_add(&l, 1, sizeof(uint64_t));
    l.log_left_out = layout_add(&l, 1, sizeof(uint64_t));
    l.scoreboard = layout_add(&l, region->process_count, sizeof(struct region_process));
    return l;
}

/* Lists the memory that each key takes, so that the operator sees which of them is too large. */
static void describe(const struct layout *l, char why[REGION_WHY])
{
    if (l->overflow) {
        snprintf(why, REGION_WHY,
                 "the shared memory would be larger than any address space; lower clients_max, client_bytes, "
                 "revocations_max, verified_max or seen_max");
        return;
    }
    snprintf(why, REGION_WHY,
             "the shared memory takes %" PRIu64 " MiB (clients_max and client_bytes %" PRIu64
             ", revocations_max %" PRIu64 ", verified_max %" PRIu64 ", seen_max %" PRIu64 ")",
             l->end >> 20, (l->rules[0] - l->index + l->failures - l->limits) >> 20,
             (l->revoked_reach - l->revoked) >> 20, (l->replay - l->verified) >> 20,
             (l->replay_full - l->replay) >> 20);
}

/* Returns whether the region can never fit on this machine; why then names the limit. */
static bool is_too_large(const struct layout *layout, uint64_t records_size, uint64_t page, char why[REGION_WHY])
{
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * page;
    struct rlimit limit;
    describe(layout, why);
    size_t size = strlen(why);
    if (layout->overflow) return true;
    if (records_size / REGION_UNIT > UINT32_MAX)
        snprintf(why + size, REGION_WHY - size, ": lower clients_max or client_bytes to 256 GiB together");
    else if (layout->end > memory)
        snprintf(why + size, REGION_WHY - size, ", and this machine has %" PRIu64 " MiB: lower them", memory >> 20);
    else if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && layout->end > limit.rlim_cur)
        snprintf(why + size, REGION_WHY - size,
                 ", and RLIMIT_AS (LimitAS= in systemd, ulimit -v) allows %" PRIu64 " MiB: lower them or raise it",
                 (uint64_t)limit.rlim_cur >> 20);
    else return false;
    return true;
}

/* With MAP_NORESERVE, pages that are never touched cost nothing, unless the system does not overcommit. */
static void *map_shared(size_t size)
{
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

int region_check(const struct config *config, FILE *complaints)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    struct region region = { .wake_event = -1 };
    char why[REGION_WHY];
    count_parts(config, &region);
    struct layout layout = lay_out(&region, page);
    bool is_large = is_too_large(&layout, region.records_size, page, why);
    if (is_large) {
        fprintf(complaints, "%s\n", why);
        return -1;
    }
    void *base = map_shared((size_t)layout.end);
    if (base != MAP_FAILED) return munmap(base, (size_t)layout.end);
    fprintf(complaints,
            "warning: %s, which the system does not allow beside the programs that run now: %s; lower them, or see "
            "vm.overcommit_memory\n",
            why, strerror(errno));
    return 0;
}

static void place_parts(struct region *region, const struct layout *l)
{
    char *base = region->base;
    assert(region_is_mask(region->index_mask) && region_is_mask(region->revoked_mask));
    assert(region_is_mask(region->verified_mask) && region_is_mask(region->replay_mask));
    assert(region_is_mask(region->failures_mask) && region->records_size % REGION_UNIT == 0);
    region->size = (size_t)l->end;
    region->private_size = (size_t)l->private_size;
    region->head = (struct region_head *)(base + l->head);
    region->status = (struct region_status *)(base + l->status);
    region->index = (_Atomic uint64_t *)(base + l->index);
    region->records = base + l->records;
    for (int half = 0; half < 2; half++) {
        region->rules[half] = (struct region_rule *)(base + l->rules[half]);
        region->keys[half] = (struct region_keys *)(base + l->keys[half]);
        region->scopes[half] = (struct region_scopes *)(base + l->scopes[half]);
    }
    region->revoked = (_Atomic uint64_t *)(base + l->revoked);
    region->revoked_reach = (_Atomic uint64_t *)(base + l->revoked_reach);
    region->revocations_full = (_Atomic uint64_t *)(base + l->revocations_full);
    region->verified = (_Atomic uint64_t *)(base + l->verified);
    region->replay = (_Atomic uint64_t *)(base + l->replay);
    region->replay_full = (_Atomic uint64_t *)(base + l->replay_full);
    region->limits = (_Atomic uint64_t *)(base + l->limits);
    region->failures = (_Atomic uint64_t *)(base + l->failures);
    region->slow_lane = (_Atomic uint64_t *)(base + l->slow_lane);
    region->log_lost = (_Atomic uint64_t *)(base + l->log_lost);
    region->log_left_out = (_Atomic uint64_t *)(base + l->log_left_out);
    region->scoreboard = (struct region_process *)(base + l->scoreboard);
}

static int fill_head(struct region_head *head)
{
    ssize_t seed = getrandom(head->seed, sizeof head->seed, 0);
    ssize_t key = getrandom(head->fingerprint_key, sizeof head->fingerprint_key, 0);
    return seed == (ssize_t)sizeof head->seed && key == (ssize_t)sizeof head->fingerprint_key ? 0 : -1;
}

int region_open(struct region *region, const struct config *config)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    char why[REGION_WHY];
    *region = (struct region){ .wake_event = -1 };
    count_parts(config, region);
    struct layout layout = lay_out(region, page);
    if (is_too_large(&layout, region->records_size, page, why)) {
        log_event(LOG_LEVEL_ERROR, "region_too_large", "%s", why);
        return -1;
    }
    char *base = map_shared((size_t)layout.end);
    if (base == MAP_FAILED) {
        log_event(LOG_LEVEL_ERROR, "region_failed", "%s, which the system does not allow: %s", why, strerror(errno));
        return -1;
    }
    region->base = base;
    place_parts(region, &layout);
    (void)madvise(base, region->size, MADV_DONTDUMP);
    region->wake_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (region->wake_event >= 0 && fill_head(region->head) == 0) return 0;
    log_event(LOG_LEVEL_ERROR, "region_failed", "the kernel gave no eventfd or no random numbers: %s", strerror(errno));
    region_close(region);
    return -1;
}

void region_close(struct region *region)
{
    if (region->wake_event >= 0) close(region->wake_event);
    if (region->base) munmap(region->base, region->size);
    *region = (struct region){ .wake_event = -1 };
}

int region_confine(struct region *region)
{
    assert(region->base && region->private_size > 0 && region->private_size < region->size);
    return mprotect(region->base, region->private_size, PROT_READ);
}

struct region_process *region_process_take(struct region *region, enum region_role role)
{
    assert(role == REGION_WORKER || role == REGION_KEEPER);
    for (size_t i = 0; i < region->process_count; i++) {
        struct region_process *row = &region->scoreboard[i];
        uint32_t vacant = REGION_FREE;
        if (!atomic_compare_exchange_strong(&row->role, &vacant, (uint32_t)role)) continue;
        atomic_store(&row->ready, 0);
        atomic_store(&row->signs, 0);
        atomic_store(&row->pid, 0);
        atomic_store(&row->heartbeat_ms, 0);
        atomic_store(&row->busy_since_ms, 0);
        return row;
    }
    return NULL;
}

void region_process_own(struct region_process *row)
{
    assert(atomic_load(&row->role) != REGION_FREE && atomic_load(&row->pid) == 0);
    atomic_store(&row->pid, (int32_t)getpid());
}

void region_process_release(struct region_process *row)
{
    assert(atomic_load(&row->role) != REGION_FREE);
    atomic_store(&row->ready, 0);
    atomic_store(&row->pid, 0);
    atomic_store(&row->role, REGION_FREE);
}

bool region_degrade(struct region *region, unsigned reason, bool degraded)
{
    assert(reason < 64);
    uint64_t bit = UINT64_C(1) << reason, before = atomic_load(&region->status->degraded);
    if (((before & bit) != 0) == degraded) return false;
    atomic_store(&region->status->degraded, before ^ bit);
    return true;
}

uint64_t region_milliseconds(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_BOOTTIME, &now)) return 0;
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
