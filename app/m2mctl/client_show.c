#include "client_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "instant.h"

enum { JSON_BYTES = 6 * DB_VALUE + 2, LABEL_WIDTH = 20 };

static struct text column(const struct client_view *view, enum client_view_column which)
{
    return view->columns[which];
}

static void put_json(struct text t)
{
    char bytes[JSON_BYTES];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    if (text_present(t)) buffer_put_json(&b, t);
    else buffer_put(&b, TEXT("null"));
    printf("%.*s", (int)b.size, b.data);
}

/* Prints t escaped as in JSON, without quotes. */
static void put(struct text t)
{
    char bytes[JSON_BYTES];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    buffer_put_json(&b, t);
    printf("%.*s", (int)b.size - 2, b.data + 1);
}

/* Prints the text for a value of an enumerated column, or the value itself. */
static void put_word(struct text value, const char *const (*words)[2], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(value, text_of(words[i][0]))) {
            fputs(words[i][1], stdout);
            return;
        }
    put(value);
}

static void put_label(const char *label) { printf("%-*s", LABEL_WIDTH, label); }

static bool is_current(const struct client_view_credential *row, int64_t now)
{
    return !row->verdict.why && row->not_before <= now && (row->expires_at == 0 || now < row->expires_at);
}

static void put_moment(const char *before, int64_t when, int64_t now)
{
    char text[INSTANT_BYTES], distance[INSTANT_BYTES];
    instant_format(when, text);
    instant_format_distance(when, now, distance);
    printf("%s %s (%s)", before, text, distance);
}

static void put_credential(const char *label, const struct client_view_credential *row, int64_t now)
{
    put_label(label);
    put(row->name);
    if (text_present(row->algorithm)) printf("  %.*s", (int)row->algorithm.size, row->algorithm.data);
    printf("  ");
    if (row->verdict.why) printf("cannot be used: %s: %s", row->verdict.column, row->verdict.why);
    else if (row->not_before > now) put_moment("begins", row->not_before, now);
    else if (row->expires_at == 0) printf("does not end");
    else put_moment(row->expires_at > now ? "ends" : "ended", row->expires_at, now);
    printf("\n");
}

/* Prints the scopes of one audience. Returns the next grant, of another audience. */
static const struct client_view_grant *put_scopes(const struct client_view_grant *row)
{
    struct text audience = row->audience;
    const char *before = "";
    for (; row && text_equal(row->audience, audience); row = row->next) {
        printf("%s", before);
        before = ", ";
        if (row->scope.size > 0) put(row->scope);
        else printf("without a scope");
        if (row->verdict.why) printf(" (cannot be used: %s: %s)", row->verdict.column, row->verdict.why);
        else if (row->is_default && row->scope.size > 0) printf(" (default)");
    }
    return row;
}

static void put_grants(const struct client_view *view)
{
    const struct client_view_grant *row = view->grants;
    if (!row) printf("%-*sno audience\n", LABEL_WIDTH, "may ask for");
    while (row) {
        put_label("may ask for");
        put(row->audience);
        printf(": ");
        row = put_scopes(row);
        printf("\n");
    }
    if (text_present(column(view, CLIENT_VIEW_default_audience))) {
        put_label("without resource");
        put(column(view, CLIENT_VIEW_default_audience));
        printf("\n");
    }
    for (row = view->introspects; row; row = row->next) {
        put_label("introspects");
        put(row->audience);
        printf("\n");
    }
}

static void put_rules(const struct client_view *view)
{
    static const char *const omitted[][2] = {
        { "default", "the default scopes" },
        { "all", "all its scopes" },
        { "none", "no scope" },
        { "refuse", "refused" },
    };
    static const char *const binding[][2] = {
        { "none", "nothing, or to a key when it sends a DPoP proof" },
        { "any", "its certificate or a DPoP key" },
        { "mtls", "its certificate" },
        { "dpop", "a DPoP key" },
    };
    put_label("without scope");
    put_word(column(view, CLIENT_VIEW_omitted_scope), omitted, sizeof omitted / sizeof *omitted);
    printf("\n");
    put_label("tokens bound to");
    put_word(column(view, CLIENT_VIEW_require_binding), binding, sizeof binding / sizeof *binding);
    printf("\n");
    put_label("tokens live");
    struct text seconds = column(view, CLIENT_VIEW_token_seconds), rate = column(view, CLIENT_VIEW_rate_per_minute);
    if (text_present(seconds)) printf("%.*s s\n", (int)seconds.size, seconds.data);
    else printf("as long as m2mauth.conf says\n");
    put_label("rate");
    if (text_present(rate)) {
        struct text burst = column(view, CLIENT_VIEW_rate_burst);
        if (!text_present(burst)) burst = rate;
        printf("%.*s a minute, %.*s at once\n", (int)rate.size, rate.data, (int)burst.size, burst.data);
    } else {
        printf("not limited\n");
    }
}

static void put_subject(const struct client_view *view)
{
    struct text kind = column(view, CLIENT_VIEW_tls_subject_kind);
    if (!text_present(kind)) return;
    put_label("certificate of");
    put(kind);
    printf(" ");
    put(column(view, CLIENT_VIEW_tls_subject));
    printf("\n");
    put_label("signed by");
    if (text_present(column(view, CLIENT_VIEW_tls_issuer))) put(column(view, CLIENT_VIEW_tls_issuer));
    else printf("any authority that the front server trusts");
    printf("\n");
}

static void put_assertions(const struct client_view *view)
{
    struct text seconds = column(view, CLIENT_VIEW_assertion_seconds);
    if (!view->keys) return;
    put_label("signs for");
    printf("%s", text_equal(column(view, CLIENT_VIEW_assertion_audience), TEXT("issuer"))
                     ? "the issuer"
                     : "the issuer or its token endpoint");
    if (text_present(seconds)) printf(", for %.*s s at most", (int)seconds.size, seconds.data);
    printf("\n");
}

static bool is_enabled(const struct client_view *view)
{
    return text_equal(column(view, CLIENT_VIEW_enabled), TEXT("1"));
}

void client_show_words(const struct client_view *view, int64_t now)
{
    uint64_t created = 0;
    put_label("client");
    put(column(view, CLIENT_VIEW_client_id));
    printf("\n");
    put_label("state");
    printf(is_enabled(view) ? "enabled\n" : "disabled: no new token, and its tokens are inactive\n");
    if (column(view, CLIENT_VIEW_description).size > 0) {
        put_label("description");
        put(column(view, CLIENT_VIEW_description));
        printf("\n");
    }
    if (text_number(column(view, CLIENT_VIEW_created_at), INT64_MAX, &created) == 0) {
        put_label("created");
        put_moment("on", (int64_t)created, now);
        printf("\n");
    }
    put_grants(view);
    put_rules(view);
    put_label("authenticates by");
    put(column(view, CLIENT_VIEW_auth_methods));
    printf("\n");
    for (const struct client_view_credential *row = view->secrets; row; row = row->next)
        put_credential("secret", row, now);
    for (const struct client_view_credential *row = view->keys; row; row = row->next) put_credential("key", row, now);
    put_subject(view);
    put_assertions(view);
}

void client_show_head(void)
{
    printf("%-24s  %-8s  %-26s  %s\n", "client", "state", "valid credentials", "what it may do");
}

static unsigned count_current(const struct client_view_credential *row, int64_t now)
{
    unsigned count = 0;
    for (; row; row = row->next) count += is_current(row, now);
    return count;
}

/* "2 secrets, 1 key, subject" */
static void put_credentials(const struct client_view *view, int64_t now)
{
    char text[64];
    unsigned secrets = count_current(view->secrets, now), keys = count_current(view->keys, now);
    bool subject = text_present(column(view, CLIENT_VIEW_tls_subject_kind));
    int size = 0;
    if (secrets) size = snprintf(text, sizeof text, "%u secret%s", secrets, secrets == 1 ? "" : "s");
    if (keys)
        size += snprintf(text + size, sizeof text - (size_t)size, "%s%u key%s", size ? ", " : "", keys,
                         keys == 1 ? "" : "s");
    if (subject) size += snprintf(text + size, sizeof text - (size_t)size, "%ssubject", size ? ", " : "");
    printf("  %-26.*s  ", size ? size : 4, size ? text : "none");
}

void client_show_line(const struct client_view *view, int64_t now)
{
    static const int before_audience = 24 + 2 + 8 + 2 + 26 + 2;
    const struct client_view_grant *row = view->grants;
    size_t width = column(view, CLIENT_VIEW_client_id).size;
    put(column(view, CLIENT_VIEW_client_id));
    printf("%*s  %-8s", width < 24 ? (int)(24 - width) : 0, "", is_enabled(view) ? "enabled" : "disabled");
    put_credentials(view, now);
    bool first = true;
    for (; row; first = false) {
        if (!first) printf("%*s", before_audience, "");
        put(row->audience);
        printf(": ");
        row = put_scopes(row);
        printf("\n");
    }
    for (row = view->introspects; row; row = row->next, first = false) {
        printf("%*sintrospects ", first ? 0 : before_audience, "");
        put(row->audience);
        printf("\n");
    }
    if (first) printf("nothing\n");
}

static void put_json_instant(int64_t seconds)
{
    char text[INSTANT_BYTES];
    struct tm tm;
    time_t time = seconds;
    if (seconds == 0 || !gmtime_r(&time, &tm) || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        printf("null");
    else printf("\"%s\"", text);
}

static void put_json_credentials(const char *list, const char *name, const struct client_view_credential *row,
                                 int64_t now)
{
    const char *before = "";
    printf(",\"%s\":[", list);
    for (; row; row = row->next) {
        printf("%s{\"%s\":", before, name);
        before = ",";
        put_json(row->name);
        if (text_present(row->algorithm)) {
            printf(",\"alg\":");
            put_json(row->algorithm);
        }
        printf(",\"not_before\":");
        put_json_instant(row->not_before);
        printf(",\"expires_at\":");
        put_json_instant(row->expires_at);
        printf(",\"in_force\":%s,\"fault\":", is_current(row, now) ? "true" : "false");
        put_json(text_of(row->verdict.why));
        printf("}");
    }
    printf("]");
}

static void put_json_grants(const struct client_view *view)
{
    const char *before = "";
    printf(",\"grants\":[");
    for (const struct client_view_grant *row = view->grants; row; row = row->next) {
        printf("%s{\"audience\":", before);
        before = ",";
        put_json(row->audience);
        printf(",\"scope\":");
        put_json(row->scope);
        printf(",\"is_default\":%s,\"fault\":", row->is_default ? "true" : "false");
        put_json(text_of(row->verdict.why));
        printf("}");
    }
    printf("],\"introspects\":[");
    before = "";
    for (const struct client_view_grant *row = view->introspects; row; row = row->next) {
        printf("%s", before);
        before = ",";
        put_json(row->audience);
    }
    printf("]");
}

/* Decimal numbers of SQL are numbers of JSON. */
static void put_json_column(const struct client_view *view, enum client_view_column which, const char *name)
{
    uint64_t number = 0;
    struct text value = column(view, which);
    printf("%s\"%s\":", which == CLIENT_VIEW_client_id ? "" : ",", name);
    bool is_number = which == CLIENT_VIEW_token_seconds || which == CLIENT_VIEW_rate_per_minute ||
                     which == CLIENT_VIEW_rate_burst || which == CLIENT_VIEW_assertion_seconds;
    if (which == CLIENT_VIEW_enabled) printf(is_enabled(view) ? "true" : "false");
    else if (which == CLIENT_VIEW_created_at && text_number(value, INT64_MAX, &number) == 0)
        put_json_instant((int64_t)number);
    else if (is_number && text_present(value) && text_number(value, UINT64_MAX, &number) == 0)
        printf("%" PRIu64, number);
    else put_json(value);
}

void client_show_json(const struct client_view *view, int64_t now)
{
    static const char *const names[] = {
#define COLUMN_NAME(name, sql) #name,
        DB_CLIENT_COLUMN_LIST(COLUMN_NAME)
#undef COLUMN_NAME
    };
    printf("{");
    for (size_t i = 0; i < CLIENT_VIEW_COLUMNS; i++) put_json_column(view, (enum client_view_column)i, names[i]);
    put_json_grants(view);
    put_json_credentials("secrets", "label", view->secrets, now);
    put_json_credentials("keys", "kid", view->keys, now);
    printf("}");
}
