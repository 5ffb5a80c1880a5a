/* Records of clients, which a worker reads from memory that another process writes: whatever the bytes, what is taken lies
 * within them. The first byte says how: even, the rest is the record; odd, it changes a good one, [place, value]. */
#include "fuzz.h"

#include "../record_check.h"

enum { SAMPLE = 4096, ARENA = 262144 };

static struct text change(const uint8_t *data, size_t size)
{
    static char sample[SAMPLE];
    struct client client = record_sample();
    struct text record = { sample, client_record_size(&client) };
    HOLDS(record.size <= sizeof sample);
    client_record_write(&client, sample);
    for (size_t i = 0; i + 2 < size; i += 3) sample[((size_t)data[i] << 8 | data[i + 1]) % record.size] = (char)data[i + 2];
    return record;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena arena;
    if (!arena.block) HOLDS(arena_open(&arena, ARENA) == 0);
    if (size == 0) return 0;
    struct text record = data[0] % 2 ? change(data + 1, size - 1) : (struct text){ (const char *)data + 1, size - 1 };
    HOLDS(record_is_sound(record, &arena, NULL));
    return 0;
}
