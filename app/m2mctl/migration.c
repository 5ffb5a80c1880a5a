#include "migration.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "../../lib/base/buffer.h"
#include "script.h"

static int complain(FILE *complaints, const char *path, const char *wrong)
{
    fprintf(complaints, "m2mctl migrate: %s: %s\n", path, wrong);
    return -1;
}

/* Loads a file; the caller frees file_r->data. */
static int load(const char *path, struct text *file_r, FILE *complaints)
{
    struct stat facts;
    FILE *file = fopen(path, "r");
    char *data = NULL;
    const char *wrong = NULL;
    if (!file || fstat(fileno(file), &facts)) {
        wrong = strerror(errno);
    } else if (!S_ISREG(facts.st_mode) || facts.st_size > MIGRATION_BYTES_MAX) {
        wrong = "is not a regular file of at most 256 MiB";
    } else {
        size_t size = (size_t)facts.st_size;
        data = malloc(size + 1);
        if (!data || fread(data, 1, size, file) != size) wrong = "cannot be read";
        *file_r = (struct text){ data, size };
    }
    if (file) fclose(file);
    if (!wrong) return 0;
    free(data);
    return complain(complaints, path, wrong);
}

static int digest(struct text file, char sha256_r[MIGRATION_SHA256 + 1])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    size_t size;
    struct buffer b = { sha256_r, 0, MIGRATION_SHA256, false };
    if (!EVP_Q_digest(NULL, "SHA256", NULL, file.data, file.size, bytes, &size)) return -1;
    buffer_put_hex(&b, (struct text){ (const char *)bytes, size });
    sha256_r[b.size] = 0;
    return b.full ? -1 : 0;
}

int migration_load(const char *path, struct text *file_r, char sha256_r[MIGRATION_SHA256 + 1], FILE *complaints)
{
    if (load(path, file_r, complaints)) return -1;
    if (digest(*file_r, sha256_r) == 0) return 0;
    free((char *)file_r->data);
    return complain(complaints, path, "SHA-256 cannot be computed");
}

static int read_kind(struct text file, enum migration_kind *kind_r)
{
    struct text line;
    if (!text_split(&file, '\n', &line)) return -1;
    if (line.size > 0 && line.data[line.size - 1] == '\r') line.size--;
    line = text_trim(line);
    *kind_r = text_equal(line, TEXT("-- ddl")) ? MIGRATION_DDL : MIGRATION_DATA;
    return *kind_r == MIGRATION_DDL || text_equal(line, TEXT("-- data")) ? 0 : -1;
}

/* Statements that end a transaction: a data file must run as one transaction. */
static bool commits(struct text word)
{
    static const char *const words[] = {
        "ALTER",    "ANALYZE", "BEGIN",  "COMMIT", "CREATE",   "DROP",  "FLUSH",    "GRANT",     "INSTALL", "LOCK",
        "OPTIMIZE", "RENAME",  "REPAIR", "REVOKE", "ROLLBACK", "START", "TRUNCATE", "UNINSTALL", "UNLOCK",  "XA",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_equal_nocase(word, text_of(words[i]))) return true;
    return false;
}

/* Checks that the file can be split into statements and has none that its kind forbids. */
static int judge(const struct migration *migration, struct text file, FILE *complaints)
{
    struct script script = script_open(file);
    struct script_statement s;
    int more;
    while ((more = script_next(&script, &s)) > 0) {
        if (text_equal_nocase(s.word, TEXT("USE"))) {
            fprintf(complaints,
                    "m2mctl migrate: %s:%u: USE would move the run to another database; name the database in "
                    "m2mauth.conf (db_name)\n",
                    migration->path, s.line);
            return -1;
        }
        if (migration->kind == MIGRATION_DATA && commits(s.word)) {
            fprintf(complaints,
                    "m2mctl migrate: %s:%u: %.*s would end the transaction of a data file; move it to a file of "
                    "its own that begins with -- ddl, or leave it out\n",
                    migration->path, s.line, (int)s.word.size, s.word.data);
            return -1;
        }
    }
    if (more < 0) fprintf(complaints, "m2mctl migrate: %s:%u: %s\n", migration->path, script.line, script.wrong);
    return more;
}

static int inspect(struct migration *migration, FILE *complaints)
{
    struct text file;
    if (migration_load(migration->path, &file, migration->sha256, complaints)) return -1;
    int failed;
    if (read_kind(file, &migration->kind))
        failed = complain(complaints, migration->path,
                          "the first line must be -- data (INSERT, UPDATE, CALL: all or nothing) "
                          "or -- ddl (CREATE, ALTER: MariaDB commits each)");
    else failed = judge(migration, file, complaints);
    free((char *)file.data);
    return failed;
}

static bool ends_with_sql(const char *name)
{
    size_t size = strlen(name);
    return size > 4 && strcmp(name + size - 4, ".sql") == 0;
}

static bool well_named(const char *name)
{
    size_t digits = strspn(name, "0123456789"), size = strlen(name) - 4;
    size_t word = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");
    return digits >= 4 && name[digits] == '_' && word == size + 4 && size <= MIGRATION_VERSION;
}

static int wanted(const struct dirent *entry) { return entry->d_name[0] != '.' && ends_with_sql(entry->d_name); }

static int by_bytes(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static int add(struct migration_list *list, const char *folder, const char *name, FILE *complaints)
{
    struct migration *items = realloc(list->items, (list->count + 1) * sizeof *items);
    if (!items) return complain(complaints, folder, "no memory");
    list->items = items;
    struct migration *migration = &items[list->count];
    *migration = (struct migration){ .path = NULL };
    if (asprintf(&migration->path, "%s/%s", folder, name) < 0) return complain(complaints, folder, "no memory");
    list->count++;
    if (!well_named(name))
        return complain(complaints, migration->path, "name it NNNN_name.sql (digits, then letters, digits, _ . -)");
    memcpy(migration->version, name, strlen(name) - 4);
    const struct migration *same = migration_find(list, text_of(migration->version));
    if (same == migration) return inspect(migration, complaints);
    fprintf(complaints, "m2mctl migrate: %s and %s have the same version; give one another number or name\n",
            same->path, migration->path);
    return -1;
}

int migration_list_add(struct migration_list *list, const char *folder, bool optional, FILE *complaints)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, wanted, by_bytes), failed = 0;
    if (count < 0) return optional && errno == ENOENT ? 0 : complain(complaints, folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        if (add(list, folder, entries[i]->d_name, complaints)) failed = -1;
        free(entries[i]);
    }
    free(entries);
    return failed;
}

void migration_list_free(struct migration_list *list)
{
    for (size_t i = 0; i < list->count; i++) free(list->items[i].path);
    free(list->items);
    *list = (struct migration_list){ NULL, 0 };
}

const struct migration *migration_find(const struct migration_list *list, struct text version)
{
    for (size_t i = 0; i < list->count; i++)
        if (text_equal(text_of(list->items[i].version), version)) return &list->items[i];
    return NULL;
}

int migration_read(const struct migration *migration, struct text *sql_r, FILE *complaints)
{
    char sha256[MIGRATION_SHA256 + 1];
    if (migration_load(migration->path, sql_r, sha256, complaints)) return -1;
    if (strcmp(sha256, migration->sha256) == 0) return 0;
    free((char *)sql_r->data);
    return complain(complaints, migration->path, "changed while m2mctl was running; run it again");
}
