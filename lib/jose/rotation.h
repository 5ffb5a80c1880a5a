/* rotation: computes when signing keys become active, retire and are removed. It is a pure calculation; the keeper and
 * m2mctl carry the plan out. RFC 7517 5, RFC 9068 4 (verifiers fetch and cache the JWK Set).
 *
 * It rests on two bounds; tests/models/keyrot.pml shows that neither can be shorter:
 *     activate  >= publish + lag + max_age: every JWK Set that a verifier may have cached contains the key
 *     remove    >= retire + longest token + late: every token that the key signed has expired
 * ROTATION_SKEW is added to both: the clocks of hosts and verifiers may differ by at most half of it. */
#ifndef JOSE_ROTATION_H
#define JOSE_ROTATION_H

#include "keyring.h"

enum { ROTATION_SKEW = 60, ROTATION_SHORTEST_TOKEN = 5, ROTATION_LONGEST_TOKEN = 86400 };

/* All in seconds. */
struct rotation_rules {
    int64_t key_seconds; /* how long a key signs before it is replaced; 0: for ever */
    int64_t max_age;     /* how long a verifier may cache the JWK Set */
    int64_t lag;         /* greatest age of the replica of a host whose JWK Set may be cached */
    int64_t late;        /* greatest age of the replica of a host that issues tokens */
};

/* A row of the table of keys. */
struct rotation_key {
    char kid[JWK_KID_BYTES + 1];
    char algorithm[8];
    struct keyring_times times;
};

struct rotation {
    struct rotation_rules rules;
    int64_t now;
    const struct rotation_key *keys;
    size_t count;
};

/* What is wanted of an algorithm. */
enum rotation_purpose {
    ROTATION_KEEP,  /* existing keys are replaced in time */
    ROTATION_ISSUE, /* the same, and a key must exist */
    ROTATION_FORCE  /* a successor now, whatever the age of the key */
};

enum rotation_reason {
    ROTATION_IDLE,    /* nothing is due */
    ROTATION_PENDING, /* a successor exists and is not active yet */
    ROTATION_FULL,    /* a keyring holds no more keys: none can be made until some are removed */
    ROTATION_DUE,     /* from here on there is a plan: the newest key is old enough, or a successor is forced */
    ROTATION_MISSING, /* no key of the algorithm exists; keys of others sign meanwhile */
    ROTATION_FIRST    /* no key signs: the new one is activated at once */
};

struct rotation_plan {
    struct keyring_times successor; /* publish and activate; the others are 0 */
    int64_t retire, remove;         /* of the keys for which rotation_follows() is true */
};

/* The time from which every verifier knows a key published at publish. */
int64_t rotation_known(const struct rotation_rules *rules, int64_t publish);

/* The time from which every token signed by a key retired at retire has expired. */
int64_t rotation_forgotten(const struct rotation_rules *rules, int64_t retire);

/* The key of the algorithm with the latest activation whose end is not planned, or NULL. */
const struct rotation_key *rotation_newest(const struct rotation *rotation, enum jws_algorithm algorithm);

/* Whether the algorithm needs a new key at rotation->now, and its times. Sets *plan_r if it returns ROTATION_DUE or a
 * later value. */
enum rotation_reason rotation_plan(const struct rotation *rotation, enum jws_algorithm algorithm,
                                   enum rotation_purpose purpose, struct rotation_plan *plan_r);

/* Whether the successor replaces this key, which then gets the plan's retire and remove. */
bool rotation_follows(const struct rotation_plan *plan, enum jws_algorithm algorithm, const struct rotation_key *key);

#endif
