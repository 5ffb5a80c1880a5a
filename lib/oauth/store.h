/* store: the doors through which the server sees the world's memory.
 *
 * Not a database: every call answers at once from memory, but for `token_revoke`, which waits until the revocation is
 * durable or a deadline has passed, and `replay_cache_add`, where the hosts of a cluster remember together. A look-up answers
 * yes, no or cannot say; who asks fails closed on the last.
 * Filled by app/worker/region_store.c from the shared region, and by tests from a table. */
#ifndef OAUTH_STORE_H
#define OAUTH_STORE_H

#include "../base/arena.h"
#include "client.h"

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_CANNOT_SAY };

enum { STORE_FINGERPRINT = 32, STORE_NEVER = 0x7fffffff };

/* What a revocation can speak of; views of a verified token. */
struct token_facts {
    struct text jti;
    struct text client_id;
    struct text credential;
    int64_t issued_at;
    int64_t expires_at;
};

/* What does not work although requests are served: the name that /ready and the metrics show, and the log's words. Bit n
 * of a set is the n-th of them. */
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

    /* Age of what the other doors answer from: seconds since the last complete synchronisation, STORE_NEVER before it. */
    uint32_t (*age)(void *context);

    /* The set of enum store_degraded at this moment. */
    uint64_t (*degraded)(void *context);

    /* The words of all scopes of all audiences, single spaces between them; absent: not known, none, or too many. */
    struct text (*scopes)(void *context, struct arena *arena);

    enum answer (*client_find)(void *context, struct text client_id, struct arena *arena, struct client *client_r);

    /* By its jti, or by a rule that takes its client, its credential or its time of issue. */
    enum answer (*token_revoked)(void *context, const struct token_facts *token);

    /* 0 once the revocation is durable; -1 when it could not be made so in time. It holds on this host either way. */
    int (*token_revoke)(void *context, const struct token_facts *token);

    /* Takes one request from the client's allowance (client.rate_per_minute). No: it is used up. */
    enum answer (*client_allowed)(void *context, const struct client *client);

    /* Failed authentications of client_id from one source. No: too many lately. */
    enum answer (*failure_allowed)(void *context, struct text client_id, struct text source);
    void (*failure_count)(void *context, struct text client_id, struct text source);

    /* Costly checks are paid once: fingerprints of what was verified, until a time (seconds since 1970). */
    bool (*verified_find)(void *context, const unsigned char fingerprint[STORE_FINGERPRINT], int64_t now);
    void (*verified_put)(void *context, const unsigned char fingerprint[STORE_FINGERPRINT], int64_t now, int64_t until);

    /* Whether id is new among those of who; from here on it is not, until a time (seconds since 1970). Of several askers
     * at once never two are told yes. Cannot say: there is no room to remember it, or who must be asked does not answer.
     * who and id may hold any byte. */
    enum answer (*replay_once)(void *context, struct text who, struct text id, int64_t now, int64_t until);

    /* One computation of a slow hash at a time on this host: take (no: busy, come back later) and give back. */
    enum answer (*slow_lane_take)(void *context);
    void (*slow_lane_give)(void *context);
};

#endif
