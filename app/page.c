#include "page.h"

#include <stdlib.h>

#include "../lib/jose/jwk.h"
#include "../lib/oauth/scope.h"

enum {
    PAGE_BYTES = 16 * 1024 * 1024,          /* of texts; one client at its limits needs a fiftieth of it */
    TOKEN_SECONDS_MOST = 86400,
    RATE_MOST = 1000000,
    METHODS_MOST = (1 << CLIENT_METHODS) - 1,
    JWK_BYTES = 1024,                       /* as jwk_put() writes it, of an RSA key of 4096 bits */
    BLAME_BYTES = 128
};

int page_open(struct page *page)
{
    /* Large enough to be mapped apart, so that only what is used is ever touched. */
    *page = (struct page){ .limit = PAGE_CLIENTS };
    page->clients = calloc(PAGE_CLIENTS, sizeof *page->clients);
    page->secrets = calloc(PAGE_CLIENTS * CLIENT_SECRETS, sizeof *page->secrets);
    page->keys = calloc(PAGE_CLIENTS * CLIENT_KEYS, sizeof *page->keys);
    page->grants = calloc(PAGE_CLIENTS * CLIENT_GRANTS, sizeof *page->grants);
    page->reads = calloc(PAGE_CLIENTS * CLIENT_READS, sizeof *page->reads);
    bool taken = page->clients && page->secrets && page->keys && page->grants && page->reads;
    if (taken && arena_open(&page->arena, PAGE_BYTES) == 0) return 0;
    page_close(page);
    return -1;
}

void page_close(struct page *page)
{
    free(page->clients);
    free(page->secrets);
    free(page->keys);
    free(page->grants);
    free(page->reads);
    arena_close(&page->arena);
    *page = (struct page){ .limit = 0 };
}

/* Absent stays absent. */
static struct text keep(struct page *page, struct text column)
{
    if (!text_present(column)) return column;
    struct text copy = arena_copy(&page->arena, column);
    if (!text_present(copy)) page->full = true;
    return copy;
}

static bool is_plain(struct text t, char first)
{
    for (size_t i = 0; i < t.size; i++)
        if (t.data[i] < first || t.data[i] > '~') return false;
    return t.size > 0;
}

/* NULL is 0. */
static bool number(struct text column, uint64_t most, uint32_t *number_r)
{
    uint64_t value = 0;
    if (text_present(column) && text_number(column, most, &value)) return false;
    *number_r = (uint32_t)value;
    return true;
}

static bool instant(struct text column, int64_t *seconds_r)
{
    uint64_t value = 0;
    if (text_present(column) && text_number(column, INT64_MAX, &value)) return false;
    *seconds_r = (int64_t)value;
    return true;
}

static void blame(struct page_client *row, const char *what)
{
    if (!row->wrong) row->wrong = what;
}

static void blame_with(struct page *page, struct page_client *row, const char *column, const char *why)
{
    struct buffer b = { arena_take(&page->arena, BLAME_BYTES), 0, BLAME_BYTES - 1, false };
    if (!b.data) return;
    buffer_put(&b, text_of(column));
    buffer_put(&b, text_of(why));
    blame(row, b.data);
}

/* Why the row's idea of TLS and of binding cannot be believed is blamed; a client that cannot match is no client at all. */
static void take_tls(struct page *page, struct page_client *row, const struct text columns[3])
{
    struct client *client = &row->client;
    uint32_t binding = 0, kind = 0;
    if (!number(columns[0], CLIENT_BINDING_DPOP + 1, &binding) || binding == 0) blame(row, "client.require_binding: not known");
    if (!number(columns[1], SUBJECT_KINDS - 1, &kind)) blame(row, "client.tls_subject_kind: not known");
    client->require_binding = (uint8_t)(binding - 1);
    client->tls_subject = (struct subject){ (enum subject_kind)kind, keep(page, columns[2]) };
    if (kind == SUBJECT_NONE) {
        if (client->methods & CLIENT_TLS) blame(row, "client.tls_subject: tls_client_auth needs it");
    } else if (subject_fault(&client->tls_subject)) {
        blame_with(page, row, "client.tls_subject: ", subject_fault(&client->tls_subject));
    }
}

static int take_client(void *context, const struct text *columns, size_t count)
{
    struct page *page = context;
    if (count != 13 || page->count == page->limit) return -1;
    struct page_client *row = &page->clients[page->count++];
    struct client *client = &row->client;
    uint32_t enabled = 0, methods = 0, omitted = 0, audience = 0;
    *row = (struct page_client){ .wrong = NULL };
    client->id = keep(page, columns[0]);
    client->default_audience = keep(page, columns[3]);
    if (!is_plain(columns[0], ' ')) blame(row, "client.client_id: not 1 to 128 printable characters");
    if (!number(columns[1], 1, &enabled)) blame(row, "client.enabled: neither 0 nor 1");
    if (!number(columns[2], METHODS_MOST, &methods) || methods == 0) blame(row, "client.auth_methods: none is known");
    if (text_present(columns[3]) && !is_plain(columns[3], '!')) blame(row, "client.default_audience: no absolute URI");
    if (!number(columns[4], CLIENT_OMITTED_REFUSE + 1, &omitted) || omitted == 0)
        blame(row, "client.omitted_scope: not known");
    if (!number(columns[5], TOKEN_SECONDS_MOST, &client->token_seconds)) blame(row, "client.token_seconds: over 86400");
    if (!number(columns[6], RATE_MOST, &client->rate_per_minute)) blame(row, "client.rate_per_minute: over 1000000");
    if (!number(columns[7], RATE_MOST, &client->rate_burst)) blame(row, "client.rate_burst: over 1000000");
    if (!number(columns[8], CLIENT_ASSERTION_TOKEN_ENDPOINT + 1, &audience) || audience == 0)
        blame(row, "client.assertion_audience: not known");
    if (!number(columns[12], CLIENT_ASSERTION_SECONDS_MOST, &client->assertion_seconds))
        blame(row, "client.assertion_seconds: over 3600");
    if (client->rate_burst == 0) client->rate_burst = client->rate_per_minute;
    client->enabled = enabled == 1;
    client->methods = (uint8_t)methods;
    client->omitted_scope = (uint8_t)(omitted - 1);
    client->assertion_audience = (uint8_t)(audience - 1);
    take_tls(page, row, columns + 9);
    return 0;
}

static int compare(struct text a, struct text b)
{
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    if (order == 0) order = (a.size > b.size) - (a.size < b.size);
    return order;
}

/* Clients and their rows come in the same order, so one walk along finds every owner. */
static struct page_client *owner(struct page *page, struct text client_id)
{
    while (page->at < page->count && compare(page->clients[page->at].client.id, client_id) < 0) page->at++;
    bool found = page->at < page->count && text_equal(page->clients[page->at].client.id, client_id);
    return found ? &page->clients[page->at] : NULL;
}

static int take_secret(void *context, const struct text *columns, size_t count)
{
    struct page *page = context;
    struct page_client *row = count == 5 ? owner(page, columns[0]) : NULL;
    if (!row) return 0;
    if (row->client.secret_count == CLIENT_SECRETS) {
        blame(row, "client_secret: more than 8 rows");
        return 0;
    }
    struct client_secret *secret = &page->secrets[page->secret_count++];
    if (row->client.secret_count++ == 0) row->client.secrets = secret;
    secret->label = keep(page, columns[1]);
    if (!is_plain(columns[1], '!')) blame(row, "client_secret.label: not a plain word");
    if (!text_present(columns[2]) || secret_parse(columns[2], &secret->hash))
        blame(row, "client_secret.hash: not one that m2mctl secret prints");
    if (!instant(columns[3], &secret->not_before)) blame(row, "client_secret.not_before: not a time");
    if (!instant(columns[4], &secret->expires_at)) blame(row, "client_secret.expires_at: not a time");
    return 0;
}

/* Why the row of a key cannot be believed, or NULL. What goes on is the key as we write it. */
static const char *read_key(struct page *page, const struct text *columns, struct client_key *key)
{
    struct jwk jwk;
    int algorithm = jws_algorithm_find(columns[2]);
    struct buffer b = { arena_take(&page->arena, JWK_BYTES), 0, JWK_BYTES, false };
    if (!b.data) page->full = true;
    if (!b.data || algorithm < 0) return "its alg is not known";
    const char *refused = jwk_read(columns[3], &jwk);
    if (refused) return refused;
    if (jwk.kid[0] != '\0' && !text_equal(text_of(jwk.kid), key->kid)) refused = "its kid is not that of the row";
    if (jwk.algorithm >= 0 && jwk.algorithm != algorithm) refused = "its alg is not that of the row";
    key->algorithm = (enum jws_algorithm)algorithm;
    if (!refused && !jwk_suits(jwk.key, key->algorithm)) refused = "the alg of the row does not suit it";
    if (!refused && jwk_put(&b, jwk.key, key->algorithm, key->kid)) refused = "it cannot be written";
    jwk_close(&jwk);
    key->jwk = buffer_text(&b);
    return refused;
}

static int take_key(void *context, const struct text *columns, size_t count)
{
    struct page *page = context;
    struct page_client *row = count == 6 ? owner(page, columns[0]) : NULL;
    if (!row) return 0;
    if (row->client.key_count == CLIENT_KEYS) {
        blame(row, "client_key: more than 8 rows");
        return 0;
    }
    struct client_key *key = &page->keys[page->key_count++];
    if (row->client.key_count++ == 0) row->client.keys = key;
    key->kid = keep(page, columns[1]);
    if (!is_plain(columns[1], '!') || columns[1].size > JWK_KID_BYTES) blame(row, "client_key.kid: not a plain word");
    const char *refused = read_key(page, columns, key);
    if (refused) blame_with(page, row, "client_key.public_jwk: ", refused);
    if (!instant(columns[4], &key->not_before)) blame(row, "client_key.not_before: not a time");
    if (!instant(columns[5], &key->expires_at)) blame(row, "client_key.expires_at: not a time");
    return 0;
}

/* Grants come ordered by audience, and most repeat their neighbour's. */
static struct text grant_audience(struct page *page, const struct client *client, struct text column)
{
    if (client->grant_count > 0) {
        struct text last = client->grants[client->grant_count - 1].audience;
        if (text_equal(last, column)) return last;
    }
    return keep(page, column);
}

static int take_grant(void *context, const struct text *columns, size_t count)
{
    struct page *page = context;
    struct scope words;
    struct page_client *row = count == 6 ? owner(page, columns[0]) : NULL;
    uint32_t is_default = 0;
    if (!row) return 0;
    if (row->client.grant_count == CLIENT_GRANTS) {
        blame(row, "client_grant: more than 256 rows");
        return 0;
    }
    struct client_grant *grant = &page->grants[page->grant_count++];
    if (row->client.grant_count == 0) row->client.grants = grant;
    grant->audience = grant_audience(page, &row->client, columns[1]);
    grant->scope = keep(page, columns[2]);
    row->client.grant_count++;
    if (!is_plain(columns[1], '!')) blame(row, "client_grant.audience: not an absolute URI");
    if (columns[2].size > 0 && (scope_parse(columns[2], &words) || words.count != 1))
        blame(row, "client_grant.scope: not one scope word");
    if (!number(columns[3], 1, &is_default)) blame(row, "client_grant.is_default: neither 0 nor 1");
    if (!number(columns[4], TOKEN_SECONDS_MOST, &grant->audience_seconds))
        blame(row, "audience.token_seconds: over 86400");
    grant->audience_algorithm = text_present(columns[5]) ? jws_algorithm_find(columns[5]) : -1;
    if (text_present(columns[5]) && grant->audience_algorithm < 0) blame(row, "audience.token_algorithm: not known");
    grant->is_default = is_default == 1;
    return 0;
}

static int take_reader(void *context, const struct text *columns, size_t count)
{
    struct page *page = context;
    struct page_client *row = count == 2 ? owner(page, columns[0]) : NULL;
    if (!row) return 0;
    if (row->client.read_count == CLIENT_READS) {
        blame(row, "audience_reader: more than 64 rows");
        return 0;
    }
    struct text *audience = &page->reads[page->read_count++];
    if (row->client.read_count++ == 0) row->client.reads = audience;
    *audience = keep(page, columns[1]);
    if (!is_plain(columns[1], '!')) blame(row, "audience_reader.audience: not an absolute URI");
    return 0;
}

static int ask(struct page *page, enum db_statement statement, const struct text range[2],
               int (*row)(void *context, const struct text *columns, size_t count))
{
    page->at = 0;
    return db_query(page->db, statement, range, 2, row, page) < 0 ? -1 : 0;
}

/* One snapshot, so that no client is seen with the secrets of another moment. */
static int read_once(struct page *page, struct text first, struct text last)
{
    struct text range[2] = { first, last };
    arena_reset(&page->arena);
    page->full = false;
    page->count = page->secret_count = page->key_count = page->grant_count = page->read_count = 0;
    if (db_query(page->db, DB_BEGIN_SNAPSHOT, NULL, 0, NULL, NULL) < 0) return -1;
    if (ask(page, DB_READ_CLIENTS, range, take_client)) return -1;
    if (page->count > 0 && !page->full) {
        range[0] = page->clients[0].client.id;
        range[1] = page->clients[page->count - 1].client.id;
        if (ask(page, DB_READ_SECRETS, range, take_secret) || ask(page, DB_READ_CLIENT_KEYS, range, take_key) ||
            ask(page, DB_READ_GRANTS, range, take_grant) || ask(page, DB_READ_READERS, range, take_reader)) return -1;
    }
    page->more = page->count == page->limit;
    return db_query(page->db, DB_COMMIT, NULL, 0, NULL, NULL) < 0 ? -1 : 0;
}

static void look_for_doubt(struct page_client *row)
{
    struct text audience = row->client.default_audience;
    if (!text_present(audience)) return;
    for (size_t i = 0; i < row->client.grant_count; i++)
        if (text_equal(row->client.grants[i].audience, audience)) return;
    row->doubtful = "client.default_audience: not among the client's grants";
}

int page_read(struct page *page, struct db *db, struct text first, struct text last)
{
    page->db = db;
    for (;;) {
        int result = read_once(page, first, last);
        if (result == 0 && !page->full) break;
        if (page->limit > 1) page->limit /= 2;
        if (result) return -1;
    }
    for (size_t i = 0; i < page->count; i++) look_for_doubt(&page->clients[i]);
    if (page->limit * 2 <= PAGE_CLIENTS) page->limit *= 2;
    else page->limit = PAGE_CLIENTS;
    return 0;
}
