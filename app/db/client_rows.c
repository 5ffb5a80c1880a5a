#include "client_rows.h"

#include <stdlib.h>

#include "columns.h"

enum {
    PAGE_BYTES = 16 * 1024 * 1024, /* for texts; one client at its limits needs a fiftieth of it */
    METHODS_MOST = (1 << CLIENT_METHODS) - 1,
    NAMED_BYTES = 64 /* of the name of a bad row, in a message */
};

int client_rows_open(struct client_rows *page)
{
    /* Large enough for malloc to map each array separately, so that unused pages cost no memory. */
    *page = (struct client_rows){ .limit = CLIENT_ROWS_MAX };
    page->clients = calloc(CLIENT_ROWS_MAX, sizeof *page->clients);
    page->secrets = calloc(CLIENT_ROWS_MAX * CLIENT_SECRETS, sizeof *page->secrets);
    page->keys = calloc(CLIENT_ROWS_MAX * CLIENT_KEYS, sizeof *page->keys);
    page->grants = calloc(CLIENT_ROWS_MAX * CLIENT_GRANTS, sizeof *page->grants);
    page->reads = calloc(CLIENT_ROWS_MAX * CLIENT_READS, sizeof *page->reads);
    page->faults = calloc(CLIENT_ROWS_FAULTS, sizeof *page->faults);
    bool taken = page->clients && page->secrets && page->keys && page->grants && page->reads && page->faults;
    if (taken && arena_open(&page->arena, PAGE_BYTES) == 0) return 0;
    client_rows_close(page);
    return -1;
}

void client_rows_close(struct client_rows *page)
{
    free(page->clients);
    free(page->secrets);
    free(page->keys);
    free(page->grants);
    free(page->reads);
    free(page->faults);
    arena_close(&page->arena);
    *page = (struct client_rows){ .limit = 0 };
}

/* Copies into the arena; an absent text stays absent. */
static struct text keep(struct client_rows *page, struct text column)
{
    if (!text_present(column)) return column;
    struct text copy = arena_copy(&page->arena, column);
    if (!text_present(copy)) page->full = true;
    return copy;
}

static void put_fault(struct client_rows *page, struct client_rows_fault fault)
{
    if (page->fault_count++ >= CLIENT_ROWS_FAULTS) return;
    fault.row = keep(
        page, text_slice(fault.row, 0, NAMED_BYTES)); /* the log would cut a longer one, and the advice after it */
    page->faults[page->fault_count - 1] = fault;
}

/* Leaves out a row of a table other than client, and only this row. */
static void leave_out(struct client_rows *page, struct client_row *row, struct client_rows_fault fault)
{
    fault.client_id = row->client.id;
    row->bad_rows++;
    put_fault(page, fault);
}

/* Reports a column of the client's own row; several of them count as one bad row. */
static void fault_column(struct client_rows *page, struct client_row *row, struct columns_verdict verdict,
                         const char *then)
{
    if (!row->own_is_bad) row->bad_rows++;
    row->own_is_bad = true;
    put_fault(page, (struct client_rows_fault){ row->client.id, NULL, { NULL, 0 }, verdict.column, verdict.why, then });
}

/* A numeric column of the client's row, and the value that replaces one outside its bounds: the most restrictive
 * one with which the client still works, or none. */
struct column_rule {
    const char *column;
    bool may_be_null;
    uint32_t least, most, otherwise;
    const char *why, *then;
};

static uint32_t take_number(struct client_rows *page, struct client_row *row, struct text column,
                            const struct column_rule *rule)
{
    uint32_t value = 0;
    bool given = text_present(column);
    if (!given && rule->may_be_null) return 0;
    if (given && columns_number(column, rule->most, &value) && value >= rule->least) return value;
    fault_column(page, row, (struct columns_verdict){ rule->column, rule->why }, rule->then);
    return rule->otherwise;
}

/* An ENUM is read as its index from 1; 0 is a value that the column's type does not have. */
enum { BINDING_NOT_KNOWN };

static const struct column_rule
    enabled_rule = { "enabled",
                     false,
                     0,
                     1,
                     0,
                     "neither 0 nor 1",
                     "the client counts as disabled: CALL client_enable or client_disable" },
    omitted_rule = { "omitted_scope",
                     false,
                     1,
                     CLIENT_OMITTED_REFUSE + 1,
                     CLIENT_OMITTED_REFUSE + 1,
                     "not known",
                     "a request without scope is refused: UPDATE client SET omitted_scope" },
    seconds_rule = { "token_seconds",
                     true,
                     0,
                     COLUMNS_TOKEN_SECONDS,
                     0,
                     "over 86400",
                     "token_seconds of m2mauth.conf counts: UPDATE client SET token_seconds" },
    rate_rule = { "rate_per_minute",
                  true,
                  0,
                  COLUMNS_RATE,
                  COLUMNS_RATE,
                  "over 1000000",
                  "1000000 counts: UPDATE client SET rate_per_minute" },
    burst_rule = { "rate_burst",
                   true,
                   0,
                   COLUMNS_BURST,
                   0,
                   "over 100000",
                   "rate_per_minute counts: UPDATE client SET rate_burst" },
    assertion_rule = { "assertion_audience",
                       false,
                       1,
                       CLIENT_ASSERTION_TOKEN_ENDPOINT + 1,
                       CLIENT_ASSERTION_ISSUER + 1,
                       "not known",
                       "only the issuer is accepted: UPDATE client SET assertion_audience" },
    life_rule = { "assertion_seconds",
                  true,
                  0,
                  CLIENT_ASSERTION_SECONDS_MOST,
                  0,
                  "over 3600",
                  "300 counts: UPDATE client SET assertion_seconds" },
    binding_rule = { "require_binding",
                     false,
                     1,
                     CLIENT_BINDING_DPOP + 1,
                     BINDING_NOT_KNOWN,
                     "not known",
                     "the client gets no token, tokens already issued stay active: UPDATE client SET require_binding" },
    kind_rule = { "tls_subject_kind",
                  true,
                  1,
                  CERTIFICATE_SUBJECT_KINDS - 1,
                  CERTIFICATE_SUBJECT_NONE,
                  "not known",
                  "tls_client_auth does not work for the client: CALL client_set_tls_subject" };

/* The certificate subject is a credential: an invalid one is left out, and other credentials still work. */
static void take_subject(struct client_rows *page, struct client_row *row, const struct text *columns)
{
    struct client *client = &row->client;
    struct text issuer = columns[COLUMN_CLIENT_tls_issuer];
    client->tls_subject.kind = (enum certificate_subject_kind)take_number(
        page, row, columns[COLUMN_CLIENT_tls_subject_kind], &kind_rule);
    client->tls_subject.value = columns[COLUMN_CLIENT_tls_subject];
    const char *why = NULL;
    if (client->tls_subject.kind != CERTIFICATE_SUBJECT_NONE) why = certificate_subject_fault(&client->tls_subject);
    else if ((client->methods & CLIENT_TLS) && !text_present(columns[COLUMN_CLIENT_tls_subject_kind]))
        why = "tls_client_auth needs it";
    const char *wrong = text_present(issuer) && client->tls_subject.kind != CERTIFICATE_SUBJECT_NONE
                          ? certificate_subject_issuer_fault(issuer)
                          : NULL;
    if (why) fault_column(page, row, (struct columns_verdict){ "tls_subject", why }, kind_rule.then);
    if (wrong)
        fault_column(page, row, (struct columns_verdict){ "tls_issuer", wrong },
                     "tls_client_auth does not work for the client: CALL client_set_tls_issuer");
    if (why || wrong || client->tls_subject.kind == CERTIFICATE_SUBJECT_NONE) {
        client->tls_subject = (struct certificate_subject){ CERTIFICATE_SUBJECT_NONE, { NULL, 0 } };
    } else {
        client->tls_subject.value = keep(page, columns[COLUMN_CLIENT_tls_subject]);
        client->tls_issuer = keep(page, issuer);
    }
}

/* Unknown methods are left out. Without any method the client cannot authenticate. */
static void take_methods(struct client_rows *page, struct client_row *row, struct text column)
{
    uint64_t methods = 0;
    bool known = text_present(column) && text_number(column, UINT64_MAX, &methods) == 0 && methods > 0;
    row->client.methods = (uint8_t)(methods & METHODS_MOST);
    if (known && methods <= METHODS_MOST) return;
    fault_column(page, row, (struct columns_verdict){ "auth_methods", "not all of it is known" },
                 row->client.methods ? "unknown methods are left out: UPDATE client SET auth_methods"
                                     : "the client cannot authenticate: UPDATE client SET auth_methods");
}

/* No grant has a blank as its audience, so a request without resource is refused. */
static void take_default_audience(struct client_rows *page, struct client_row *row, struct text column)
{
    static const struct text none = TEXT(" ");
    bool usable = !text_present(column) || columns_plain(column, '!', COLUMNS_AUDIENCE);
    row->client.default_audience = usable ? keep(page, column) : none;
    if (!usable)
        fault_column(page, row,
                     (struct columns_verdict){ "default_audience", "not an absolute URI of at most 255 bytes" },
                     "a request without resource is refused: UPDATE client SET default_audience");
}

/* The client_id is longer than any that a request can carry, so the client cannot be stored. */
static int skip_client(struct client_rows *page, struct text id)
{
    page->skipped++;
    put_fault(page, (struct client_rows_fault){ keep(page, text_slice(id, 0, NAMED_BYTES)),
                                                NULL,
                                                { NULL, 0 },
                                                "client_id",
                                                "over 128 bytes (the message has the first 64)",
                                                "the client is not known: INSERT it under a shorter name" });
    return 0;
}

static int take_client(void *context, const struct text *columns, size_t count)
{
    struct client_rows *page = context;
    if (count != COLUMN_CLIENT_COUNT || page->rows == page->limit) return -1;
    page->rows++;
    page->last = keep(page, columns[COLUMN_CLIENT_client_id]);
    if (columns[COLUMN_CLIENT_client_id].size > CLIENT_ID_BYTES)
        return skip_client(page, columns[COLUMN_CLIENT_client_id]);
    struct client_row *row = &page->clients[page->count++];
    struct client *client = &row->client;
    *row = (struct client_row){ .bad_rows = 0 };
    client->id = page->last;
    client->enabled = take_number(page, row, columns[COLUMN_CLIENT_enabled], &enabled_rule) == 1;
    take_methods(page, row, columns[COLUMN_CLIENT_auth_methods]);
    take_default_audience(page, row, columns[COLUMN_CLIENT_default_audience]);
    client->omitted_scope = (uint8_t)(take_number(page, row, columns[COLUMN_CLIENT_omitted_scope], &omitted_rule) - 1);
    client->token_seconds = take_number(page, row, columns[COLUMN_CLIENT_token_seconds], &seconds_rule);
    client->rate_per_minute = take_number(page, row, columns[COLUMN_CLIENT_rate_per_minute], &rate_rule);
    client->rate_burst = take_number(page, row, columns[COLUMN_CLIENT_rate_burst], &burst_rule);
    if (client->rate_burst == 0) client->rate_burst = client->rate_per_minute;
    client->assertion_audience =
        (uint8_t)(take_number(page, row, columns[COLUMN_CLIENT_assertion_audience], &assertion_rule) - 1);
    uint32_t binding = take_number(page, row, columns[COLUMN_CLIENT_require_binding], &binding_rule);
    if (binding == BINDING_NOT_KNOWN) client->methods = 0;
    else client->require_binding = (uint8_t)(binding - 1);
    take_subject(page, row, columns);
    client->assertion_seconds = take_number(page, row, columns[COLUMN_CLIENT_assertion_seconds], &life_rule);
    if (!columns_plain(columns[COLUMN_CLIENT_client_id], ' ', CLIENT_ID_BYTES)) {
        client->enabled = false;
        fault_column(page, row, (struct columns_verdict){ "client_id", "not 1 to 128 printable characters" },
                     "the client counts as disabled: INSERT it under another name");
    }
    return 0;
}

/* Clients and their rows are sorted alike, so one walk finds the owner of each row. */
static struct client_row *owner(struct client_rows *page, struct text client_id)
{
    while (page->at < page->count && text_compare(page->clients[page->at].client.id, client_id) < 0) page->at++;
    bool found = page->at < page->count && text_equal(page->clients[page->at].client.id, client_id);
    return found ? &page->clients[page->at] : NULL;
}

/* 0 means never. */
static bool ends_before(int64_t a, int64_t b) { return a != 0 && (b == 0 || a < b); }

static void leave_out_secret(struct client_rows *page, struct client_row *row, struct text label,
                             struct columns_verdict verdict)
{
    leave_out(page, row,
              (struct client_rows_fault){
                  .table = "client_secret",
                  .row = label,
                  .column = verdict.column,
                  .why = verdict.why,
                  .then = "this secret is left out: make another with m2mctl secret, then DELETE the row" });
}

/* If more than CLIENT_SECRETS are stored, the ones that expire last are kept. */
static void add_secret(struct client_rows *page, struct client_row *row, struct client_secret secret)
{
    static const struct columns_verdict crowded = { "expires_at",
                                                    "the client has more than 8 secrets, and this one ends first" };
    struct client *client = &row->client;
    struct client_secret *first = client->secrets;
    if (client->secret_count < CLIENT_SECRETS) {
        page->secrets[page->secret_count] = secret;
        if (client->secret_count++ == 0) client->secrets = &page->secrets[page->secret_count];
        page->secret_count++;
        return;
    }
    for (size_t i = 1; i < client->secret_count; i++)
        if (ends_before(client->secrets[i].expires_at, first->expires_at)) first = &client->secrets[i];
    bool stays = ends_before(first->expires_at, secret.expires_at);
    leave_out_secret(page, row, stays ? first->label : secret.label, crowded);
    if (stays) *first = secret;
}

static int take_secret(void *context, const struct text *columns, size_t count)
{
    struct client_rows *page = context;
    struct client_row *row = count == COLUMN_SECRET_COUNT ? owner(page, columns[COLUMN_SECRET_client_id]) : NULL;
    struct client_secret secret;
    if (!row) return 0;
    struct columns_verdict verdict = columns_secret(columns, &secret);
    if (verdict.why) leave_out_secret(page, row, columns[COLUMN_SECRET_label], verdict);
    secret.label = keep(page, columns[COLUMN_SECRET_label]);
    if (!verdict.why) add_secret(page, row, secret);
    return 0;
}

static void leave_out_key(struct client_rows *page, struct client_row *row, struct text kid,
                          struct columns_verdict verdict)
{
    leave_out(page, row,
              (struct client_rows_fault){ .table = "client_key",
                                          .row = kid,
                                          .column = verdict.column,
                                          .why = verdict.why,
                                          .then = "this key is left out: DELETE the row and CALL client_add_key" });
}

/* As add_secret(), for CLIENT_KEYS. */
static void add_key(struct client_rows *page, struct client_row *row, struct client_key key)
{
    static const struct columns_verdict crowded = { "expires_at",
                                                    "the client has more than 8 keys, and this one ends first" };
    struct client *client = &row->client;
    struct client_key *first = client->keys;
    if (client->key_count < CLIENT_KEYS) {
        page->keys[page->key_count] = key;
        if (client->key_count++ == 0) client->keys = &page->keys[page->key_count];
        page->key_count++;
        return;
    }
    for (size_t i = 1; i < client->key_count; i++)
        if (ends_before(client->keys[i].expires_at, first->expires_at)) first = &client->keys[i];
    bool stays = ends_before(first->expires_at, key.expires_at);
    leave_out_key(page, row, stays ? first->kid : key.kid, crowded);
    if (stays) *first = key;
}

static int take_key(void *context, const struct text *columns, size_t count)
{
    struct client_rows *page = context;
    struct client_row *row = count == COLUMN_CLIENT_KEY_COUNT ? owner(page, columns[COLUMN_CLIENT_KEY_client_id])
                                                              : NULL;
    struct client_key key;
    if (!row) return 0;
    struct buffer jwk = { arena_take(&page->arena, COLUMNS_JWK), 0, COLUMNS_JWK, false };
    if (!jwk.data) {
        page->full = true;
        return -1;
    }
    struct columns_verdict verdict = columns_key(columns, &jwk, &key);
    if (verdict.why) leave_out_key(page, row, columns[COLUMN_CLIENT_KEY_kid], verdict);
    key.kid = keep(page, columns[COLUMN_CLIENT_KEY_kid]);
    if (!verdict.why) add_key(page, row, key);
    return 0;
}

/* Grants are sorted by audience, so most have the audience of the grant before. */
static struct text grant_audience(struct client_rows *page, const struct client *client, struct text column)
{
    if (client->grant_count > 0) {
        struct text last = client->grants[client->grant_count - 1].audience;
        if (text_equal(last, column)) return last;
    }
    return keep(page, column);
}

static int take_grant(void *context, const struct text *columns, size_t count)
{
    struct client_rows *page = context;
    struct client_row *row = count == COLUMN_GRANT_COUNT ? owner(page, columns[COLUMN_GRANT_client_id]) : NULL;
    struct client_grant grant;
    if (!row) return 0;
    struct client *client = &row->client;
    struct columns_verdict verdict = columns_grant(columns, &grant);
    if (!verdict.why && client->grant_count == CLIENT_GRANTS)
        verdict = (struct columns_verdict){ "audience",
                                            "the client has more than 256 grants, and this is not one of the first" };
    if (verdict.why) {
        leave_out(page, row,
                  (struct client_rows_fault){
                      .table = "client_grant",
                      .row = columns[COLUMN_GRANT_audience],
                      .column = verdict.column,
                      .why = verdict.why,
                      .then = "this grant is left out: correct the row, or DELETE it and CALL client_allow" });
        return 0;
    }
    grant.audience = grant_audience(page, client, columns[COLUMN_GRANT_audience]);
    grant.scope = keep(page, columns[COLUMN_GRANT_scope]);
    if (client->grant_count++ == 0) client->grants = &page->grants[page->grant_count];
    page->grants[page->grant_count++] = grant;
    return 0;
}

static int take_reader(void *context, const struct text *columns, size_t count)
{
    struct client_rows *page = context;
    struct client_row *row = count == COLUMN_INTROSPECTED_COUNT ? owner(page, columns[COLUMN_INTROSPECTED_client_id])
                                                                : NULL;
    if (!row) return 0;
    const char *why = NULL;
    if (!columns_plain(columns[COLUMN_INTROSPECTED_audience], '!', COLUMNS_AUDIENCE))
        why = "not an absolute URI of at most 255 bytes";
    else if (row->client.read_count == CLIENT_READS)
        why = "the client has more than 64, and this is not one of the first";
    if (why) {
        leave_out(page, row,
                  (struct client_rows_fault){ .table = "audience_reader",
                                              .row = columns[COLUMN_INTROSPECTED_audience],
                                              .column = "audience",
                                              .why = why,
                                              .then = "the client may not introspect its tokens: DELETE the row" });
        return 0;
    }
    if (row->client.read_count++ == 0) row->client.reads = &page->reads[page->read_count];
    page->reads[page->read_count++] = keep(page, columns[COLUMN_INTROSPECTED_audience]);
    return 0;
}

static int ask(struct client_rows *page, enum db_statement statement, const struct text range[2],
               int (*row)(void *context, const struct text *columns, size_t count))
{
    page->at = 0;
    return db_query(page->db, statement, range, 2, row, page) < 0 ? -1 : 0;
}

/* Reads all tables in one snapshot, so that a client is never combined with secrets of another moment. */
static int read_once(struct client_rows *page, struct text first, struct text last)
{
    struct text range[2] = { first, last };
    arena_reset(&page->arena);
    page->full = false;
    page->count = page->secret_count = page->key_count = page->grant_count = page->read_count = 0;
    page->rows = page->skipped = page->fault_count = 0;
    page->last = (struct text){ NULL, 0 };
    if (db_query(page->db, DB_BEGIN_SNAPSHOT, NULL, 0, NULL, NULL) < 0) return -1;
    if (ask(page, DB_READ_CLIENTS, range, take_client)) return -1;
    if (page->count > 0 && !page->full) {
        range[0] = page->clients[0].client.id;
        range[1] = page->clients[page->count - 1].client.id;
        if (ask(page, DB_READ_SECRETS, range, take_secret) || ask(page, DB_READ_CLIENT_KEYS, range, take_key) ||
            ask(page, DB_READ_GRANTS, range, take_grant) || ask(page, DB_READ_READERS, range, take_reader))
            return -1;
    }
    page->more = page->rows == page->limit;
    return db_query(page->db, DB_COMMIT, NULL, 0, NULL, NULL) < 0 ? -1 : 0;
}

static void check_default_audience(struct client_rows *page, struct client_row *row)
{
    struct text audience = row->client.default_audience;
    if (!text_present(audience) || text_equal(audience, TEXT(" "))) return;
    for (size_t i = 0; i < row->client.grant_count; i++)
        if (text_equal(row->client.grants[i].audience, audience)) return;
    fault_column(page, row, (struct columns_verdict){ "default_audience", "not among the client's grants" },
                 "a request without resource is refused: CALL client_allow, or UPDATE client SET default_audience");
}

int client_rows_read(struct client_rows *page, struct db *db, struct text first, struct text last)
{
    page->db = db;
    for (;;) {
        int result = read_once(page, first, last);
        if (result == 0 && !page->full) break;
        if (page->limit > 1) page->limit /= 2;
        if (result) return -1;
    }
    for (size_t i = 0; i < page->count; i++) check_default_audience(page, &page->clients[i]);
    if (page->limit * 2 <= CLIENT_ROWS_MAX) page->limit *= 2;
    else page->limit = CLIENT_ROWS_MAX;
    return 0;
}
