/* columns: validates the columns of one row of a client and converts them to their types. It does not select rows,
 * and the caller decides what happens to an invalid one (client_rows.c). Texts of the results are views into the
 * columns. */
#ifndef APP_DB_COLUMNS_H
#define APP_DB_COLUMNS_H

#include "../../lib/base/buffer.h"
#include "../../lib/jose/rotation.h"
#include "../../lib/oauth/client.h"
#include "result_columns.h"

enum {
    COLUMNS_TOKEN_SECONDS = ROTATION_LONGEST_TOKEN, /* the largest value of token_seconds */
    COLUMNS_RATE = 1000000,
    COLUMNS_BURST = 100000,
    COLUMNS_LABEL = 32,
    COLUMNS_AUDIENCE = 255,
    COLUMNS_SCOPE = 255,
    COLUMNS_JWK = 1024 /* an RSA key of 4096 bits as jwk_put() writes it */
};

/* The invalid column of a row and the reason, both literals; why is NULL if the row is valid. */
struct columns_verdict {
    const char *column, *why;
};

/* Whether t consists of 1 to most printable ASCII characters, none of them below first. */
bool columns_plain(struct text t, char first, size_t most);

/* Converts a decimal number of at most most. An absent column (SQL NULL) gives 0. Returns false if it is not such a
 * number. */
bool columns_number(struct text column, uint64_t most, uint32_t *number_r);

/* Check and convert a row of the list SECRET, CLIENT_KEY or GRANT (result_columns.h). The label, kid, audience and
 * scope are checked here and copied by the caller. jwk: a buffer of COLUMNS_JWK bytes, into which the key is
 * serialized again; key_r is a view into it. */
struct columns_verdict columns_secret(const struct text columns[COLUMN_SECRET_COUNT], struct client_secret *secret_r);
struct columns_verdict columns_key(const struct text columns[COLUMN_CLIENT_KEY_COUNT], struct buffer *jwk,
                                   struct client_key *key_r);
struct columns_verdict columns_grant(const struct text columns[COLUMN_GRANT_COUNT], struct client_grant *grant_r);

#endif
