/* random: random bytes from the kernel, read in blocks to save a system call for each token. It is not a generator of its own.
 *
 * One source per process, zeroed after fork: a source that two processes share would return the same bytes twice. A byte is
 * wiped as it is returned. */
#ifndef APP_PLATFORM_RANDOM_H
#define APP_PLATFORM_RANDOM_H

#include <stddef.h>

enum { RANDOM_BLOCK = 4096 };

struct random_source {
    size_t left; /* unused bytes, at the start of the block; 0 initially */
    unsigned char block[RANDOM_BLOCK];
};

/* Fills bytes; size is at most RANDOM_BLOCK. Returns 0, or -1 when the kernel returned none. */
int random_take(struct random_source *source, unsigned char *bytes, size_t size);

#endif
