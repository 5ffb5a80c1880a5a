/* credential: a machine's secret, as it is made here and nowhere else.
 *
 *     m2m_ <43 base64url characters: 32 random bytes> <6 base64url characters: CRC-32 of what stands before>
 *
 * The prefix and the checksum let scanners find a secret that was left lying about, and tell it from a look-alike. */
#ifndef APP_M2MCTL_CREDENTIAL_H
#define APP_M2MCTL_CREDENTIAL_H

#include <stdio.h>

#include "../../lib/base/buffer.h"
#include "../../lib/base/secret.h"

enum {
    CREDENTIAL_BYTES = 53,
    CREDENTIAL_HASH_BYTES = 128,
    CREDENTIAL_LABEL_BYTES = 32,
    CREDENTIAL_ROUNDS = 600000 /* PBKDF2-SHA256 for secrets that people chose */
};

/* Appends a new secret. 0, or -1 when there are no random numbers. The caller wipes b. */
int credential_new(struct buffer *b);

/* Appends the stored form of secret; rounds as in secret.h. 0, or -1. */
int credential_put_hash(struct buffer *b, struct text secret, uint32_t rounds);

/* Appends a label that no other secret of the client has: s<date>-<4 random characters>. 0, or -1. */
int credential_put_label(struct buffer *b, int64_t now);

/* Appends count random characters out of 32 that nobody mixes up, behind prefix. 0, or -1. */
int credential_put_random(struct buffer *b, struct text prefix, size_t count);

/* Whether id is 1 to 128 characters out of RFC 6749 A.1 (%x20-7E). */
bool credential_is_client_id(struct text id);

/* The statement that stores hash for a client: CALL client_add_secret(...). expires_at 0: never. */
struct credential {
    struct text client_id, label, hash;
    int64_t expires_at;
};
void credential_put_call(FILE *sql, const struct credential *credential);

/* Shows a new secret, once, on standard error: the last word of a line. */
void credential_show(struct text client_id, struct text secret);

#endif
