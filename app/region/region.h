/* region: the memory that master, keeper and workers share. The master maps it once, before the first fork.
 *
 * This unit lays the parts out, hands out rows of the scoreboard and protects pages. It does not interpret the parts: each
 * has a unit of its own, named below.
 *
 *   part       writer           reader    published by
 *   head       master, once     all       fork
 *   status     keeper           all       each field is one atomic word
 *   clients    keeper           workers   one 64-bit index word per client (client_table.h)
 *   rules      keeper           workers   one word that names the current half (revocation.h)
 *   keys       keeper           workers   one word that names the current half (signing_keys.h)
 *   scopes     keeper           workers   one word that names the current half (scopes.h)
 *   revoked    keeper, workers  workers   one 64-bit word per revocation, CAS (revocation.h)
 *   verified   workers          workers   two 64-bit words per entry; a torn pair is harmless (verified_cache.h)
 *   replay     workers          workers   one 64-bit word per proof, CAS (replay_cache.h)
 *   limits     workers          workers   one 64-bit word per bucket, CAS (rate_limit.h)
 *   failures   workers          workers   one 64-bit word per bucket, CAS (rate_limit.h)
 *   words      keeper, workers  all       slow_lane (region_store.c), revoked_reach, revocations_full,
 *                                        replay_full, log_lost, log_left_out: a cache line each
 *   scoreboard owner of a row   all       one row per process; its mailbox word passes the job to the keeper and back
 *                                        (mailbox.h)
 *
 * The parts above `revoked` are mapped read-only in workers. A process may be killed between any two instructions, so
 * everything that has not been published counts as not written. Times in the region are milliseconds or seconds of
 * CLOCK_BOOTTIME, which an operator cannot set. */
#ifndef APP_REGION_REGION_H
#define APP_REGION_REGION_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "../platform/config.h"

#ifdef NDEBUG
#    error "asserts check contracts that protect the shared memory: build without -DNDEBUG"
#endif

enum { REGION_SEED = 16, REGION_FINGERPRINT_KEY = 32, REGION_COUNTERS = 192 };

/* The status block: every process may read it without a lock. */
struct region_status {
    _Atomic uint64_t complete;         /* 1 once every client, key, rule and revocation has been loaded */
    _Atomic uint64_t synced_ms;        /* end of the last complete poll */
    _Atomic uint64_t database_up;      /* 1 while the keeper's connection works */
    _Atomic uint64_t database_away;    /* 1 from a connection that failed to the next poll that did not */
    _Atomic uint64_t clients;          /* in the replica */
    _Atomic uint64_t clients_left_out; /* rows that did not fit: while above 0, absent does not mean unknown */
    _Atomic uint64_t bad_key_rows;     /* rows of signing_key without a valid MAC (key_replica.h) */
    _Atomic uint64_t bad_rows;         /* invalid rows of clients (client_rows.h) */
    _Atomic uint64_t rules;            /* (generation << 1) | half */
    _Atomic uint64_t rules_full; /* 1 while not all rules fit: a token that no loaded rule matches may be revoked */
    _Atomic uint64_t keys;       /* (generation << 1) | half */
    _Atomic uint64_t scopes;     /* (generation << 1) | half */
    _Atomic uint64_t poll_ms;    /* duration of the last poll */
    _Atomic uint64_t reloads;    /* number of complete loads */
    _Atomic uint64_t streams;    /* rows of feed_stream */
    _Atomic uint64_t degraded;   /* set of enum store_degraded */
};

enum region_role { REGION_FREE, REGION_WORKER, REGION_KEEPER };

enum { REGION_JTI = 64, REGION_CLIENT_ID = 128, REGION_PROOF = 32 };

enum region_kind { REGION_KIND_REVOCATION, REGION_KIND_PROOF };

/* A job, passed from a worker to the keeper: a token to revoke, or a proof to record as used (replay = cluster). */
struct region_job {
    uint16_t kind;                     /* enum region_kind */
    uint16_t jti_size, client_id_size; /* of a revocation */
    int64_t expires_at;                /* seconds since 1970 */
    char jti[REGION_JTI];
    char client_id[REGION_CLIENT_ID];
    char proof[REGION_PROOF]; /* of a proof: SHA-256 of its sender and id (region_store.c) */
};

/* One row of the scoreboard: one process. The master assigns rows and takes back those of exited processes. */
struct region_process {
    _Atomic uint32_t role;  /* enum region_role */
    _Atomic uint32_t ready; /* 1 while the process serves */
    _Atomic uint32_t signs; /* a worker: the algorithms it can sign with now, one bit for each */
    _Atomic int32_t pid;    /* the owner, the only process that writes the row; 0 until region_process_own() */
    _Atomic uint32_t wake;  /* futex: mailbox.h */
    _Atomic uint64_t heartbeat_ms;
    _Atomic uint64_t busy_since_ms; /* 0: between requests */
    _Atomic uint64_t mailbox;       /* (number << 3) | state: mailbox.h */
    struct region_job job;
    _Atomic uint64_t counters[REGION_COUNTERS]; /* metrics_page.h */
} __attribute__((aligned(64)));

struct region_head {
    unsigned char seed[REGION_SEED];                       /* for hash.h */
    unsigned char fingerprint_key[REGION_FINGERPRINT_KEY]; /* struct issuer.fingerprint_key */
};

enum { REGION_KID = 64, REGION_PEM = 8192, REGION_JWK = 2048, REGION_URI = 512, REGION_KEYS = 16 };

/* A signing key as the database has it. The private part is encrypted (RFC 5958, PBES2), or named by a URI. */
struct region_key {
    char kid[REGION_KID + 1];
    char algorithm[8];
    int64_t publish, activate, retire, remove;
    uint64_t
        unproven; /* 1 if its row has no MAC: only kid, algorithm and times are set; its tokens cannot be decided */
    char pem[REGION_PEM]; /* empty when there is a uri */
    char uri[REGION_URI];
    char jwk[REGION_JWK];
};

struct region_keys {
    uint64_t count;
    uint64_t incomplete;                     /* 1 if rows that could be valid keys were not loaded */
    struct region_key keys[REGION_KEYS + 1]; /* the last is scratch space of key_replica_put(); always empty here */
};

enum { REGION_SCOPES = 8192 };

struct region_scopes {
    uint64_t size;
    char text[REGION_SCOPES]; /* words of scopes, single spaces between them */
};

struct region_rule {
    uint64_t client;                    /* hash of the client id; 0: any */
    uint64_t credential;                /* hash of the label; 0: any */
    int64_t issued_from, issued_before; /* seconds since 1970: from <= iat < before */
    int64_t expires_at;
};

struct region {
    char *base;
    size_t size, private_size; /* the first private_size bytes are the keeper's to write */
    int wake_event;            /* eventfd: readable when a worker has posted a job */
    struct region_head *head;
    struct region_status *status;
    _Atomic uint64_t *index; /* clients: power of two words */
    uint64_t index_mask;
    char *records; /* client records, units of 64 bytes */
    uint64_t records_size;
    struct region_rule *rules[2];
    uint64_t rules_max;
    struct region_keys *keys[2];
    struct region_scopes *scopes[2];
    _Atomic uint64_t *revoked; /* power of two words */
    uint64_t revoked_mask;
    _Atomic uint64_t *revoked_reach; /* upper bound of the distance of any of them from its home slot, plus 1 */
    _Atomic uint64_t *verified;      /* pairs; power of two pairs */
    uint64_t verified_mask;
    _Atomic uint64_t *replay; /* power of two words */
    uint64_t replay_mask;
    _Atomic uint64_t *replay_full; /* proofs that did not fit */
    _Atomic uint64_t *limits;      /* one per index word */
    _Atomic uint64_t *failures;    /* power of two words */
    uint64_t failures_mask;
    _Atomic uint64_t *slow_lane; /* one word: pid of the worker that computes a slow hash, and its start time */
    _Atomic uint64_t
        *revocations_full;          /* revocations that did not fit; not in the status block: workers write it also */
    _Atomic uint64_t *log_lost;     /* log lines of all processes that could not be written */
    _Atomic uint64_t *log_left_out; /* log lines of all processes that were omitted on purpose (log.h) */
    struct region_process *scoreboard;
    size_t process_count;
};

/* Maps a region whose sizes follow from config; they are computed in 64 bits and checked before mmap. Returns 0, or -1 with
 * a log line and an empty region. The caller closes it. */
int region_open(struct region *region, const struct config *config);

/* Unmaps the region; harmless after a failed region_open(). */
void region_close(struct region *region);

/* Checks for m2mauth -t whether region_open() would succeed. Returns 0, or -1 with a line in complaints that names the keys
 * to change; also 0 with a warning when success depends on the memory that other programs use. */
int region_check(const struct config *config, FILE *complaints);

/* Makes the keeper's parts read-only in this process; a worker calls it before it reads its first byte. Returns 0, or -1
 * with errno. */
int region_confine(struct region *region);

/* Claims a free row for a process in role (not REGION_FREE) that the master is about to fork. The row is zeroed except for
 * its counters, so that no sum decreases, and its mailbox, so that a job of an exited process is still delivered and no
 * number is used twice. Returns NULL when no row is free. */
struct region_process *region_process_take(struct region *region, enum region_role role);

/* Makes the calling process the owner of a row that was taken and has no owner yet. */
void region_process_own(struct region_process *row);

/* Frees a row that was taken; the master calls it when its process has exited or could not be forked. */
void region_process_release(struct region_process *row);

/* Sets or clears a reason (enum store_degraded) in status->degraded; keeper only. Returns whether that changed it. */
bool region_degrade(struct region *region, unsigned reason, bool degraded);

/* Returns milliseconds of CLOCK_BOOTTIME, or 0 if the clock cannot be read. */
uint64_t region_milliseconds(void);

/* Tables are indexed by `hash & mask`, so a mask must be a power of two minus 1. */
static inline bool region_is_mask(uint64_t mask) { return (mask & (mask + 1)) == 0; }

/* Parts of two halves (rules, keys, scopes) are named by a word (generation << 1) | half. Returns the word that names the
 * other half in the next generation: the half that the keeper may write now. */
static inline uint64_t region_next_half(uint64_t word) { return ((word >> 1) + 1) << 1 | (~word & 1); }

/* Publishes next, which must be region_next_half() of the current word: any other would let readers of the current half
 * continue while it is overwritten. Keeper only. */
static inline void region_publish_half(_Atomic uint64_t *current, uint64_t next)
{
    assert(next == region_next_half(atomic_load_explicit(current, memory_order_relaxed)));
    atomic_store_explicit(current, next, memory_order_release);
}

#endif
