/* world: a second world for the function that the server is: a table in memory, a clock that is set, dice that are known.
 *
 * Not a simulation of the database: it answers what it is told to answer, and counts what it was asked. One world at a
 * time per process is meant, but nothing here is global. */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include "../lib/oauth/server.h"
#include "material.h"

enum {
    WORLD_CLIENTS = 12,
    WORLD_REVOKED = 64,
    WORLD_RULES = 8,
    WORLD_VERIFIED = 64,
    WORLD_FAILURES = 64,
    WORLD_SEEN = 64,
    WORLD_ARENA = 262144,
    WORLD_MEMORY = 4194304,
    WORLD_RECENT = 64,
    WORLD_SHELF = 8,
};

#define WORLD_START INT64_C(1800000000)     /* where the clock stands at first */
#define WORLD_ISSUER "https://as.example/oauth"
#define WORLD_KID "es-1"

struct world_client {
    struct client client;
    struct client_secret secrets[CLIENT_SECRETS];
    struct client_key keys[CLIENT_KEYS];
    struct client_grant grants[CLIENT_GRANTS];
    struct text reads[CLIENT_READS];
    int64_t free_at_ms;                 /* GCRA: when its allowance is whole again */
};

/* A secret as an operator would give it; rounds 0 is the fast form. */
struct world_secret {
    struct text label, secret;
    uint32_t rounds;
    int64_t not_before, expires_at;
};

/* A public key of a client; the JWK is made of the material, unless one is given. */
struct world_key {
    struct text kid, jwk;
    enum jws_algorithm algorithm;
    enum material material;
    int64_t not_before, expires_at;
};

/* Absent texts stand for any. */
struct world_rule {
    struct text client_id, credential;
    int64_t issued_from, issued_before;
};

struct world_failure {
    struct text client_id, source;
    int64_t since;
    unsigned count;
};

struct world_seen {
    struct text who, id;
    int64_t until;
};

struct world_print {
    unsigned char fingerprint[STORE_FINGERPRINT];
    int64_t until;
};

struct world {
    struct issuer issuer;
    struct store store;
    struct keyring keyring;
    struct secret_hasher hasher;
    struct token_cache token_cache;
    struct jwk_cache jwk_cache;
    struct arena arena;                 /* of the request that is being answered */
    struct arena memory;                /* of everything else, until world_reset() */
    int64_t now;
    uint32_t age;
    struct text scopes;                 /* of all audiences */
    uint64_t degraded;
    uint64_t dice;
    unsigned failures_per_minute;
    /* One switch for each call of the store and of the issuer that can fail, so that no test is answered by another's. */
    bool clients_cannot_say, revocations_cannot_say, limit_cannot_say, failures_cannot_say;
    bool not_durable, slow_lane_busy, seen_full, no_random, no_signature;
    unsigned lane_taken, lane_given, verified_hits, verified_puts, revocations;
    size_t client_count, revoked_count, rule_count, failure_count, print_count, seen_count;
    struct world_client clients[WORLD_CLIENTS];
    struct text revoked[WORLD_REVOKED];
    struct world_rule rules[WORLD_RULES];
    struct world_failure failures[WORLD_FAILURES];
    struct world_print prints[WORLD_VERIFIED];
    struct world_seen seen[WORLD_SEEN];
};

/* 0, or -1. The world is then as after world_reset(). */
int world_open(struct world *world);
void world_close(struct world *world);

/* No client, one ES256 key that signs, all switches off, the clock at WORLD_START, the dice as at first. 0, or -1. */
int world_reset(struct world *world);

/* What one process of a host remembers is gone, as if the next request came to another. 0, or -1. */
int world_forget(struct world *world);

/* A copy that lives until world_reset(). */
struct text world_keep(struct world *world, struct text t);

/* The client of that id, new ones enabled with both secret methods; a change of what it points to is a new version.
 * NULL when the table is full. */
struct world_client *world_client(struct world *world, struct text id);

/* 0, or -1 when there is no room or the secret cannot be one. */
int world_add_secret(struct world *world, struct world_client *client, const struct world_secret *secret);
int world_add_client_key(struct world *world, struct world_client *client, const struct world_key *key);
int world_add_grant(struct world *world, struct world_client *client, const struct client_grant *grant);
int world_add_reader(struct world *world, struct world_client *client, struct text audience);

/* Adds a key to the ring. 0, or -1. */
int world_add_key(struct world *world, struct text kid, enum jws_algorithm algorithm, enum material material,
                  const struct keyring_times *times);

/* One request; the answer to the one before it is gone. */
struct text world_handle(struct world *world, const struct request *request, struct response *response);

#endif
