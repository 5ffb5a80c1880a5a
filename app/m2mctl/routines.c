#include "routines.h"

#include <inttypes.h>
#include <stdlib.h>

#include "script.h"

enum { HEAD_WORDS = 6 };

/* The effect of one statement of the file. */
struct routine {
    struct text kind, name;
    bool created; /* otherwise dropped */
};

/* Splits off words up to the first that is not a plain name; a parenthesis ends a word. */
static size_t take_words(struct text sql, struct text words_r[HEAD_WORDS])
{
    static const char name[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    size_t count = 0, at = 0;
    while (count < HEAD_WORDS) {
        size_t size = 0;
        while (at < sql.size && sql.data[at] != 0 && strchr(" \t\n", sql.data[at])) at++;
        while (at + size < sql.size && sql.data[at + size] != 0 && strchr(name, sql.data[at + size])) size++;
        if (size == 0) return count;
        words_r[count++] = text_slice(sql, at, size);
        at += size;
    }
    return count;
}

static bool is_kind(struct text word)
{
    return text_equal(word, TEXT("PROCEDURE")) || text_equal(word, TEXT("FUNCTION")) ||
           text_equal(word, TEXT("TRIGGER"));
}

/* Parses CREATE OR REPLACE kind name, or DROP kind IF EXISTS name. */
static int read_head(struct text sql, struct routine *routine_r)
{
    static const struct {
        const char *words[HEAD_WORDS - 1];
        bool created;
    } forms[] = {
        { { "CREATE", "OR", "REPLACE", NULL, "" }, true },
        { { "DROP", NULL, "IF", "EXISTS", "" }, false },
    };
    struct text words[HEAD_WORDS];
    size_t count = take_words(sql, words);
    for (size_t form = 0; form < sizeof forms / sizeof *forms; form++) {
        bool fits = count >= HEAD_WORDS - 1;
        for (size_t i = 0; fits && i < HEAD_WORDS - 1; i++) {
            const char *word = forms[form].words[i];
            if (!word) {
                fits = is_kind(words[i]);
                routine_r->kind = words[i];
            } else if (word[0]) {
                fits = text_equal(words[i], text_of(word));
            }
        }
        routine_r->name = words[HEAD_WORDS - 2];
        routine_r->created = forms[form].created;
        if (fits && routine_r->name.size <= ROUTINES_NAME) return 0;
    }
    return -1;
}

static int read_number(struct text sql, uint64_t *number_r)
{
    struct text line;
    if (!text_split(&sql, '\n', &line) || !text_begins(line, TEXT("-- routines "))) return -1;
    line = text_slice(line, sizeof "-- routines " - 1, line.size);
    return text_number(line, ROUTINES_NUMBER_MAX, number_r) || *number_r == 0 ? -1 : 0;
}

static int complain(const char *path, unsigned line, const char *wrong, FILE *complaints)
{
    fprintf(complaints, "m2mctl migrate: %s:%u: %s\n", path, line, wrong);
    return -1;
}

static int judge(struct routines_file *file, FILE *complaints)
{
    struct script script = script_open(file->sql);
    struct script_statement statement;
    struct routine routine;
    int more;
    if (read_number(file->sql, &file->number))
        return complain(file->path, 1, "the first line must be -- routines and a number", complaints);
    while ((more = script_next(&script, &statement)) > 0) {
        if (read_head(statement.sql, &routine))
            return complain(
                file->path, statement.line,
                "a statement must be CREATE OR REPLACE PROCEDURE, FUNCTION or TRIGGER, or DROP ... IF EXISTS "
                "of one of them, in capital letters",
                complaints);
        if (routine.created) file->count++;
    }
    return more < 0 ? complain(file->path, script.line, script.wrong, complaints) : 0;
}

int routines_load(const char *path, struct routines_file *file_r, FILE *complaints)
{
    *file_r = (struct routines_file){ .path = path };
    if (migration_load(path, &file_r->sql, file_r->sha256, complaints)) return -1;
    if (judge(file_r, complaints) == 0) return 0;
    routines_free(file_r);
    return -1;
}

void routines_free(struct routines_file *file)
{
    free((char *)file->sql.data);
    file->sql = (struct text){ NULL, 0 };
}

static void copy(struct text column, char *text_r, size_t size)
{
    snprintf(text_r, size, "%.*s", (int)column.size, column.data ? column.data : "");
}

static int take_file(void *context, const struct text *columns, size_t count)
{
    struct routines_record *record = context;
    uint64_t at = 0;
    if (count != COLUMN_ROUTINE_FILE_COUNT ||
        text_number(columns[COLUMN_ROUTINE_FILE_number], UINT32_MAX, &record->number))
        return -1;
    copy(columns[COLUMN_ROUTINE_FILE_sha256], record->sha256, sizeof record->sha256);
    copy(columns[COLUMN_ROUTINE_FILE_db_user], record->user, sizeof record->user);
    (void)text_number(columns[COLUMN_ROUTINE_FILE_laid_at], INT64_MAX, &at);
    record->installed_at = (int64_t)at;
    record->running = !text_equal(columns[COLUMN_ROUTINE_FILE_state], TEXT("done"));
    record->known = true;
    return 0;
}

static int take_missing(void *context, const struct text *columns, size_t count)
{
    struct routines_record *record = context;
    size_t size = strlen(record->names);
    if (count == COLUMN_ROUTINE_COUNT &&
        size + columns[COLUMN_ROUTINE_name].size + sizeof ", ..." < sizeof record->names)
        snprintf(record->names + size, sizeof record->names - size, "%s%.*s", size ? ", " : "",
                 (int)columns[COLUMN_ROUTINE_name].size, columns[COLUMN_ROUTINE_name].data);
    else if (size > 3 && strcmp(record->names + size - 3, "...") != 0)
        snprintf(record->names + size, sizeof record->names - size, ", ...");
    record->missing++;
    return 0;
}

int routines_read(struct db *db, struct routines_record *record_r)
{
    *record_r = (struct routines_record){ .known = false };
    if (db_query(db, DB_READ_ROUTINE_FILE, NULL, 0, take_file, record_r) < 0)
        return db_errno(db) == DB_NO_TABLE ? 0 : -1;
    return db_query(db, DB_READ_MISSING_ROUTINES, NULL, 0, take_missing, record_r) < 0 ? -1 : 0;
}

enum routines_state routines_compare(const struct routines_file *file, const struct routines_record *record)
{
    if (!record->known) return ROUTINES_NOT_INSTALLED;
    if (record->number > file->number) return ROUTINES_NEWER;
    if (record->running) return ROUTINES_UNFINISHED;
    if (record->missing > 0) return ROUTINES_MISSING;
    if (record->number < file->number) return ROUTINES_OLDER;
    return strcmp(record->sha256, file->sha256) != 0 ? ROUTINES_DIFFERENT : ROUTINES_DONE;
}

/* Records in one transaction that the file is being run, and the names of what it creates. */
static int begin(struct db *db, const struct routines_file *file)
{
    struct script script = script_open(file->sql);
    struct script_statement statement;
    struct routine routine;
    char number[24];
    snprintf(number, sizeof number, "%" PRIu64, file->number);
    const struct text parameters[] = { text_of(number), text_of(file->sha256) };
    if (db_query(db, DB_BEGIN, NULL, 0, NULL, NULL) < 0 ||
        db_query(db, DB_START_ROUTINES, parameters, 2, NULL, NULL) < 0 ||
        db_query(db, DB_FORGET_ROUTINES, NULL, 0, NULL, NULL) < 0)
        return -1;
    while (script_next(&script, &statement) > 0) {
        if (read_head(statement.sql, &routine) || !routine.created) continue;
        const struct text name[] = { routine.kind, routine.name };
        if (db_query(db, DB_ADD_ROUTINE, name, 2, NULL, NULL) < 0) return -1;
    }
    return db_query(db, DB_COMMIT, NULL, 0, NULL, NULL) < 0 ? -1 : 0;
}

int routines_install(struct db *db, const struct routines_file *file, unsigned *wrong_line_r)
{
    struct script script = script_open(file->sql);
    struct script_statement statement;
    *wrong_line_r = 0;
    if (begin(db, file)) return -1;
    while (script_next(&script, &statement) > 0) {
        if (db_script(db, statement.sql) == 0) continue;
        *wrong_line_r = statement.line;
        return -1;
    }
    return db_query(db, DB_FINISH_ROUTINES, NULL, 0, NULL, NULL) < 0 ? -1 : 0;
}
