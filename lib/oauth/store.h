/* store: the interface through which lib/ reads and changes the server's shared state.
 *
 * It is not a database interface: every call returns at once from memory, except token_revoke, which waits until the
 * revocation is durable or a deadline has passed, and replay_once, if the hosts share their replay caches. A look-up
 * returns yes, no or cannot say; on the last, callers fail closed. Implemented by app/worker/region_store.c over the
 * shared region, and by the tests over a table. Times are seconds since 1970-01-01 UTC. */
#ifndef OAUTH_STORE_H
#define OAUTH_STORE_H

#include "../base/answer.h"
#include "../base/arena.h"
#include "client.h"
#include "token.h"

enum { STORE_FINGERPRINT = 32, STORE_NEVER = 0x7fffffff };

/* Conditions under which the server runs with reduced function: the name in /ready and the metrics, and the text of the
 * log. Bit n of a set is the n-th of them. */
#define STORE_DEGRADED_LIST(X) \
    X(read_only_database, \
      "the database takes no changes: revocations are answered with 503, signing keys are not rotated") \
    X(missing_routines, \
      "procedures or triggers are missing in the database: changes there fail, or are not seen here") \
    X(revocation_rules_full, \
      "there are more revocation rules than rules_max: a token that none of those that fit revokes is " \
      "answered with 503; raise rules_max and restart")

enum store_degraded {
#define STORE_DEGRADED_NAME(name, help) STORE_DEGRADED_##name,
    STORE_DEGRADED_LIST(STORE_DEGRADED_NAME)
#undef STORE_DEGRADED_NAME
        STORE_DEGRADED_COUNT
};

struct store {
    void *context;

    /* Age of the data that the other functions use: seconds since the last complete synchronisation; STORE_NEVER before
     * the first. */
    uint32_t (*age)(void *context);

    /* The current set of enum store_degraded. */
    uint64_t (*degraded)(void *context);

    /* The scope tokens of all audiences, separated by single spaces; absent if unknown, if there are none or too
     * many. */
    struct text (*scopes)(void *context, struct arena *arena);

    /* Sets *client_r to the client with this id; its views are in the arena. */
    enum answer (*client_find)(void *context, struct text client_id, struct arena *arena, struct client *client_r);

    /* Whether the token is revoked by its jti, or by a rule for its client, its credential or its time of issue. */
    enum answer (*token_revoked)(void *context, const struct token_facts *token);

    /* Revokes the token by its jti. Returns 0 once the revocation is durable, or -1 if it did not become durable in
     * time; it is in force on this host either way. */
    int (*token_revoke)(void *context, const struct token_facts *token);

    /* Takes one request from the client's rate limit (client.rate_per_minute). No: the limit is reached. */
    enum answer (*client_allowed)(void *context, const struct client *client);

    /* Failed authentications of client_id from one source address: whether another try is allowed, and counting one. */
    enum answer (*failure_allowed)(void *context, struct text client_id, struct text source);
    void (*failure_count)(void *context, struct text client_id, struct text source);

    /* The cache of costly verifications that succeeded, by fingerprint, each until a time. */
    bool (*verified_find)(void *context, const unsigned char fingerprint[STORE_FINGERPRINT], int64_t now);
    void (*verified_put)(void *context, const unsigned char fingerprint[STORE_FINGERPRINT], int64_t now, int64_t until);

    /* The replay cache: whether id is new among the ids of who, and adds it until a time. Of concurrent callers at most
     * one gets yes. Cannot say: the cache is full, or another host that must be asked does not respond. who and id may
     * contain any byte. */
    enum answer (*replay_once)(void *context, struct text who, struct text id, int64_t now, int64_t until);

    /* The lock that limits this host to one computation of a slow hash at a time. take: no if it is held; give:
     * releases it. */
    enum answer (*slow_lane_take)(void *context);
    void (*slow_lane_give)(void *context);
};

#endif
