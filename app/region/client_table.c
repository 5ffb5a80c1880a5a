#include "client_table.h"

#include <assert.h>
#include <stdlib.h>

#include "hash.h"
#include "record_space.h"
#include "client_record.h"
#include "shared_copy.h"

/* A record that changes this often during its copy is rewritten without pause: the reader gives up. */
enum { TABLE_ATTEMPTS = 16 };

/* Index words. 0 was never used and ends every search; place 0 means that its client was removed. */
static uint64_t word_make(uint16_t tag, uint16_t version, uint32_t place)
{
    return (uint64_t)tag << 48 | (uint64_t)version << 32 | place;
}

static uint16_t word_tag(uint64_t word) { return (uint16_t)(word >> 48); }
static uint32_t word_place(uint64_t word) { return (uint32_t)word; }

/* Never 0, so that the word of a removed client is not 0. */
static uint16_t next_version(uint64_t word) { return (uint16_t)((word >> 32 & 0xffff) % 0xffff + 1); }

static uint32_t seal_of(const struct region *region, struct text record)
{
    return (uint32_t)hash_text(region, text_slice(record, sizeof(uint64_t), record.size)).tag;
}

/* Returns the size in the first word of the record at place, or 0 when no record can have it. */
static size_t size_at(const struct region *region, uint32_t place)
{
    uint64_t offset = (uint64_t)place * RECORD_SPACE_UNIT, first;
    if (offset + RECORD_SPACE_UNIT > region->records_size) return 0;
    shared_copy_load(region->records + offset, sizeof first, &first);
    uint64_t size = first & UINT32_MAX;
    return size >= sizeof first && size % 8 == 0 && size <= CLIENT_RECORD_BYTES && size <= region->records_size - offset
             ? (size_t)size
             : 0;
}

/* Returns a copy of the record; absent when its size is invalid or the arena is full. */
static struct text record_copy(const struct region *region, uint32_t place, struct arena *arena)
{
    size_t size = size_at(region, place);
    char *copy = size > 0 ? arena_take(arena, size) : NULL;
    if (!copy) return (struct text){ NULL, 0 };
    shared_copy_load(region->records + (uint64_t)place * RECORD_SPACE_UNIT, size, copy);
    return (struct text){ copy, size };
}

static enum answer record_open(const struct region *region, struct text record, struct text client_id,
                               struct arena *arena, struct client *client_r)
{
    uint32_t seal;
    if (!text_present(record)) return ANSWER_CANNOT_SAY;
    memcpy(&seal, record.data + sizeof(uint32_t), sizeof seal);
    if (seal != seal_of(region, record) || client_record_read(record, arena, client_r)) return ANSWER_CANNOT_SAY;
    client_r->version = seal;
    return text_equal(client_r->id, client_id) ? ANSWER_YES : ANSWER_NO;
}

/* Reads the record of a slot whose word has the right tag: it may be another client's. */
static enum answer slot_read(const struct region *region, uint64_t slot, struct text client_id, struct arena *arena,
                             struct client *client_r)
{
    uint64_t word = atomic_load_explicit(&region->index[slot], memory_order_acquire);
    for (int attempt = 0; attempt < TABLE_ATTEMPTS; attempt++) {
        uint64_t before = word;
        if (word_place(before) == 0) return ANSWER_NO;
        struct text record = record_copy(region, word_place(before), arena);
        /* Pairs with the fence in client_table_put: a reader that copied a byte of a later record finds the word changed. */
        atomic_thread_fence(memory_order_acquire);
        word = atomic_load_explicit(&region->index[slot], memory_order_acquire);
        if (word != before) continue;
        enum answer answer = record_open(region, record, client_id, arena, client_r);
        client_r->slot = (uint32_t)slot;
        /* A slot that was reset to 0 starts its versions again, so the same word may return for another record: then the
         * seal does not match the copy, and the next attempt reads the current record. */
        if (answer != ANSWER_CANNOT_SAY) return answer;
    }
    return ANSWER_CANNOT_SAY;
}

enum answer client_table_find(const struct region *region, struct text client_id, struct arena *arena,
                              struct client *client_r)
{
    assert(region_is_mask(region->index_mask));
    if (!atomic_load_explicit(&region->status->complete, memory_order_acquire)) return ANSWER_CANNOT_SAY;
    struct hash hash = hash_text(region, client_id);
    for (uint64_t n = 0; n <= region->index_mask; n++) {
        uint64_t slot = (hash.place + n) & region->index_mask;
        uint64_t word = atomic_load_explicit(&region->index[slot], memory_order_relaxed);
        if (word == 0) break;
        if (word_place(word) == 0 || word_tag(word) != (uint16_t)hash.tag) continue;
        enum answer answer = slot_read(region, slot, client_id, arena, client_r);
        if (answer != ANSWER_NO) return answer;
    }
    bool has_all = atomic_load_explicit(&region->status->clients_left_out, memory_order_acquire) == 0;
    return has_all ? ANSWER_NO : ANSWER_CANNOT_SAY;
}

struct client_table_writer {
    struct region *region;
    struct record_space places;
    bool loading;   /* between client_table_load_begin and _end */
    uint64_t *seen; /* one bit per index word: put since client_table_load_begin */
    uint64_t clients;
    uint64_t left_out;  /* since client_table_load_begin */
    uint32_t *bad_rows; /* of each slot's client; most of its pages are never touched */
    uint64_t bad_rows_total;
    char draft[CLIENT_RECORD_BYTES];
};

static uint64_t word_at(const struct client_table_writer *writer, uint64_t slot)
{
    return atomic_load_explicit(&writer->region->index[slot], memory_order_relaxed);
}

static void publish(struct client_table_writer *writer, uint64_t slot, uint64_t word)
{
    assert(slot <= writer->region->index_mask);
    atomic_store_explicit(&writer->region->index[slot], word, memory_order_release);
    atomic_store_explicit(&writer->region->status->clients, writer->clients, memory_order_relaxed);
}

/* Returns the record itself, not a copy: this process is its only writer. */
static struct text record_at(const struct client_table_writer *writer, uint64_t word)
{
    size_t size = size_at(writer->region, word_place(word));
    const char *record = writer->region->records + (uint64_t)word_place(word) * RECORD_SPACE_UNIT;
    return size > 0 ? (struct text){ record, size } : (struct text){ NULL, 0 };
}

static uint64_t units_of(size_t size) { return (size + RECORD_SPACE_UNIT - 1) / RECORD_SPACE_UNIT; }

/* Rebuilds the map of free space from the index that a previous keeper left. Space that it had freed may be used at once:
 * a reader of such a record finds its word changed. */
static void rebuild_map(struct client_table_writer *writer)
{
    for (uint64_t slot = 0; slot <= writer->region->index_mask; slot++) {
        uint64_t word = word_at(writer, slot);
        if (word_place(word) == 0) continue;
        struct text record = record_at(writer, word);
        if (!text_present(record)) {
            publish(writer, slot, word_make(0, next_version(word), 0));
            continue;
        }
        record_space_hold(&writer->places, word_place(word), units_of(record.size));
        writer->clients++;
    }
}

struct client_table_writer *client_table_writer_new(struct region *region)
{
    assert(region_is_mask(region->index_mask) && region->records_size % RECORD_SPACE_UNIT == 0);
    struct client_table_writer *writer = calloc(1, sizeof *writer);
    if (!writer) return NULL;
    writer->region = region;
    writer->seen = calloc(region->index_mask / 64 + 1, sizeof *writer->seen);
    writer->bad_rows = calloc(region->index_mask + 1, sizeof *writer->bad_rows);
    if (record_space_open(&writer->places, region->records_size / RECORD_SPACE_UNIT) || !writer->seen ||
        !writer->bad_rows) {
        client_table_writer_free(writer);
        return NULL;
    }
    rebuild_map(writer);
    return writer;
}

void client_table_writer_free(struct client_table_writer *writer)
{
    if (!writer) return;
    record_space_close(&writer->places);
    free(writer->seen);
    free(writer->bad_rows);
    free(writer);
}

/* Returns the slot of the client; else a vacant one for it, whose *word_r has no place; else -1. */
static int64_t slot_find(const struct client_table_writer *writer, struct text client_id, struct hash hash,
                         uint64_t *word_r)
{
    int64_t vacant = -1;
    for (uint64_t n = 0; n <= writer->region->index_mask; n++) {
        uint64_t slot = (hash.place + n) & writer->region->index_mask, word = word_at(writer, slot);
        if (word_place(word) == 0) {
            if (vacant < 0) vacant = (int64_t)slot;
            if (word == 0) break;
        } else if (word_tag(word) == (uint16_t)hash.tag &&
                   text_equal(client_record_id(record_at(writer, word)), client_id)) {
            *word_r = word;
            return (int64_t)slot;
        }
    }
    if (vacant >= 0) *word_r = word_at(writer, (uint64_t)vacant);
    return vacant;
}

/* Sets vacant words before one that was never used back to 0, which keeps searches short. */
static void reset_vacant(struct client_table_writer *writer, uint64_t slot)
{
    uint64_t mask = writer->region->index_mask;
    if (word_at(writer, (slot + 1) & mask) != 0) return;
    for (uint64_t word = word_at(writer, slot); word != 0 && word_place(word) == 0; word = word_at(writer, slot)) {
        publish(writer, slot, 0);
        slot = (slot - 1) & mask;
    }
}

static void set_bad_rows(struct client_table_writer *writer, uint64_t slot, uint32_t bad_rows)
{
    if (writer->bad_rows[slot] == bad_rows) return;
    writer->bad_rows_total += bad_rows;
    writer->bad_rows_total -= writer->bad_rows[slot];
    writer->bad_rows[slot] = bad_rows;
}

static void slot_clear(struct client_table_writer *writer, uint64_t slot)
{
    assert(word_place(word_at(writer, slot)) != 0);
    uint64_t word = word_at(writer, slot), units = units_of(record_at(writer, word).size);
    writer->clients--;
    set_bad_rows(writer, slot, 0);
    publish(writer, slot, word_make(0, next_version(word), 0));
    record_space_rest(&writer->places, word_place(word), units, region_milliseconds());
    reset_vacant(writer, slot);
}

/* Counts the client before it is removed, so that a reader that no longer finds it cannot take it for unknown. */
static int leave_out(struct client_table_writer *writer, int64_t slot, uint64_t word)
{
    writer->left_out++;
    atomic_fetch_add_explicit(&writer->region->status->clients_left_out, 1, memory_order_seq_cst);
    if (slot >= 0 && word_place(word) != 0) slot_clear(writer, (uint64_t)slot);
    return -1;
}

static struct text draft(struct client_table_writer *writer, const struct client *client)
{
    struct text record = { writer->draft, client_record_size(client) };
    assert(record.size % 8 == 0 && record.size <= sizeof writer->draft);
    client_record_write(client, writer->draft);
    uint32_t seal = seal_of(writer->region, record);
    memcpy(writer->draft + sizeof(uint32_t), &seal, sizeof seal);
    return record;
}

static bool is_full(const struct client_table_writer *writer, uint64_t word)
{
    return word_place(word) == 0 && writer->clients > writer->region->index_mask / 2;
}

int client_table_put(struct client_table_writer *writer, const struct client *client)
{
    struct region *region = writer->region;
    struct hash hash = hash_text(region, client->id);
    struct text record = draft(writer, client);
    uint64_t word = 0, now_ms = region_milliseconds();
    int64_t slot = slot_find(writer, client->id, hash, &word);
    bool known = slot >= 0 && word_place(word) != 0;

    if (known && text_equal(record_at(writer, word), record)) {
        writer->seen[slot / 64] |= (uint64_t)1 << slot % 64;
        return 0;
    }
    uint32_t place = slot < 0 || is_full(writer, word)
                       ? 0
                       : record_space_take(&writer->places, units_of(record.size), now_ms);
    if (place == 0) return leave_out(writer, slot, word);

    atomic_thread_fence(memory_order_release); /* pairs with the fence in slot_read */
    shared_copy_store(region->records + (uint64_t)place * RECORD_SPACE_UNIT, record.data, record.size);
    if (known) record_space_rest(&writer->places, word_place(word), units_of(record_at(writer, word).size), now_ms);
    else writer->clients++;
    writer->seen[slot / 64] |= (uint64_t)1 << slot % 64;
    publish(writer, (uint64_t)slot, word_make((uint16_t)hash.tag, next_version(word), place));
    return 0;
}

void client_table_set_bad_rows(struct client_table_writer *writer, struct text client_id, uint32_t bad_rows)
{
    uint64_t word = 0;
    if (bad_rows == 0 && writer->bad_rows_total == 0) return;
    int64_t slot = slot_find(writer, client_id, hash_text(writer->region, client_id), &word);
    if (slot >= 0 && word_place(word) != 0) set_bad_rows(writer, (uint64_t)slot, bad_rows);
}

uint64_t client_table_bad_rows(const struct client_table_writer *writer) { return writer->bad_rows_total; }

void client_table_remove(struct client_table_writer *writer, struct text client_id)
{
    uint64_t word = 0;
    int64_t slot = slot_find(writer, client_id, hash_text(writer->region, client_id), &word);
    if (slot >= 0 && word_place(word) != 0) slot_clear(writer, (uint64_t)slot);
}

void client_table_load_begin(struct client_table_writer *writer)
{
    memset(writer->seen, 0, (writer->region->index_mask / 64 + 1) * sizeof *writer->seen);
    writer->left_out = 0;
    writer->loading = true;
}

void client_table_load_end(struct client_table_writer *writer)
{
    assert(writer->loading); /* without a begin, this would remove clients that the database has */
    writer->loading = false;
    for (uint64_t slot = 0; slot <= writer->region->index_mask; slot++) {
        bool seen = writer->seen[slot / 64] >> slot % 64 & 1;
        if (!seen && word_place(word_at(writer, slot)) != 0) slot_clear(writer, slot);
    }
    atomic_store_explicit(&writer->region->status->clients_left_out, writer->left_out, memory_order_release);
}
