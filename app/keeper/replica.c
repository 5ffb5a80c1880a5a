#include "replica.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "../../lib/jose/jws.h"
#include "../../lib/oauth/store.h"
#include "../../lib/oauth/scope.h"
#include "key_replica.h"
#include "../platform/log.h"
#include "../db/client_rows.h"
#include "../region/revocation.h"
#include "../region/scopes.h"
#include "../region/client_table.h"

enum { REVOKED_PAGE = 10000 }; /* the LIMIT of READ_REVOKED_TOKENS */

enum { STAGES = 5 }; /* keys, rules, scopes, clients, revoked tokens */

/* Sorts after every client_id, whose largest character is ~. */
#define LAST_CLIENT TEXT("\x7f")

struct replica {
    struct region *region;
    struct region_process *row;
    struct client_table_writer *table;
    struct client_rows page;
    size_t stage;
    bool quiet;
    size_t complaints, unfit;
    bool revoked_full;
    uint64_t bad_rows_before;  /* the gauge when this load began */
    size_t skipped;            /* clients of this load whose id is too long */
    char client[DB_VALUE + 1]; /* first client_id of the next page; DB_VALUE bounds it */
    size_t client_size;
    char jti[REGION_JTI + 1]; /* last jti of the page before */
    size_t jti_size, jti_rows;
    struct region_rule *rules;
    size_t rule_count;
    struct key_replica *keys;
    char scopes[REGION_SCOPES + 1]; /* one byte more than fits, to detect that they do not fit */
    size_t scopes_size;
    const char *scopes_why; /* why they were left out, as logged; NULL: they were not */
};

struct replica *replica_new(struct region *region, struct region_process *row, const struct key_seal *seal)
{
    struct replica *replica = calloc(1, sizeof *replica);
    if (!replica) return NULL;
    replica->region = region;
    replica->row = row;
    replica->table = client_table_writer_new(region);
    replica->rules = calloc(region->rules_max + 1, sizeof *replica->rules);
    replica->keys = key_replica_new(region, seal);
    if (replica->table && replica->rules && replica->keys && client_rows_open(&replica->page) == 0) return replica;
    replica_free(replica);
    return NULL;
}

void replica_free(struct replica *replica)
{
    if (!replica) return;
    client_table_writer_free(replica->table);
    free(replica->rules);
    key_replica_free(replica->keys);
    client_rows_close(&replica->page);
    free(replica);
}

static void beat(struct replica *replica)
{
    atomic_store_explicit(&replica->row->heartbeat_ms, region_milliseconds(), memory_order_relaxed);
}

static bool is_loading(const struct replica *replica) { return replica->stage < STAGES; }

/* Not during a load: a partial count would be meaningless. */
static void publish_bad_rows(struct replica *replica)
{
    if (is_loading(replica)) return;
    atomic_store(&replica->region->status->bad_rows, client_table_bad_rows(replica->table) + replica->skipped);
}

static void name_fault(const struct client_rows_fault *fault)
{
    const char *table = fault->table ? fault->table : "";
    log_event(LOG_LEVEL_ERROR, "bad_row", "client %.*s: %s%s%.*s%scolumn %s: %s; %s", (int)fault->client_id.size,
              fault->client_id.data, table, fault->table ? " " : "", (int)fault->row.size,
              fault->row.data ? fault->row.data : "", fault->table ? ": " : "", fault->column, fault->why, fault->then);
}

/* Logs the first faults of a load, and all faults of a single client. */
static void name_faults(struct replica *replica)
{
    const struct client_rows *page = &replica->page;
    size_t named = 0;
    for (size_t i = 0; i < page->fault_count && i < CLIENT_ROWS_FAULTS; i++) {
        if (is_loading(replica) && (replica->quiet || replica->complaints + named >= REPLICA_COMPLAINTS)) break;
        name_fault(&page->faults[i]);
        named++;
    }
    if (is_loading(replica)) replica->complaints += page->fault_count;
    else if (page->fault_count > named)
        log_event(LOG_LEVEL_ERROR, "bad_row", "client %.*s: %zu more faults are not named", (int)page->last.size,
                  page->last.data, page->fault_count - named);
}

static void put(struct replica *replica, const struct client_row *row)
{
    if (client_table_put(replica->table, &row->client) == 0) {
        client_table_set_bad_rows(replica->table, row->client.id, row->bad_rows);
        return;
    }
    if (replica->unfit++ == 0)
        log_event(LOG_LEVEL_ERROR, "replica_full",
                  "client %.*s does not fit: raise clients_max or client_bytes and "
                  "restart",
                  (int)row->client.id.size, row->client.id.data);
}

int replica_client(struct replica *replica, struct db *db, struct text client_id)
{
    beat(replica);
    if (client_rows_read(&replica->page, db, client_id, client_id)) return -1;
    name_faults(replica);
    if (replica->page.count > 0) put(replica, &replica->page.clients[0]);
    else client_table_remove(replica->table, client_id);
    publish_bad_rows(replica);
    return 0;
}

static int load_clients(struct replica *replica, struct db *db)
{
    struct client_rows *page = &replica->page;
    if (client_rows_read(page, db, (struct text){ replica->client, replica->client_size }, LAST_CLIENT)) return -1;
    name_faults(replica);
    replica->skipped += page->skipped;
    for (size_t i = 0; i < page->count; i++) put(replica, &page->clients[i]);
    if (page->more) {
        /* The last id with a NUL appended is the smallest client_id above it. */
        memcpy(replica->client, page->last.data, page->last.size);
        replica->client[page->last.size] = '\0';
        replica->client_size = page->last.size + 1;
        return 0;
    }
    client_table_load_end(replica->table);
    return 1;
}

static int64_t seconds(struct text column)
{
    uint64_t value = 0;
    return text_present(column) && text_number(column, INT64_MAX, &value) == 0 ? (int64_t)value : 0;
}

void replica_revoke(struct replica *replica, struct text jti, struct text expires_at)
{
    int refused = revocation_put(replica->region, jti, (int64_t)time(NULL), seconds(expires_at));
    if (!refused || replica->revoked_full) return;
    replica->revoked_full = true;
    log_event(LOG_LEVEL_ERROR, "revocations_full", "a revoked token does not fit: raise revocations_max and restart");
}

static int take_revoked(void *context, const struct text *columns, size_t count)
{
    struct replica *replica = context;
    struct text jti = text_slice(columns[COLUMN_REVOKED_TOKEN_jti], 0, REGION_JTI);
    assert(count == COLUMN_REVOKED_TOKEN_COUNT);
    replica->jti_rows++;
    if (jti.size > 0) memcpy(replica->jti, jti.data, jti.size);
    replica->jti_size = jti.size;
    if (columns[COLUMN_REVOKED_TOKEN_jti].size <= REGION_JTI) {
        replica_revoke(replica, columns[COLUMN_REVOKED_TOKEN_jti], columns[COLUMN_REVOKED_TOKEN_expires_at]);
    } else {
        replica->jti[replica->jti_size++] = '\xff'; /* sorts after every jti with this prefix */
        log_repeated(LOG_LEVEL_ERROR, "bad_row",
                     "revoked_token %.*s: column jti has over 64 bytes, which no token has; the row "
                     "is left out: DELETE it",
                     (int)jti.size, jti.data);
    }
    return 0;
}

static int load_revoked(struct replica *replica, struct db *db)
{
    char last[REGION_JTI + 1];
    struct text after = { last, replica->jti_size };
    memcpy(last, replica->jti, replica->jti_size);
    replica->jti_rows = 0;
    if (db_query(db, DB_READ_REVOKED_TOKENS, &after, 1, take_revoked, replica) < 0) return -1;
    return replica->jti_rows < REVOKED_PAGE;
}

static int64_t later(int64_t a, int64_t b) { return a > b ? a : b; }

/* Merges two rules without issued_from for the same tokens, so that revoking a client's tokens repeatedly does not
 * fill the table. */
static bool covers_with(struct region_rule *last, const struct region_rule *rule)
{
    if (last->client != rule->client || last->credential != rule->credential) return false;
    if (last->issued_from != 0 || rule->issued_from != 0) return false;
    last->issued_before = later(last->issued_before, rule->issued_before);
    last->expires_at = later(last->expires_at, rule->expires_at);
    return true;
}

static int take_rule(void *context, const struct text *columns, size_t count)
{
    struct replica *replica = context;
    if (count != COLUMN_RULE_COUNT || replica->rule_count > replica->region->rules_max) return -1;
    const struct region_rule rule = {
        .client = text_present(columns[COLUMN_RULE_client_id])
                    ? revocation_client(replica->region, columns[COLUMN_RULE_client_id])
                    : 0,
        .credential = text_present(columns[COLUMN_RULE_label])
                        ? revocation_credential(replica->region, columns[COLUMN_RULE_client_id],
                                                columns[COLUMN_RULE_label])
                        : 0,
        .issued_from = seconds(columns[COLUMN_RULE_issued_from]),
        .issued_before = seconds(columns[COLUMN_RULE_issued_before]),
        .expires_at = seconds(columns[COLUMN_RULE_expires_at]),
    };
    struct region_rule *last = replica->rule_count > 0 ? &replica->rules[replica->rule_count - 1] : NULL;
    if (last && covers_with(last, &rule)) return 0;
    replica->rules[replica->rule_count++] = rule;
    return 0;
}

int replica_rules(struct replica *replica, struct db *db)
{
    beat(replica);
    replica->rule_count = 0;
    if (db_query(db, DB_READ_RULES, NULL, 0, take_rule, replica) < 0) return -1;
    bool full = revocation_rules_put(replica->region, replica->rules, replica->rule_count) != 0;
    unsigned long long count = replica->rule_count, most = replica->region->rules_max;
    region_degrade(replica->region, STORE_DEGRADED_revocation_rules_full, full);
    if (full)
        log_repeated(LOG_LEVEL_ERROR, "rules_full",
                     "revocation_rule has more than %llu rules: tokens that they do not revoke "
                     "are answered with 503; raise rules_max and restart",
                     most);
    else if (count > most - most / 4)
        log_repeated(LOG_LEVEL_WARNING, "rules_many",
                     "revocation_rule has %llu rules of %llu that fit: raise rules_max", count, most);
    return 0;
}

int replica_keys(struct replica *replica, struct db *db)
{
    beat(replica);
    return key_replica_load(replica->keys, db);
}

/* An invalid scope is left out: it could not be granted either. */
static int take_scope(void *context, const struct text *columns, size_t count)
{
    struct replica *replica = context;
    struct scope words;
    if (count != 1 || scope_parse(columns[0], &words) || words.count != 1) return 0;
    size_t gap = replica->scopes_size > 0, size = gap + columns[0].size;
    if (size > sizeof replica->scopes - replica->scopes_size) {
        replica->scopes_size = sizeof replica->scopes;
        return -1;
    }
    if (gap) replica->scopes[replica->scopes_size] = ' ';
    memcpy(replica->scopes + replica->scopes_size + gap, columns[0].data, columns[0].size);
    replica->scopes_size += size;
    return 0;
}

/* Logs why once, until it changes. why: a literal, or NULL. */
static void leave_scopes_out(struct replica *replica, const char *why)
{
    if (why && why != replica->scopes_why)
        log_event(LOG_LEVEL_WARNING, "scopes_left_out", "scopes_supported in the metadata is missing or outdated: %s",
                  why);
    replica->scopes_why = why;
}

/* A server account without the right to read them, which older versions did not need, continues without
 * scopes_supported. */
int replica_scopes(struct replica *replica, struct db *db)
{
    beat(replica);
    replica->scopes_size = 0;
    if (db_query(db, DB_READ_SCOPES, NULL, 0, take_scope, replica) < 0) {
        if (db_errno(db) != DB_DENIED) return -1;
        leave_scopes_out(replica, "the server's account may not read audience_scope; run sql/grants.sql");
        return 0;
    }
    int refused = scopes_put(replica->region, (struct text){ replica->scopes, replica->scopes_size });
    leave_scopes_out(replica, refused ? "the words of audience_scope are longer than 8192 bytes" : NULL);
    return 0;
}

static int load_scopes(struct replica *replica, struct db *db) { return replica_scopes(replica, db) ? -1 : 1; }

static int load_keys(struct replica *replica, struct db *db) { return replica_keys(replica, db) ? -1 : 1; }

static int load_rules(struct replica *replica, struct db *db) { return replica_rules(replica, db) ? -1 : 1; }

static int (*const stages[STAGES])(struct replica *replica, struct db *db) = { load_keys, load_rules, load_scopes,
                                                                               load_clients, load_revoked };

void replica_load_begin(struct replica *replica, enum replica_load purpose)
{
    replica->stage = 0;
    replica->bad_rows_before = atomic_load(&replica->region->status->bad_rows);
    replica->quiet = purpose == REPLICA_RECONCILE;
    replica->complaints = replica->unfit = 0;
    replica->revoked_full = false;
    replica->client_size = replica->jti_size = replica->skipped = 0;
    client_table_load_begin(replica->table);
}

static void sum_up(struct replica *replica)
{
    size_t unnamed = replica->complaints > REPLICA_COMPLAINTS ? replica->complaints - REPLICA_COMPLAINTS : 0;
    uint64_t bad_rows = atomic_load(&replica->region->status->bad_rows);
    if (!replica->quiet && unnamed > 0)
        log_event(LOG_LEVEL_ERROR, "bad_row", "%zu more faults of clients' rows are not named", unnamed);
    if (replica->quiet && bad_rows > replica->bad_rows_before)
        log_event(LOG_LEVEL_ERROR, "bad_row",
                  "%llu rows of clients are invalid, %llu before this load; the next start "
                  "names the first %d",
                  (unsigned long long)bad_rows, (unsigned long long)replica->bad_rows_before, REPLICA_COMPLAINTS);
    replica->complaints = 0;
    replica->quiet = false;
}

int replica_load_step(struct replica *replica, struct db *db)
{
    beat(replica);
    int done = stages[replica->stage](replica, db);
    if (done <= 0) return done;
    if (++replica->stage < STAGES) return 0;
    publish_bad_rows(replica);
    sum_up(replica);
    return 1;
}
