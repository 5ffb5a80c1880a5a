/* instant: parses and prints points in time for operators. Always UTC, in seconds since 1970. */
#ifndef APP_M2MCTL_INSTANT_H
#define APP_M2MCTL_INSTANT_H

#include <stdint.h>

/* The accepted formats, for help texts. */
#define INSTANT_FORMS "now, YYYY-MM-DD, YYYY-MM-DDTHH:MM:SSZ or +N with s, m, h or d (+90m)"

enum { INSTANT_BYTES = 64 };

/* Parses one of INSTANT_FORMS. Returns 0, or -1 if it is none of them or later than SQL's TIMESTAMP allows (2038). */
int instant_parse(const char *words, int64_t now, int64_t *seconds_r);

/* Formats as "2026-11-23 15:04:05 UTC". */
void instant_format(int64_t seconds, char text_r[INSTANT_BYTES]);

/* Formats as "in 4 minutes", "2 hours ago" or "now". */
void instant_format_distance(int64_t seconds, int64_t now, char text_r[INSTANT_BYTES]);

#endif
