#include "letters.h"

#include <stdio.h>
#include <stdlib.h>

/* All keepers write proofs in one order: two that have several in common wait for each other, but not in a circle. */
static int compare(const void *a, const void *b)
{
    const struct region_letter *left = &((const struct mailbox_letter *)a)->letter;
    const struct region_letter *right = &((const struct mailbox_letter *)b)->letter;
    if (left->kind != right->kind) return left->kind < right->kind ? -1 : 1;
    return memcmp(left->proof, right->proof, sizeof left->proof);
}

static long add_row(struct db *db, const struct region_letter *letter)
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%lld", (long long)letter->expires_at);
    struct text seconds = { digits, (size_t)size };
    struct text proof[] = { { letter->proof, sizeof letter->proof }, seconds };
    struct text revocation[] = { { letter->jti, letter->jti_size }, { letter->client_id, letter->client_id_size }, seconds };
    if (letter->kind == REGION_KIND_PROOF) return db_query(db, DB_ADD_USED_PROOF, proof, 2, NULL, NULL);
    return db_query(db, DB_ADD_REVOKED_TOKEN, revocation, 3, NULL, NULL);
}

static long find_row(struct db *db, const struct region_letter *letter)
{
    struct text proof = { letter->proof, sizeof letter->proof }, jti = { letter->jti, letter->jti_size };
    if (letter->kind == REGION_KIND_PROOF) return db_query(db, DB_FIND_USED_PROOF, &proof, 1, NULL, NULL);
    return db_query(db, DB_FIND_REVOKED_TOKEN, &jti, 1, NULL, NULL);
}

/* A row that is there already undoes nothing but its own statement: the other letters go on. Whether it is there is asked
 * of its table: the duplicate may also be that of a row that a trigger adds to another table, and then the letter's row
 * has not been stored. */
static int write_one(struct db *db, struct mailbox_letter *letter)
{
    letter->answer = MAILBOX_DURABLE;
    if (add_row(db, &letter->letter) >= 0) return 0;
    if (db_errno(db) != DB_DUPLICATE) return -1;
    /* What finds nothing leaves db the error of the INSERT. */
    if (find_row(db, &letter->letter) <= 0) return -1;
    /* A token that was revoked before is revoked. */
    if (letter->letter.kind == REGION_KIND_PROOF) letter->answer = MAILBOX_USED;
    return 0;
}

int letters_write(struct db *db, struct mailbox_letter *letters, size_t count)
{
    qsort(letters, count, sizeof *letters, compare);
    if (db_query(db, DB_BEGIN, NULL, 0, NULL, NULL) < 0) return -1;
    for (size_t i = 0; i < count; i++)
        if (write_one(db, &letters[i])) return -1;
    return db_query(db, DB_COMMIT, NULL, 0, NULL, NULL) < 0 ? -1 : 0;
}
