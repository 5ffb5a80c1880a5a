/* instant: moments, as an operator writes and reads them. Always UTC, always seconds since 1970. */
#ifndef APP_M2MCTL_INSTANT_H
#define APP_M2MCTL_INSTANT_H

#include <stdint.h>

/* How an operator may write one, for help texts. */
#define INSTANT_FORMS "now, YYYY-MM-DD, YYYY-MM-DDTHH:MM:SSZ or +N with s, m, h or d (+90m)"

enum { INSTANT_BYTES = 64 };

/* Reads one of INSTANT_FORMS. 0; -1 when it is none of them or after the end of SQL's TIMESTAMP in 2038. */
int instant_parse(const char *words, int64_t now, int64_t *seconds_r);

/* "2026-11-23 15:04:05 UTC" */
void instant_format(int64_t seconds, char text_r[INSTANT_BYTES]);

/* "in 4 minutes", "2 hours ago", "now" */
void instant_format_distance(int64_t seconds, int64_t now, char text_r[INSTANT_BYTES]);

#endif
