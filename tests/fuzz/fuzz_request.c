/* Whole requests: lines of method, path, query, content type, authorization, If-None-Match and flags, then the body.
 *
 * Flags: `s` the header of the client svc in place of the one given, `a` that of the resource server api, `t` a good token
 * behind the body, `r` a repeated header, `l` a body that was too large, `o` an id of our own. Only with flags can a
 * token be issued or told to be active: the secrets are in no input. */
#include "../world.h"
#include "fuzz.h"

enum { BODY = 65536, TOKEN = 4096, FIELDS = 7 };

static struct world world;
static char token[TOKEN], service[128] = "Basic ", reader[128] = "Basic ";

static void put_basic(char *header, const char *pair)
{
    (void)EVP_EncodeBlock((unsigned char *)header + 6, (const unsigned char *)pair, (int)strlen(pair));
}

static int get_token(void)
{
    static struct response response;
    const struct request request = {
        .method = TEXT("POST"), .path = TEXT("/oauth/token"), .body = TEXT("grant_type=client_credentials"),
        .content_type = TEXT("application/x-www-form-urlencoded"), .authorization = text_of(service),
    };
    struct text answer = world_handle(&world, &request, &response);
    const char *start = memmem(answer.data, answer.size, "\"access_token\":\"", 16);
    if (!start) return -1;
    size_t size = strcspn(start + 16, "\"");
    memcpy(token, start + 16, size);
    return 0;
}

static int furnish(void)
{
    static const struct text service_secret = TEXT("Zx7-this-is-in-no-input-Qk3"), reader_secret = TEXT("Wv9-nor-is-this-one-Lp5");
    const struct text audience = TEXT("https://api.example/orders");
    if (world.keyring.count > 0) return 0;
    if (world_open(&world)) return -1;
    struct world_client *svc = world_client(&world, TEXT("svc")), *api = world_client(&world, TEXT("api"));
    world.failures_per_minute = UINT32_MAX;
    svc->client.default_audience = audience;
    put_basic(service, "svc:Zx7-this-is-in-no-input-Qk3");
    put_basic(reader, "api:Wv9-nor-is-this-one-Lp5");
    return world_add_secret(&world, svc, &(struct world_secret){ .label = TEXT("main"), .secret = service_secret }) ||
           world_add_secret(&world, api, &(struct world_secret){ .label = TEXT("main"), .secret = reader_secret }) ||
           world_add_grant(&world, svc, &(struct client_grant){ audience, TEXT("read"), true, 0, JWS_NONE }) ||
           world_add_grant(&world, svc, &(struct client_grant){ TEXT("a:b"), TEXT("write"), false, 0, JWS_NONE }) ||
           world_add_reader(&world, api, audience) || get_token();
}

static bool has(struct text answer, const char *what)
{
    return memmem(answer.data, answer.size, what, strlen(what)) != NULL;
}

/* A head that a front server reads as it was meant, and a body of the length that it names. */
static void judge_form(struct text answer, const struct response *response)
{
    const char *end = memmem(answer.data, answer.size, "\r\n\r\n", 4);
    HOLDS(end && text_begins(answer, TEXT("Status: ")));
    for (const char *p = answer.data; p < end; p++) {
        HOLDS((*p >= 0x20 && *p <= 0x7e) || (*p == '\r' && p[1] == '\n') || (*p == '\n' && p[-1] == '\r'));
    }
    size_t body = answer.size - (size_t)(end + 4 - answer.data);
    char line[64];
    (void)snprintf(line, sizeof line, "\r\nContent-Length: %zu\r\n", body);
    HOLDS(response->head_only || response->status == 304 || has(answer, line));
    HOLDS(body == 0 || (!response->head_only && response->status != 304));
}

static void judge_status(struct text answer, const struct request *request, int status)
{
    static const int allowed[] = { 200, 304, 400, 401, 404, 405, 413, 429, 503 };
    bool is_allowed = false;
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) is_allowed |= status == allowed[i];
    HOLDS(is_allowed);
    HOLDS((status == 401) == has(answer, "WWW-Authenticate: Basic realm=\""));
    HOLDS((status == 429 || status == 503) == has(answer, "\r\nRetry-After: "));
    if (text_equal(request->method, TEXT("POST")) || status >= 400) HOLDS(has(answer, "\r\nCache-Control: no-store\r\n"));
}

static struct request read_request(struct text input, char body[BODY], struct text *flags_r)
{
    struct text fields[FIELDS] = { { NULL, 0 } };
    for (size_t i = 0; i < FIELDS; i++) (void)text_split(&input, '\n', &fields[i]);
    *flags_r = fields[6];
    struct buffer b = { body, 0, BODY, false };
    bool flagged = flags_r->size > 0;
    buffer_put(&b, input);
    if (flagged && memchr(flags_r->data, 't', flags_r->size)) {
        buffer_put(&b, TEXT("&token="));
        buffer_put(&b, text_of(token));
    }
    return (struct request){
        .method = fields[0], .path = fields[1], .query = fields[2], .content_type = fields[3],
        .authorization = fields[4].size > 0 ? fields[4] : (struct text){ NULL, 0 }, .if_none_match = fields[5],
        .remote_address = TEXT("192.0.2.1"), .id = TEXT("0123456789abcdef"), .body = buffer_text(&b),
        .id_is_ours = flagged && memchr(flags_r->data, 'o', flags_r->size),
        .repeated = flagged && memchr(flags_r->data, 'r', flags_r->size),
        .body_too_large = flagged && memchr(flags_r->data, 'l', flags_r->size),
    };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char body[BODY];
    static struct response response;
    struct text flags;
    if (furnish()) abort();
    struct request request = read_request((struct text){ (const char *)data, size }, body, &flags);
    bool is_service = flags.size > 0 && memchr(flags.data, 's', flags.size);
    bool is_reader = !is_service && flags.size > 0 && memchr(flags.data, 'a', flags.size);
    bool has_token = flags.size > 0 && memchr(flags.data, 't', flags.size);
    if (is_service) request.authorization = text_of(service);
    if (is_reader) request.authorization = text_of(reader);
    world.print_count = world.failure_count = world.revoked_count = 0;
    struct text answer = world_handle(&world, &request, &response);
    judge_form(answer, &response);
    judge_status(answer, &request, response.status);
    HOLDS(!has(answer, "\"access_token\"") || is_service);
    HOLDS(!has(answer, "\"active\":true") || (is_reader && has_token));
    HOLDS(!has(answer, "\"active\"") || is_service || is_reader);
    HOLDS(!has(answer, "Zx7-this") && !has(answer, "Wv9-nor"));
    return 0;
}
