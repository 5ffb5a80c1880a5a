/* When a key gets a successor, and all the times that follow from it. */
#include "../../lib/jose/rotation.h"

#include "../check.h"

enum { NOW = 1000000, AGE = 5000, ACTIVE = 300 + 30 + 60, GONE = 86400 + 200 + 60 };

static const struct rotation_rules rules = { AGE, 300, 30, 200 };

static struct rotation_key key(const char *algorithm, struct keyring_times times)
{
    struct rotation_key key = { .times = times };
    snprintf(key.algorithm, sizeof key.algorithm, "%s", algorithm);
    return key;
}

static enum rotation_reason plan(const struct rotation_key *keys, size_t count, enum rotation_purpose purpose,
                                 struct rotation_plan *plan_r)
{
    *plan_r = (struct rotation_plan){ .retire = -1 };
    return rotation_plan(&(struct rotation){ rules, NOW, keys, count }, JWS_ES256, purpose, plan_r);
}

static void the_first_key_signs_at_once(void)
{
    struct rotation_plan p;
    CHECK(plan(NULL, 0, ROTATION_ISSUE, &p) == ROTATION_FIRST);
    CHECK(p.successor.publish == NOW && p.successor.activate == NOW && p.successor.retire == 0 && p.successor.remove == 0);
    CHECK(plan(NULL, 0, ROTATION_FORCE, &p) == ROTATION_FIRST);
    CHECK(plan(NULL, 0, ROTATION_KEEP, &p) == ROTATION_IDLE);
    CHECK(p.retire == -1);
}

static void keys_that_sign_no_longer_are_no_keys(void)
{
    struct rotation_plan p;
    struct rotation_key keys[] = { key("ES256", (struct keyring_times){ 1, 1, NOW, 0 }),
                                   key("ES256", (struct keyring_times){ 1, 1, 0, NOW }),
                                   key("ES256", (struct keyring_times){ 1, 0, 0, 0 }) };
    CHECK(plan(keys, 3, ROTATION_ISSUE, &p) == ROTATION_FIRST);
    CHECK(!rotation_follows(&p, JWS_ES256, &keys[0]) && !rotation_follows(&p, JWS_ES256, &keys[1]));
    CHECK(!rotation_follows(&p, JWS_ES256, &keys[2]));
}

static void a_key_of_age_gets_a_successor_with_the_bounds(void)
{
    struct rotation_plan p;
    struct rotation_key young = key("ES256", (struct keyring_times){ 1, NOW - AGE + 1, 0, 0 });
    struct rotation_key old = key("ES256", (struct keyring_times){ 1, NOW - AGE, 0, 0 });
    CHECK(plan(&young, 1, ROTATION_ISSUE, &p) == ROTATION_IDLE);
    CHECK(plan(&old, 1, ROTATION_KEEP, &p) == ROTATION_DUE);
    CHECK(plan(&old, 1, ROTATION_ISSUE, &p) == ROTATION_DUE);
    CHECK(p.successor.publish == NOW && p.successor.activate == NOW + ACTIVE);
    CHECK(p.retire == NOW + ACTIVE + 30 && p.remove == p.retire + GONE);
    CHECK(rotation_follows(&p, JWS_ES256, &old));
    CHECK(!rotation_follows(&p, JWS_RS256, &old));
}

static void a_successor_on_its_way_is_not_doubled(void)
{
    struct rotation_plan p;
    struct rotation_key keys[] = { key("ES256", (struct keyring_times){ 1, 1, NOW + 60, NOW + 900 }),
                                   key("ES256", (struct keyring_times){ NOW, NOW + 30, 0, 0 }) };
    CHECK(plan(keys, 2, ROTATION_ISSUE, &p) == ROTATION_PENDING);
    CHECK(plan(keys, 2, ROTATION_FORCE, &p) == ROTATION_PENDING);
    CHECK(plan(keys, 2, ROTATION_KEEP, &p) == ROTATION_PENDING);
    /* ... but it is of no help while nobody signs. */
    CHECK(plan(keys + 1, 1, ROTATION_ISSUE, &p) == ROTATION_FIRST);
    CHECK(p.successor.activate == NOW);
    CHECK(!rotation_follows(&p, JWS_ES256, &keys[1]));
}

static void a_successor_by_hand(void)
{
    struct rotation_plan p;
    struct rotation_key young = key("ES256", (struct keyring_times){ 1, NOW, 0, 0 });
    CHECK(plan(&young, 1, ROTATION_FORCE, &p) == ROTATION_DUE);
    CHECK(p.successor.activate == NOW + ACTIVE);
}

static void never_means_never(void)
{
    struct rotation_plan p;
    struct rotation rotation = { rules, NOW, NULL, 1 };
    struct rotation_key old = key("ES256", (struct keyring_times){ 1, 1, 0, 0 });
    rotation.keys = &old;
    rotation.rules.key_seconds = 0;
    CHECK(rotation_plan(&rotation, JWS_ES256, ROTATION_ISSUE, &p) == ROTATION_IDLE);
}

static void another_algorithm_signs_until_the_missing_one_is_known(void)
{
    struct rotation_plan p;
    struct rotation_key other = key("RS256", (struct keyring_times){ 1, 1, 0, 0 });
    CHECK(plan(&other, 1, ROTATION_ISSUE, &p) == ROTATION_MISSING);
    CHECK(p.successor.activate == NOW + ACTIVE);
    CHECK(!rotation_follows(&p, JWS_ES256, &other));
    CHECK(plan(&other, 1, ROTATION_KEEP, &p) == ROTATION_IDLE);
    other = key("HS256", (struct keyring_times){ 1, 1, 0, 0 });
    CHECK(plan(&other, 1, ROTATION_ISSUE, &p) == ROTATION_MISSING && p.successor.activate == NOW + ACTIVE);
    CHECK(!rotation_follows(&p, JWS_ES256, &other) && rotation_follows(&p, JWS_HS256, &other));
}

static void the_newest_is_the_one_that_signs_last(void)
{
    struct rotation_key keys[] = { key("ES256", (struct keyring_times){ 9, 100, 0, 0 }),
                                   key("ES256", (struct keyring_times){ 1, 200, 0, 0 }),
                                   key("ES256", (struct keyring_times){ 1, 300, 400, 0 }),
                                   key("RS256", (struct keyring_times){ 1, 300, 0, 0 }) };
    const struct rotation rotation = { rules, NOW, keys, 4 };
    CHECK(rotation_newest(&rotation, JWS_ES256) == &keys[1]);
    CHECK(rotation_newest(&rotation, JWS_RS256) == &keys[3]);
    CHECK(rotation_newest(&rotation, JWS_EdDSA) == NULL && rotation_newest(&rotation, JWS_HS256) == NULL);
}

static void no_more_keys_than_a_keyring_holds(void)
{
    struct rotation_plan p;
    struct rotation_key keys[KEYRING_KEYS];
    for (size_t i = 0; i < KEYRING_KEYS; i++) keys[i] = key("ES256", (struct keyring_times){ 1, 1, NOW - 1, NOW + 1 });
    keys[0] = key("ES256", (struct keyring_times){ 1, 1, 0, 0 });
    CHECK(plan(keys, KEYRING_KEYS, ROTATION_ISSUE, &p) == ROTATION_FULL);
    keys[1].times.remove = NOW;
    CHECK(plan(keys, KEYRING_KEYS, ROTATION_ISSUE, &p) == ROTATION_DUE);
}

int main(void)
{
    RUN(the_first_key_signs_at_once);
    RUN(keys_that_sign_no_longer_are_no_keys);
    RUN(a_key_of_age_gets_a_successor_with_the_bounds);
    RUN(a_successor_on_its_way_is_not_doubled);
    RUN(a_successor_by_hand);
    RUN(never_means_never);
    RUN(another_algorithm_signs_until_the_missing_one_is_known);
    RUN(the_newest_is_the_one_that_signs_last);
    RUN(no_more_keys_than_a_keyring_holds);
    return CHECK_EXIT();
}
