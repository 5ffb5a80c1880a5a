#include "random.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>

static int refill(struct random_source *source)
{
    source->left = 0;
    while (source->left < RANDOM_BLOCK) {
        ssize_t got = getrandom(source->block + source->left, RANDOM_BLOCK - source->left, 0);
        if (got > 0) source->left += (size_t)got;
        else if (got == 0 || errno != EINTR) return -1;
    }
    return 0;
}

int random_take(struct random_source *source, unsigned char *bytes, size_t size)
{
    assert(source->left <= RANDOM_BLOCK);
    if (size > RANDOM_BLOCK || (size > source->left && refill(source))) return -1;
    source->left -= size;
    memcpy(bytes, source->block + source->left, size);
    OPENSSL_cleanse(source->block + source->left, size);
    return 0;
}
