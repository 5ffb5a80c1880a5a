/* What the issuer signs is verified by its published keys and is looked for by its typ. */
#include "../../lib/oauth/signed_jwt.h"

#include "../../lib/base/base64url.h"
#include "../check.h"
#include "../world.h"

#define CLAIMS TEXT("{\"iss\":\"" WORLD_ISSUER "\"}")

static struct world world;

static struct request_context begin(void)
{
    arena_reset(&world.arena);
    return (struct request_context){ .issuer = &world.issuer, .arena = &world.arena, .now = world.now };
}

/* By the only key of the ring, when it has one. */
static enum error sign(struct request_context *exchange, enum keyring_kind kind, struct text *compact_r)
{
    const struct signed_jwt statement = { keyring_signer(&world.keyring, JWS_ES256, world.now), kind, CLAIMS };
    return signed_jwt_sign(exchange, &statement, compact_r);
}

/* Whether compact is CLAIMS, signed by the only key of the ring. */
static bool holds(struct text compact)
{
    char bytes[256];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    struct jws jws;
    const struct keyring_key *key = &world.keyring.keys[0];
    return !jws_split(compact, &jws) && keyring_verify(key, &world.hasher, &jws) == 1 &&
           !base64url_decode(jws.payload, &b) && text_equal(buffer_text(&b), CLAIMS);
}

static void C10_each_algorithm_and_each_kind(void)
{
    const struct keyring_times always = { WORLD_START, WORLD_START, 0, 0 };
    char kid[JWK_KID_BYTES];
    memset(kid, 'k', sizeof kid);
    for (int algorithm = 0; algorithm < JWS_ALGORITHMS; algorithm++) {
        CHECK(!world_reset(&world));
        keyring_clear(&world.keyring);
        enum jws_algorithm a = (enum jws_algorithm)algorithm;
        CHECK(!world_add_key(&world, (struct text){ kid, sizeof kid }, a, material_for(a), &always));
        for (int kind = 0; kind < KEYRING_KINDS; kind++) {
            struct request_context exchange = begin();
            struct text compact;
            CHECK(sign(&exchange, (enum keyring_kind)kind, &compact) == ERROR_none && holds(compact));
        }
    }
}

static void B15_only_an_access_token_has_a_header_that_is_found(void)
{
    struct text token, answer;
    struct jws jws;
    CHECK(!world_reset(&world));
    struct request_context exchange = begin();
    CHECK(!sign(&exchange, KEYRING_ACCESS_TOKEN, &token));
    CHECK(!sign(&exchange, KEYRING_INTROSPECTION, &answer));
    CHECK(!jws_split(token, &jws) && keyring_find(&world.keyring, jws.header, world.now));
    CHECK(!jws_split(answer, &jws) && !keyring_find(&world.keyring, jws.header, world.now));
}

static void C7_nothing_is_said_unsigned(void)
{
    struct text compact;
    CHECK(!world_reset(&world));
    world.no_signature = true;
    struct request_context exchange = begin();
    CHECK(sign(&exchange, KEYRING_ACCESS_TOKEN, &compact) == ERROR_unavailable);
    world.no_signature = false;
    while (arena_take(&world.arena, 64)) continue;
    CHECK(sign(&exchange, KEYRING_ACCESS_TOKEN, &compact) == ERROR_unavailable);
    keyring_clear(&world.keyring);
    exchange = begin();
    CHECK(sign(&exchange, KEYRING_ACCESS_TOKEN, &compact) == ERROR_unavailable);
}

int main(void)
{
    if (world_open(&world)) return EXIT_FAILURE;
    RUN(C10_each_algorithm_and_each_kind);
    RUN(B15_only_an_access_token_has_a_header_that_is_found);
    RUN(C7_nothing_is_said_unsigned);
    world_close(&world);
    return CHECK_EXIT();
}
