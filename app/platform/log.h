/* log: one JSON object a line, to stderr or to syslog (spawn-fcgi as a daemon leaves stderr at /dev/null).
 *
 * Every value is escaped and cut, a line is at most LOG_LINE bytes and is written by one write() that never waits: a slow
 * reader costs lines (counted), not requests. No secret, token or assertion is ever handed in. Where stderr is systemd's
 * journal each line begins with its priority, <3> (error) to <6> (requests). */
#ifndef APP_PLATFORM_LOG_H
#define APP_PLATFORM_LOG_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>

#include "../../lib/base/text.h"

enum { LOG_LINE = 4096 };

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO };

/* target: auto, stderr or syslog (config log_target); auto is stderr, but syslog where stderr is /dev/null. role:
 * master, keeper, worker; stands in every line. A child calls it again; what is open stays open for the same target. */
void log_open(const char *target, const char *role);

/* {"time":..,"level":..,"role":..,"pid":..,"event":EVENT,"detail":...}; event is a literal word for machines, the rest
 * a printf format for people. */
void log_event(enum log_level level, const char *event, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As log_event(), for what may happen many times: of the same event with the same detail one line is written at once, and
 * one a minute, with "repeated":N, for the N that were left out. Times are those of log_turn(). event must be a literal. */
void log_repeated(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* To be called by each process at least once a second, with a clock that never goes back: writes the counts that are due.
 * log_flush() writes them all, at the end of a process. */
void log_turn(uint64_t now_ms);
void log_flush(void);

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

/* Lines of requests that this process may write each second, ten seconds' worth of them at once; 0: no limit. More are
 * counted and left out. */
void log_limit_requests(unsigned per_second);

/* Where this process and its children also count lines that could not be written or were left out. */
void log_count_in(_Atomic uint64_t *lost, _Atomic uint64_t *left_out);

#endif
