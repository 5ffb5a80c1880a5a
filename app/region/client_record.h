/* client_record: the position-independent form of struct client, as it is stored in the region. It does not find or publish
 * records: client_table.h does.
 *
 *     head, secrets, keys, grants, reads: of fixed size, without padding; then the texts, which these name by offset
 *
 * The head begins with a 64-bit word: the lower half is the size of the record, a multiple of 8; the upper half is the seal,
 * which client_table sets. Equal clients have equal bytes. */
#ifndef APP_REGION_CLIENT_RECORD_H
#define APP_REGION_CLIENT_RECORD_H

#include "../../lib/oauth/client.h"
#include "../../lib/base/arena.h"

enum { CLIENT_RECORD_BYTES = 262144 }; /* more than the longest client takes */

/* Returns the size in bytes of the client's record, a multiple of 8. */
size_t client_record_size(const struct client *client);

/* Writes the client's record, client_record_size() bytes with a seal of 0, to place. */
void client_record_write(const struct client *client, char *place);

/* Reads a record. Returns 0, or -1 when the bytes are not a valid record or the arena is full. Texts are views into bytes,
 * arrays are in the arena. Does not set slot and version. */
int client_record_read(struct text bytes, struct arena *arena, struct client *client_r);

/* Returns the client id alone, a view; absent when the bytes are not a valid record. */
struct text client_record_id(struct text bytes);

#endif
