/* log: one JSON object a line, to stderr or to syslog (spawn-fcgi as a daemon leaves stderr at /dev/null).
 *
 * Every value is escaped and cut, a line is at most LOG_LINE bytes and is written by one write() that never waits: a
 * reader who sleeps costs lines (counted), not requests. No secret, token or assertion is ever handed in. */
#ifndef APP_LOG_H
#define APP_LOG_H

#include <stdarg.h>

#include "../lib/base/text.h"

enum { LOG_LINE = 4096 };

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE };

/* target: auto, stderr or syslog (config log_target); auto is stderr, but syslog where stderr is /dev/null. role:
 * master, keeper, worker; stands in every line. A child calls it again; what is open stays open for the same target. */
void log_open(const char *target, const char *role);

/* {"time":..,"level":..,"role":..,"pid":..,"event":EVENT,"detail":...}; event is a literal word for machines, the rest
 * a printf format for people. */
void log_event(enum log_level level, const char *event, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* One event for each line of text, as the complaints of config.h are made. */
void log_lines(enum log_level level, const char *event, const char *lines);

/* One line for a request. Absent texts are left out. */
struct log_request {
    struct text id, client_id, remote_address;
    const char *route, *error, *clause;
    int status;
    unsigned microseconds;
};
void log_request(const struct log_request *request);

/* Lines lost so far by this process. */
unsigned long log_lost(void);

#endif
