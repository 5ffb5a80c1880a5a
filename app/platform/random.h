/* random: random bytes of the kernel, drawn in blocks, because a system call for each token is dear.
 *
 * One per process, opened after fork. A byte is wiped as it is given out. */
#ifndef APP_PLATFORM_RANDOM_H
#define APP_PLATFORM_RANDOM_H

#include <stddef.h>

enum { RANDOM_BLOCK = 4096 };

struct random_source {
    size_t left; /* 0 to begin with; those at the front of the block */
    unsigned char block[RANDOM_BLOCK];
};

/* Fills bytes (at most RANDOM_BLOCK). 0, or -1 when the kernel gave none. */
int random_take(struct random_source *dice, unsigned char *bytes, size_t size);

#endif
