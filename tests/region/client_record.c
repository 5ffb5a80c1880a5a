/* client_record: of a record with changed bytes, every view that is read is within the record, or it is refused. */
#include "../../app/region/hash.h"
#include "../../app/region/client_table.h"
#include "../record_check.h"
#include "fixture.h"

enum { SAMPLE = 4096, ARENA = 1 << 20, UNIT = 64, HEAD = 128 };      /* HEAD: more than the head of a record takes */

static struct arena arena;
static char sample[SAMPLE];

static struct text make_sample(void)
{
    struct client client = record_sample();
    size_t size = client_record_size(&client);
    if (size > sizeof sample) exit(2);
    client_record_write(&client, sample);
    return (struct text){ sample, size };
}

static void the_sample_itself_is_read(void)
{
    bool taken = false;
    CHECK(record_is_sound(make_sample(), &arena, &taken) && taken);
}

static void any_byte_with_any_value(void)
{
    struct text record = make_sample();
    for (size_t at = 0; at < record.size; at++) {
        char was = sample[at];
        for (unsigned value = 0; value < 256; value++) {
            sample[at] = (char)value;
            CHECK(record_is_sound(record, &arena, NULL));
        }
        sample[at] = was;
    }
}

/* Writes numbers of 16, 32 and 64 bits at every offset, around all limits of a record. */
static void numbers_around_every_limit(void)
{
    struct text record = make_sample();
    const int64_t limits[] = { 0, -1, INT16_MAX, INT32_MAX, INT64_MAX, INT64_MIN, INT64_C(1) << 32, (int64_t)record.size,
                               CLIENT_SECRETS, CLIENT_KEYS, CLIENT_GRANTS, CLIENT_READS, JWS_PUBLIC_ALGORITHMS };
    for (size_t at = 0; at + 8 <= record.size; at++)
        for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
            for (int64_t near = -2; near <= 2; near++)
                for (size_t size = 2; size <= 8; size *= 2) {
                    char was[8];
                    int64_t value = (int64_t)((uint64_t)limits[i] + (uint64_t)near);
                    memcpy(was, sample + at, 8);
                    memcpy(sample + at, &value, size);
                    CHECK(record_is_sound(record, &arena, NULL));
                    memcpy(sample + at, was, 8);
                }
}

static void any_part_of_it(void)
{
    struct text record = make_sample();
    for (size_t size = 0; size < record.size; size++) {
        bool taken = true;
        CHECK(record_is_sound(text_slice(record, 0, size), &arena, &taken) && !taken);
        memcpy(sample, &(uint32_t){ (uint32_t)size }, 4);      /* the size in its head */
        CHECK(record_is_sound(text_slice(record, 0, size), &arena, NULL));
        (void)make_sample();
    }
}

/* A head with counts of rows, and nothing after it. */
static void counts_without_rows(void)
{
    struct client client = { .id = TEXT("x"), .secret_count = 1, .secrets = (struct client_secret *)record_secrets };
    char bytes[1024];
    bool taken;
    size_t size = client_record_size(&client);
    CHECK(size <= sizeof bytes);
    client_record_write(&client, bytes);
    for (size_t at = 8; at < HEAD; at++)
        for (unsigned value = 1; value < 256; value += 3) {
            char was = bytes[at];
            bytes[at] = (char)value;
            CHECK(record_is_sound((struct text){ bytes, size }, &arena, &taken));
            bytes[at] = was;
        }
}

/* In a record with space for all of them. */
static void more_rows_than_a_client_has(void)
{
    static char bytes[1 << 16];
    const uint16_t counts[] = { CLIENT_SECRETS, CLIENT_KEYS, CLIENT_READS, CLIENT_GRANTS };
    const struct client client = { .id = TEXT("x") };
    bool taken;
    client_record_write(&client, bytes);
    memcpy(bytes, &(uint32_t){ sizeof bytes }, 4);
    CHECK(record_is_sound((struct text){ bytes, sizeof bytes }, &arena, &taken) && taken);
    for (size_t at = 8; at < HEAD; at++)
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
            for (size_t size = 1; size <= 2; size++) {
                char was[2] = { bytes[at], bytes[at + 1] };
                memcpy(bytes + at, &(uint16_t){ (uint16_t)(counts[i] + 1) }, size);
                CHECK(record_is_sound((struct text){ bytes, sizeof bytes }, &arena, NULL));
                memcpy(bytes + at, was, 2);
            }
}

/* Writes a client of that size and version where a word of the index points, with the matching seal. */
static void plant(struct region *region, uint64_t slot, uint32_t place, size_t size)
{
    char *record = region->records + (uint64_t)place * UNIT;
    uint32_t head[2] = { (uint32_t)size, 0 };
    memcpy(record, head, sizeof head);
    head[1] = (uint32_t)hash_text(region, (struct text){ record + 8, size - 8 }).tag;
    memcpy(record, head, sizeof head);
    struct hash hash = hash_text(region, record_sample().id);
    atomic_store(&region->index[slot], (hash.tag & 0xffff) << 48 | UINT64_C(1) << 32 | place);
}

/* A whole record with its seal, but outside the record space, is not read. */
static void a_record_beyond_the_records_is_not_read(void)
{
    struct config config = fixture_config();
    config.clients_max = 1024;
    config.client_bytes = 2048;
    struct region region = fixture_region(&config);
    struct client out;
    struct text record = make_sample(), id = record_sample().id;
    uint64_t slot = hash_text(&region, id).place & region.index_mask;
    uint32_t last = (uint32_t)(region.records_size / UNIT - 1);
    CHECK(record.size > 2 * UNIT);
    for (uint32_t place = 1; place <= last + 4; place += place == 1 ? last - 2 : 1) {
        memcpy(region.records + (uint64_t)place * UNIT, record.data, record.size);
        plant(&region, slot, place, record.size);
        arena_reset(&arena);
        bool lies_within = (uint64_t)place * UNIT + record.size <= region.records_size;
        CHECK((client_table_find(&region, id, &arena, &out) == ANSWER_YES) == lies_within);
    }
    for (uint32_t place = UINT32_MAX; place > UINT32_MAX - 4; place--) {
        atomic_store(&region.index[slot], (hash_text(&region, id).tag & 0xffff) << 48 | UINT64_C(1) << 32 | place);
        CHECK(client_table_find(&region, id, &arena, &out) == ANSWER_CANNOT_SAY);
    }
    region_close(&region);
}

/* Sizes that no record has, with the matching seal. */
static void a_record_of_an_impossible_size_is_not_read(void)
{
    struct config config = fixture_config();
    config.clients_max = 1024;
    config.client_bytes = 2048;
    struct region region = fixture_region(&config);
    struct client out;
    struct text record = make_sample(), id = record_sample().id;
    uint64_t slot = hash_text(&region, id).place & region.index_mask;
    const size_t sizes[] = { record.size - 8, record.size + 4, record.size + 1, CLIENT_RECORD_BYTES + 8 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        CHECK(sizes[i] < region.records_size - UNIT);
        memset(region.records, 0, sizes[i] + UNIT);
        memcpy(region.records + UNIT, record.data, record.size);
        plant(&region, slot, 1, sizes[i]);
        arena_reset(&arena);
        CHECK((client_table_find(&region, id, &arena, &out) != ANSWER_YES) == (sizes[i] != record.size));
    }
    region_close(&region);
}

int main(void)
{
    if (arena_open(&arena, ARENA)) return EXIT_FAILURE;
    RUN(the_sample_itself_is_read);
    RUN(any_byte_with_any_value);
    RUN(numbers_around_every_limit);
    RUN(any_part_of_it);
    RUN(counts_without_rows);
    RUN(more_rows_than_a_client_has);
    RUN(a_record_beyond_the_records_is_not_read);
    RUN(a_record_of_an_impossible_size_is_not_read);
    arena_close(&arena);
    return CHECK_EXIT();
}
