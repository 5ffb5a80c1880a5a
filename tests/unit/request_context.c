/* What names a thing that was verified: its kind, the state in which it was true, and a key that nobody else has. */
#include "../../lib/oauth/request_context.h"

#include "../check.h"
#include "../world.h"

static struct world world;

struct print {
    unsigned char bytes[STORE_FINGERPRINT];
};

static struct print print_of(enum verified_kind kind, uint64_t state, struct text t)
{
    struct print print = { { 0 } };
    const struct request_context exchange = { .issuer = &world.issuer };
    if (request_context_fingerprint(&exchange, kind, state, t, print.bytes)) exit(2);
    return print;
}

static bool same(struct print a, struct print b) { return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0; }

static void a_fingerprint_is_of_its_kind_state_text_and_key(void)
{
    struct print print = print_of(VERIFIED_TOKEN, 7, TEXT("text"));
    CHECK(same(print, print_of(VERIFIED_TOKEN, 7, TEXT("text"))));
    CHECK(!same(print, print_of(VERIFIED_SECRET, 7, TEXT("text"))));
    CHECK(!same(print, print_of(VERIFIED_TOKEN, 8, TEXT("text"))));
    CHECK(!same(print, print_of(VERIFIED_TOKEN, 7 + (1ULL << 32), TEXT("text"))));
    CHECK(!same(print, print_of(VERIFIED_TOKEN, 7, TEXT("texT"))));
    for (size_t i = 0; i < ISSUER_FINGERPRINT_KEY; i++) {
        world.issuer.fingerprint_key[i] ^= 1;
        CHECK(!same(print, print_of(VERIFIED_TOKEN, 7, TEXT("text"))));
        world.issuer.fingerprint_key[i] ^= 1;
    }
}

static struct text post(const char *path, const char *body)
{
    static struct response response;
    const struct request request = { .method = TEXT("POST"), .path = text_of(path), .body = text_of(body),
                                     .content_type = TEXT("application/x-www-form-urlencoded") };
    return world_handle(&world, &request, &response);
}

static bool is_remembered(struct print print)
{
    return world.verified_puts == 1 && memcmp(world.prints[0].fingerprint, print.bytes, sizeof print.bytes) == 0;
}

/* A token and a secret are remembered as what they are, so that none is ever taken for the other. */
static void each_is_remembered_as_what_it_is(void)
{
    static const struct client_grant grant = { TEXT("https://api.example"), TEXT("read"), true, 0, JWS_NONE };
    static const struct world_secret slow = { .label = TEXT("typed"), .secret = TEXT("password"), .rounds = 10000 };
    static const char issue[] = "grant_type=client_credentials&client_id=man&client_secret=password";
    char body[4096];
    CHECK(world_reset(&world) == 0);
    struct world_client *man = world_client(&world, TEXT("man"));
    CHECK(!world_add_secret(&world, man, &slow) && !world_add_grant(&world, man, &grant));
    CHECK(!world_add_reader(&world, man, grant.audience));
    struct text answer = post("/oauth/token", issue);
    const char *token = memmem(answer.data, answer.size, ":\"", 2);
    CHECK(token && is_remembered(print_of(VERIFIED_SECRET, man->client.version, TEXT("man\0typed\0password"))));
    int size = (int)strcspn(token + 2, "\"");
    (void)snprintf(body, sizeof body, "client_id=man&client_secret=password&token=%.*s", size, token + 2);
    struct print print = print_of(VERIFIED_TOKEN, world.keyring.generation, (struct text){ token + 2, (size_t)size });
    world.verified_puts = 0;
    world.print_count = 0;
    memset(world.prints, 0, sizeof world.prints);
    CHECK(world_forget(&world) == 0);
    answer = post("/oauth/validate", body);
    CHECK(memmem(answer.data, answer.size, "\"active\":true", 13) != NULL && world.verified_puts == 2);
    CHECK(memcmp(world.prints[1].fingerprint, print.bytes, sizeof print.bytes) == 0);
}

int main(void)
{
    if (world_open(&world)) return EXIT_FAILURE;
    RUN(a_fingerprint_is_of_its_kind_state_text_and_key);
    RUN(each_is_remembered_as_what_it_is);
    world_close(&world);
    return CHECK_EXIT();
}
