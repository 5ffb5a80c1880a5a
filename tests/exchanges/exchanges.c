/* exchanges: text in, text out, through server_handle().
 *
 *     exchanges [FILE...]     without files: those of $srcdir/tests/exchanges
 *
 * A file is a prologue and blocks. A block begins with a line `# IDS words` (its name) and has a world of its own, in which
 * the prologue has been read; a line `## ...` is a remark. Of a block, each line is one of these, in order:
 *
 *     > METHOD PATH[?QUERY]       begins a request
 *     > Name: value               Authorization, Content-Type, If-None-Match, Accept, Remote-Address, Request-Id (of the
 *                                 front), Made-Request-Id (ours), Repeated: yes, Too-Large: yes. Other headers do not
 *                                 reach the server. A POST without Content-Type has that of a form.
 *                                 A check (its target is PATH and QUERY): Kind: subrequest|authorizer|nothing,
 *                                 M2m-Audience, M2m-Scope, M2m-Scope-Any, M2m-Resource-Metadata
 *     >> body                     lines are put together as they are, without line ends
 *     < 200                       sends it and expects that status
 *     < Name: pattern             the header stands there once, with that value
 *     < !Name                     the header does not stand there
 *     << pattern                  the whole body; `<<` alone: there is none
 *     <! pattern                  what the whole answer must not be: *text* looks for text in it
 *
 *     clock +N | age N|never | issuer URL [PREFIX] | nokeys | incomplete | algorithm NAME | failures N (per minute)
 *     scopes WORD...      of all audiences, for the metadata
 *     forget      the next request comes to another process of the host
 *     switch clients-cannot-say|revocations-cannot-say|limit-cannot-say|failures-cannot-say on|off
 *     switch not-durable|slow-lane-busy|seen-full|no-random|no-signature|no-metrics on|off
 *     client ID [enabled=0] [methods=none|basic|post|jwt] [default=URI] [omitted=default|all|none|refuse]
 *            [seconds=N] [rate=N] [burst=N] [aud=issuer|token_endpoint] [assertion=N]
 *     secret ID LABEL SECRET [rounds=N] [from=N] [until=N]        times: seconds from now
 *     clientkey ID KID ALG [material=NAME] [from=N] [until=N]     a public key of the client
 *     grant ID AUDIENCE [SCOPE[!]...]     `!`: given when no scope is asked for
 *     audience AUDIENCE [seconds=N] [algorithm=NAME]      what it asks of its tokens, after its grants
 *     reads ID AUDIENCE...
 *     rule [client=ID] [cred=LABEL] [from=N] [before=N]           a revocation rule
 *     key KID ALG [material=NAME] [publish=N] [activate=N] [retire=N] [remove=N]
 *     token NAME ID SECRET [FORM]         asks for a token and names it
 *     header JSON | claims JSON           of the next forged token (at first: as good as one of ours)
 *     forge NAME FORM | twin NAME OLD | flip NAME OLD PART        forge.h
 *     decode NAME header|claims PATTERN | same NAME NAME | differ NAME NAME
 *     count lane-taken|lane-given|verified-hits|verified-puts|revocations N
 *
 * What may stand in texts and patterns: script.h. What is true of every answer is looked at for every answer. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "script.h"
#include "setting.h"

enum { FILE_BYTES = 262144, PATH_BYTES = 512 };

#define FIRST_HEADER TEXT("{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"" WORLD_KID "\"}")
#define FIRST_CLAIMS TEXT("{\"iss\":\"" WORLD_ISSUER "\",\"sub\":\"svc\",\"aud\":\"https://api.example/orders\"," \
    "\"client_id\":\"svc\",\"scope\":\"read\",\"iat\":${now},\"exp\":${now+300},\"jti\":\"forged\",\"cred\":\"main\"}")

/* One block being run. */
struct block {
    struct script *script;
    struct request request;
    struct response response;
    struct text head, body;             /* of the response, in which they lie */
    bool waiting;                       /* a request has not been sent */
    unsigned answers;
};

static struct text *request_field(struct request *request, struct text name)
{
    const struct { struct text name; struct text *place; } fields[] = {
        { TEXT("Authorization"), &request->authorization }, { TEXT("Content-Type"), &request->content_type },
        { TEXT("If-None-Match"), &request->if_none_match }, { TEXT("Accept"), &request->accept },
        { TEXT("Remote-Address"), &request->remote_address }, { TEXT("Request-Id"), &request->id },
        { TEXT("Made-Request-Id"), &request->id },
        { TEXT("M2m-Audience"), &request->check.audience }, { TEXT("M2m-Scope"), &request->check.scope },
        { TEXT("M2m-Scope-Any"), &request->check.scope_any },
        { TEXT("M2m-Resource-Metadata"), &request->check.resource_metadata },
        { TEXT("M2m-Binding"), &request->check.binding }, { TEXT("M2m-Origin"), &request->check.origin },
        { TEXT("DPoP"), &request->dpop }, { TEXT("Ssl-Client-Cert"), &request->certificate },
        { TEXT("Ssl-Client-Verify"), &request->certificate_verified },
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (text_equal_nocase(fields[i].name, name)) return fields[i].place;
    return NULL;
}

static int set_kind(struct script *script, struct request *request, struct text kind)
{
    static const struct { struct text name; enum request_kind kind; } kinds[] = {
        { TEXT("subrequest"), REQUEST_SUBREQUEST }, { TEXT("authorizer"), REQUEST_AUTHORIZER },
        { TEXT("nothing"), REQUEST_NOTHING },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (text_equal(kinds[i].name, kind)) {
            request->kind = kinds[i].kind;
            return 0;
        }
    return script_fail(script, "no such kind of request");
}

static int begin_request(struct block *block, struct text line)
{
    struct text method, path;
    if (block->waiting) return script_fail(block->script, "the request before it is not answered");
    (void)text_split(&line, ' ', &method);
    struct text target = line;
    (void)text_split(&line, '?', &path);
    block->waiting = true;
    block->request = (struct request){ .method = method, .path = path, .query = line, .check.target = target };
    if (text_equal(method, TEXT("POST"))) block->request.content_type = TEXT("application/x-www-form-urlencoded");
    return 0;
}

static int read_request_line(struct block *block, struct text line)
{
    struct text name, value = line;
    const char *colon = memchr(line.data, ':', line.size), *blank = memchr(line.data, ' ', line.size);
    if (!colon || (blank && blank < colon)) return begin_request(block, line);
    (void)text_split(&value, ':', &name);
    value = text_trim(value);
    struct text *place = request_field(&block->request, name);
    if (place) *place = value.size > 0 ? value : (struct text){ NULL, 0 };
    if (text_equal(name, TEXT("Made-Request-Id"))) block->request.id_is_ours = true;
    if (text_equal(name, TEXT("Kind"))) return set_kind(block->script, &block->request, value);
    if (text_equal(name, TEXT("Repeated"))) block->request.repeated = true;
    if (text_equal(name, TEXT("Claims-Identity"))) block->request.claims_identity = true;
    if (text_equal(name, TEXT("Too-Large"))) block->request.body_too_large = true;
    return 0;
}

static int add_body(struct block *block, struct text line)
{
    static char bytes[SCRIPT_TEXT];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    buffer_put(&b, block->request.body);
    buffer_put(&b, line);
    block->request.body = world_keep(&block->script->world, buffer_text(&b));
    return b.full ? script_fail(block->script, "the body grows too long") : 0;
}

/* The value of a header that stands once; *times_r is how often it stands. */
static struct text find_header(struct text head, struct text name, unsigned *times_r)
{
    struct text line, field, value = { NULL, 0 };
    *times_r = 0;
    while (text_split(&head, '\n', &line)) {
        struct text rest = line;
        if (!text_split(&rest, ':', &field) || !text_equal_nocase(field, name)) continue;
        value = text_trim(rest);
        if (value.size > 0 && value.data[value.size - 1] == '\r') value.size--;
        ++*times_r;
    }
    return value;
}

static bool header_is(struct block *block, struct text name, struct text pattern)
{
    unsigned times;
    struct text value = find_header(block->head, name, &times);
    return times == 1 && script_match(block->script, pattern, value);
}

/* RFC 6749 5.2: what may stand in error and error_description. */
static bool is_plain_error(struct text body)
{
    for (size_t i = 0; i < body.size; i++)
        if (body.data[i] < 0x20 || body.data[i] > 0x7e || body.data[i] == '\\') return false;
    size_t quotes = 0;
    for (size_t i = 0; i < body.size; i++) quotes += body.data[i] == '"';
    return quotes == 8 && text_begins(body, TEXT("{\"error\":\"")) && body.data[body.size - 1] == '}';
}

static bool is_challenge(struct block *block, bool is_check)
{
    const struct text name = TEXT("WWW-Authenticate");
    if (!is_check) return header_is(block, name, TEXT("Basic realm=\"*\", charset=\"UTF-8\""));
    return header_is(block, name, TEXT("Bearer realm=\"" WORLD_ISSUER "\"*")) ||
           header_is(block, name, TEXT("DPoP realm=\"" WORLD_ISSUER "\"*algs=\"ES256 RS256 PS256 EdDSA\""));
}

/* What holds for every answer: PROTOCOL A15, A20, A21, I8, and a head that a front server can read. */
static int judge_any(struct block *block, struct text answer)
{
    struct script *script = block->script;
    const struct response *response = &block->response;
    unsigned times;
    char size[32];
    struct buffer b = { size, 0, sizeof size, false };
    buffer_put_number(&b, block->body.size);
    int status = response->status;
    if (!text_begins(answer, TEXT("Status: "))) return script_fail(script, "Status does not stand first");
    bool is_bare = status == 204 || status == 304;
    if (!is_bare && !response->head_only && !header_is(block, TEXT("Content-Length"), buffer_text(&b)))
        return script_fail(script, "Content-Length is not that of the body");
    if (is_bare && header_is(block, TEXT("Content-Length"), TEXT("0"))) return script_fail(script, "a length of no body");
    if ((response->head_only || is_bare) && block->body.size > 0) return script_fail(script, "there is a body");
    bool is_public = response->cache == RESPONSE_PUBLIC && (status == 200 || status == 304);
    if (!is_public && (!header_is(block, TEXT("Cache-Control"), TEXT("no-store")) ||
                       !header_is(block, TEXT("Pragma"), TEXT("no-cache")))) return script_fail(script, "it may be stored");
    if (status >= 400 && !response->head_only && !is_plain_error(block->body))
        return script_fail(script, "the error is not plain JSON: %.*s", (int)block->body.size, block->body.data);
    if (status >= 400 && !header_is(block, TEXT("Content-Type"), TEXT("application/json")))
        return script_fail(script, "the error is not application/json");
    bool is_check = block->request.kind == REQUEST_SUBREQUEST || block->request.kind == REQUEST_AUTHORIZER;
    bool is_challenged = is_check ? status == 400 || status == 401 || status == 403 : status == 401;
    if (is_challenged && !is_challenge(block, is_check)) return script_fail(script, "a refusal without a challenge");
    (void)find_header(block->head, TEXT("Retry-After"), &times);
    if ((times == 1) != (status == 429 || status == 503)) return script_fail(script, "Retry-After belongs to 429 and 503");
    return 0;
}

static int send_request(struct block *block)
{
    struct text answer = world_handle(&block->script->world, &block->request, &block->response);
    const char *end = memmem(answer.data, answer.size, "\r\n\r\n", 4);
    if (!end) return script_fail(block->script, "the answer has no head");
    size_t head_size = (size_t)(end - answer.data) + 4;
    block->head = text_slice(answer, 0, head_size - 2);
    block->body = text_slice(answer, head_size, answer.size);
    block->waiting = false;
    block->answers++;
    return judge_any(block, answer);
}

static int expect_head(struct block *block, struct text line)
{
    unsigned times;
    struct text name, value = line;
    if (block->waiting && send_request(block)) return -1;
    if (line.size == 3 && line.data[0] >= '1' && line.data[0] <= '5')
        return text_equal(text_slice(find_header(block->head, TEXT("Status"), &times), 0, line.size), line) ? 0
             : script_fail(block->script, "status %.*s is expected: %.*s %.*s", (int)line.size, line.data, 11, block->head.data,
                           (int)block->body.size, block->body.data);
    if (text_begins(line, TEXT("!"))) {
        (void)find_header(block->head, text_slice(line, 1, line.size), &times);
        return times == 0 ? 0 : script_fail(block->script, "there is %.*s", (int)line.size - 1, line.data + 1);
    }
    (void)text_split(&value, ':', &name);
    return header_is(block, name, text_trim(value)) ? 0
         : script_fail(block->script, "not %.*s in: %.*s", (int)line.size, line.data, (int)block->head.size, block->head.data);
}

static int expect_body(struct block *block, struct text pattern)
{
    return script_match(block->script, pattern, block->body) ? 0
         : script_fail(block->script, "the body is %.*s", (int)block->body.size, block->body.data);
}

static int expect_not(struct block *block, struct text pattern)
{
    if (!script_match(block->script, pattern, block->head) && !script_match(block->script, pattern, block->body)) return 0;
    return script_fail(block->script, "it is %.*s", (int)pattern.size, pattern.data);
}

static int run_line(struct block *block, struct text line)
{
    static const struct { struct text mark; int (*run)(struct block *block, struct text line); } marks[] = {
        { TEXT(">> "), add_body }, { TEXT("> "), read_request_line }, { TEXT("<< "), expect_body },
        { TEXT("<! "), expect_not }, { TEXT("< "), expect_head },
    };
    struct text expanded;
    if (text_trim(line).size == 0 || text_begins(line, TEXT("##"))) return 0;
    if (text_equal(line, TEXT("<<"))) return expect_body(block, TEXT(""));
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (!text_begins(line, marks[i].mark)) continue;
        if (script_expand(block->script, text_slice(line, marks[i].mark.size, line.size), &expanded)) return -1;
        return marks[i].run(block, expanded);
    }
    return setting_apply(block->script, line);
}

/* Runs lines up to the next block, which stays in *rest. The number of the line that failed, or 0. */
static unsigned run_lines(struct block *block, struct text *rest, unsigned *number)
{
    struct text line, before = *rest;
    unsigned failed = 0;
    for (; text_split(rest, '\n', &line); before = *rest) {
        if (text_begins(line, TEXT("# "))) {
            *rest = before;
            break;
        }
        ++*number;
        if (failed == 0 && run_line(block, line)) failed = *number;
    }
    return failed;
}

static int reset(struct script *script)
{
    if (world_reset(&script->world)) return -1;
    script->count = 0;
    script->why[0] = '\0';
    script->header = FIRST_HEADER;
    script->claims = FIRST_CLAIMS;
    return 0;
}

/* The number of blocks that failed. */
static int run_file(struct script *script, const char *name, struct text file)
{
    struct text rest = file, prologue, line;
    int failures = 0;
    unsigned number = 0, ignored = 0;
    struct block block = { .script = script };
    if (reset(script) || run_lines(&block, &rest, &number)) {
        printf("not ok - %s: prologue # line %u: %s\n", name, number, script->why);
        return 1;
    }
    prologue = text_slice(file, 0, text_present(rest) ? (size_t)(rest.data - file.data) : file.size);
    while (text_split(&rest, '\n', &line)) {
        struct text again = prologue, title = text_slice(line, 2, line.size);
        number++;
        block = (struct block){ .script = script };
        if (reset(script) || run_lines(&block, &again, &ignored)) (void)script_fail(script, "the world cannot be made");
        unsigned failed = run_lines(&block, &rest, &number);
        if (!failed && script->why[0] != '\0') failed = number;
        if (!failed && (block.waiting || block.answers == 0)) {
            (void)script_fail(script, "a request without an answer, or no request");
            failed = number;
        }
        if (failed) printf("not ok - %s: %.*s # line %u: %s\n", name, (int)title.size, title.data, failed, script->why);
        else printf("ok - %s: %.*s\n", name, (int)title.size, title.data);
        failures += failed > 0;
    }
    return failures;
}

static int run_path(struct script *script, const char *path)
{
    static char bytes[FILE_BYTES];
    FILE *file = fopen(path, "r");
    const char *slash = strrchr(path, '/');
    size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file) (void)fclose(file);
    if (size > 0 && size < sizeof bytes) return run_file(script, slash ? slash + 1 : path, (struct text){ bytes, size });
    printf("not ok - %s # it cannot be read, is empty or too long\n", path);
    return 1;
}

static int is_exchange_file(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && !strcmp(dot, ".txt");
}

static int run_folder(struct script *script)
{
    const char *source = getenv("srcdir");
    char folder[PATH_BYTES], path[2 * PATH_BYTES];
    struct dirent **entries;
    int failures = 0;
    (void)snprintf(folder, sizeof folder, "%s/tests/exchanges", source ? source : ".");
    int count = scandir(folder, &entries, is_exchange_file, alphasort);
    if (count <= 0) {
        printf("not ok - exchanges # there are no files in %s\n", folder);
        return 1;
    }
    for (int i = 0; i < count; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        failures += run_path(script, path);
        free(entries[i]);
    }
    free(entries);
    return failures;
}

int main(int argc, char **argv)
{
    static struct script script;
    int failures = 0;
    if (world_open(&script.world)) {
        printf("not ok - exchanges # the world cannot be made\n");
        return EXIT_FAILURE;
    }
    for (int i = 1; i < argc; i++) failures += run_path(&script, argv[i]);
    if (argc == 1) failures = run_folder(&script);
    world_close(&script.world);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
