/* fixture: small regions and plain clients for these tests. */
#ifndef TESTS_REGION_FIXTURE_H
#define TESTS_REGION_FIXTURE_H

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../app/region/region.h"
#include "../../lib/base/arena.h"
#include "../../lib/oauth/store.h"
#include "../check.h"

static inline struct config fixture_config(void)
{
    return (struct config){ .workers = 4, .clients_max = 64, .client_bytes = 512, .revocations_max = 1024,
                            .rules_max = 64, .verified_max = 1024, .seen_max = 1024,
                            .failures_per_minute = 10, .revoke_wait_ms = 100 };
}

/* An empty region whose replica claims to be complete. */
static inline struct region fixture_region(const struct config *config)
{
    struct region region;
    if (region_open(&region, config)) exit(2);
    atomic_store(&region.status->complete, 1);
    return region;
}

/* Zeroed memory that children share. */
static inline void *fixture_shared(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) exit(2);
    return memory;
}

static inline void fixture_sleep_us(long microseconds)
{
    struct timespec pause = { microseconds / 1000000, microseconds % 1000000 * 1000 };
    nanosleep(&pause, NULL);
}

/* A child that does not outlive a test that failed. */
static inline pid_t fixture_fork(void)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
    return pid;
}

/* The exit status of a child, or 128 + the signal that ended it. */
static inline int fixture_wait(pid_t pid)
{
    int status;
    if (waitpid(pid, &status, 0) != pid) return -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static inline struct text fixture_number(char text[24], const char *before, unsigned number)
{
    int size = snprintf(text, 24, "%s%u", before, number);
    return (struct text){ text, (size_t)size };
}

#endif
