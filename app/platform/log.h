/* log: writes one JSON object per line to stderr or syslog (under spawn-fcgi as a daemon, stderr is /dev/null). It does not
 * rotate or filter files.
 *
 * Every value is escaped and truncated; a line has at most LOG_LINE bytes and is written by one write() that never blocks: a
 * slow reader loses lines, which are counted, but delays no request. Callers never pass a secret, token or assertion. If
 * stderr is systemd's journal, each line begins with its priority, <3> (error) to <6> (requests). */
#ifndef APP_PLATFORM_LOG_H
#define APP_PLATFORM_LOG_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>

#include "../../lib/base/text.h"

enum { LOG_LINE = 4096 };

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO };

/* Opens the log. target: auto, stderr or syslog (config log_target); auto is stderr, or syslog if stderr is /dev/null. role:
 * master, keeper or worker, a literal; part of every line. A child calls it again; the same target stays open. */
void log_open(const char *target, const char *role);

/* Writes {"time":..,"level":..,"role":..,"pid":..,"event":EVENT,"detail":...}; event is a literal word for programs, the rest
 * a printf format for people. */
void log_event(enum log_level level, const char *event, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As log_event(), for an event that may occur often. The first of the same event and detail is written at once; then one line
 * a minute has "repeated":N for N that were omitted. Times are those of log_turn(). event must be a literal. */
void log_repeated(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Writes the counts that are due. Each process calls it at least once a second, with a clock that never goes back. */
void log_turn(uint64_t now_ms);

/* Writes all counts; called before a process exits. */
void log_flush(void);

/* Writes one event for each line of text, for example the complaints of config.h. */
void log_lines(enum log_level level, const char *event, const char *lines);

/* What is logged of a request; absent texts and NULL are omitted. */
struct log_request {
    struct text id, client_id, remote_address;
    const char *route, *error, *clause;
    int status;
    unsigned microseconds;
};

/* Writes one line for a request, unless the limit of log_limit_requests() is reached. */
void log_request(const struct log_request *request);

/* Limits the lines of requests of this process per second; ten seconds' worth may come at once; 0: no limit. Lines beyond are
 * counted and omitted. */
void log_limit_requests(unsigned per_second);

/* Sets shared counters of lines that this process and its children could not write or omitted; NULL: none. */
void log_count_in(_Atomic uint64_t *lost, _Atomic uint64_t *left_out);

#endif
