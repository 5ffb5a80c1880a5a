#include "log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <paths.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "../../lib/base/buffer.h"

/* Escapes may make a value six times as long; with these limits every line still fits. */
enum { DETAIL_BYTES = 600, ID_BYTES = 64, CLIENT_BYTES = 128, SYSLOG_HEAD = 96 };

enum {
    REPEAT_MS = 60000,  /* time between two lines of one cause */
    REPEAT_CAUSES = 16, /* different causes in that time; lines of others are only counted */
    BURST_SECONDS = 10, /* lines of requests that may come at once, in seconds of their rate */
    SUMMARY_MS = 10000, /* time between two lines that report how many were lost or omitted */
    TURN_MS = 500,
};

_Static_assert(LOG_LINE <= PIPE_BUF, "a line reaches a pipe whole or not at all");

enum channel { CHANNEL_FILE, CHANNEL_PIPE, CHANNEL_SOCKET, CHANNEL_SYSLOG };

/* Lines of one cause: the same event with the same detail. */
struct cause {
    uint64_t until_ms; /* 0: free */
    uint64_t left_out;
    enum log_level level;
    const char *event;
    char detail[DETAIL_BYTES];
};

/* Lines that were not written, and how many of them a summary has reported. */
struct missing {
    uint64_t count, reported, next_ms;
    _Atomic uint64_t *shared;
};

/* The log of this process. */
static struct {
    enum channel channel;
    int fd;
    bool open, to_journal;
    const char *role;
    uint64_t now_ms, turned_ms;
    struct missing lost, left_out;
    uint64_t requests_per_second; /* 0: no limit */
    uint64_t credit, credited_ms; /* thousandths of a line */
    struct cause causes[REPEAT_CAUSES];
} journal = { .fd = STDERR_FILENO };

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_NOTICE] = "notice",
    [LOG_LEVEL_INFO] = "info",
};

static const int level_priorities[] = {
    [LOG_LEVEL_ERROR] = LOG_ERR,
    [LOG_LEVEL_WARNING] = LOG_WARNING,
    [LOG_LEVEL_NOTICE] = LOG_NOTICE,
    [LOG_LEVEL_INFO] = LOG_INFO,
};

static bool is_null(const struct stat *facts) { return S_ISCHR(facts->st_mode) && facts->st_rdev == makedev(1, 3); }

static void syslog_connect(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = _PATH_LOG };
    if (journal.fd >= 0) close(journal.fd);
    journal.channel = CHANNEL_SYSLOG;
    journal.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (journal.fd >= 0) (void)connect(journal.fd, (struct sockaddr *)&address, sizeof address);
}

/* A terminal or pipe is shared with other programs, which O_NONBLOCK would disturb: it is opened a second time. If that is not
 * allowed (the pipe belongs to another user), poll() before each line is used instead. */
static void stderr_open(const struct stat *facts)
{
    journal.fd = STDERR_FILENO;
    journal.channel = S_ISSOCK(facts->st_mode) ? CHANNEL_SOCKET : CHANNEL_FILE;
    if (!S_ISFIFO(facts->st_mode) && !S_ISCHR(facts->st_mode)) return;
    int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0) journal.fd = fd;
    else journal.channel = CHANNEL_PIPE;
}

/* systemd sets device and inode of its socket, so that a redirected stderr is not mistaken for it (systemd.exec(5),
 * JOURNAL_STREAM). */
static bool is_journal(const struct stat *facts)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && facts->st_dev == device &&
           facts->st_ino == inode;
}

/* A child starts with counts of 0: those of its parent are the parent's to report. */
static void set_role(const char *role)
{
    if (journal.role && strcmp(journal.role, role) != 0) {
        memset(journal.causes, 0, sizeof journal.causes);
        journal.lost.reported = journal.lost.count = journal.left_out.reported = journal.left_out.count = 0;
    }
    journal.role = role;
}

void log_open(const char *target, const char *role)
{
    struct stat facts;
    bool closed = fstat(STDERR_FILENO, &facts) != 0;
    bool to_syslog = strcmp(target, "syslog") == 0 || (strcmp(target, "auto") == 0 && (closed || is_null(&facts)));
    set_role(role);
    if (journal.open && to_syslog == (journal.channel == CHANNEL_SYSLOG)) return;
    if (journal.fd != STDERR_FILENO && journal.fd >= 0) close(journal.fd);
    journal.fd = -1;
    journal.to_journal = !to_syslog && !closed && is_journal(&facts);
    if (to_syslog) syslog_connect();
    else stderr_open(&facts);
    journal.open = true;
}

/* Writes all of line without blocking; returns whether that succeeded. */
static bool stderr_write(struct text line)
{
    ssize_t done;
    if (journal.channel == CHANNEL_SOCKET) {
        done = send(journal.fd, line.data, line.size, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else {
        struct pollfd ready = { journal.fd, POLLOUT, 0 };
        if (journal.channel == CHANNEL_PIPE && (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT))) return false;
        done = write(journal.fd, line.data, line.size);
    }
    return done == (ssize_t)line.size;
}

/* Sends the same form as syslog(), which is not used because it blocks if the syslog daemon does not read. */
static bool syslog_write(enum log_level level, struct text line)
{
    char packet[SYSLOG_HEAD + LOG_LINE], stamp[32];
    time_t now = time(NULL);
    struct tm parts;
    localtime_r(&now, &parts);
    strftime(stamp, sizeof stamp, "%b %e %H:%M:%S", &parts);
    int head = snprintf(packet, SYSLOG_HEAD, "<%d>%s m2mauth[%d]: ", LOG_DAEMON | level_priorities[level], stamp,
                        (int)getpid());
    assert(head > 0 && head < SYSLOG_HEAD && line.size > 0 && line.size <= LOG_LINE);
    size_t size = (size_t)head + line.size - 1; /* without the newline */
    memcpy(packet + head, line.data, line.size - 1);
    if (send(journal.fd, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size) return true;
    if (errno == EAGAIN || errno == ENOBUFS) return false;
    syslog_connect();
    return send(journal.fd, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size;
}

static void put_name(struct buffer *line, const char *name)
{
    if (line->data[line->size - 1] != '{') buffer_put_char(line, ',');
    buffer_put_char(line, '"');
    buffer_put(line, text_of(name));
    buffer_put(line, TEXT("\":"));
}

static void put_text(struct buffer *line, const char *name, struct text value, size_t most)
{
    if (!text_present(value)) return;
    put_name(line, name);
    buffer_put_json(line, text_slice(value, 0, most));
}

static void put_number(struct buffer *line, const char *name, uint64_t value)
{
    put_name(line, name);
    buffer_put_number(line, value);
}

/* The journal reads the priority of a line from this prefix (sd-daemon(3)). */
static void begin_line(struct buffer *line, enum log_level level)
{
    if (journal.to_journal) {
        buffer_put_char(line, '<');
        buffer_put_number(line, (uint64_t)level_priorities[level]);
        buffer_put_char(line, '>');
    }
    buffer_put_char(line, '{');
}

static void put_head(struct buffer *line, enum log_level level, const char *event)
{
    char stamp[64];
    struct timespec now;
    struct tm parts;
    begin_line(line, level);
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t size = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(stamp + size, sizeof stamp - size, ".%03dZ", (int)(now.tv_nsec / 1000000));
    put_text(line, "time", text_of(stamp), sizeof stamp);
    put_text(line, "level", text_of(level_names[level]), ID_BYTES);
    put_text(line, "role", text_of(journal.role), ID_BYTES);
    put_number(line, "pid", (uint64_t)getpid());
    put_text(line, "event", text_of(event), ID_BYTES);
}

static void count(struct missing *missing)
{
    missing->count++;
    if (missing->shared) atomic_fetch_add_explicit(missing->shared, 1, memory_order_relaxed);
}

static void write_line(enum log_level level, struct buffer *line)
{
    int saved = errno;
    buffer_put(line, TEXT("}\n"));
    bool written = !line->full && (journal.channel == CHANNEL_SYSLOG ? syslog_write(level, buffer_text(line))
                                                                     : stderr_write(buffer_text(line)));
    if (!written) count(&journal.lost);
    errno = saved;
}

static void write_event(enum log_level level, const char *event, const char *detail, uint64_t repeated)
{
    char bytes[LOG_LINE];
    struct buffer line = { bytes, 0, sizeof bytes, false };
    put_head(&line, level, event);
    put_text(&line, "detail", text_of(detail), DETAIL_BYTES);
    if (repeated > 0) put_number(&line, "repeated", repeated);
    write_line(level, &line);
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    char detail[DETAIL_BYTES];
    va_list values;
    va_start(values, format);
    vsnprintf(detail, sizeof detail, format, values);
    va_end(values);
    write_event(level, event, detail, 0);
}

void log_lines(enum log_level level, const char *event, const char *lines)
{
    struct text rest = text_of(lines), line;
    while (text_split(&rest, '\n', &line))
        if (line.size > 0) log_event(level, event, "%.*s", (int)text_slice(line, 0, DETAIL_BYTES).size, line.data);
}

/* Returns the cause if it is known, else a free one, else NULL. */
static struct cause *find_cause(const char *event, const char *detail)
{
    struct cause *found = NULL;
    for (size_t i = 0; i < REPEAT_CAUSES; i++) {
        struct cause *cause = &journal.causes[i];
        if (cause->until_ms == 0) found = found ? found : cause;
        else if (strcmp(cause->event, event) == 0 && strcmp(cause->detail, detail) == 0) return cause;
    }
    return found;
}

void log_repeated(enum log_level level, const char *event, const char *format, ...)
{
    char detail[DETAIL_BYTES];
    va_list values;
    va_start(values, format);
    vsnprintf(detail, sizeof detail, format, values);
    va_end(values);
    struct cause *cause = find_cause(event, detail);
    if (!cause) {
        count(&journal.left_out);
    } else if (cause->until_ms > 0) {
        cause->left_out++;
    } else {
        cause->until_ms = journal.now_ms + REPEAT_MS;
        cause->level = level;
        cause->event = event;
        memcpy(cause->detail, detail, sizeof detail);
        write_event(level, event, detail, 0);
    }
}

/* Writes one line for all that were omitted in the period that ends; a cause without any is freed. */
static void turn_causes(bool all)
{
    for (size_t i = 0; i < REPEAT_CAUSES; i++) {
        struct cause *cause = &journal.causes[i];
        if (cause->until_ms == 0 || (!all && journal.now_ms < cause->until_ms)) continue;
        if (cause->left_out > 0) write_event(cause->level, cause->event, cause->detail, cause->left_out);
        cause->until_ms = cause->left_out > 0 ? journal.now_ms + REPEAT_MS : 0;
        cause->left_out = 0;
    }
}

static void summarize(struct missing *missing, const char *event, const char *why, bool now)
{
    if (missing->count == missing->reported || (!now && journal.now_ms < missing->next_ms)) return;
    uint64_t lines = missing->count - missing->reported;
    missing->reported = missing->count;
    missing->next_ms = journal.now_ms + SUMMARY_MS;
    log_event(LOG_LEVEL_WARNING, event, "%llu lines %s", (unsigned long long)lines, why);
}

static void summarize_all(bool now)
{
    turn_causes(now);
    summarize(&journal.left_out, "log_left_out",
              "were omitted: more requests than log_requests_per_second, or more "
              "than 16 kinds of error within a minute",
              now);
    summarize(&journal.lost, "log_lost", "could not be written: the reader of the log is too slow", now);
}

void log_turn(uint64_t now_ms)
{
    journal.now_ms = now_ms;
    if (now_ms - journal.turned_ms < TURN_MS) return;
    journal.turned_ms = now_ms;
    summarize_all(false);
}

void log_flush(void) { summarize_all(true); }

void log_limit_requests(unsigned per_second)
{
    journal.requests_per_second = per_second;
    journal.credit = per_second * 1000ULL * BURST_SECONDS;
    journal.credited_ms = journal.now_ms;
}

void log_count_in(_Atomic uint64_t *lost, _Atomic uint64_t *left_out)
{
    journal.lost.shared = lost;
    journal.left_out.shared = left_out;
}

/* Requests have a limit of their own, so that many refusals do not displace errors if the reader of the log limits lines. */
static bool may_log_request(void)
{
    uint64_t rate = journal.requests_per_second, most = rate * 1000 * BURST_SECONDS;
    if (rate == 0) return true;
    journal.credit += (journal.now_ms - journal.credited_ms) * rate;
    if (journal.credit > most) journal.credit = most;
    journal.credited_ms = journal.now_ms;
    if (journal.credit < 1000) return false;
    journal.credit -= 1000;
    return true;
}

void log_request(const struct log_request *request)
{
    char bytes[LOG_LINE];
    struct buffer line = { bytes, 0, sizeof bytes, false };
    if (!may_log_request()) {
        count(&journal.left_out);
        return;
    }
    put_head(&line, LOG_LEVEL_INFO, "request");
    put_text(&line, "id", request->id, ID_BYTES);
    put_text(&line, "route", text_of(request->route), ID_BYTES);
    put_number(&line, "status", (uint64_t)request->status);
    put_text(&line, "error", text_of(request->error), ID_BYTES);
    put_text(&line, "clause", text_of(request->clause), ID_BYTES);
    put_text(&line, "client_id", request->client_id, CLIENT_BYTES);
    put_text(&line, "remote_address", request->remote_address, ID_BYTES);
    put_number(&line, "microseconds", request->microseconds);
    write_line(LOG_LEVEL_INFO, &line);
}
