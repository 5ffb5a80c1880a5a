/* client_record: the position-independent form of struct client, as it lies in the region.
 *
 *     head, secrets, keys, grants, reads: of fixed size, without padding; then the texts they point to by offset
 *
 * The head begins with a 64-bit word: the size of the record, a multiple of 8, in its lower half; in its upper half the
 * seal, which is the table's to set. Equal clients make equal bytes. */
#ifndef APP_REGION_CLIENT_RECORD_H
#define APP_REGION_CLIENT_RECORD_H

#include "../../lib/oauth/client.h"
#include "../../lib/base/arena.h"

enum { CLIENT_RECORD_BYTES = 262144 }; /* more than the longest client takes */

size_t client_record_size(const struct client *client);
void client_record_write(const struct client *client, char *place);

/* 0, or -1 when the bytes are no record or the arena is used up. Texts are views into bytes, arrays lie in the arena.
 * slot and version are the table's to fill. */
int client_record_read(struct text bytes, struct arena *arena, struct client *client_r);

/* The client id alone; absent when the bytes are no record. */
struct text client_record_id(struct text bytes);

#endif
