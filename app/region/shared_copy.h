/* shared_copy: copying memory that another process may be writing.
 *
 * By relaxed atomic 64-bit words, so that such a copy is no data race (C17 5.1.2.4 p35). Whether it is whole is not
 * known here: the word that published it tells (client_table.c, mailbox.c, revocation.c). Sizes are multiples of 8. */
#ifndef APP_REGION_SHARED_COPY_H
#define APP_REGION_SHARED_COPY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void shared_copy_load(const void *shared, size_t size, void *copy_r)
{
    const _Atomic uint64_t *words = shared;
#pragma GCC unroll 8 /* on the way of every request; atomic words are not unrolled unasked */
    for (size_t i = 0; i < size / sizeof *words; i++) {
        uint64_t word = atomic_load_explicit(&words[i], memory_order_relaxed);
        memcpy((char *)copy_r + i * sizeof word, &word, sizeof word);
    }
}

static inline void shared_copy_store(void *shared, const void *data, size_t size)
{
    _Atomic uint64_t *words = shared;
    for (size_t i = 0; i < size / sizeof *words; i++) {
        uint64_t word;
        memcpy(&word, (const char *)data + i * sizeof word, sizeof word);
        atomic_store_explicit(&words[i], word, memory_order_relaxed);
    }
}

#endif
