#include "script.h"

static bool blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static bool job(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }

struct script script_open(struct text file) { return (struct script){ file, 1, TEXT(";"), NULL }; }

static void step(struct script *script, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (script->rest.data[i] == '\n') script->line++;
    script->rest = text_slice(script->rest, size, script->rest.size);
}

static size_t line_size(struct text t)
{
    const char *end = t.size ? memchr(t.data, '\n', t.size) : NULL;
    return end ? (size_t)(end - t.data) : t.size;
}

/* Returns the size of the bracketed text at the beginning of t, or 0 if its end is missing. */
static size_t closed_size(struct text t, size_t opening, struct text closing)
{
    for (size_t i = opening; i + closing.size <= t.size; i++)
        if (memcmp(t.data + i, closing.data, closing.size) == 0) return i + closing.size;
    return 0;
}

/* The same for a quoted text. A doubled quote ends one text and begins another, with the same result. */
static size_t quoted_size(struct text t)
{
    for (size_t i = 1; i < t.size; i++) {
        if (t.data[i] == '\\' && t.data[0] != '`') {
            i++;
        } else if (t.data[i] == t.data[0]) {
            return i + 1;
        }
    }
    return 0;
}

/* Executable comments begin with an exclamation mark and are code. */
static bool code_comment(struct text t) { return text_begins(t, TEXT("/*!")) || text_begins(t, TEXT("/*M!")); }

static bool line_comment(struct text t)
{
    return text_begins(t, TEXT("#")) || (text_begins(t, TEXT("--")) && (t.size == 2 || blank(t.data[2])));
}

/* Returns the size of the comment or quoted text at the beginning of t; 0 if there is none; SIZE_MAX if it does not end. */
static size_t opaque_size(struct text t)
{
    size_t size;
    if (line_comment(t)) return line_size(t);
    if (text_begins(t, TEXT("/*")) && !code_comment(t)) {
        size = closed_size(t, 2, TEXT("*/"));
    } else if (t.data[0] == '\'' || t.data[0] == '"' || t.data[0] == '`') {
        size = quoted_size(t);
    } else {
        return 0;
    }
    return size > 0 ? size : SIZE_MAX;
}

static int fail(struct script *script, const char *wrong)
{
    script->wrong = wrong;
    return -1;
}

/* Skips white space and comments between two statements. */
static int skip(struct script *script)
{
    while (script->rest.size > 0) {
        struct text t = script->rest;
        bool comment = line_comment(t) || (text_begins(t, TEXT("/*")) && !code_comment(t));
        if (!blank(t.data[0]) && !comment) return 0;
        size_t size = comment ? opaque_size(t) : 1;
        if (size == SIZE_MAX) return fail(script, "the comment that begins here does not end");
        step(script, size);
    }
    return 0;
}

static struct text first_word(struct text t)
{
    size_t start = 0, size = 0;
    if (code_comment(t)) {
        start = text_begins(t, TEXT("/*M!")) ? 4 : 3;
        while (start < t.size && (blank(t.data[start]) || (t.data[start] >= '0' && t.data[start] <= '9'))) start++;
    }
    while (start < t.size && (t.data[start] == '(' || blank(t.data[start]))) start++;
    while (start + size < t.size && job(t.data[start + size])) size++;
    return text_slice(t, start, size);
}

/* Returns 1 if a DELIMITER line was read, 0 if there is none, -1 if it is invalid. */
static int read_delimiter(struct script *script)
{
    struct text line = text_slice(script->rest, 0, line_size(script->rest));
    if (!text_equal_nocase(first_word(line), TEXT("DELIMITER"))) return 0;
    struct text word = text_trim(text_slice(line, sizeof "DELIMITER" - 1, line.size));
    size_t size = 0;
    while (size < word.size && !blank(word.data[size])) size++;
    word.size = size;
    if (size == 0 || size > SCRIPT_DELIMITER) return fail(script, "DELIMITER needs one short word after it");
    for (size_t i = 0; i < size; i++)
        if (strchr("'\"`\\", word.data[i])) return fail(script, "a delimiter has no quotes and no backslash");
    script->delimiter = word;
    step(script, line.size);
    return 1;
}

/* Returns the size of the statement at the beginning of the rest; SIZE_MAX if a quote or comment in it does not
 * end. */
static size_t statement_size(struct script *script)
{
    size_t at = 0;
    while (at < script->rest.size) {
        struct text t = text_slice(script->rest, at, script->rest.size);
        if (text_begins(t, script->delimiter)) break;
        size_t size = opaque_size(t);
        if (size == SIZE_MAX) {
            step(script, at);
            return SIZE_MAX;
        }
        at += size > 0 ? size : 1;
    }
    return at;
}

int script_next(struct script *script, struct script_statement *statement_r)
{
    for (;;) {
        if (skip(script)) return -1;
        if (script->rest.size == 0) return 0;
        int delimiter = read_delimiter(script);
        if (delimiter < 0) return -1;
        if (delimiter > 0) continue;
        struct text start = script->rest;
        unsigned line = script->line;
        size_t size = statement_size(script);
        if (size == SIZE_MAX) return fail(script, "the quote or comment that begins here does not end");
        bool ended = size < start.size;
        step(script, size + (ended ? script->delimiter.size : 0));
        if (size == 0) continue;
        struct text sql = text_slice(start, 0, size);
        *statement_r = (struct script_statement){ sql, first_word(sql), line };
        return 1;
    }
}
