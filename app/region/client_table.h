/* client_table: the full replica of the clients, in the region. It does not read the database (keeper/replica.h).
 *
 * An index of 64-bit words  [tag 16 | version 16 | place 32]  with linear probing; place counts units of 64 bytes in the
 * record space. A record is written first and then published by one store of its word, with the next version. A reader
 * copies the record and then reads the word again: if it is unchanged, the copy is whole. Freed space is not used again for
 * some time (record_space.h), which makes a second attempt rare. Each record has a seal, the hash of its bytes, so that a
 * reader that slept through 65,535 versions rejects what it copied, as it rejects a record that a stray write has damaged.
 * There is one writer, the keeper. Its map of free space is private and is rebuilt from the index by the next keeper, so a
 * keeper may be killed at any instruction.
 * In a complete replica in which all rows fit, absent means unknown. */
#ifndef APP_REGION_CLIENT_TABLE_H
#define APP_REGION_CLIENT_TABLE_H

#include "../../lib/oauth/store.h"
#include "region.h"

/* Reader. Returns ANSWER_YES with client_r filled by views into arena; ANSWER_NO if there is no such client;
 * ANSWER_CANNOT_SAY before the first complete load, while rows are left out, if the arena is full, or if the record is damaged
 * or changes at every attempt. client_r->slot is the index of its word, stable while the client is in the table;
 * client_r->version is the seal: equal rows have equal versions. */
enum answer client_table_find(const struct region *region, struct text client_id, struct arena *arena,
                              struct client *client_r);

/* The keeper's state: the map of free space, and which words the current complete load has put. */
struct client_table_writer;

/* Makes a writer from what the index holds. Returns NULL if out of memory. The region must outlive it. */
struct client_table_writer *client_table_writer_new(struct region *region);

/* Frees the writer, not the clients; accepts NULL. */
void client_table_writer_free(struct client_table_writer *writer);

/* Inserts or replaces a client; a record that is equal byte for byte is not written again. Returns 0, or -1 when index or
 * record space is full: the client is then absent, and counted as left out. */
int client_table_put(struct client_table_writer *writer, const struct client *client);

/* Removes a client; does nothing if it is absent. */
void client_table_remove(struct client_table_writer *writer, struct text client_id);

/* Notes how many invalid rows this client has; kept until it is removed. Does nothing if it is absent. */
void client_table_set_bad_rows(struct client_table_writer *writer, struct text client_id, uint32_t bad_rows);

/* Returns the sum over all clients in the table, of the rows that this writer has put. */
uint64_t client_table_bad_rows(const struct client_table_writer *writer);

/* Begins a complete load; client_table_put() follows for each row. A load that failed is begun again. */
void client_table_load_begin(struct client_table_writer *writer);

/* Ends a complete load that was begun: removes every client that was not put. */
void client_table_load_end(struct client_table_writer *writer);

#endif
