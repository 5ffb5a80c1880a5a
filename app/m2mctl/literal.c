#include "literal.h"

#include <inttypes.h>
#include <time.h>

static bool harmless(struct text t, const char *others)
{
    for (size_t i = 0; i < t.size; i++) {
        char c = t.data[i];
        bool word = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!word && (c == 0 || !strchr(others, c))) return false;
    }
    return true;
}

static void put_hex(FILE *sql, struct text t)
{
    fputs("X'", sql);
    for (size_t i = 0; i < t.size; i++) fprintf(sql, "%02x", (unsigned)(unsigned char)t.data[i]);
    fputc('\'', sql);
}

void literal_put(FILE *sql, struct text bytes)
{
    if (harmless(bytes, "._:/@~$-")) fprintf(sql, "'%.*s'", (int)bytes.size, bytes.data);
    else put_hex(sql, bytes);
}

void literal_put_text(FILE *sql, struct text text)
{
    if (harmless(text, "._:/@~$- ,()+=")) {
        fprintf(sql, "'%.*s'", (int)text.size, text.data);
    } else {
        fputs("_utf8mb4 ", sql);
        put_hex(sql, text);
    }
}

void literal_put_json(FILE *sql, struct text json)
{
    if (harmless(json, "._-{}\":,")) fprintf(sql, "'%.*s'", (int)json.size, json.data);
    else put_hex(sql, json);
}

void literal_put_instant(FILE *sql, int64_t seconds)
{
    char text[sizeof "2027-01-31T12:00:00Z"];
    struct tm tm;
    time_t time = seconds;
    if (gmtime_r(&time, &tm) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0) fprintf(sql, "'%s'", text);
    else fprintf(sql, "'%" PRId64 "'", seconds); /* not a time: the server refuses it */
}
