/* credential: generates the secrets of clients and the SQL that stores their hash. Verifying them is lib/base/secret.h.
 *
 *     m2m_ <43 base64url characters: 32 random bytes> <6 base64url characters: CRC-32 of everything before>
 *
 * Prefix and checksum allow secret scanners to detect a leaked secret without false positives. */
#ifndef APP_M2MCTL_CREDENTIAL_H
#define APP_M2MCTL_CREDENTIAL_H

#include <stdio.h>

#include "../../lib/base/buffer.h"
#include "../../lib/base/secret.h"

enum {
    CREDENTIAL_BYTES = 53,
    CREDENTIAL_HASH_BYTES = 128,
    CREDENTIAL_LABEL_BYTES = 32,
    CREDENTIAL_ROUNDS = 600000 /* PBKDF2-SHA256 rounds for secrets chosen by people */
};

/* Appends a new secret. Returns 0, or -1 without random numbers. The caller wipes b. */
int credential_new(struct buffer *b);

/* Appends the stored form of secret; rounds as in secret.h. Returns 0, or -1. */
int credential_put_hash(struct buffer *b, struct text secret, uint32_t rounds);

/* Appends a label unique among the secrets of a client: s<date>-<4 random characters>. Returns 0, or -1. */
int credential_put_label(struct buffer *b, int64_t now);

/* Appends prefix and count random characters from a set of 32 without look-alikes. Returns 0, or -1. */
int credential_put_random(struct buffer *b, struct text prefix, size_t count);

/* Whether id has 1 to 128 characters of RFC 6749 A.1 (%x20-7E). */
bool credential_is_client_id(struct text id);

/* The arguments of CALL client_add_secret(), which stores hash for a client. expires_at 0: never. */
struct credential {
    struct text client_id, label, hash;
    int64_t expires_at;
};

/* Prints the statement. */
void credential_put_call(FILE *sql, const struct credential *credential);

/* Prints a new secret to standard error, as the last word of a line. */
void credential_show(struct text client_id, struct text secret);

#endif
