/* log: priorities for the journal, repeated lines, and the limit of request lines. */
#include "../../app/platform/log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../check.h"

enum { MINUTE_MS = 60000, PAGE = 262144 };

static char page[PAGE];
static int file = -1;

/* Returns all that was written since the last call. */
static const char *written(void)
{
    ssize_t size = pread(file, page, PAGE - 1, 0);
    page[size > 0 ? size : 0] = '\0';
    if (ftruncate(file, 0)) exit(2);
    return page;
}

static unsigned count(const char *text, const char *word)
{
    unsigned found = 0;
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) found++;
    return found;
}

/* A clock that only advances, so that no test sees the causes of another. */
static uint64_t now_ms = 1000;

static void pass(uint64_t ms)
{
    now_ms += ms;
    log_turn(now_ms);
}

static void one_line_at_once_and_one_a_minute(void)
{
    log_flush();
    pass(2 * MINUTE_MS);
    pass(2 * MINUTE_MS);
    (void)written();
    for (int i = 0; i < 100; i++) log_repeated(LOG_LEVEL_ERROR, "accept", "%s", "no descriptor");
    const char *first = written();
    CHECK(count(first, "\n") == 1 && count(first, "no descriptor") == 1 && !strstr(first, "repeated"));
    pass(MINUTE_MS / 2);
    CHECK(*written() == '\0');
    pass(MINUTE_MS);
    const char *second = written();
    CHECK(count(second, "\n") == 1 && strstr(second, "\"repeated\":99}"));
    log_repeated(LOG_LEVEL_ERROR, "accept", "%s", "no descriptor");
    CHECK(*written() == '\0');
    pass(2 * MINUTE_MS);
    CHECK(strstr(written(), "\"repeated\":1}"));
    pass(2 * MINUTE_MS);
    log_repeated(LOG_LEVEL_ERROR, "accept", "%s", "no descriptor");
    CHECK(count(written(), "\n") == 1);
}

static void another_cause_has_a_line_of_its_own(void)
{
    log_flush();
    pass(2 * MINUTE_MS);
    pass(2 * MINUTE_MS);
    (void)written();
    log_repeated(LOG_LEVEL_ERROR, "database_down", "%s", "refused");
    log_repeated(LOG_LEVEL_ERROR, "database_down", "%s", "timed out");
    log_repeated(LOG_LEVEL_ERROR, "commit_failed", "%s", "refused");
    CHECK(count(written(), "\n") == 3);
    for (int i = 0; i < 1000; i++) log_repeated(LOG_LEVEL_ERROR, "many", "number %d", i);
    CHECK(count(written(), "\n") == 13);
    pass(1000);
    CHECK(strstr(written(), "987 lines were omitted"));
}

static void counts_at_the_end(void)
{
    log_flush();
    pass(2 * MINUTE_MS);
    pass(2 * MINUTE_MS);
    for (int i = 0; i < 8; i++) log_repeated(LOG_LEVEL_WARNING, "at_the_end", "x");
    (void)written();
    log_flush();
    CHECK(strstr(written(), "\"repeated\":7}"));
}

static void requests_have_a_bucket_of_their_own(void)
{
    struct log_request request = { .route = "token", .error = "invalid_client", .status = 401 };
    _Atomic uint64_t lost = 0, left_out = 0;
    log_count_in(&lost, &left_out);
    log_flush();
    pass(MINUTE_MS);
    log_limit_requests(10);
    (void)written();
    for (int i = 0; i < 1000; i++) log_request(&request);
    CHECK(count(written(), "\"event\":\"request\"") == 100);
    CHECK(atomic_load(&left_out) == 900 && atomic_load(&lost) == 0);
    log_event(LOG_LEVEL_ERROR, "fault", "an error is written all the same");
    CHECK(count(written(), "\n") == 1);
    pass(1000);
    CHECK(strstr(written(), "900 lines were omitted"));
    for (int i = 0; i < 1000; i++) log_request(&request);
    CHECK(count(written(), "\"event\":\"request\"") == 10);
    log_limit_requests(0);
    for (int i = 0; i < 1000; i++) log_request(&request);
    CHECK(count(written(), "\"event\":\"request\"") == 1000);
    log_count_in(NULL, NULL);
}

static void lost_lines_are_counted_and_told(void)
{
    _Atomic uint64_t lost = 0, left_out = 0;
    int pipes[2], saved = dup(STDERR_FILENO);
    static char drained[PAGE];
    CHECK(saved >= 0 && pipe(pipes) == 0 && dup2(pipes[1], STDERR_FILENO) >= 0);
    log_open("syslog", "worker");
    log_open("stderr", "worker");
    log_count_in(&lost, &left_out);
    log_flush();
    pass(MINUTE_MS);
    for (int i = 0; i < 5000; i++) log_event(LOG_LEVEL_ERROR, "full", "nobody reads this");
    CHECK(atomic_load(&lost) > 1000);
    CHECK(fcntl(pipes[0], F_SETFL, O_NONBLOCK) == 0);
    while (read(pipes[0], drained, sizeof drained) > 0) continue;
    pass(1000);
    ssize_t size = read(pipes[0], drained, sizeof drained - 1);
    CHECK(size > 0);
    drained[size] = '\0';
    CHECK(strstr(drained, "lines could not be written"));
    log_count_in(NULL, NULL);
    CHECK(dup2(saved, STDERR_FILENO) >= 0);
    close(pipes[0]);
    close(pipes[1]);
    close(saved);
    log_open("syslog", "worker");
    log_open("stderr", "worker");
}

static void the_journal_gets_priorities(void)
{
    static const struct { enum log_level level; const char *head; } lines[] = {
        { LOG_LEVEL_ERROR, "<3>{\"time\":" }, { LOG_LEVEL_WARNING, "<4>{\"time\":" }, { LOG_LEVEL_NOTICE, "<5>{\"time\":" },
    };
    struct stat facts;
    char name[64];
    CHECK(fstat(STDERR_FILENO, &facts) == 0);
    snprintf(name, sizeof name, "%llu:%llu", (unsigned long long)facts.st_dev, (unsigned long long)facts.st_ino);
    setenv("JOURNAL_STREAM", name, 1);
    log_open("syslog", "worker");
    log_open("stderr", "worker");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        (void)written();
        log_event(lines[i].level, "some", "%d", (int)i);
        CHECK(strncmp(written(), lines[i].head, strlen(lines[i].head)) == 0);
    }
    log_request(&(struct log_request){ .route = "token", .status = 200 });
    CHECK(strncmp(written(), "<6>{", 4) == 0);
    setenv("JOURNAL_STREAM", "1:1", 1);
    log_open("syslog", "worker");
    log_open("stderr", "worker");
    log_event(LOG_LEVEL_ERROR, "some", "not the journal");
    CHECK(written()[0] == '{');
    unsetenv("JOURNAL_STREAM");
}

int main(void)
{
    char path[] = "/tmp/m2mauth-log.XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0 || (file = open(path, O_RDWR | O_APPEND)) < 0 || dup2(file, STDERR_FILENO) < 0 || unlink(path)) return 2;
    close(fd);
    log_open("stderr", "worker");
    log_turn(now_ms);
    RUN(one_line_at_once_and_one_a_minute);
    RUN(another_cause_has_a_line_of_its_own);
    RUN(counts_at_the_end);
    RUN(requests_have_a_bucket_of_their_own);
    RUN(lost_lines_are_counted_and_told);
    RUN(the_journal_gets_priorities);
    close(file);
    return CHECK_EXIT();
}
