#include "random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>

static int refill(struct random_source *dice)
{
    dice->left = 0;
    while (dice->left < RANDOM_BLOCK) {
        ssize_t got = getrandom(dice->block + dice->left, RANDOM_BLOCK - dice->left, 0);
        if (got > 0) dice->left += (size_t)got;
        else if (got == 0 || errno != EINTR) return -1;
    }
    return 0;
}

int random_take(struct random_source *dice, unsigned char *bytes, size_t size)
{
    if (size > RANDOM_BLOCK || (size > dice->left && refill(dice))) return -1;
    dice->left -= size;
    memcpy(bytes, dice->block + dice->left, size);
    OPENSSL_cleanse(dice->block + dice->left, size);
    return 0;
}
