/* HTTP Basic: a token is issued exactly when a second, slower reading of the header finds id and secret in it.
 *
 * The first byte says whether the rest is the header as it is, or what base64 goes around. */
#include "../world.h"
#include "fuzz.h"

enum { PLAIN = 4096, HEADER = 8192 };

#define ID "a b"
#define SECRET "c:d"

static struct world world;

static int furnish(void)
{
    if (world.keyring.count > 0) return 0;
    if (world_open(&world)) return -1;
    struct world_client *client = world_client(&world, TEXT(ID));
    world.failures_per_minute = UINT32_MAX;
    return world_add_secret(&world, client, &(struct world_secret){ .label = TEXT("main"), .secret = TEXT(SECRET) }) ||
           world_add_grant(&world, client, &(struct client_grant){ TEXT("https://api.example"), TEXT("read"), true, 0, JWS_NONE });
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 6749 Appendix B, one byte after the other: whether t stands for wanted. */
static bool stands_for(struct text t, struct text wanted)
{
    size_t at = 0;
    for (size_t i = 0; i < t.size; i++) {
        char c = t.data[i] == '+' ? ' ' : t.data[i];
        if (c == '%') {
            if (i + 2 >= t.size || digit(t.data[i + 1]) < 0 || digit(t.data[i + 2]) < 0) return false;
            c = (char)(digit(t.data[i + 1]) * 16 + digit(t.data[i + 2]));
            i += 2;
        }
        if (at == wanted.size || c != wanted.data[at++]) return false;
    }
    return at == wanted.size;
}

static bool is_right(struct text pair)
{
    const char *colon = pair.size ? memchr(pair.data, ':', pair.size) : NULL;
    size_t size = colon ? (size_t)(colon - pair.data) : 0;
    return colon && stands_for(text_slice(pair, 0, size), TEXT(ID)) && stands_for(text_slice(pair, size + 1, pair.size), TEXT(SECRET));
}

static struct text ask(struct text authorization, struct response *response)
{
    const struct request request = {
        .method = TEXT("POST"), .path = TEXT("/oauth/token"), .body = TEXT("grant_type=client_credentials"),
        .content_type = TEXT("application/x-www-form-urlencoded"), .authorization = authorization,
    };
    world.print_count = world.failure_count = 0;
    return world_handle(&world, &request, response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char header[HEADER] = "Basic ";
    static struct response response;
    if (size == 0 || size > PLAIN || furnish()) return 0;
    struct text rest = { (const char *)data + 1, size - 1 };
    if (data[0] == 'r') {
        struct text answer = ask(rest, &response);
        HOLDS(response.status == 200 || response.status == 400 || response.status == 401);
        HOLDS(response.status == 200 || !memmem(answer.data, answer.size, "access_token", 12));
        return 0;
    }
    int encoded = EVP_EncodeBlock((unsigned char *)header + 6, data + 1, (int)size - 1);
    struct text answer = ask((struct text){ header, 6 + (size_t)encoded }, &response);
    HOLDS((response.status == 200) == is_right(rest));
    HOLDS((response.status == 200) == (memmem(answer.data, answer.size, "access_token", 12) != NULL));
    return 0;
}
