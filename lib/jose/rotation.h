/* rotation: when a signing key begins to sign, ends, and goes. Times in, plan out; who carries it out is elsewhere.
 *
 * Two bounds hold it together, and tests/models/keyrot.pml shows that neither may be shorter:
 *     it signs    no sooner than publish + lag + max_age: every JWK Set that a verifier may still keep has it
 *     it goes     no sooner than retire + longest token + late: no token that it signed is left
 * To both comes ROTATION_SKEW: no clock of a host or a verifier may differ from another's by more than half of it. */
#ifndef JOSE_ROTATION_H
#define JOSE_ROTATION_H

#include "keyring.h"

enum { ROTATION_SKEW = 60, ROTATION_SHORTEST_TOKEN = 5, ROTATION_LONGEST_TOKEN = 86400 };

/* Seconds. */
struct rotation_rules {
    int64_t key_seconds; /* how long a key signs before it gets a successor; 0: for ever */
    int64_t max_age;     /* how long a verifier may keep the JWK Set */
    int64_t lag;         /* how old the keys of a host may be whose JWK Set may be kept */
    int64_t late;        /* how old the keys of a host may be that issues tokens */
};

/* A key's life, as the database has it. */
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

/* What an algorithm is here for. */
enum rotation_purpose {
    ROTATION_KEEP,  /* its keys, where there are any, get successors */
    ROTATION_ISSUE, /* and there has to be one */
    ROTATION_FORCE  /* a successor now, whatever the age */
};

enum rotation_reason {
    ROTATION_IDLE,    /* nothing is due */
    ROTATION_PENDING, /* a successor is on its way already */
    ROTATION_FULL,    /* more keys than a keyring holds: nothing can be made until some are removed */
    ROTATION_DUE,     /* from here on there is a plan: the newest key has come of age, or was told to go */
    ROTATION_MISSING, /* there is none of the algorithm; others sign meanwhile */
    ROTATION_FIRST    /* no key signs at all */
};

struct rotation_plan {
    struct keyring_times successor; /* publish and activate; the rest is not planned */
    int64_t retire, remove;         /* of those that rotation_follows() */
};

/* When a key that is published at this moment is known to every verifier. */
int64_t rotation_known(const struct rotation_rules *rules, int64_t publish);

/* When the last token of a key that retires at this moment has ended. */
int64_t rotation_forgotten(const struct rotation_rules *rules, int64_t retire);

/* The key of the algorithm that is to stay and signs last; NULL when there is none. */
const struct rotation_key *rotation_newest(const struct rotation *rotation, enum jws_algorithm algorithm);

/* Whether the algorithm needs a new key now, and its times. plan_r is set from ROTATION_DUE on. */
enum rotation_reason rotation_plan(const struct rotation *rotation, enum jws_algorithm algorithm,
                                   enum rotation_purpose purpose, struct rotation_plan *plan_r);

/* Whether the successor takes this key's place, so that it gets the plan's retire and remove. */
bool rotation_follows(const struct rotation_plan *plan, enum jws_algorithm algorithm, const struct rotation_key *key);

#endif
