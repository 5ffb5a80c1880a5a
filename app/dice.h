/* dice: random bytes of the kernel, drawn in blocks, because a system call for each token is dear.
 *
 * One per process, opened after fork. A byte is wiped as it is given out. */
#ifndef APP_DICE_H
#define APP_DICE_H

#include <stddef.h>

enum { DICE_BLOCK = 4096 };

struct dice {
    size_t left;                        /* 0 to begin with; those at the front of the block */
    unsigned char block[DICE_BLOCK];
};

/* Fills bytes (at most DICE_BLOCK). 0, or -1 when the kernel gave none. */
int dice_draw(struct dice *dice, unsigned char *bytes, size_t size);

#endif
