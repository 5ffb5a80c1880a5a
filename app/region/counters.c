#include "counters.h"

#include <assert.h>

static_assert((int)COUNTERS_END <= (int)REGION_COUNTERS, "all counters fit into a row");

/* The row has one writer, so load and store need not be one atomic operation. */
static void counters_raise(struct region_process *row, size_t index, uint64_t n)
{
    assert(index < COUNTERS_END && atomic_load_explicit(&row->role, memory_order_relaxed) != REGION_FREE);
    uint64_t value = atomic_load_explicit(&row->counters[index], memory_order_relaxed);
    atomic_store_explicit(&row->counters[index], value + n, memory_order_relaxed);
}

void counters_add(struct region_process *row, enum counters_event event)
{
    assert(event < COUNTERS_EVENTS);
    counters_raise(row, (size_t)event, 1);
}

static size_t class_of(int status)
{
    if (status < 200 || status >= 500) return 3;
    return (size_t)status / 100 - 2;
}

static size_t bucket_of(unsigned microseconds)
{
#define COUNTERS_BOUND(bound) bound,
    static const unsigned bounds[] = { COUNTERS_BOUND_LIST(COUNTERS_BOUND) };
#undef COUNTERS_BOUND
    size_t bucket = 0;
    while (bucket < COUNTERS_BOUNDS && microseconds > bounds[bucket]) bucket++;
    return bucket;
}

void counters_add_request(struct region_process *row, const struct response *response, unsigned microseconds)
{
    size_t route = response->route < COUNTERS_ROUTES ? response->route : COUNTERS_ROUTES - 1;
    counters_raise(row, COUNTERS_REQUESTS + route * COUNTERS_CLASSES + class_of(response->status), 1);
    if (response->error != ERROR_none) counters_raise(row, COUNTERS_REFUSALS + (size_t)response->error, 1);
    counters_raise(row, COUNTERS_BUCKETS + bucket_of(microseconds), 1);
    counters_raise(row, COUNTERS_MICROSECONDS, microseconds);
}

uint64_t counters_total(const struct region *region, size_t index)
{
    uint64_t total = 0;
    assert(index < COUNTERS_END);
    for (size_t i = 0; i < region->process_count; i++)
        total += atomic_load_explicit(&region->scoreboard[i].counters[index], memory_order_relaxed);
    return total;
}

const char *counters_class_name(size_t class)
{
    static const char *const names[COUNTERS_CLASSES] = { "2xx", "3xx", "4xx", "5xx" };
    return class < COUNTERS_CLASSES ? names[class] : "";
}
