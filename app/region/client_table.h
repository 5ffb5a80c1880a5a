/* client_table: the full replica of the clients, in the region.
 *
 * An index of 64-bit words  [tag 16 | version 16 | place 32]  with linear probing; place counts units of 64 bytes in
 * the record arena. A record is written first and published by one store of its word, with the next version; a reader
 * copies the record and then looks at the word again: unchanged means the copy is whole. The place of an old record
 * rests before it is used again (record_space.h), which makes a second look rare, and each record bears a seal, the hash of
 * its bytes, so that neither a reader who slept through 65,535 versions nor a wild write is ever believed.
 * One writer (the keeper); its list of free places is private and is rebuilt from the index when a new keeper takes
 * over, so a keeper may die at any instruction.
 * In a complete replica that left nothing out, absent means unknown. */
#ifndef APP_REGION_CLIENT_TABLE_H
#define APP_REGION_CLIENT_TABLE_H

#include "../../lib/oauth/store.h"
#include "region.h"

/* Reader. Fills client_r with views into arena. client_r->slot is the index of its word, stable while the client lives;
 * client_r->version is the seal: equal rows have equal versions, in whatever order they came and went. */
enum answer client_table_find(const struct region *region, struct text client_id, struct arena *arena,
                              struct client *client_r);

/* The keeper's side: what it knows of the arena's free places, and which words a complete load has seen. */
struct client_table_writer;
struct client_table_writer *client_table_writer_new(
    struct region *region); /* reads the index; NULL when memory is not to be had */
void client_table_writer_free(struct client_table_writer *writer);

/* Inserts or replaces; a row that stands there already, byte for byte, is left as it is. 0, or -1 when index or arena
 * is full (the client is then absent, and counted as left out). */
int client_table_put(struct client_table_writer *writer, const struct client *client);
void client_table_remove(struct client_table_writer *writer, struct text client_id);

/* How many rows of this client, which is in the table, cannot be right; kept until it is removed. */
void client_table_set_bad_rows(struct client_table_writer *writer, struct text client_id, uint32_t bad_rows);

/* The sum over all clients in the table. Known to this writer only, from the rows that it has put. */
uint64_t client_table_bad_rows(const struct client_table_writer *writer);

/* Around a complete load: begin; client_table_put for each row; end removes every client that was not put. */
void client_table_load_begin(struct client_table_writer *writer);
void client_table_load_end(struct client_table_writer *writer);

#endif
