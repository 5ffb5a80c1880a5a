#include "world.h"

enum { FAILURES_PER_MINUTE = 10, MINUTE = 60 };

static uint32_t age(void *context)
{
    const struct world *world = context;
    return world->age;
}

static struct text scopes(void *context, struct arena *arena)
{
    const struct world *world = context;
    (void)arena;
    return world->scopes;
}

static struct world_client *find(struct world *world, struct text id)
{
    for (size_t i = 0; i < world->client_count; i++)
        if (text_equal(world->clients[i].client.id, id)) return &world->clients[i];
    return NULL;
}

static enum answer client_find(void *context, struct text client_id, struct arena *arena, struct client *client_r)
{
    struct world *world = context;
    const struct world_client *found = find(world, client_id);
    (void)arena;
    if (world->clients_cannot_say) return ANSWER_CANNOT_SAY;
    if (found) *client_r = found->client;
    return found ? ANSWER_YES : ANSWER_NO;
}

static bool rule_takes(const struct world_rule *rule, const struct token_facts *token)
{
    return (!text_present(rule->client_id) || text_equal(rule->client_id, token->client_id)) &&
           (!text_present(rule->credential) || text_equal(rule->credential, token->credential)) &&
           rule->issued_from <= token->issued_at && token->issued_at < rule->issued_before;
}

static enum answer token_revoked(void *context, const struct token_facts *token)
{
    const struct world *world = context;
    if (world->revocations_cannot_say) return ANSWER_CANNOT_SAY;
    for (size_t i = 0; i < world->revoked_count; i++)
        if (text_equal(world->revoked[i], token->jti)) return ANSWER_YES;
    for (size_t i = 0; i < world->rule_count; i++)
        if (rule_takes(&world->rules[i], token)) return ANSWER_YES;
    return ANSWER_NO;
}

static int token_revoke(void *context, const struct token_facts *token)
{
    struct world *world = context;
    world->revocations++;
    if (world->revoked_count == WORLD_REVOKED) return -1;
    world->revoked[world->revoked_count++] = world_keep(world, token->jti);
    return world->not_durable ? -1 : 0;
}

/* GCRA: one request costs its share of a minute; rate_burst of them may be owed. */
static enum answer client_allowed(void *context, const struct client *client)
{
    struct world *world = context;
    struct world_client *found = find(world, client->id);
    if (world->limit_cannot_say) return ANSWER_CANNOT_SAY;
    if (!found || client->rate_per_minute == 0) return ANSWER_YES;
    int64_t now_ms = world->now * 1000, cost = MINUTE * 1000 / client->rate_per_minute;
    int64_t burst = client->rate_burst > 0 ? client->rate_burst : client->rate_per_minute;
    int64_t start = found->free_at_ms > now_ms ? found->free_at_ms : now_ms;
    if (start + cost - now_ms > burst * cost) return ANSWER_NO;
    found->free_at_ms = start + cost;
    return ANSWER_YES;
}

static struct world_failure *find_failure(struct world *world, struct text client_id, struct text source)
{
    for (size_t i = 0; i < world->failure_count; i++)
        if (text_equal(world->failures[i].client_id, client_id) && text_equal(world->failures[i].source, source))
            return &world->failures[i];
    return NULL;
}

static enum answer failure_allowed(void *context, struct text client_id, struct text source)
{
    struct world *world = context;
    const struct world_failure *failure = find_failure(world, client_id, source);
    if (world->failures_cannot_say) return ANSWER_CANNOT_SAY;
    if (!failure || world->now - failure->since >= MINUTE) return ANSWER_YES;
    return failure->count < world->failures_per_minute ? ANSWER_YES : ANSWER_NO;
}

static void failure_count(void *context, struct text client_id, struct text source)
{
    struct world *world = context;
    struct world_failure *failure = find_failure(world, client_id, source);
    if (!failure && world->failure_count < WORLD_FAILURES) {
        failure = &world->failures[world->failure_count++];
        *failure = (struct world_failure){ world_keep(world, client_id), world_keep(world, source), world->now, 0 };
    }
    if (!failure) return;
    if (world->now - failure->since >= MINUTE) {
        failure->since = world->now;
        failure->count = 0;
    }
    failure->count++;
}

static bool verified_cache_find(void *context, const unsigned char fingerprint[STORE_FINGERPRINT], int64_t now)
{
    struct world *world = context;
    for (size_t i = 0; i < world->print_count && i < WORLD_VERIFIED; i++) {
        const struct world_print *print = &world->prints[i];
        if (now >= print->until || memcmp(print->fingerprint, fingerprint, STORE_FINGERPRINT) != 0) continue;
        world->verified_hits++;
        return true;
    }
    return false;
}

static void verified_cache_put(void *context, const unsigned char fingerprint[STORE_FINGERPRINT], int64_t now, int64_t until)
{
    struct world *world = context;
    struct world_print *print = &world->prints[world->print_count++ % WORLD_VERIFIED];
    (void)now;
    memcpy(print->fingerprint, fingerprint, STORE_FINGERPRINT);
    print->until = until;
    world->verified_puts++;
}

static enum answer replay_cache_add(void *context, struct text who, struct text id, int64_t instant, int64_t until)
{
    struct world *world = context;
    for (size_t i = 0; i < world->seen_count; i++) {
        const struct world_seen *seen = &world->seen[i];
        if (instant < seen->until && text_equal(seen->who, who) && text_equal(seen->id, id)) return ANSWER_NO;
    }
    if (world->seen_full || world->seen_count == WORLD_SEEN) return ANSWER_CANNOT_SAY;
    world->seen[world->seen_count++] = (struct world_seen){ world_keep(world, who), world_keep(world, id), until };
    return ANSWER_YES;
}

static enum answer slow_lane_take(void *context)
{
    struct world *world = context;
    if (world->slow_lane_busy) return ANSWER_NO;
    world->lane_taken++;
    return ANSWER_YES;
}

static void slow_lane_give(void *context)
{
    struct world *world = context;
    world->lane_given++;
}

static int64_t now(void *context)
{
    const struct world *world = context;
    return world->now;
}

/* splitmix64: small, and the same for everybody. */
static int roll(void *context, unsigned char *bytes, size_t size)
{
    struct world *world = context;
    for (size_t i = 0; i < size; i++) {
        uint64_t z = world->dice += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        bytes[i] = (unsigned char)(z >> 56);
    }
    return world->no_random ? -1 : 0;
}

static int sign(void *context, const struct keyring_key *key, struct secret_hasher *hasher, struct text input,
                struct buffer *signature)
{
    const struct world *world = context;
    return world->no_signature ? -1 : keyring_sign(key, hasher, input, signature);
}

static int metrics(void *context, struct buffer *page)
{
    (void)context;
    buffer_put(page, TEXT("m2mauth_up 1\n"));
    return 0;
}

static uint64_t degraded(void *context)
{
    const struct world *world = context;
    return world->degraded;
}

static const struct store doors = {
    .age = age,
    .degraded = degraded,
    .scopes = scopes,
    .client_find = client_find,
    .token_revoked = token_revoked,
    .token_revoke = token_revoke,
    .client_allowed = client_allowed,
    .failure_allowed = failure_allowed,
    .failure_count = failure_count,
    .verified_find = verified_cache_find,
    .verified_put = verified_cache_put,
    .replay_once = replay_cache_add,
    .slow_lane_take = slow_lane_take,
    .slow_lane_give = slow_lane_give,
};

int world_open(struct world *world)
{
    *world = (struct world){ .now = WORLD_START };
    if (secret_hasher_open(&world->hasher)) return -1;
    if (arena_open(&world->arena, WORLD_ARENA) || arena_open(&world->memory, WORLD_MEMORY)) return -1;
    return world_reset(world);
}

void world_close(struct world *world)
{
    keyring_clear(&world->keyring);
    arena_close(&world->arena);
    arena_close(&world->memory);
    secret_hasher_close(&world->hasher);
    token_cache_close(&world->token_cache);
    jwk_cache_close(&world->jwk_cache);
}

static void reset_issuer(struct world *world)
{
    world->store = doors;
    world->store.context = world;
    world->issuer = (struct issuer){
        .name = TEXT(WORLD_ISSUER),
        .prefix = TEXT("/oauth"),
        .token_seconds = 300,
        .jwks_max_age = 300,
        .fresh_seconds = 5,
        .validate_seconds = 30,
        .issue_seconds = 300,
        .keyring = &world->keyring,
        .store = &world->store,
        .hasher = &world->hasher,
        .token_cache = &world->token_cache,
        .jwk_cache = &world->jwk_cache,
        .fingerprint_key = { 7 },
        .context = world,
        .now = now,
        .random = roll,
        .sign = sign,
        .metrics = metrics,
    };
}

int world_forget(struct world *world)
{
    token_cache_close(&world->token_cache);
    jwk_cache_close(&world->jwk_cache);
    return token_cache_open(&world->token_cache, WORLD_RECENT) || jwk_cache_open(&world->jwk_cache, WORLD_SHELF) ? -1 : 0;
}

int world_reset(struct world *world)
{
    struct secret_hasher hasher = world->hasher;
    struct arena arena = world->arena, memory = world->memory;
    struct token_cache token_cache = world->token_cache;
    struct jwk_cache jwk_cache = world->jwk_cache;
    const struct keyring_times always = { WORLD_START - 86400, WORLD_START - 86400, 0, 0 };
    keyring_clear(&world->keyring);
    arena_reset(&arena);
    arena_reset(&memory);
    *world = (struct world){ .now = WORLD_START, .hasher = hasher, .token_cache = token_cache, .jwk_cache = jwk_cache, .arena = arena, .memory = memory,
                             .dice = 1, .failures_per_minute = FAILURES_PER_MINUTE };
    reset_issuer(world);
    if (world_forget(world)) return -1;
    return world_add_key(world, TEXT(WORLD_KID), JWS_ES256, MATERIAL_ec, &always);
}

struct text world_keep(struct world *world, struct text t)
{
    return text_present(t) ? arena_copy(&world->memory, t) : t;
}

struct world_client *world_client(struct world *world, struct text id)
{
    struct world_client *client = find(world, id);
    if (!client && world->client_count < WORLD_CLIENTS) {
        client = &world->clients[world->client_count];
        *client = (struct world_client){ .client = {
            .id = world_keep(world, id),
            .slot = (uint32_t)world->client_count++,
            .methods = CLIENT_SECRET_BASIC | CLIENT_SECRET_POST,
            .enabled = true,
            .secrets = client->secrets,
            .keys = client->keys,
            .grants = client->grants,
            .reads = client->reads,
        } };
    }
    if (client) client->client.version++;
    return client;
}

int world_add_secret(struct world *world, struct world_client *client, const struct world_secret *secret)
{
    unsigned char salt[SECRET_SALT];
    char stored[256];
    struct buffer b = { stored, 0, sizeof stored, false };
    if (client->client.secret_count == CLIENT_SECRETS || roll(world, salt, sizeof salt)) return -1;
    struct client_secret *added = &client->secrets[client->client.secret_count];
    *added = (struct client_secret){ .label = world_keep(world, secret->label), .not_before = secret->not_before,
                                     .expires_at = secret->expires_at };
    if (secret_format(&world->hasher, secret->secret, salt, secret->rounds, &b)) return -1;
    if (secret_parse(buffer_text(&b), &added->hash)) return -1;
    client->client.secret_count++;
    return 0;
}

int world_add_client_key(struct world *world, struct world_client *client, const struct world_key *key)
{
    char bytes[1024];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    if (client->client.key_count == CLIENT_KEYS) return -1;
    EVP_PKEY *pair = material_open(key->material);
    int bad = !pair || jwk_put(&b, pair, key->algorithm, key->kid);
    EVP_PKEY_free(pair);
    client->keys[client->client.key_count++] = (struct client_key){
        .kid = world_keep(world, key->kid), .algorithm = key->algorithm, .not_before = key->not_before,
        .jwk = world_keep(world, text_present(key->jwk) ? key->jwk : buffer_text(&b)), .expires_at = key->expires_at };
    return bad ? -1 : 0;
}

int world_add_grant(struct world *world, struct world_client *client, const struct client_grant *grant)
{
    if (client->client.grant_count == CLIENT_GRANTS) return -1;
    client->grants[client->client.grant_count++] = (struct client_grant){
        world_keep(world, grant->audience), world_keep(world, grant->scope), grant->is_default,
        grant->audience_seconds, grant->audience_algorithm };
    return 0;
}

int world_add_reader(struct world *world, struct world_client *client, struct text audience)
{
    if (client->client.read_count == CLIENT_READS) return -1;
    client->reads[client->client.read_count++] = world_keep(world, audience);
    return 0;
}

int world_add_key(struct world *world, struct text kid, enum jws_algorithm algorithm, enum material material,
                  const struct keyring_times *times)
{
    bool secret = algorithm == JWS_HS256;
    EVP_PKEY *private_key = material_open(material), *public_key = secret ? NULL : material_open(material);
    const char *refused = private_key && (public_key || secret)
                        ? keyring_add(&world->keyring, kid, algorithm, times, public_key, private_key) : "no material";
    world->keyring.generation++;
    if (!refused) return 0;
    EVP_PKEY_free(private_key);
    EVP_PKEY_free(public_key);
    return -1;
}

struct text world_handle(struct world *world, const struct request *request, struct response *response)
{
    arena_reset(&world->arena);
    return server_handle(&world->issuer, &world->arena, request, response);
}
