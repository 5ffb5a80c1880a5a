/* client_rows: invalid rows of clients: which parts are skipped, which stay in force, and what is logged. */
#include "../../app/db/client_rows.h"

#include <stdarg.h>

#include "../check.h"

#define HASH "$sha256$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define JWK_MEMBERS "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
                    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define JWK "{" JWK_MEMBERS "}"
#define API "https://api.example/"

enum { ROWS = 400, COLUMNS = 14 };

/* The database: rows of these statements, in the order of their insertion. */
static struct row {
    enum db_statement statement;
    size_t count;
    const char *columns[COLUMNS];
} rows[ROWS];
static size_t process_count;
static struct client_rows page;

long db_query(struct db *db, enum db_statement statement, const struct text *parameters, size_t count,
              int (*take)(void *context, const struct text *columns, size_t count), void *context)
{
    long taken = 0;
    (void)db, (void)count;
    for (size_t i = 0; i < process_count; i++) {
        struct text columns[COLUMNS];
        if (rows[i].statement != statement || !take) continue;
        for (size_t n = 0; n < rows[i].count; n++) columns[n] = text_of(rows[i].columns[n]);
        if (strcmp(columns[0].data, parameters[0].data) < 0) continue;
        taken++;
        if (take(context, columns, rows[i].count)) break;
    }
    return taken;
}

static void add(enum db_statement statement, size_t count, ...)
{
    va_list arguments;
    va_start(arguments, count);
    if (process_count == ROWS || count > COLUMNS) exit(2);
    struct row *row = &rows[process_count++];
    *row = (struct row){ .statement = statement, .count = count };
    for (size_t i = 0; i < count; i++) row->columns[i] = va_arg(arguments, const char *);
    va_end(arguments);
}

/* A client that is valid in every column; override: the number of a column, and its value instead. */
static void add_client(const char *id, int override, const char *value)
{
    const char *columns[] = { id, "1", "31", NULL, "1", NULL, NULL, NULL, "1", "1", "1", "CN=orders", NULL, "CN=CA" };
    if (override >= 0) columns[override] = value;
    add(DB_READ_CLIENTS, 14, columns[0], columns[1], columns[2], columns[3], columns[4], columns[5], columns[6], columns[7],
        columns[8], columns[9], columns[10], columns[11], columns[12], columns[13]);
}

static void add_grant(const char *id, const char *audience, const char *scope)
{
    add(DB_READ_GRANTS, 6, id, audience, scope, "1", NULL, NULL);
}

/* Returns the one client read since the last start, or NULL. */
static const struct client_row *read_one(void)
{
    int failed = client_rows_read(&page, NULL, TEXT(""), TEXT("\x7f"));
    process_count = 0;
    return failed || page.count != 1 ? NULL : &page.clients[0];
}

static bool is_named(const char *table, const char *row, const char *column)
{
    const struct client_rows_fault *fault = &page.faults[0];
    bool same = page.fault_count == 1 && text_equal(fault->client_id, TEXT("orders")) && fault->why && fault->then;
    if (table) same = same && fault->table && strcmp(fault->table, table) == 0 && text_equal(fault->row, text_of(row));
    else same = same && !fault->table;
    return same && strcmp(fault->column, column) == 0;
}

static void a_right_client_has_no_fault(void)
{
    add_client("orders", 3, API);
    add(DB_READ_SECRETS, 5, "orders", "one", HASH, "100", "4000000000");
    add(DB_READ_CLIENT_KEYS, 6, "orders", "k", "ES256", JWK, NULL, NULL);
    add_grant("orders", API, "read");
    add(DB_READ_READERS, 2, "orders", API);
    const struct client_row *row = read_one();
    CHECK(row && page.fault_count == 0 && row->bad_rows == 0);
    CHECK(row->client.enabled && row->client.methods == 31 && row->client.secret_count == 1 && row->client.key_count == 1);
    CHECK(row->client.grant_count == 1 && row->client.read_count == 1);
    CHECK(row->client.tls_subject.kind == SUBJECT_subject_dn);
    CHECK_TEXT(row->client.tls_subject.value, TEXT("CN=orders"));
    CHECK_TEXT(row->client.tls_issuer, TEXT("CN=CA"));
}

static void a_bad_secret_is_left_out_alone(void)
{
    static const struct { const char *label, *hash, *not_before, *expires_at, *column; } bad[] = {
        { "bad", "$sha256$short", NULL, NULL, "hash" },      { "bad", NULL, NULL, NULL, "hash" },
        { "bad", "the secret itself", NULL, NULL, "hash" },  { "a b", HASH, NULL, NULL, "label" },
        { "bad", HASH, "soon", NULL, "not_before" },         { "bad", HASH, NULL, "-1", "expires_at" },
        { "bad", HASH, NULL, "0", "expires_at" },            { "0123456789abcdef0123456789abcdefg", HASH, NULL, NULL, "label" },
        { "bad", "$pbkdf2-sha256$99999999$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NULL, NULL,
          "hash" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        add_client("orders", -1, NULL);
        add(DB_READ_SECRETS, 5, "orders", bad[i].label, bad[i].hash, bad[i].not_before, bad[i].expires_at);
        add(DB_READ_SECRETS, 5, "orders", "good", HASH, NULL, NULL);
        const struct client_row *row = read_one();
        CHECK(row && row->client.enabled && row->bad_rows == 1 && row->client.secret_count == 1);
        CHECK_TEXT(row->client.secrets[0].label, TEXT("good"));
        CHECK(is_named("client_secret", bad[i].label, bad[i].column));
    }
}

static void a_bad_key_is_left_out_alone(void)
{
    static const struct { const char *kid, *alg, *jwk, *not_before, *expires_at, *column; } bad[] = {
        { "bad", "ES256", "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"A\",\"y\":\"B\"}", NULL, NULL, "public_jwk" },
        { "bad", "ES256", "{\"keys\":[" JWK "]}", NULL, NULL, "public_jwk" },
        { "bad", "ES256", "{\"kid\":\"other\"," JWK_MEMBERS "}", NULL, NULL, "public_jwk" },
        { "bad", "RS256", JWK, NULL, NULL, "public_jwk" },   { "bad", "none", JWK, NULL, NULL, "public_jwk" },
        { "bad", "ES256", NULL, NULL, NULL, "public_jwk" },  { "b d", "ES256", JWK, NULL, NULL, "kid" },
        { "bad", "ES256", JWK, "0", NULL, "not_before" },    { "bad", "ES256", JWK, NULL, "never", "expires_at" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        add_client("orders", -1, NULL);
        add(DB_READ_SECRETS, 5, "orders", "s", HASH, NULL, NULL);
        add(DB_READ_CLIENT_KEYS, 6, "orders", bad[i].kid, bad[i].alg, bad[i].jwk, bad[i].not_before, bad[i].expires_at);
        add(DB_READ_CLIENT_KEYS, 6, "orders", "good", "ES256", JWK, NULL, NULL);
        const struct client_row *row = read_one();
        CHECK(row && row->client.enabled && row->bad_rows == 1 && row->client.key_count == 1 && row->client.secret_count == 1);
        CHECK_TEXT(row->client.keys[0].kid, TEXT("good"));
        CHECK(is_named("client_key", bad[i].kid, bad[i].column));
    }
}

static void a_bad_subject_is_left_out_and_the_client_works(void)
{
    static const struct { int column; const char *value; } bad[] = { { 11, "orders" }, { 11, "" }, { 10, "0" }, { 10, "9" },
                                                               { 13, "CA" }, { 13, "keyid:x" }, { 13, "" } };
    static const char *const names[] = { [10] = "tls_subject_kind", [11] = "tls_subject", [13] = "tls_issuer" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        add_client("orders", bad[i].column, bad[i].value);
        add(DB_READ_SECRETS, 5, "orders", "s", HASH, NULL, NULL);
        const struct client_row *row = read_one();
        CHECK(row && row->client.enabled && row->client.methods == 31 && row->client.secret_count == 1);
        CHECK(row->client.tls_subject.kind == CERTIFICATE_SUBJECT_NONE && row->bad_rows == 1);
        CHECK(is_named(NULL, NULL, names[bad[i].column]));
    }
}

static void a_bad_grant_or_reader_is_left_out_alone(void)
{
    static const char *const bad[][6] = {
        { "orders", "no uri", "read", "1", NULL, NULL },      { "orders", "https://bad/", "two words", "1", NULL, NULL },
        { "orders", "https://bad/", "read", "2", NULL, NULL },   { "orders", "https://bad/", "read", "1", "86401", NULL },
        { "orders", "https://bad/", "read", "1", NULL, "ES512" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        add_client("orders", -1, NULL);
        add_grant("orders", API, "read");
        add(DB_READ_GRANTS, 6, bad[i][0], bad[i][1], bad[i][2], bad[i][3], bad[i][4], bad[i][5]);
        const struct client_row *row = read_one();
        CHECK(row && row->client.enabled && row->bad_rows == 1 && row->client.grant_count == 1);
        CHECK(page.fault_count == 1 && strcmp(page.faults[0].table, "client_grant") == 0);
    }
    add_client("orders", -1, NULL);
    add(DB_READ_READERS, 2, "orders", "no uri");
    add(DB_READ_READERS, 2, "orders", API);
    const struct client_row *row = read_one();
    CHECK(row && row->client.read_count == 1 && row->bad_rows == 1);
    CHECK_TEXT(row->client.reads[0], TEXT(API));
    CHECK(is_named("audience_reader", "no uri", "audience"));
}

/* An invalid column has its most restrictive value; tokens stay active unless `enabled` itself is invalid. */
static void a_column_that_cannot_be_right_allows_least(void)
{
    static const struct { int column; const char *value, *name; bool enabled; int methods; } bad[] = {
        { 1, "2", "enabled", false, 31 },             { 1, NULL, "enabled", false, 31 },
        { 2, "33", "auth_methods", true, 1 },         { 2, "32", "auth_methods", true, 0 },
        { 2, "0", "auth_methods", true, 0 },          { 2, NULL, "auth_methods", true, 0 },
        { 3, "no uri", "default_audience", true, 31 },   { 4, "9", "omitted_scope", true, 31 },
        { 4, "0", "omitted_scope", true, 31 },        { 5, "86401", "token_seconds", true, 31 },
        { 6, "-1", "rate_per_minute", true, 31 },     { 7, "100001", "rate_burst", true, 31 },
        { 8, "3", "assertion_audience", true, 31 },   { 9, "5", "require_binding", true, 0 },
        { 9, "0", "require_binding", true, 0 },       { 12, "3601", "assertion_seconds", true, 31 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *method_bit = bad[i].column == 2 ? "1" : NULL;
        add_client("orders", bad[i].column, bad[i].value);
        add_grant("orders", API, "read");
        if (method_bit) rows[0].columns[10] = rows[0].columns[11] = NULL;
        const struct client_row *row = read_one();
        CHECK(row && row->bad_rows == 1 && is_named(NULL, NULL, bad[i].name));
        CHECK(row->client.enabled == bad[i].enabled && row->client.methods == bad[i].methods);
        if (bad[i].column == 3) CHECK(text_equal(row->client.default_audience, TEXT(" ")));
        if (bad[i].column == 4) CHECK(row->client.omitted_scope == CLIENT_OMITTED_REFUSE);
        if (bad[i].column == 5) CHECK(row->client.token_seconds == 0);
        if (bad[i].column == 6) CHECK(row->client.rate_per_minute == 1000000);
        if (bad[i].column == 12) CHECK(row->client.assertion_seconds == 0);
        if (bad[i].column == 8) CHECK(row->client.assertion_audience == CLIENT_ASSERTION_ISSUER);
    }
}

static void several_faults_of_one_row_are_one_bad_row(void)
{
    add_client("orders", 4, "9");
    rows[0].columns[5] = "x";
    rows[0].columns[3] = "https://not.granted/";
    const struct client_row *row = read_one();
    CHECK(row && row->bad_rows == 1 && page.fault_count == 3);
}

/* Of more than eight, those that end last are kept, in any order of the rows. */
static void the_eight_that_end_last_stay(void)
{
    static const char *const ends[] = { "500", "100", NULL, "900", "200", "300", NULL, "400", "600", "150", NULL };
    static char labels[11][4];
    add_client("orders", -1, NULL);
    for (size_t i = 0; i < 11; i++) {
        snprintf(labels[i], sizeof labels[i], "l%02zu", i);
        add(DB_READ_SECRETS, 5, "orders", labels[i], HASH, NULL, ends[i]);
        add(DB_READ_CLIENT_KEYS, 6, "orders", labels[i], "ES256", JWK, NULL, ends[i]);
    }
    const struct client_row *row = read_one();
    CHECK(row && row->client.secret_count == 8 && row->client.key_count == 8 && row->bad_rows == 6 && page.fault_count == 6);
    for (size_t i = 0; i < 8; i++) {
        int64_t end = row->client.secrets[i].expires_at;
        CHECK(end == 0 || end > 200);
        CHECK(row->client.keys[i].expires_at == end);
    }
    CHECK(strcmp(page.faults[0].column, "expires_at") == 0);
}

static void one_clients_faults_do_not_touch_the_next(void)
{
    static char over_long[3001];
    memset(over_long, 'a', sizeof over_long - 1);
    add_client(over_long, -1, NULL);
    add_client("billing", 11, "no name");
    add_client("orders", -1, NULL);
    add(DB_READ_SECRETS, 5, over_long, "s", HASH, NULL, NULL);
    add(DB_READ_SECRETS, 5, "billing", "s", "bad", NULL, NULL);
    add(DB_READ_SECRETS, 5, "orders", "s", HASH, NULL, NULL);
    CHECK(client_rows_read(&page, NULL, TEXT(""), TEXT("\x7f")) == 0);
    process_count = 0;
    CHECK(page.count == 2 && page.skipped == 1 && !page.more && page.fault_count == 3);
    CHECK(page.clients[0].bad_rows == 2 && page.clients[0].client.secret_count == 0);
    CHECK(page.clients[1].bad_rows == 0 && page.clients[1].client.secret_count == 1);
    CHECK_TEXT(page.last, TEXT("orders"));
    CHECK(page.faults[0].client_id.size == 64);
}

/* A page that ends with a client that cannot be kept continues after it. */
static void the_next_page_begins_after_the_last_row_read(void)
{
    static char ids[300][8], over_long[3001];
    memset(over_long, 'z', sizeof over_long - 1);
    page.limit = 300;
    for (size_t i = 0; i < 299; i++) {
        snprintf(ids[i], sizeof ids[i], "c%03zu", i);
        add_client(ids[i], -1, NULL);
    }
    add_client(over_long, -1, NULL);
    add_client("zzzz", -1, NULL);
    CHECK(client_rows_read(&page, NULL, TEXT(""), TEXT("\x7f")) == 0);
    process_count = 0;
    CHECK(page.count == 299 && page.more && page.last.size == 3000);
}

int main(void)
{
    if (client_rows_open(&page)) return EXIT_FAILURE;
    RUN(a_right_client_has_no_fault);
    RUN(a_bad_secret_is_left_out_alone);
    RUN(a_bad_key_is_left_out_alone);
    RUN(a_bad_subject_is_left_out_and_the_client_works);
    RUN(a_bad_grant_or_reader_is_left_out_alone);
    RUN(a_column_that_cannot_be_right_allows_least);
    RUN(several_faults_of_one_row_are_one_bad_row);
    RUN(the_eight_that_end_last_stay);
    RUN(one_clients_faults_do_not_touch_the_next);
    RUN(the_next_page_begins_after_the_last_row_read);
    client_rows_close(&page);
    return CHECK_EXIT();
}
