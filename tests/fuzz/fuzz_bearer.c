/* The Authorization header and the request target of a check: it passes exactly when a second, slower reading finds the
 * one good token in the header and none in the target.
 *
 * A line with the target, then the header; a `$` in the header becomes the good token, which is in no input. */
#include "../world.h"
#include "fuzz.h"

enum { TOKEN = 4096, HEADER = 65536, TARGET = 8192 };

static struct world world;
static char token[TOKEN];

static int get_token(void)
{
    static struct response response;
    const struct request request = {
        .method = TEXT("POST"), .path = TEXT("/oauth/token"), .content_type = TEXT("application/x-www-form-urlencoded"),
        .body = TEXT("grant_type=client_credentials&client_id=svc&client_secret=s3cret"),
    };
    struct text answer = world_handle(&world, &request, &response);
    const char *start = memmem(answer.data, answer.size, "\"access_token\":\"", 16);
    if (!start) return -1;
    memcpy(token, start + 16, strcspn(start + 16, "\""));
    return 0;
}

static int furnish(void)
{
    if (world.keyring.count > 0) return 0;
    if (world_open(&world)) return -1;
    struct world_client *svc = world_client(&world, TEXT("svc"));
    return world_add_secret(&world, svc, &(struct world_secret){ .label = TEXT("main"), .secret = TEXT("s3cret") }) ||
           world_add_grant(&world, svc, &(struct client_grant){ TEXT("https://api.example"), TEXT("read"), true, 0, JWS_NONE }) || get_token();
}

/* The header with the token in it. */
static struct text fill(struct text header)
{
    static char bytes[HEADER];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    for (size_t i = 0; i < header.size; i++) {
        if (header.data[i] == '$') buffer_put(&b, text_of(token));
        else buffer_put_char(&b, header.data[i]);
    }
    return b.full ? (struct text){ NULL, 0 } : buffer_text(&b);
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* `Bearer`, spaces, the token and nothing else but blanks, letter for letter. */
static bool holds_token(struct text header)
{
    static const char scheme[] = "bearer ";
    size_t at = 0;
    while (at < 7 && at < header.size && lower(header.data[at]) == scheme[at]) at++;
    if (at < 7) return false;
    while (at < header.size && (header.data[at] == ' ' || header.data[at] == '\t')) at++;
    if (at == header.size || header.data[at] != '$') return false;
    for (at++; at < header.size; at++)
        if (header.data[at] != ' ' && header.data[at] != '\t') return false;
    return true;
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Whether a pair that begins at at is named access_token, one byte after the other. */
static bool is_named(struct text target, size_t at)
{
    static const char name[] = "access_token";
    size_t i = 0;
    for (; at < target.size && target.data[at] != '&' && target.data[at] != '='; at++) {
        char c = target.data[at] == '+' ? ' ' : target.data[at];
        if (c == '%') {
            if (at + 2 >= target.size || digit(target.data[at + 1]) < 0 || digit(target.data[at + 2]) < 0)
                return false;
            c = (char)(digit(target.data[at + 1]) * 16 + digit(target.data[at + 2]));
            at += 2;
        }
        if (i == sizeof name - 1 || c != name[i++]) return false;
    }
    return i == sizeof name - 1;
}

static bool has_token(struct text target)
{
    bool in_query = false;
    for (size_t at = 0; at < target.size; at++) {
        bool begins = in_query ? target.data[at] == '&' : target.data[at] == '?';
        if (target.data[at] == '?') in_query = true;
        if (begins && is_named(target, at + 1)) return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct response response;
    struct text target, header = { (const char *)data, size };
    if (size == 0 || size > TARGET || furnish()) return 0;
    (void)text_split(&header, '\n', &target);
    if (!text_present(header)) return 0;
    const struct request request = {
        .kind = REQUEST_SUBREQUEST, .authorization = fill(header),
        .check = { .audience = TEXT("https://api.example"), .scope = TEXT("read"), .target = target },
    };
    world.print_count = 0;
    struct text answer = world_handle(&world, &request, &response);
    bool passes = text_present(request.authorization) && holds_token(header) && !has_token(target);
    HOLDS(response.status == 200 || response.status == 400 || response.status == 401);
    HOLDS((response.status == 200) == passes);
    HOLDS((memmem(answer.data, answer.size, "X-Auth-Client: svc\r\n", 20) != NULL) == passes);
    bool bearer = memmem(answer.data, answer.size, "WWW-Authenticate: Bearer realm=\"", 32) != NULL;
    bool dpop = memmem(answer.data, answer.size, "WWW-Authenticate: DPoP realm=\"", 30) != NULL;
    HOLDS(bearer + dpop == !passes);
    struct text rest = request.authorization, scheme = TEXT("");
    (void)text_split(&rest, ' ', &scheme);
    HOLDS(dpop == text_equal_nocase(scheme, TEXT("DPoP")));
    HOLDS(response.status == 400 || !has_token(target));
    return 0;
}
