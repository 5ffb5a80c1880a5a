/* migration: the files of a folder of migrations, read and checked before any of them is run.
 *
 * NNNN_name.sql; the version is the name without .sql. The first line says how the file runs:
 *     -- data    in one transaction with its record: all or nothing
 *     -- ddl     statement by statement, because MariaDB commits each change of a table by itself */
#ifndef APP_M2MCTL_MIGRATION_H
#define APP_M2MCTL_MIGRATION_H

#include <stdio.h>

#include "../../lib/base/text.h"

enum { MIGRATION_VERSION = 128, MIGRATION_SHA256 = 64, MIGRATION_BYTES_MAX = 256 * 1024 * 1024 };

enum migration_kind { MIGRATION_DATA, MIGRATION_DDL };

struct migration {
    char *path;
    char version[MIGRATION_VERSION + 1];
    char sha256[MIGRATION_SHA256 + 1]; /* of the file when it was listed, in hexadecimal */
    enum migration_kind kind;
};

struct migration_list {
    struct migration *items;
    size_t count;
};

/* Adds the files of folder in the order of their names. If optional, a missing folder is not an error. Returns 0,
 * or -1 after printing all faults of the files. */
int migration_list_add(struct migration_list *list, const char *folder, bool optional, FILE *complaints);

/* Frees the list with its migrations. */
void migration_list_free(struct migration_list *list);

/* Returns NULL if no file has this version. */
const struct migration *migration_find(const struct migration_list *list, struct text version);

/* Loads a file of at most MIGRATION_BYTES_MAX and its digest. Returns 0, or -1 after a message; the caller frees
 * file_r->data. */
int migration_load(const char *path, struct text *file_r, char sha256_r[MIGRATION_SHA256 + 1], FILE *complaints);

/* Loads the content of a listed file and checks that it has not changed since. Returns 0, or -1 after a message;
 * the caller frees sql_r->data. */
int migration_read(const struct migration *migration, struct text *sql_r, FILE *complaints);

#endif
