/* columns: one row of a client as the database gives it, judged and read into its type.
 *
 * Not which rows there are, nor what becomes of a bad one (client_rows.c). Texts of the results are views into the columns. */
#ifndef APP_DB_COLUMNS_H
#define APP_DB_COLUMNS_H

#include "../../lib/base/buffer.h"
#include "../../lib/jose/rotation.h"
#include "../../lib/oauth/client.h"

enum {
    COLUMNS_TOKEN_SECONDS = ROTATION_LONGEST_TOKEN, /* the most that a row may say */
    COLUMNS_RATE = 1000000,
    COLUMNS_BURST = 100000,
    COLUMNS_LABEL = 32,
    COLUMNS_AUDIENCE = 255,
    COLUMNS_SCOPE = 255,
    COLUMNS_JWK = 1024 /* as jwk_put() writes it, of an RSA key of 4096 bits */
};

/* What is wrong with a row, and where; why is NULL for nothing. Both are literals. */
struct columns_verdict {
    const char *column, *why;
};

/* 1 to most printable ASCII characters, none of them below first. */
bool columns_plain(struct text t, char first, size_t most);

/* An absent column is 0. */
bool columns_number(struct text column, uint64_t most, uint32_t *number_r);

/* Rows as READ_SECRETS, READ_CLIENT_KEYS and READ_GRANTS of db.h have them. The label, kid, audience and scope are judged
 * here and filled in by the caller. jwk: COLUMNS_JWK bytes, into which the key is written anew; key_r views it. */
struct columns_verdict columns_secret(const struct text columns[5], struct client_secret *secret_r);
struct columns_verdict columns_key(const struct text columns[6], struct buffer *jwk, struct client_key *key_r);
struct columns_verdict columns_grant(const struct text columns[6], struct client_grant *grant_r);

#endif
