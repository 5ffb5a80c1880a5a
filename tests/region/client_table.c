/* client_table: a client that was put is found whole, a removed one is not found, and ANSWER_CANNOT_SAY is returned if needed. */
#include "../../app/region/client_table.h"

#include "../../app/region/hash.h"
#include "fixture.h"

static struct config config;
static struct region region;
static struct client_table_writer *writer;
static struct arena arena;

static void set_up(uint32_t clients_max, uint32_t client_bytes)
{
    config = fixture_config();
    config.clients_max = clients_max;
    config.client_bytes = client_bytes;
    region = fixture_region(&config);
    writer = client_table_writer_new(&region);
    if (!writer || arena_open(&arena, 1 << 20)) exit(2);
}

static void tear_down(void)
{
    client_table_writer_free(writer);
    region_close(&region);
    arena_close(&arena);
}

static enum answer find(struct text id, struct client *client_r)
{
    arena_reset(&arena);
    return client_table_find(&region, id, &arena, client_r);
}

static int put_plain(struct text id, uint32_t seconds)
{
    struct client client = { .id = id, .token_seconds = seconds, .enabled = true };
    return client_table_put(writer, &client);
}

static const struct client_secret secrets[] = {
    { TEXT("blue"), { 0, { 1, 2, 3 }, { 4, 5, 6 } }, -5, 1LL << 40 },
    { TEXT("green-2026"), { 5000000, { 7 }, { 8, [31] = 9 } }, 0, 0 },
};
static const struct client_grant grants[] = {
    { TEXT("https://a.example/"), TEXT("read"), true, 30, JWS_EdDSA },
    { TEXT("https://a.example/"), TEXT("write"), false, 30, JWS_EdDSA },
    { TEXT("https://b.example/"), TEXT(""), false, 0, JWS_NONE },
};
static const struct text reads[] = { TEXT("https://a.example/"), TEXT("urn:x") };

static struct client rich_client(void)
{
    return (struct client){
        .id = TEXT("rich client ~ 1"), .default_audience = TEXT("https://a.example/"), .token_seconds = 77,
        .rate_per_minute = 600, .rate_burst = 20, .assertion_seconds = 3600, .methods = 31, .omitted_scope = CLIENT_OMITTED_REFUSE,
        .enabled = true, .secret_count = 2, .grant_count = 3, .read_count = 2,
        .secrets = (struct client_secret *)secrets, .grants = (struct client_grant *)grants,
        .reads = (struct text *)reads, .tls_subject = { SUBJECT_san_uri, TEXT("urn:x") }, .tls_issuer = TEXT("CN=CA"),
    };
}

static void every_field_comes_back(void)
{
    struct client in = rich_client(), out;
    CHECK(client_table_put(writer, &in) == 0);
    CHECK(find(in.id, &out) == ANSWER_YES);
    CHECK_TEXT(out.id, in.id);
    CHECK_TEXT(out.default_audience, in.default_audience);
    CHECK_TEXT(out.tls_subject.value, in.tls_subject.value);
    CHECK_TEXT(out.tls_issuer, in.tls_issuer);
    CHECK(out.tls_subject.kind == SUBJECT_san_uri);
    CHECK(out.token_seconds == 77 && out.rate_per_minute == 600 && out.rate_burst == 20 && out.methods == 31);
    CHECK(out.assertion_seconds == 3600 && out.omitted_scope == CLIENT_OMITTED_REFUSE && out.enabled);
    CHECK(out.secret_count == 2 && out.grant_count == 3 && out.read_count == 2);
    for (size_t i = 0; i < 2; i++) {
        CHECK_TEXT(out.secrets[i].label, secrets[i].label);
        CHECK(memcmp(out.secrets[i].hash.salt, secrets[i].hash.salt, SECRET_SALT) == 0);
        CHECK(memcmp(out.secrets[i].hash.digest, secrets[i].hash.digest, SECRET_DIGEST) == 0);
        CHECK(out.secrets[i].hash.rounds == secrets[i].hash.rounds);
        CHECK(out.secrets[i].not_before == secrets[i].not_before && out.secrets[i].expires_at == secrets[i].expires_at);
        CHECK_TEXT(out.reads[i], reads[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        CHECK_TEXT(out.grants[i].audience, grants[i].audience);
        CHECK_TEXT(out.grants[i].scope, grants[i].scope);
        CHECK(text_present(out.grants[i].scope) && out.grants[i].is_default == grants[i].is_default);
        CHECK(out.grants[i].audience_seconds == grants[i].audience_seconds);
        CHECK(out.grants[i].audience_algorithm == grants[i].audience_algorithm);
    }
}

static void an_absent_default_audience_stays_absent(void)
{
    struct client out;
    CHECK(put_plain(TEXT("plain"), 1) == 0);
    CHECK(find(TEXT("plain"), &out) == ANSWER_YES);
    CHECK(!text_present(out.default_audience) && out.secret_count == 0 && out.grant_count == 0 && out.read_count == 0);
}

static void ids_are_bytes(void)
{
    struct client out;
    CHECK(put_plain(TEXT("abc"), 1) == 0);
    CHECK(put_plain(TEXT("abc "), 2) == 0);
    CHECK(put_plain(TEXT("ABC"), 3) == 0);
    CHECK(find(TEXT("abc"), &out) == ANSWER_YES && out.token_seconds == 1);
    CHECK(find(TEXT("abc "), &out) == ANSWER_YES && out.token_seconds == 2);
    CHECK(find(TEXT("ABC"), &out) == ANSWER_YES && out.token_seconds == 3);
    CHECK(find(TEXT("ab"), &out) == ANSWER_NO);
    CHECK(find(TEXT("abc\0"), &out) == ANSWER_NO);
}

static void a_disabled_client_stays_disabled(void)
{
    struct client out, in = rich_client();
    in.enabled = false;
    CHECK(client_table_put(writer, &in) == 0 && find(in.id, &out) == ANSWER_YES && !out.enabled);
    in.enabled = true;
    CHECK(client_table_put(writer, &in) == 0 && find(in.id, &out) == ANSWER_YES && out.enabled);
}

/* Two ids with the same tag and home slot: among a few thousand there are some. */
static bool find_twins(char first_r[24], char second_r[24])
{
    enum { IDS = 20000 };
    static struct hash hashes[IDS];
    for (unsigned i = 0; i < IDS; i++) hashes[i] = hash_text(&region, fixture_number(first_r, "twin-", i));
    for (unsigned i = 0; i < IDS; i++)
        for (unsigned k = 0; k < i; k++)
            if ((uint16_t)hashes[i].tag == (uint16_t)hashes[k].tag &&
                (hashes[i].place & region.index_mask) == (hashes[k].place & region.index_mask)) {
                fixture_number(first_r, "twin-", k);
                fixture_number(second_r, "twin-", i);
                return true;
            }
    return false;
}

static void ids_of_one_tag_and_place_are_two_clients(void)
{
    struct client out;
    char first[24], second[24];
    CHECK(find_twins(first, second));
    CHECK(put_plain(text_of(first), 1) == 0 && find(text_of(second), &out) == ANSWER_NO);
    CHECK(put_plain(text_of(second), 2) == 0 && atomic_load(&region.status->clients) == 2);
    CHECK(find(text_of(first), &out) == ANSWER_YES && out.token_seconds == 1);
    CHECK(find(text_of(second), &out) == ANSWER_YES && out.token_seconds == 2);
    client_table_remove(writer, text_of(second));
    CHECK(find(text_of(first), &out) == ANSWER_YES && find(text_of(second), &out) == ANSWER_NO);
}

static void a_change_changes_the_version_and_only_a_change(void)
{
    struct client out;
    CHECK(put_plain(TEXT("versioned"), 1) == 0);
    CHECK(find(TEXT("versioned"), &out) == ANSWER_YES);
    uint32_t first = out.version, slot = out.slot;
    uint64_t word = atomic_load(&region.index[slot]);
    CHECK(put_plain(TEXT("versioned"), 1) == 0);
    CHECK(atomic_load(&region.index[slot]) == word);
    CHECK(put_plain(TEXT("versioned"), 2) == 0);
    CHECK(find(TEXT("versioned"), &out) == ANSWER_YES && out.token_seconds == 2);
    CHECK(out.version != first && out.slot == slot);
    CHECK((atomic_load(&region.index[slot]) >> 32 & 0xffff) != (word >> 32 & 0xffff));
    client_table_remove(writer, TEXT("versioned"));
    CHECK(find(TEXT("versioned"), &out) == ANSWER_NO);
    CHECK(put_plain(TEXT("versioned"), 3) == 0);
    CHECK(find(TEXT("versioned"), &out) == ANSWER_YES && out.version != first);
}

static void a_new_writer_takes_over(void)
{
    struct client out;
    CHECK(put_plain(TEXT("inherited"), 9) == 0);
    uint64_t clients = atomic_load(&region.status->clients);
    client_table_writer_free(writer);
    writer = client_table_writer_new(&region);
    CHECK(writer);
    for (unsigned i = 0; i < 20; i++) {
        char name[24];
        CHECK(put_plain(fixture_number(name, "later-", i), i) == 0);
    }
    CHECK(find(TEXT("inherited"), &out) == ANSWER_YES && out.token_seconds == 9);
    CHECK(atomic_load(&region.status->clients) == clients + 20);
}

static void a_complete_load_sweeps(void)
{
    struct client out;
    CHECK(put_plain(TEXT("swept"), 1) == 0 && put_plain(TEXT("kept"), 1) == 0 && put_plain(TEXT("changed"), 1) == 0);
    client_table_load_begin(writer);
    CHECK(put_plain(TEXT("kept"), 1) == 0 && put_plain(TEXT("changed"), 2) == 0);
    CHECK(find(TEXT("swept"), &out) == ANSWER_YES);
    client_table_load_end(writer);
    CHECK(find(TEXT("swept"), &out) == ANSWER_NO);
    CHECK(find(TEXT("kept"), &out) == ANSWER_YES);
    CHECK(find(TEXT("changed"), &out) == ANSWER_YES && out.token_seconds == 2);
    CHECK(atomic_load(&region.status->clients) == 2);
}

static void an_incomplete_replica_cannot_say(void)
{
    struct client out;
    CHECK(put_plain(TEXT("early"), 1) == 0);
    atomic_store(&region.status->complete, 0);
    CHECK(find(TEXT("early"), &out) == ANSWER_CANNOT_SAY);
    CHECK(find(TEXT("nobody"), &out) == ANSWER_CANNOT_SAY);
    atomic_store(&region.status->complete, 1);
    CHECK(find(TEXT("nobody"), &out) == ANSWER_NO);
}

static void a_small_arena_cannot_say(void)
{
    struct client out, in = rich_client();
    struct arena small;
    CHECK(client_table_put(writer, &in) == 0);
    CHECK(arena_open(&small, 128) == 0);
    enum answer answer = client_table_find(&region, in.id, &small, &out);
    arena_close(&small);
    CHECK(answer == ANSWER_CANNOT_SAY);
}

static void a_damaged_record_is_not_believed(void)
{
    struct client out;
    CHECK(put_plain(TEXT("damaged"), 1000) == 0);
    CHECK(find(TEXT("damaged"), &out) == ANSWER_YES);
    uint64_t word = atomic_load(&region.index[out.slot]);
    char *record = region.records + (word & UINT32_MAX) * 64;
    for (size_t byte = 0; byte < 56; byte++) {
        record[byte] ^= 4;
        CHECK(find(TEXT("damaged"), &out) == ANSWER_CANNOT_SAY);
        record[byte] ^= 4;
    }
    CHECK(find(TEXT("damaged"), &out) == ANSWER_YES);
    record[8] ^= 4;
    CHECK(put_plain(TEXT("damaged"), 1000) == 0);       /* the next load repairs it */
    CHECK(find(TEXT("damaged"), &out) == ANSWER_YES && out.token_seconds == 1000);
}

static void many_come_and_go(void)
{
    struct client out;
    char name[24];
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < 60; i++) CHECK(put_plain(fixture_number(name, "guest-", round * 60 + i), i) == 0);
        for (unsigned i = 0; i < 60; i++) {
            CHECK(find(fixture_number(name, "guest-", round * 60 + i), &out) == ANSWER_YES && out.token_seconds == i);
        }
        for (unsigned i = 0; i < 60; i++) client_table_remove(writer, fixture_number(name, "guest-", round * 60 + i));
    }
    for (unsigned i = 0; i < 3000; i++) CHECK(find(fixture_number(name, "guest-", i), &out) == ANSWER_NO);
    CHECK(atomic_load(&region.status->clients) == 0);
    for (uint64_t slot = 0; slot <= region.index_mask; slot++) CHECK(atomic_load(&region.index[slot]) == 0);
}

static void a_full_index_leaves_out(void)
{
    struct client out;
    char name[24];
    unsigned fitted = 0;
    while (fitted < 1000 && put_plain(fixture_number(name, "crowd-", fitted), 1) == 0) fitted++;
    CHECK(fitted >= config.clients_max && fitted < 1000);
    CHECK(atomic_load(&region.status->clients) == fitted && atomic_load(&region.status->clients_left_out) == 1);
    CHECK(find(fixture_number(name, "crowd-", fitted), &out) == ANSWER_CANNOT_SAY);
    CHECK(find(TEXT("nobody"), &out) == ANSWER_CANNOT_SAY);
    CHECK(find(TEXT("crowd-0"), &out) == ANSWER_YES);
    client_table_load_begin(writer);
    CHECK(put_plain(TEXT("crowd-0"), 1) == 0);
    client_table_load_end(writer);
    CHECK(atomic_load(&region.status->clients) == 1 && atomic_load(&region.status->clients_left_out) == 0);
    CHECK(find(TEXT("nobody"), &out) == ANSWER_NO);
}

/* A client whose new row does not fit must not keep the old one. */
static void a_full_arena_drops_the_stale_row(void)
{
    struct client out, in = { .id = TEXT("grown"), .enabled = true, .grant_count = CLIENT_GRANTS };
    static struct client_grant many[CLIENT_GRANTS];
    for (size_t i = 0; i < CLIENT_GRANTS; i++) many[i] = (struct client_grant){ TEXT("urn:a"), TEXT("scope"), false, 0, JWS_NONE };
    CHECK(put_plain(TEXT("grown"), 1) == 0);
    in.grants = many;
    for (unsigned i = 0; i < 59; i++) {
        char name[24];
        CHECK(put_plain(fixture_number(name, "filler-", i), 1) == 0);
    }
    CHECK(client_table_put(writer, &in) == -1);
    CHECK(find(TEXT("grown"), &out) == ANSWER_CANNOT_SAY);
    client_table_load_begin(writer);
    CHECK(put_plain(TEXT("grown"), 2) == 0);
    client_table_load_end(writer);
    CHECK(find(TEXT("grown"), &out) == ANSWER_YES && out.token_seconds == 2);
}

static void the_longest_client_fits(void)
{
    static char id[CLIENT_ID_BYTES], word[255];
    static struct client_secret most_secrets[CLIENT_SECRETS];
    static struct client_grant most_grants[CLIENT_GRANTS];
    static struct text most_reads[CLIENT_READS];
    static char audiences[CLIENT_GRANTS][255];
    struct client out;
    memset(id, 'i', sizeof id);
    memset(word, 'w', sizeof word);
    for (size_t i = 0; i < CLIENT_SECRETS; i++) most_secrets[i].label = (struct text){ word, 32 };
    for (size_t i = 0; i < CLIENT_GRANTS; i++) {
        memset(audiences[i], 'a', 255);
        audiences[i][0] = (char)i;
        most_grants[i] = (struct client_grant){ { audiences[i], 255 }, { word, 255 }, i % 2 == 0, 0, JWS_NONE };
    }
    for (size_t i = 0; i < CLIENT_READS; i++) most_reads[i] = (struct text){ word, 255 };
    struct client in = { .id = { id, sizeof id }, .default_audience = { word, 255 }, .secret_count = CLIENT_SECRETS,
                         .grant_count = CLIENT_GRANTS, .read_count = CLIENT_READS, .secrets = most_secrets,
                         .grants = most_grants, .reads = most_reads };
    CHECK(client_table_put(writer, &in) == 0);
    CHECK(find(in.id, &out) == ANSWER_YES && out.grant_count == CLIENT_GRANTS);
    CHECK_TEXT(out.grants[CLIENT_GRANTS - 1].audience, most_grants[CLIENT_GRANTS - 1].audience);
    CHECK_TEXT(out.reads[CLIENT_READS - 1], most_reads[CLIENT_READS - 1]);
}

static void bad_rows_are_summed(void)
{
    CHECK(put_plain(TEXT("one"), 1) == 0 && put_plain(TEXT("two"), 1) == 0 && client_table_bad_rows(writer) == 0);
    client_table_set_bad_rows(writer, TEXT("one"), 3);
    client_table_set_bad_rows(writer, TEXT("two"), 2);
    client_table_set_bad_rows(writer, TEXT("nobody"), 9);
    CHECK(client_table_bad_rows(writer) == 5);
    client_table_set_bad_rows(writer, TEXT("one"), 1);
    CHECK(client_table_bad_rows(writer) == 3);
    client_table_remove(writer, TEXT("two"));
    CHECK(client_table_bad_rows(writer) == 1);
    client_table_load_begin(writer);
    CHECK(put_plain(TEXT("two"), 1) == 0);
    client_table_load_end(writer);
    CHECK(client_table_bad_rows(writer) == 0);
}

#define RUN_IN(clients_max, client_bytes, test) \
    do { \
        set_up(clients_max, client_bytes); \
        RUN(test); \
        tear_down(); \
    } while (0)

int main(void)
{
    RUN_IN(64, 512, every_field_comes_back);
    RUN_IN(64, 512, an_absent_default_audience_stays_absent);
    RUN_IN(64, 512, ids_are_bytes);
    RUN_IN(64, 512, a_disabled_client_stays_disabled);
    RUN_IN(64, 512, ids_of_one_tag_and_place_are_two_clients);
    RUN_IN(64, 512, a_change_changes_the_version_and_only_a_change);
    RUN_IN(64, 512, a_new_writer_takes_over);
    RUN_IN(64, 512, a_complete_load_sweeps);
    RUN_IN(64, 512, an_incomplete_replica_cannot_say);
    RUN_IN(64, 512, a_small_arena_cannot_say);
    RUN_IN(64, 512, a_damaged_record_is_not_believed);
    RUN_IN(64, 512, many_come_and_go);
    RUN_IN(16, 512, a_full_index_leaves_out);
    RUN_IN(64, 128, a_full_arena_drops_the_stale_row);
    RUN_IN(64, 4096, the_longest_client_fits);
    RUN_IN(64, 512, bad_rows_are_summed);
    return CHECK_EXIT();
}
