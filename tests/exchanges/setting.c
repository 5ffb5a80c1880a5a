#include "setting.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../lib/base/base64url.h"
#include "forge.h"

enum { WORDS = 48, DAY = 86400, NUMBER_SIZE = 24 };

/* The words of a line, expanded; words[0] is what follows the verb. */
struct words {
    size_t count;
    struct text words[WORDS];
};

/* The next word of the raw line; a blank within ${...} is part of it. */
static bool next_word(struct text *rest, struct text *word_r)
{
    size_t size = 0;
    bool inside = false;
    while (rest->size > 0 && rest->data[0] == ' ') *rest = text_slice(*rest, 1, rest->size);
    while (size < rest->size && (inside || rest->data[size] != ' ')) {
        if (text_begins(text_slice(*rest, size, 2), TEXT("${"))) inside = true;
        if (rest->data[size++] == '}') inside = false;
    }
    *word_r = text_slice(*rest, 0, size);
    *rest = text_slice(*rest, size, rest->size);
    return size > 0;
}

static int read_words(struct script *script, struct text line, struct words *words_r)
{
    struct text word;
    words_r->count = 0;
    while (next_word(&line, &word)) {
        if (words_r->count == WORDS) return script_fail(script, "more than %d words", WORDS);
        if (script_expand(script, word, &words_r->words[words_r->count++])) return -1;
    }
    return 0;
}

/* The value of key=value; absent when there is none. */
static struct text option(const struct words *words, struct text key)
{
    for (size_t i = 0; i < words->count; i++) {
        struct text rest = words->words[i], name;
        if (text_split(&rest, '=', &name) && text_present(rest) && text_equal(name, key)) return rest;
    }
    return (struct text){ NULL, 0 };
}

static int64_t number(struct text t, int64_t fallback)
{
    char digits[NUMBER_SIZE] = "";
    if (!text_present(t) || t.size >= sizeof digits) return fallback;
    memcpy(digits, t.data, t.size);
    return strtoll(digits, NULL, 10);
}

/* A time as an offset from the world's clock; fallback when the word is not there. */
static int64_t instant(const struct script *script, const struct words *words, struct text key, int64_t fallback)
{
    struct text value = option(words, key);
    return text_present(value) ? script->world.now + number(value, 0) : fallback;
}

static int set_clock(struct script *script, const struct words *words)
{
    script->world.now += number(words->words[0], 0);
    return 0;
}

static int set_age(struct script *script, const struct words *words)
{
    bool never = text_equal(words->words[0], TEXT("never"));
    script->world.age = never ? STORE_NEVER : (uint32_t)number(words->words[0], 0);
    return 0;
}

/* `NAME on|off`, with a name of STORE_DEGRADED_LIST. */
static int set_degraded(struct script *script, const struct words *words)
{
    static const struct text names[] = {
#define DEGRADED_TEXT(name, help) TEXT(#name),
        STORE_DEGRADED_LIST(DEGRADED_TEXT)
#undef DEGRADED_TEXT
    };
    for (size_t i = 0; i < STORE_DEGRADED_COUNT; i++) {
        uint64_t bit = UINT64_C(1) << i;
        if (!text_equal(names[i], words->words[0])) continue;
        script->world.degraded = (script->world.degraded & ~bit) | (text_equal(words->words[1], TEXT("on")) ? bit : 0);
        return 0;
    }
    return script_fail(script, "no such reason");
}

static int set_mtls(struct script *script, const struct words *words)
{
    script->world.issuer.mtls_name = words->words[0];
    return 0;
}

static int set_issuer(struct script *script, const struct words *words)
{
    script->world.issuer.name = words->words[0];
    script->world.issuer.prefix = words->count > 1 ? words->words[1] : TEXT("");
    return 0;
}

static int set_switch(struct script *script, const struct words *words)
{
    struct world *world = &script->world;
    const struct { struct text name; bool *place; } switches[] = {
        { TEXT("clients-cannot-say"), &world->clients_cannot_say },
        { TEXT("revocations-cannot-say"), &world->revocations_cannot_say },
        { TEXT("limit-cannot-say"), &world->limit_cannot_say },
        { TEXT("failures-cannot-say"), &world->failures_cannot_say }, { TEXT("not-durable"), &world->not_durable },
        { TEXT("slow-lane-busy"), &world->slow_lane_busy }, { TEXT("no-random"), &world->no_random },
        { TEXT("no-signature"), &world->no_signature }, { TEXT("seen-full"), &world->seen_full },
        { TEXT("dpop-nonce"), &world->issuer.dpop_nonce },
    };
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++)
        if (text_equal(switches[i].name, words->words[0])) {
            *switches[i].place = text_equal(words->words[1], TEXT("on"));
            return 0;
        }
    if (!text_equal(words->words[0], TEXT("no-metrics"))) return script_fail(script, "no such switch");
    world->issuer.metrics = NULL;
    return 0;
}

static int set_methods(struct script *script, struct client *client, struct text list)
{
    static const struct { struct text name; uint8_t bits; } methods[] = {
        { TEXT("none"), 0 }, { TEXT("basic"), CLIENT_SECRET_BASIC }, { TEXT("post"), CLIENT_SECRET_POST },
        { TEXT("jwt"), CLIENT_PRIVATE_KEY_JWT }, { TEXT("tls"), CLIENT_TLS }, { TEXT("selftls"), CLIENT_SELF_SIGNED_TLS },
        { TEXT("alltls"), CLIENT_TLS | CLIENT_SELF_SIGNED_TLS },
    };
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (text_equal(methods[i].name, list)) {
            client->methods = methods[i].bits;
            return 0;
        }
    return text_present(list) ? script_fail(script, "no such method") : 0;
}

static int set_omitted(struct script *script, struct client *client, struct text word)
{
    static const struct text words[] = { TEXT("default"), TEXT("all"), TEXT("none"), TEXT("refuse") };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_equal(words[i], word)) {
            client->omitted_scope = (uint8_t)i;
            return 0;
        }
    return text_present(word) ? script_fail(script, "no such rule for an omitted scope") : 0;
}

static int set_binding(struct script *script, struct client *client, struct text word)
{
    static const struct text words[] = { TEXT("none"), TEXT("any"), TEXT("mtls"), TEXT("dpop") };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_equal(words[i], word)) {
            client->require_binding = (uint8_t)i;
            return 0;
        }
    return text_present(word) ? script_fail(script, "no such binding") : 0;
}

/* `subject_dn:CN=x`, which has no blank. */
static int set_subject(struct script *script, struct client *client, struct text rule)
{
    static const struct text kinds[CERTIFICATE_SUBJECT_KINDS] = {
        TEXT(""),
#define KIND_TEXT(name) TEXT(#name),
        CERTIFICATE_SUBJECT_KIND_LIST(KIND_TEXT)
#undef KIND_TEXT
    };
    struct text kind;
    if (!text_present(rule)) return 0;
    (void)text_split(&rule, ':', &kind);
    for (size_t i = 1; i < CERTIFICATE_SUBJECT_KINDS; i++)
        if (text_equal(kinds[i], kind)) client->tls_subject = (struct certificate_subject){ (enum certificate_subject_kind)i, rule };
    return certificate_subject_fault(&client->tls_subject) ? script_fail(script, "no such subject") : 0;
}

static int set_client(struct script *script, const struct words *words)
{
    struct world_client *added = world_client(&script->world, words->words[0]);
    if (!added) return script_fail(script, "more than %d clients", WORLD_CLIENTS);
    struct client *client = &added->client;
    client->enabled = number(option(words, TEXT("enabled")), client->enabled) != 0;
    client->token_seconds = (uint32_t)number(option(words, TEXT("seconds")), client->token_seconds);
    client->rate_per_minute = (uint32_t)number(option(words, TEXT("rate")), client->rate_per_minute);
    client->rate_burst = (uint32_t)number(option(words, TEXT("burst")), client->rate_burst);
    client->assertion_seconds = (uint32_t)number(option(words, TEXT("assertion")), client->assertion_seconds);
    if (text_present(option(words, TEXT("default")))) client->default_audience = option(words, TEXT("default"));
    if (text_present(option(words, TEXT("aud"))))
        client->assertion_audience = text_equal(option(words, TEXT("aud")), TEXT("token_endpoint"));
    if (text_present(option(words, TEXT("issuer")))) client->tls_issuer = option(words, TEXT("issuer"));
    if (set_methods(script, client, option(words, TEXT("methods")))) return -1;
    if (set_binding(script, client, option(words, TEXT("binding")))) return -1;
    if (set_subject(script, client, option(words, TEXT("subject")))) return -1;
    return set_omitted(script, client, option(words, TEXT("omitted")));
}

static int add_secret(struct script *script, const struct words *words)
{
    struct world_client *client = world_client(&script->world, words->words[0]);
    const struct world_secret secret = {
        .label = words->words[1],
        .secret = words->words[2],
        .rounds = (uint32_t)number(option(words, TEXT("rounds")), 0),
        .not_before = instant(script, words, TEXT("from"), 0),
        .expires_at = instant(script, words, TEXT("until"), 0),
    };
    return client && !world_add_secret(&script->world, client, &secret) ? 0 : script_fail(script, "cannot add the secret");
}

static int add_client_key(struct script *script, const struct words *words)
{
    struct world_client *client = world_client(&script->world, words->words[0]);
    enum jws_algorithm algorithm = jws_algorithm_find(words->words[2]);
    int material = material_find(option(words, TEXT("material")));
    if (!client || algorithm == JWS_NONE) return script_fail(script, "no such algorithm, or too many clients");
    const struct world_key key = {
        .kid = words->words[1],
        .algorithm = algorithm,
        .material = material < 0 ? material_for(algorithm) : (enum material)material,
        .not_before = instant(script, words, TEXT("from"), 0),
        .expires_at = instant(script, words, TEXT("until"), 0),
    };
    return world_add_client_key(&script->world, client, &key) ? script_fail(script, "cannot add the key") : 0;
}

/* A scope word with `!` behind it is given when the request names none. */
static int add_grants(struct script *script, const struct words *words)
{
    struct world_client *client = world_client(&script->world, words->words[0]);
    struct client_grant grant = { .audience = words->words[1], .scope = TEXT(""), .audience_algorithm = JWS_NONE };
    int bad = client ? 0 : -1;
    if (words->count == 2 && !bad) bad = world_add_grant(&script->world, client, &grant);
    for (size_t i = 2; i < words->count && !bad; i++) {
        grant.scope = words->words[i];
        grant.is_default = grant.scope.data[grant.scope.size - 1] == '!';
        if (grant.is_default) grant.scope.size--;
        bad = world_add_grant(&script->world, client, &grant);
    }
    return bad ? script_fail(script, "cannot add the grant") : 0;
}

/* What an audience asks of its tokens; for the grants of it that stand already. */
static int set_audience(struct script *script, const struct words *words)
{
    enum jws_algorithm algorithm = jws_algorithm_find(option(words, TEXT("algorithm")));
    if (text_present(option(words, TEXT("algorithm"))) && algorithm == JWS_NONE) return script_fail(script, "no such algorithm");
    for (size_t i = 0; i < script->world.client_count; i++)
        for (size_t j = 0; j < script->world.clients[i].client.grant_count; j++) {
            struct client_grant *grant = &script->world.clients[i].grants[j];
            if (!text_equal(grant->audience, words->words[0])) continue;
            grant->audience_seconds = (uint32_t)number(option(words, TEXT("seconds")), 0);
            grant->audience_algorithm = algorithm;
        }
    return 0;
}

static int add_readers(struct script *script, const struct words *words)
{
    struct world_client *client = world_client(&script->world, words->words[0]);
    int bad = client ? 0 : -1;
    for (size_t i = 1; i < words->count && !bad; i++) bad = world_add_reader(&script->world, client, words->words[i]);
    return bad ? script_fail(script, "cannot add the reader") : 0;
}

static int add_rule(struct script *script, const struct words *words)
{
    struct world *world = &script->world;
    if (world->rule_count == WORLD_RULES) return script_fail(script, "more than %d rules", WORLD_RULES);
    world->rules[world->rule_count++] = (struct world_rule){
        option(words, TEXT("client")), option(words, TEXT("cred")), instant(script, words, TEXT("from"), 0),
        instant(script, words, TEXT("before"), world->now + 1) };
    return 0;
}

static int add_key(struct script *script, const struct words *words)
{
    struct world *world = &script->world;
    enum jws_algorithm algorithm = jws_algorithm_find_own(words->words[1]);
    if (algorithm == JWS_NONE) return script_fail(script, "no such algorithm");
    int material = material_find(option(words, TEXT("material")));
    const struct keyring_times times = {
        instant(script, words, TEXT("publish"), world->now - DAY), instant(script, words, TEXT("activate"), world->now - DAY),
        instant(script, words, TEXT("retire"), 0), instant(script, words, TEXT("remove"), 0) };
    if (text_present(option(words, TEXT("unproven")))) {
        world->keyring.generation++;
        return keyring_add_unproven(&world->keyring, words->words[0], algorithm, &times)
             ? script_fail(script, "cannot add the key") : 0;
    }
    enum material chosen = material < 0 ? material_for(algorithm) : (enum material)material;
    return world_add_key(world, words->words[0], algorithm, chosen, &times)
         ? script_fail(script, "cannot add the key") : 0;
}

static int drop_keys(struct script *script, const struct words *words)
{
    (void)words;
    keyring_clear(&script->world.keyring);
    script->world.keyring.generation++;
    return 0;
}

static int lack_keys(struct script *script, const struct words *words)
{
    (void)words;
    script->world.keyring.incomplete = true;
    return 0;
}

static int forget(struct script *script, const struct words *words)
{
    (void)words;
    return world_forget(&script->world) ? script_fail(script, "out of memory") : 0;
}

static int set_algorithm(struct script *script, const struct words *words)
{
    enum jws_algorithm algorithm = jws_algorithm_find_own(words->words[0]);
    if (algorithm == JWS_NONE) return script_fail(script, "no such algorithm");
    script->world.issuer.token_algorithm = algorithm;
    return 0;
}

static int set_failures(struct script *script, const struct words *words)
{
    script->world.failures_per_minute = (unsigned)number(words->words[0], 0);
    return 0;
}

/* `NAME ID SECRET FORM`: asks for a token by post and names it. */
static int get_token(struct script *script, const struct words *words)
{
    struct response response;
    char bytes[2048];
    struct buffer body = { bytes, 0, sizeof bytes, false };
    struct text prefix = script->world.issuer.prefix, path;
    const struct text parts[] = { TEXT("grant_type=client_credentials&client_id="), words->words[1],
                                  TEXT("&client_secret="), words->words[2], TEXT("&"),
                                  words->count > 3 ? words->words[3] : TEXT("") };
    char path_bytes[64];
    struct buffer b = { path_bytes, 0, sizeof path_bytes, false };
    buffer_put(&b, prefix);
    buffer_put(&b, TEXT("/token"));
    path = buffer_text(&b);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) buffer_put(&body, parts[i]);
    const struct request request = { .method = TEXT("POST"), .path = path, .body = buffer_text(&body),
                                     .content_type = TEXT("application/x-www-form-urlencoded") };
    struct text answer = world_handle(&script->world, &request, &response), line;
    while (text_split(&answer, '\n', &line) && line.size > 1) continue;
    if (!script_match(script, TEXT("{\"access_token\":\"${=token}\",*"), answer))
        return script_fail(script, "no token: %.*s", (int)answer.size, answer.data);
    return script_put(script, words->words[0], script_find(script, TEXT("token")));
}

/* `NAME header|claims PATTERN`: what a token says. */
static int look_into_token(struct script *script, struct text rest)
{
    char bytes[8192];
    struct buffer decoded = { bytes, 0, sizeof bytes, false };
    struct text name, part, pattern;
    struct jws jws;
    if (!next_word(&rest, &name) || !next_word(&rest, &part)) return script_fail(script, "decode NAME PART PATTERN is meant");
    if (jws_split(script_find(script, name), &jws)) return script_fail(script, "that is not a token");
    if (script_expand(script, text_trim(rest), &pattern)) return -1;
    if (base64url_decode(text_equal(part, TEXT("header")) ? jws.header : jws.payload, &decoded))
        return script_fail(script, "that is not base64url");
    return script_match(script, pattern, buffer_text(&decoded)) ? 0
         : script_fail(script, "the token says %.*s", (int)decoded.size, decoded.data);
}

/* `WHAT N`: how often the world was asked for something. */
static int look_at_count(struct script *script, const struct words *words)
{
    const struct world *world = &script->world;
    const struct { struct text name; unsigned count; } counts[] = {
        { TEXT("lane-taken"), world->lane_taken }, { TEXT("lane-given"), world->lane_given },
        { TEXT("verified-hits"), world->verified_hits }, { TEXT("verified-puts"), world->verified_puts },
        { TEXT("revocations"), world->revocations },
    };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (text_equal(counts[i].name, words->words[0]))
            return counts[i].count == (unsigned)number(words->words[1], -1) ? 0
                 : script_fail(script, "it is %u", counts[i].count);
    return script_fail(script, "no such count");
}

static int set_text(struct script *script, const struct words *words)
{
    return script_put(script, words->words[0], words->words[1]);
}

/* `NAME OTHER`: base64url of the SHA-256 of what OTHER names. */
static int set_hash(struct script *script, const struct words *words)
{
    unsigned char digest[SECRET_DIGEST];
    char bytes[BASE64URL_SIZE(SECRET_DIGEST)];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    struct text named = script_find(script, words->words[1]);
    if (secret_digest(&script->world.hasher, &named, 1, digest)) return script_fail(script, "no digest");
    base64url_put(&b, (struct text){ (const char *)digest, sizeof digest });
    return script_put(script, words->words[0], world_keep(&script->world, buffer_text(&b)));
}

/* `NAME FILE`: a certificate of tests/vectors/certificates, as nginx hands it over. */
static int set_certificate(struct script *script, const struct words *words)
{
    char path[512], bytes[8192];
    const char *source = getenv("srcdir");
    struct buffer b = { bytes, 0, sizeof bytes, false };
    (void)snprintf(path, sizeof path, "%s/tests/vectors/certificates/%.*s.pem", source ? source : ".",
                   (int)words->words[1].size, words->words[1].data);
    FILE *file = fopen(path, "r");
    if (!file) return script_fail(script, "no such certificate");
    for (int c = fgetc(file); c != EOF; c = fgetc(file)) {
        char escaped[8];
        (void)snprintf(escaped, sizeof escaped, "%%%02X", (unsigned)c & 255);
        buffer_put(&b, text_of(escaped));
    }
    (void)fclose(file);
    return script_put(script, words->words[0], world_keep(&script->world, buffer_text(&b)));
}

static int compare(struct script *script, const struct words *words)
{
    struct text a = script_find(script, words->words[0]), b = script_find(script, words->words[1]);
    return text_equal(a, b) ? 0 : script_fail(script, "%.*s is not %.*s", (int)a.size, a.data, (int)b.size, b.data);
}

static int contrast(struct script *script, const struct words *words)
{
    struct text a = script_find(script, words->words[0]), b = script_find(script, words->words[1]);
    return text_equal(a, b) ? script_fail(script, "both are %.*s", (int)a.size, a.data) : 0;
}

static const struct {
    struct text verb;
    size_t least;               /* words that have to follow */
    int (*apply)(struct script *script, const struct words *words);
} settings[] = {
    { TEXT("clock"), 1, set_clock },
    { TEXT("age"), 1, set_age },
    { TEXT("degraded"), 2, set_degraded },
    { TEXT("issuer"), 1, set_issuer },
    { TEXT("mtls"), 1, set_mtls },
    { TEXT("text"), 2, set_text },
    { TEXT("hash"), 2, set_hash },
    { TEXT("certificate"), 2, set_certificate },
    { TEXT("switch"), 2, set_switch },
    { TEXT("client"), 1, set_client },
    { TEXT("secret"), 3, add_secret },
    { TEXT("clientkey"), 3, add_client_key },
    { TEXT("grant"), 2, add_grants },
    { TEXT("audience"), 1, set_audience },
    { TEXT("reads"), 2, add_readers },
    { TEXT("rule"), 1, add_rule },
    { TEXT("key"), 2, add_key },
    { TEXT("nokeys"), 0, drop_keys },
    { TEXT("incomplete"), 0, lack_keys },
    { TEXT("algorithm"), 1, set_algorithm },
    { TEXT("forget"), 0, forget },
    { TEXT("failures"), 1, set_failures },
    { TEXT("token"), 3, get_token },
    { TEXT("count"), 2, look_at_count },
    { TEXT("same"), 2, compare },
    { TEXT("differ"), 2, contrast },
};

int setting_apply(struct script *script, struct text line)
{
    struct words words;
    struct text verb, rest = line;
    (void)next_word(&rest, &verb);
    rest = text_trim(rest);
    if (text_equal(verb, TEXT("decode"))) return look_into_token(script, rest);
    if (text_equal(verb, TEXT("forge"))) return forge_token(script, rest);
    if (text_equal(verb, TEXT("twin"))) return forge_twin(script, rest);
    if (text_equal(verb, TEXT("flip"))) return forge_flip(script, rest);
    if (text_equal(verb, TEXT("scopes"))) return script_expand(script, rest, &script->world.scopes);
    if (text_equal(verb, TEXT("header"))) script->header = rest;
    if (text_equal(verb, TEXT("claims"))) script->claims = rest;
    if (text_equal(verb, TEXT("header")) || text_equal(verb, TEXT("claims"))) return 0;
    if (read_words(script, rest, &words)) return -1;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        if (!text_equal(settings[i].verb, verb)) continue;
        if (words.count < settings[i].least) return script_fail(script, "too few words behind %.*s", (int)verb.size, verb.data);
        return settings[i].apply(script, &words);
    }
    return script_fail(script, "no such line: %.*s", (int)verb.size, verb.data);
}
