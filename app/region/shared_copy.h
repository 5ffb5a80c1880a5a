/* shared_copy: copies memory that another process may be writing.
 *
 * It copies relaxed atomic 64-bit words, so that the copy is not a data race (C17 5.1.2.4 p35). It does not detect a torn
 * copy: the caller compares the word that published the data before and after (client_table.c, mailbox.c, revocation.c). */
#ifndef APP_REGION_SHARED_COPY_H
#define APP_REGION_SHARED_COPY_H

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Copies size bytes, a multiple of 8, from shared memory aligned to 8. */
static inline void shared_copy_load(const void *shared, size_t size, void *copy_r)
{
    const _Atomic uint64_t *words = shared;
    assert(size % sizeof *words == 0 && (uintptr_t)shared % sizeof *words == 0);
#pragma GCC unroll 8 /* every request runs this loop, and gcc does not unroll loops of atomic words by itself */
    for (size_t i = 0; i < size / sizeof *words; i++) {
        uint64_t word = atomic_load_explicit(&words[i], memory_order_relaxed);
        memcpy((char *)copy_r + i * sizeof word, &word, sizeof word);
    }
}

/* Copies size bytes, a multiple of 8, to shared memory aligned to 8. */
static inline void shared_copy_store(void *shared, const void *data, size_t size)
{
    _Atomic uint64_t *words = shared;
    assert(size % sizeof *words == 0 && (uintptr_t)shared % sizeof *words == 0);
    for (size_t i = 0; i < size / sizeof *words; i++) {
        uint64_t word;
        memcpy(&word, (const char *)data + i * sizeof word, sizeof word);
        atomic_store_explicit(&words[i], word, memory_order_relaxed);
    }
}

#endif
