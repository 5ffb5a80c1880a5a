#include "instant.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t last = INT32_MAX; /* the end of TIMESTAMP in MariaDB 10.11 */

static int parse_distance(const char *words, int64_t now, int64_t *seconds_r)
{
    static const struct {
        char job;
        int64_t seconds;
    } units[] = {
        { 's', 1 },
        { 'm', 60 },
        { 'h', 3600 },
        { 'd', 86400 },
    };
    char *end;
    if (words[0] < '0' || words[0] > '9') return -1;
    long long number = strtoll(words, &end, 10);
    if (number > last || end[0] == 0 || end[1] != 0) return -1;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].job == end[0]) {
            *seconds_r = now + number * units[i].seconds;
            return *seconds_r <= last ? 0 : -1;
        }
    return -1;
}

/* strptime() also accepts dates that do not exist: the result must format to the same text. */
static int parse_date(const char *words, const char *format, int64_t *seconds_r)
{
    struct tm tm = { .tm_isdst = 0 };
    char again[INSTANT_BYTES];
    const char *end = strptime(words, format, &tm);
    if (!end || *end) return -1;
    time_t seconds = timegm(&tm);
    if (!gmtime_r(&seconds, &tm) || strftime(again, sizeof again, format, &tm) == 0 || strcmp(words, again) != 0)
        return -1;
    *seconds_r = seconds;
    return seconds > 0 && seconds <= last ? 0 : -1;
}

int instant_parse(const char *words, int64_t now, int64_t *seconds_r)
{
    *seconds_r = now;
    if (strcmp(words, "now") == 0) return 0;
    if (words[0] == '+') return parse_distance(words + 1, now, seconds_r);
    if (parse_date(words, "%Y-%m-%d", seconds_r) == 0) return 0;
    return parse_date(words, "%Y-%m-%dT%H:%M:%SZ", seconds_r);
}

void instant_format(int64_t seconds, char text_r[INSTANT_BYTES])
{
    struct tm tm;
    time_t time = seconds;
    if (!gmtime_r(&time, &tm) || strftime(text_r, INSTANT_BYTES, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        snprintf(text_r, INSTANT_BYTES, "%" PRId64 " s", seconds);
}

void instant_format_distance(int64_t seconds, int64_t now, char text_r[INSTANT_BYTES])
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {
        { "year", 365 * 86400 }, { "day", 86400 }, { "hour", 3600 }, { "minute", 60 }, { "second", 1 },
    };
    int64_t distance = seconds > now ? seconds - now : now - seconds;
    size_t i = 0;
    if (distance == 0) {
        snprintf(text_r, INSTANT_BYTES, "now");
        return;
    }
    while (units[i].seconds > 1 && distance < 2 * units[i].seconds) i++; /* 90 minutes, not 1 hour */
    int64_t count = distance / units[i].seconds;
    snprintf(text_r, INSTANT_BYTES, "%s%" PRId64 " %s%s%s", seconds > now ? "in " : "", count, units[i].name,
             count == 1 ? "" : "s", seconds > now ? "" : " ago");
}
