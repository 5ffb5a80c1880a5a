/* region: the memory that master, keeper and workers share. One mmap, made by the master before the first fork.
 *
 *   part       writer           reader    published by
 *   head       master, once     all       fork
 *   board      keeper           all       each field is one atomic word
 *   clients    keeper           workers   one 64-bit index word per client (client_table.h)
 *   rules      keeper           workers   one word that names the current half (revocation.h)
 *   keys       keeper           workers   one word that names the current half (signing_keys.h)
 *   scopes     keeper           workers   one word that names the current half (scopes.h)
 *   revoked    keeper, workers  workers   one 64-bit word per revocation, CAS (revocation.h)
 *   verified   workers          workers   two 64-bit words per entry, either order harmless (verified_cache.h)
 *   seen       workers          workers   one 64-bit word per proof, CAS (replay_cache.h)
 *   limits     workers          workers   one 64-bit word per bucket, CAS (rate_limit.h)
 *   failures   workers          workers   the same
 *   words      keeper, workers  all       slow_lane (region_store.c), revoked_reach, revocations_full,
 *                                        seen_full, log_lost, log_left_out: a cache line each
 *   rows       their owner      all       one row per process; the mailbox word hands it over and back (mailbox.h)
 *
 * The parts above `revoked` are mapped read-only in workers. A process may be killed between any two instructions:
 * everything unpublished is as if it had never been written. Times in the region are milliseconds or seconds of
 * CLOCK_BOOTTIME, which no operator can set. */
#ifndef APP_REGION_REGION_H
#define APP_REGION_REGION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "../platform/config.h"

enum { REGION_SEED = 16, REGION_FINGERPRINT_KEY = 32, REGION_COUNTERS = 192 };

/* What can be read without a lock, by anybody. */
struct region_status {
    _Atomic uint64_t complete;         /* 1 once every client, key, rule and revocation has been loaded */
    _Atomic uint64_t synced_ms;        /* end of the last complete poll */
    _Atomic uint64_t database_up;      /* 1 while the keeper's connection works */
    _Atomic uint64_t database_away;    /* 1 from a connection that failed to the next poll that did not */
    _Atomic uint64_t clients;          /* in the replica */
    _Atomic uint64_t clients_left_out; /* rows that did not fit: absent no longer means unknown */
    _Atomic uint64_t bad_key_rows;     /* rows of signing_key without a good MAC (key_replica.h) */
    _Atomic uint64_t bad_rows;         /* rows of clients that cannot be right (client_rows.h) */
    _Atomic uint64_t rules;            /* (generation << 1) | half */
    _Atomic uint64_t rules_full; /* 1 while there are more rules than fit: what none of them takes may be revoked */
    _Atomic uint64_t keys;       /* (generation << 1) | half */
    _Atomic uint64_t scopes;     /* (generation << 1) | half */
    _Atomic uint64_t poll_ms;    /* how long the last poll took */
    _Atomic uint64_t reloads;    /* complete loads so far */
    _Atomic uint64_t streams;    /* rows of feed_stream */
    _Atomic uint64_t degraded;   /* set of enum store_degraded */
};

enum region_role { REGION_FREE, REGION_WORKER, REGION_KEEPER };

enum { REGION_JTI = 64, REGION_CLIENT_ID = 128, REGION_PROOF = 32 };

enum region_kind { REGION_KIND_REVOCATION, REGION_KIND_PROOF };

/* On its way from a worker to the keeper: a token that is revoked, or a proof that is used (replay = cluster). */
struct region_job {
    uint16_t kind;                     /* enum region_kind */
    uint16_t jti_size, client_id_size; /* of a revocation */
    int64_t expires_at;                /* seconds since 1970 */
    char jti[REGION_JTI];
    char client_id[REGION_CLIENT_ID];
    char proof[REGION_PROOF]; /* of a proof: SHA-256 of who and id (region_store.c) */
};

/* One process. The master hands rows out and takes them back from the dead. */
struct region_process {
    _Atomic uint32_t role;  /* enum region_role */
    _Atomic uint32_t ready; /* serves */
    _Atomic uint32_t signs; /* a worker: the algorithms it can sign with now, one bit for each */
    _Atomic int32_t pid;
    _Atomic uint32_t wake; /* futex: mailbox.h */
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

/* A signing key as the database has it: the private part stays encrypted (RFC 5958, PBES2), or elsewhere. */
struct region_key {
    char kid[REGION_KID + 1];
    char algorithm[8];
    int64_t publish, activate, retire, remove;
    uint64_t unproven;    /* its row has no MAC: only its names are here, for tokens of which nothing can be said */
    char pem[REGION_PEM]; /* empty when there is a uri */
    char uri[REGION_URI];
    char jwk[REGION_JWK];
};

struct region_keys {
    uint64_t count;
    uint64_t incomplete;                     /* there are rows that could be ours and are not here */
    struct region_key keys[REGION_KEYS + 1]; /* the last is room for key_replica_put() and always empty here */
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
    int wake_event;            /* eventfd: a worker has posted a letter */
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
    _Atomic uint64_t *revoked_reach; /* how far from home any of them may stand */
    _Atomic uint64_t *verified;      /* pairs; power of two pairs */
    uint64_t verified_mask;
    _Atomic uint64_t *replay; /* power of two words */
    uint64_t replay_mask;
    _Atomic uint64_t *replay_full; /* proofs that did not fit */
    _Atomic uint64_t *limits;      /* one per index word */
    _Atomic uint64_t *failures;    /* power of two words */
    uint64_t failures_mask;
    _Atomic uint64_t *slow_lane;        /* one word: pid and start of who computes a slow hash */
    _Atomic uint64_t *revocations_full; /* revocations that did not fit; not on the board, because workers count, too */
    _Atomic uint64_t *log_lost;         /* lines of the log that could not be written, by any process */
    _Atomic uint64_t *log_left_out;     /* and that were not written on purpose (log.h) */
    struct region_process *scoreboard;
    size_t process_count;
};

/* Sizes come from config, are computed in 64 bits and checked before mmap. 0, or -1 with a log line. */
int region_open(struct region *region, const struct config *config);
void region_close(struct region *region);

/* Whether region_open() would succeed, for m2mauth -t: 0, or -1 with a complaint that names the keys to change. A warning when
 * that depends on what else runs. */
int region_check(const struct config *config, FILE *complaints);

/* Takes away the right to write the keeper's parts; called by a worker before it reads its first byte. 0, or -1. */
int region_confine(struct region *region);

/* Claims a free row, zeroed but for its counters (so that sums never fall back) and its mailbox (a letter of the dead
 * is still delivered, and no number is given twice); called by the master before fork. NULL when there is none. */
struct region_process *region_process_take(struct region *region, enum region_role role);
void region_process_release(struct region_process *row);

/* Adds a reason (enum store_degraded) to board->degraded, or takes it out; the keeper's. True when that changed it. */
bool region_degrade(struct region *region, unsigned reason, bool degraded);

/* CLOCK_BOOTTIME. */
uint64_t region_milliseconds(void);

#endif
