#include "client_record.h"

#include <assert.h>
#include <stdalign.h>

struct record_text {
    uint32_t offset; /* from the start of the record; 0: absent */
    uint16_t size;
    uint16_t mark; /* of a scope: granted by default */
};

struct record_head {
    uint32_t size, seal;
    uint32_t token_seconds, rate_per_minute, rate_burst, assertion_seconds;
    uint16_t grant_count, read_count;
    uint8_t secret_count, methods, omitted_scope, enabled;
    struct record_text id, default_audience, tls_subject, tls_issuer;
    uint8_t key_count, assertion_audience, require_binding, tls_subject_kind;
};

struct record_secret {
    struct record_text label;
    int64_t not_before, expires_at;
    uint64_t rounds;
    unsigned char salt[SECRET_SALT], digest[SECRET_DIGEST];
};

struct record_key {
    struct record_text kid, jwk;
    int64_t not_before, expires_at;
    uint64_t algorithm;
};

struct record_grant {
    struct record_text audience, scope;
    uint32_t audience_seconds;
    int32_t audience_algorithm;
};

static_assert(sizeof(struct record_head) == 68, "no padding: equal clients make equal bytes");
static_assert(sizeof(struct record_secret) == 32 + SECRET_SALT + SECRET_DIGEST, "no padding");
static_assert(sizeof(struct record_key) == 40, "no padding");
static_assert(sizeof(struct record_grant) == 24, "no padding");

enum { RECORD_TEXT = 1024 }; /* a column has at most 255 bytes, a JWK made by jwk_put() fewer than 1024 */

static_assert((3 + CLIENT_SECRETS + 2 * CLIENT_GRANTS + CLIENT_READS) * 255 + 2 * CERTIFICATE_SUBJECT_BYTES +
                      sizeof(struct record_head) + CLIENT_SECRETS * sizeof(struct record_secret) +
                      CLIENT_KEYS * (sizeof(struct record_key) + 2 * RECORD_TEXT) +
                      CLIENT_GRANTS * sizeof(struct record_grant) + CLIENT_READS * sizeof(struct record_text) <
                  CLIENT_RECORD_BYTES,
              "the longest client of the database fits");

/* Writes parts at `part` and texts at `text`; when place is NULL it only counts. */
struct draft {
    char *place;
    size_t part, text;
};

static size_t parts_size(size_t secrets, size_t keys, size_t grants, size_t reads)
{
    return sizeof(struct record_head) + secrets * sizeof(struct record_secret) + keys * sizeof(struct record_key) +
           grants * sizeof(struct record_grant) + reads * sizeof(struct record_text);
}

static void put_part(struct draft *draft, const void *part, size_t size)
{
    if (draft->place) memcpy(draft->place + draft->part, part, size);
    draft->part += size;
}

static struct record_text put_text(struct draft *draft, struct text t)
{
    assert(t.size <= RECORD_TEXT);
    if (!text_present(t)) return (struct record_text){ 0, 0, 0 };
    struct record_text r = { (uint32_t)draft->text, (uint16_t)t.size, 0 };
    if (draft->place && t.size > 0) memcpy(draft->place + draft->text, t.data, t.size);
    draft->text += t.size;
    return r;
}

static void put_secrets(struct draft *draft, const struct client *client)
{
    for (size_t i = 0; i < client->secret_count; i++) {
        const struct client_secret *secret = &client->secrets[i];
        struct record_secret r = { .label = put_text(draft, secret->label),
                                   .not_before = secret->not_before,
                                   .expires_at = secret->expires_at,
                                   .rounds = secret->hash.rounds };
        memcpy(r.salt, secret->hash.salt, sizeof r.salt);
        memcpy(r.digest, secret->hash.digest, sizeof r.digest);
        put_part(draft, &r, sizeof r);
    }
}

static void put_keys(struct draft *draft, const struct client *client)
{
    for (size_t i = 0; i < client->key_count; i++) {
        const struct client_key *key = &client->keys[i];
        struct record_text kid = put_text(draft, key->kid), jwk = put_text(draft, key->jwk);
        struct record_key r = { kid, jwk, key->not_before, key->expires_at, key->algorithm };
        put_part(draft, &r, sizeof r);
    }
}

/* Grants are ordered by audience: a grant of the same audience as the one before shares its text. */
static void put_grants(struct draft *draft, const struct client *client, struct record_text audience)
{
    struct text last = client->default_audience;
    for (size_t i = 0; i < client->grant_count; i++) {
        const struct client_grant *grant = &client->grants[i];
        if (!text_present(last) || !text_equal(last, grant->audience)) audience = put_text(draft, grant->audience);
        last = grant->audience;
        struct record_grant r = { audience, put_text(draft, grant->scope), grant->audience_seconds,
                                  (int32_t)grant->audience_algorithm };
        r.scope.mark = grant->is_default;
        put_part(draft, &r, sizeof r);
    }
}

static size_t build(const struct client *client, char *place)
{
    assert(client->secret_count <= CLIENT_SECRETS && client->key_count <= CLIENT_KEYS &&
           client->grant_count <= CLIENT_GRANTS && client->read_count <= CLIENT_READS);
    struct draft draft = { place, sizeof(struct record_head),
                           parts_size(client->secret_count, client->key_count, client->grant_count,
                                      client->read_count) };
    struct record_text id = put_text(&draft, client->id), audience = put_text(&draft, client->default_audience);
    struct record_text subject = put_text(&draft, client->tls_subject.value),
                       issuer = put_text(&draft, client->tls_issuer);
    struct record_head head = {
        .token_seconds = client->token_seconds,
        .rate_per_minute = client->rate_per_minute,
        .rate_burst = client->rate_burst,
        .assertion_seconds = client->assertion_seconds,
        .grant_count = (uint16_t)client->grant_count,
        .read_count = (uint16_t)client->read_count,
        .secret_count = (uint8_t)client->secret_count,
        .key_count = (uint8_t)client->key_count,
        .assertion_audience = client->assertion_audience,
        .methods = client->methods,
        .omitted_scope = client->omitted_scope,
        .enabled = client->enabled,
        .require_binding = client->require_binding,
        .tls_subject_kind = (uint8_t)client->tls_subject.kind,
        .id = id,
        .default_audience = audience,
        .tls_subject = subject,
        .tls_issuer = issuer,
    };
    put_secrets(&draft, client);
    put_keys(&draft, client);
    put_grants(&draft, client, audience);
    for (size_t i = 0; i < client->read_count; i++) {
        struct record_text r = put_text(&draft, client->reads[i]);
        put_part(&draft, &r, sizeof r);
    }
    head.size = (uint32_t)((draft.text + 7) & ~(size_t)7);
    if (place) {
        memcpy(place, &head, sizeof head);
        memset(place + draft.text, 0, head.size - draft.text);
    }
    return head.size;
}

size_t client_record_size(const struct client *client) { return build(client, NULL); }

void client_record_write(const struct client *client, char *place)
{
    assert(place); /* without one, build() would write nothing */
    (void)build(client, place);
}

/* Returns -1 when the text is not within bytes. */
static int view(struct text bytes, struct record_text r, struct text *text_r)
{
    *text_r = (struct text){ NULL, 0 };
    if (r.offset == 0) return 0;
    if (r.offset > bytes.size || r.size > bytes.size - r.offset) return -1;
    *text_r = (struct text){ bytes.data + r.offset, r.size };
    return 0;
}

static int read_head(struct text bytes, struct record_head *head_r)
{
    if (bytes.size < sizeof *head_r) return -1;
    memcpy(head_r, bytes.data, sizeof *head_r);
    if (head_r->size != bytes.size || head_r->tls_subject_kind >= CERTIFICATE_SUBJECT_KINDS ||
        head_r->secret_count > CLIENT_SECRETS || head_r->key_count > CLIENT_KEYS ||
        head_r->grant_count > CLIENT_GRANTS || head_r->read_count > CLIENT_READS)
        return -1;
    size_t parts = parts_size(head_r->secret_count, head_r->key_count, head_r->grant_count, head_r->read_count);
    return parts <= bytes.size ? 0 : -1;
}

static int read_secrets(struct text bytes, const char *part, struct client *client)
{
    for (size_t i = 0; i < client->secret_count; i++, part += sizeof(struct record_secret)) {
        struct record_secret r;
        struct client_secret *secret = &client->secrets[i];
        memcpy(&r, part, sizeof r);
        if (view(bytes, r.label, &secret->label) || r.rounds > UINT32_MAX) return -1;
        secret->hash.rounds = (uint32_t)r.rounds;
        memcpy(secret->hash.salt, r.salt, sizeof r.salt);
        memcpy(secret->hash.digest, r.digest, sizeof r.digest);
        secret->not_before = r.not_before;
        secret->expires_at = r.expires_at;
    }
    return 0;
}

static int read_keys(struct text bytes, const char *part, struct client *client)
{
    for (size_t i = 0; i < client->key_count; i++, part += sizeof(struct record_key)) {
        struct record_key r;
        struct client_key *key = &client->keys[i];
        memcpy(&r, part, sizeof r);
        if (view(bytes, r.kid, &key->kid) || view(bytes, r.jwk, &key->jwk) || r.algorithm >= JWS_PUBLIC_ALGORITHMS)
            return -1;
        key->algorithm = (enum jws_algorithm)r.algorithm;
        key->not_before = r.not_before;
        key->expires_at = r.expires_at;
    }
    return 0;
}

static int read_grants(struct text bytes, const char *part, struct client *client)
{
    for (size_t i = 0; i < client->grant_count; i++, part += sizeof(struct record_grant)) {
        struct record_grant r;
        struct client_grant *grant = &client->grants[i];
        memcpy(&r, part, sizeof r);
        if (view(bytes, r.audience, &grant->audience) || view(bytes, r.scope, &grant->scope)) return -1;
        bool known = r.audience_algorithm >= 0 && r.audience_algorithm < JWS_PUBLIC_ALGORITHMS;
        if (!known && r.audience_algorithm != JWS_NONE) return -1;
        grant->audience_seconds = r.audience_seconds;
        grant->audience_algorithm = (enum jws_algorithm)r.audience_algorithm;
        grant->is_default = r.scope.mark != 0;
    }
    return 0;
}

static int read_reads(struct text bytes, const char *part, struct client *client)
{
    for (size_t i = 0; i < client->read_count; i++, part += sizeof(struct record_text)) {
        struct record_text r;
        memcpy(&r, part, sizeof r);
        if (view(bytes, r, &client->reads[i])) return -1;
    }
    return 0;
}

/* Allocates all four arrays at once, because every request does this. */
static int allocate_arrays(struct arena *arena, struct client *client)
{
    size_t secrets = client->secret_count * sizeof *client->secrets;
    size_t keys = client->key_count * sizeof *client->keys, grants = client->grant_count * sizeof *client->grants;
    char *arrays = arena_take(arena, secrets + keys + grants + client->read_count * sizeof *client->reads);
    if (!arrays) return -1;
    static_assert(sizeof(struct client_secret) % alignof(struct client_key) == 0, "keys follow secrets");
    static_assert(sizeof(struct client_key) % alignof(struct client_grant) == 0, "grants follow keys");
    static_assert(sizeof(struct client_grant) % alignof(struct text) == 0, "texts follow grants");
    client->secrets = (struct client_secret *)arrays;
    client->keys = (struct client_key *)(arrays + secrets);
    client->grants = (struct client_grant *)(arrays + secrets + keys);
    client->reads = (struct text *)(arrays + secrets + keys + grants);
    return 0;
}

int client_record_read(struct text bytes, struct arena *arena, struct client *client_r)
{
    struct record_head head;
    if (read_head(bytes, &head)) return -1;
    *client_r = (struct client){
        .token_seconds = head.token_seconds,
        .rate_per_minute = head.rate_per_minute,
        .rate_burst = head.rate_burst,
        .assertion_seconds = head.assertion_seconds,
        .methods = head.methods,
        .omitted_scope = head.omitted_scope,
        .enabled = head.enabled != 0,
        .assertion_audience = head.assertion_audience,
        .require_binding = head.require_binding,
        .tls_subject.kind = (enum certificate_subject_kind)head.tls_subject_kind,
        .secret_count = head.secret_count,
        .key_count = head.key_count,
        .grant_count = head.grant_count,
        .read_count = head.read_count,
    };
    if (view(bytes, head.id, &client_r->id) || !text_present(client_r->id) ||
        view(bytes, head.default_audience, &client_r->default_audience) ||
        view(bytes, head.tls_subject, &client_r->tls_subject.value) ||
        view(bytes, head.tls_issuer, &client_r->tls_issuer) || allocate_arrays(arena, client_r))
        return -1;
    return read_secrets(bytes, bytes.data + parts_size(0, 0, 0, 0), client_r) ||
                   read_keys(bytes, bytes.data + parts_size(head.secret_count, 0, 0, 0), client_r) ||
                   read_grants(bytes, bytes.data + parts_size(head.secret_count, head.key_count, 0, 0), client_r) ||
                   read_reads(bytes, bytes.data + parts_size(head.secret_count, head.key_count, head.grant_count, 0),
                              client_r)
             ? -1
             : 0;
}

struct text client_record_id(struct text bytes)
{
    struct record_head head;
    struct text id = { NULL, 0 };
    if (read_head(bytes, &head) == 0) (void)view(bytes, head.id, &id);
    return id;
}
