/* Nonces: whose they are, how old they may be, and when the next one is offered. */
#include "../../lib/oauth/nonce.h"

#include "../../lib/base/base64url.h"
#include "../check.h"
#include "../world.h"

enum { MINUTE = 60, MINUTES = NONCE_SECONDS / MINUTE, NONCE_BYTES = 20 };

static struct world world;
static struct response response;

/* The nonce that is offered at a time. */
static struct text nonce_at(int64_t now)
{
    struct request_context exchange = { .issuer = &world.issuer, .response = &response, .now = now };
    return nonce_offer(&exchange) ? (struct text){ NULL, 0 } : text_of(response.nonce);
}

static enum answer verify(struct text nonce, int64_t now, bool *old_r)
{
    const struct request_context exchange = { .issuer = &world.issuer, .now = now };
    return nonce_verify(&exchange, nonce, old_r);
}

/* From the minute to come, which is another host's, to five minutes back; from two minutes on, the next is offered. */
static void G3_a_nonce_is_good_for_five_minutes_and_one_ahead(void)
{
    bool old;
    for (int64_t age = -10; age <= 10; age++) {
        enum answer answer = verify(nonce_at(WORLD_START - age * MINUTE), WORLD_START, &old);
        CHECK((answer == ANSWER_YES) == (age >= -1 && age <= MINUTES));
        CHECK(answer != ANSWER_CANNOT_SAY);
        CHECK(answer == ANSWER_NO || old == (age > 1));
    }
    CHECK(verify(nonce_at(WORLD_START * 2), WORLD_START, &old) == ANSWER_NO);
}

/* Every bit of it counts, whatever the minute says. */
static void G3_no_bit_may_differ(void)
{
    unsigned char bytes[NONCE_BYTES];
    char encoded[BASE64URL_SIZE(NONCE_BYTES)];
    bool old;
    for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
        struct buffer raw = { (char *)bytes, 0, sizeof bytes, false }, b = { encoded, 0, sizeof encoded, false };
        CHECK(base64url_decode(nonce_at(WORLD_START), &raw) == 0 && raw.size == sizeof bytes);
        bytes[bit / 8] = (unsigned char)(bytes[bit / 8] ^ 1U << bit % 8);
        base64url_put(&b, buffer_text(&raw));
        CHECK(verify(buffer_text(&b), WORLD_START, &old) == ANSWER_NO);
    }
}

/* Straight after a good one, so that what a short one lacks is still on the stack. */
static void G3_a_part_of_a_nonce_is_none(void)
{
    bool old;
    for (size_t size = 0; size < BASE64URL_SIZE(NONCE_BYTES); size++) {
        struct text nonce = nonce_at(WORLD_START);
        CHECK(verify(nonce, WORLD_START, &old) == ANSWER_YES);
        CHECK(verify(text_slice(nonce, 0, size), WORLD_START, &old) == ANSWER_NO);
    }
}

static void G3_another_key_makes_other_nonces(void)
{
    char ours[RESPONSE_NONCE];
    bool old;
    (void)snprintf(ours, sizeof ours, "%s", nonce_at(WORLD_START).data);
    for (size_t i = 0; i < ISSUER_NONCE_KEY; i++) {
        world.issuer.nonce_key[i] ^= 1;
        CHECK(verify(text_of(ours), WORLD_START, &old) == ANSWER_NO);
        world.issuer.nonce_key[i] ^= 1;
    }
    CHECK(verify(text_of(ours), WORLD_START, &old) == ANSWER_YES);
}

int main(void)
{
    if (world_open(&world)) return EXIT_FAILURE;
    RUN(G3_a_nonce_is_good_for_five_minutes_and_one_ahead);
    RUN(G3_no_bit_may_differ);
    RUN(G3_a_part_of_a_nonce_is_none);
    RUN(G3_another_key_makes_other_nonces);
    world_close(&world);
    return CHECK_EXIT();
}
