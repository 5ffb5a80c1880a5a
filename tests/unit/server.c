/* The roof: whatever happens below, there is an answer. */
#include "../../lib/oauth/server.h"

#include <openssl/sha.h>

#include "../check.h"
#include "../world.h"

/* The linker puts these in the place of the library's (Makefile.am): work is counted, because time is not the same twice. */
int __real_SHA256_Update(SHA256_CTX *state, const void *bytes, size_t size);
int __wrap_SHA256_Update(SHA256_CTX *state, const void *bytes, size_t size);
int __real_SHA256_Final(unsigned char *digest, SHA256_CTX *state);
int __wrap_SHA256_Final(unsigned char *digest, SHA256_CTX *state);

static struct work {
    unsigned digests;
    size_t bytes;
} work;

int __wrap_SHA256_Update(SHA256_CTX *state, const void *bytes, size_t size)
{
    work.bytes += size;
    return __real_SHA256_Update(state, bytes, size);
}

int __wrap_SHA256_Final(unsigned char *digest, SHA256_CTX *state)
{
    work.digests++;
    return __real_SHA256_Final(digest, state);
}

static struct world world;
static struct response response;

#define BODY TEXT("grant_type=client_credentials&client_id=svc&client_secret=s3cret")

static const struct request token_request = { .method = TEXT("POST"), .path = TEXT("/oauth/token"), .body = BODY,
                                              .content_type = TEXT("application/x-www-form-urlencoded") };

static bool furnish(void)
{
    if (world_reset(&world)) return false;
    struct world_client *svc = world_client(&world, TEXT("svc"));
    return !world_add_secret(&world, svc, &(struct world_secret){ .label = TEXT("main"), .secret = TEXT("s3cret") }) &&
           !world_add_grant(&world, svc, &(struct client_grant){ TEXT("https://api.example"), TEXT("read"), true, 0, JWS_NONE });
}

/* An arena of every size: the answer is whole, either 200 or 503 (or, where a form cannot be decoded, 400). */
static void memory_that_runs_out_anywhere(void)
{
    static const char *const paths[] = { "/oauth/token", "/oauth/validate", "/oauth/revoke", "/oauth/jwks.json", "/oauth/metrics",
                                         "/oauth/.well-known/oauth-authorization-server" };
    CHECK(furnish());
    for (size_t p = 0; p < sizeof paths / sizeof *paths; p++) {
        size_t good = 0;
        for (size_t size = 16; size <= 131072; size += size / 16 + 16) {
            struct arena arena;
            struct request request = token_request;
            request.path = text_of(paths[p]);
            if (p >= 3) request.method = TEXT("GET");
            if (p == 1 || p == 2) request.body = TEXT("client_id=svc&client_secret=s3cret&token=a%2Eb%2Ec");
            CHECK(arena_open(&arena, size) == 0);
            struct text answer = server_handle(&world.issuer, &arena, &request, &response);
            CHECK(text_begins(answer, TEXT("Status: 200")) || text_begins(answer, TEXT("Status: 503")) ||
                  text_begins(answer, TEXT("Status: 400")));
            good += text_begins(answer, TEXT("Status: 200"));
            CHECK(memmem(answer.data, answer.size, "\r\n\r\n{", 5) || p == 4);
            arena_close(&arena);
        }
        CHECK(good > 0);
    }
}

/* The same for a check, whose good answer needs the arena, too. */
static void memory_that_runs_out_in_a_check(void)
{
    static char authorization[2048] = "Bearer ";
    size_t good = 0;
    CHECK(furnish());
    struct text issued = world_handle(&world, &token_request, &response);
    const char *token = memmem(issued.data, issued.size, ":\"", 2);
    CHECK(token != NULL);
    memcpy(authorization + 7, token + 2, strcspn(token + 2, "\""));
    struct request request = { .kind = REQUEST_AUTHORIZER, .authorization = text_of(authorization) };
    request.check = (struct request_check){ .audience = TEXT("https://api.example"), .scope = TEXT("read"),
                                            .scope_any = TEXT("x read"), .target = TEXT("/%61?%61=b") };
    for (size_t size = 16; size <= 65536; size += size / 16 + 16) {
        struct arena arena;
        CHECK(world_forget(&world) == 0 && arena_open(&arena, size) == 0);
        struct text answer = server_handle(&world.issuer, &arena, &request, &response);
        bool passes = text_begins(answer, TEXT("Status: 200"));
        CHECK(passes || text_begins(answer, TEXT("Status: 503")) || text_begins(answer, TEXT("Status: 401")));
        CHECK((memmem(answer.data, answer.size, "Variable-REMOTE_USER: svc\r\n", 27) != NULL) == passes);
        good += passes;
        arena_close(&arena);
    }
    CHECK(good > 0);
    CHECK(!strcmp(server_route_name(response.route), "check"));
}

static void nothing_of_a_request_stays_in_the_arena(void)
{
    CHECK(furnish());
    CHECK(text_begins(world_handle(&world, &token_request, &response), TEXT("Status: 200")));
    CHECK(world.arena.used > 0);
    size_t used = world.arena.used;
    arena_reset(&world.arena);
    for (size_t i = 0; i < used; i++) CHECK(world.arena.block[i] == 0);
}

static void an_empty_request(void)
{
    const struct request nothing = { .method = TEXT("") };
    CHECK(furnish());
    CHECK(text_begins(world_handle(&world, &nothing, &response), TEXT("Status: 404")));
    CHECK(response.route == server_routes() - 1);
    CHECK(!strcmp(server_route_name(response.route), "other"));
}

static void routes_have_names(void)
{
    CHECK(server_routes() > 5);
    for (size_t i = 0; i < server_routes(); i++) CHECK(server_route_name(i)[0] != '\0');
    CHECK(!strcmp(server_route_name(SIZE_MAX), "other"));
}

static void the_log_learns_who_asked_once_it_is_proved(void)
{
    struct request request = token_request;
    CHECK(furnish());
    (void)world_handle(&world, &request, &response);
    CHECK_TEXT(response.client_id, TEXT("svc"));
    CHECK(!strcmp(server_route_name(response.route), "token"));
    request.body = TEXT("grant_type=client_credentials&client_id=svc&client_secret=wrong");
    (void)world_handle(&world, &request, &response);
    CHECK(!text_present(response.client_id));
    CHECK(response.error == ERROR_invalid_client);
}

/* The digests that a refusal of this client with this secret costs. */
static struct work work_of(const char *client_id, const char *secret)
{
    char body[256];
    struct request request = token_request;
    (void)snprintf(body, sizeof body, "grant_type=client_credentials&client_id=%s&client_secret=%s", client_id, secret);
    request.body = text_of(body);
    work = (struct work){ 0 };
    struct text answer = world_handle(&world, &request, &response);
    return text_begins(answer, TEXT("Status: 401")) ? work : (struct work){ 0 };
}

static void A18_whatever_is_wrong_costs_the_same_digests(void)
{
    static const struct world_secret old = { .label = TEXT("old"), .secret = TEXT("s3cret"), .expires_at = WORLD_START };
    static const struct world_secret main_one = { .label = TEXT("main"), .secret = TEXT("s3cret") };
    static const char *const others[] = { "nobody", "off", "bare", "late" };
    CHECK(furnish());
    struct world_client *off = world_client(&world, TEXT("off"));
    CHECK(off && world_add_secret(&world, off, &main_one) == 0);
    off->client.enabled = false;
    CHECK(world_client(&world, TEXT("bare")));
    CHECK(world_add_secret(&world, world_client(&world, TEXT("late")), &old) == 0);
    struct work wrong = work_of("svc", "S3cret");
    CHECK(wrong.digests == 1 && wrong.bytes == SECRET_SALT + 6);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct work other = work_of(others[i], "s3cret");
        CHECK(other.digests == wrong.digests && other.bytes == wrong.bytes);
    }
}

int main(void)
{
    if (world_open(&world)) return EXIT_FAILURE;
    RUN(memory_that_runs_out_anywhere);
    RUN(memory_that_runs_out_in_a_check);
    RUN(nothing_of_a_request_stays_in_the_arena);
    RUN(an_empty_request);
    RUN(routes_have_names);
    RUN(the_log_learns_who_asked_once_it_is_proved);
    RUN(A18_whatever_is_wrong_costs_the_same_digests);
    world_close(&world);
    return CHECK_EXIT();
}
