#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <paths.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "../lib/base/buffer.h"

/* A value may grow sixfold by its escapes, so these cuts keep every line whole. */
enum { DETAIL_BYTES = 600, ID_BYTES = 64, CLIENT_BYTES = 128, SYSLOG_HEAD = 96 };

_Static_assert(LOG_LINE <= PIPE_BUF, "a line reaches a pipe whole or not at all");

enum channel { CHANNEL_FILE, CHANNEL_PIPE, CHANNEL_SOCKET, CHANNEL_SYSLOG };

/* Where this process writes. */
static struct {
    enum channel channel;
    int fd;
    bool open;
    const char *role;
    unsigned long lost;
} journal = { .fd = STDERR_FILENO };

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARNING] = "warning", [LOG_LEVEL_NOTICE] = "notice",
};

static const int level_priorities[] = {
    [LOG_LEVEL_ERROR] = LOG_ERR, [LOG_LEVEL_WARNING] = LOG_WARNING, [LOG_LEVEL_NOTICE] = LOG_NOTICE,
};

static bool is_null(const struct stat *facts)
{
    return S_ISCHR(facts->st_mode) && facts->st_rdev == makedev(1, 3);
}

static void syslog_connect(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = _PATH_LOG };
    if (journal.fd >= 0) close(journal.fd);
    journal.channel = CHANNEL_SYSLOG;
    journal.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (journal.fd >= 0) (void)connect(journal.fd, (struct sockaddr *)&address, sizeof address);
}

/* A terminal or pipe is shared with others, who would be surprised by O_NONBLOCK: it is opened a second time, for us
 * alone. Where that is not allowed (the pipe is another user's), poll() before each line has to do. */
static void stderr_open(const struct stat *facts)
{
    journal.fd = STDERR_FILENO;
    journal.channel = S_ISSOCK(facts->st_mode) ? CHANNEL_SOCKET : CHANNEL_FILE;
    if (!S_ISFIFO(facts->st_mode) && !S_ISCHR(facts->st_mode)) return;
    int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0) journal.fd = fd;
    else journal.channel = CHANNEL_PIPE;
}

void log_open(const char *target, const char *role)
{
    struct stat facts;
    bool closed = fstat(STDERR_FILENO, &facts) != 0;
    bool to_syslog = strcmp(target, "syslog") == 0 || (strcmp(target, "auto") == 0 && (closed || is_null(&facts)));
    journal.role = role;
    if (journal.open && to_syslog == (journal.channel == CHANNEL_SYSLOG)) return;
    if (journal.fd != STDERR_FILENO && journal.fd >= 0) close(journal.fd);
    journal.fd = -1;
    if (to_syslog) syslog_connect();
    else stderr_open(&facts);
    journal.open = true;
}

/* Whether line is on its way: all of it, without waiting. */
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

/* In the form that syslog() sends, which would wait for a syslog daemon that does not read. */
static bool syslog_write(enum log_level level, struct text line)
{
    char packet[SYSLOG_HEAD + LOG_LINE], stamp[32];
    time_t now = time(NULL);
    struct tm parts;
    localtime_r(&now, &parts);
    strftime(stamp, sizeof stamp, "%b %e %H:%M:%S", &parts);
    int head = snprintf(packet, SYSLOG_HEAD, "<%d>%s m2mauth[%d]: ", LOG_DAEMON | level_priorities[level], stamp,
                        (int)getpid());
    size_t size = (size_t)head + line.size - 1;     /* without the newline */
    memcpy(packet + head, line.data, line.size - 1);
    if (send(journal.fd, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size) return true;
    if (errno == EAGAIN || errno == ENOBUFS) return false;
    syslog_connect();
    return send(journal.fd, packet, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size;
}

static void put_name(struct buffer *line, const char *name)
{
    buffer_put_char(line, line->size > 0 ? ',' : '{');
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

static void put_head(struct buffer *line, enum log_level level, const char *event)
{
    char stamp[64];
    struct timespec now;
    struct tm parts;
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

static void write_line(enum log_level level, struct buffer *line)
{
    int saved = errno;
    buffer_put(line, TEXT("}\n"));
    bool written = !line->full &&
        (journal.channel == CHANNEL_SYSLOG ? syslog_write(level, buffer_text(line)) : stderr_write(buffer_text(line)));
    if (!written) journal.lost++;
    errno = saved;
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    char bytes[LOG_LINE], detail[DETAIL_BYTES];
    struct buffer line = { bytes, 0, sizeof bytes, false };
    va_list values;
    va_start(values, format);
    vsnprintf(detail, sizeof detail, format, values);
    va_end(values);
    put_head(&line, level, event);
    put_text(&line, "detail", text_of(detail), sizeof detail);
    write_line(level, &line);
}

void log_lines(enum log_level level, const char *event, const char *lines)
{
    struct text rest = text_of(lines), line;
    while (text_split(&rest, '\n', &line))
        if (line.size > 0) log_event(level, event, "%.*s", (int)text_slice(line, 0, DETAIL_BYTES).size, line.data);
}

void log_request(const struct log_request *request)
{
    char bytes[LOG_LINE];
    struct buffer line = { bytes, 0, sizeof bytes, false };
    put_head(&line, LOG_LEVEL_NOTICE, "request");
    put_text(&line, "id", request->id, ID_BYTES);
    put_text(&line, "route", text_of(request->route), ID_BYTES);
    put_number(&line, "status", (uint64_t)request->status);
    put_text(&line, "error", text_of(request->error), ID_BYTES);
    put_text(&line, "clause", text_of(request->clause), ID_BYTES);
    put_text(&line, "client_id", request->client_id, CLIENT_BYTES);
    put_text(&line, "remote_address", request->remote_address, ID_BYTES);
    put_number(&line, "microseconds", request->microseconds);
    write_line(LOG_LEVEL_NOTICE, &line);
}

unsigned long log_lost(void)
{
    return journal.lost;
}
