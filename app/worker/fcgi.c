#include "fcgi.h"

#include <assert.h>
#include <errno.h>
#include <fastcgi.h>
#include <fcgiapp.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "../../lib/base/buffer.h"
#include "fcgi_records.h"

/* A body that is too large is read to its end up to this size, so that it can be answered and the connection kept. */
enum { DISCARDED_BYTES = 1048576, CHUNK_BYTES = 4096 };

struct fcgi_connection {
    FCGX_Request request;
    struct fcgi_records records;
    char *ahead; /* libfcgi's read-ahead buffer of this request, and how much of it was filled */
    size_t ahead_size;
};

/* The connection whose request is being read or answered: a worker handles one at a time. */
static struct fcgi_connection *reading;

struct params {
    struct request request;
    struct text endpoint, script_name, path_info, content_length;
    size_t size;    /* of the parameters in known[]: a client may send any number of other headers */
    unsigned seen;  /* one bit for each of known[] */
    unsigned again; /* one bit for each of joined that occurs more than once */
};

enum { KNOWN_ENDPOINT, KNOWN_ACCEPT, KNOWN_DPOP, KNOWN_IF_NONE_MATCH };

/* Headers whose lines are joined with commas (RFC 9110 5.3), as some front servers do: lists, and DPoP, where two proofs so
 * joined are refused (RFC 9449 4.3, check 1). A request with any other name twice is refused. */
static const unsigned joined = 1U << KNOWN_ACCEPT | 1U << KNOWN_DPOP | 1U << KNOWN_IF_NONE_MATCH;

/* The parameters that are read; all others are skipped, because front servers pass on every header of the client. Names that
 * begin with HTTP_ have values that the client sent; a client cannot set the others. */
static const struct known {
    struct text name;
    size_t offset;
} known[] = {
    [KNOWN_ENDPOINT] = { { "M2M_ENDPOINT", 12 }, offsetof(struct params, endpoint) },
    [KNOWN_ACCEPT] = { { "HTTP_ACCEPT", 11 }, offsetof(struct params, request.accept) },
    [KNOWN_DPOP] = { { "HTTP_DPOP", 9 }, offsetof(struct params, request.dpop) },
    [KNOWN_IF_NONE_MATCH] = { { "HTTP_IF_NONE_MATCH", 18 }, offsetof(struct params, request.if_none_match) },
    { { "REQUEST_METHOD", 14 }, offsetof(struct params, request.method) },
    { { "SCRIPT_NAME", 11 }, offsetof(struct params, script_name) },
    { { "PATH_INFO", 9 }, offsetof(struct params, path_info) },
    { { "QUERY_STRING", 12 }, offsetof(struct params, request.query) },
    { { "CONTENT_TYPE", 12 }, offsetof(struct params, request.content_type) },
    { { "CONTENT_LENGTH", 14 }, offsetof(struct params, content_length) },
    { { "REMOTE_ADDR", 11 }, offsetof(struct params, request.remote_address) },
    { { "REQUEST_ID", 10 }, offsetof(struct params, request.id) },
    { { "HTTP_AUTHORIZATION", 18 }, offsetof(struct params, request.authorization) },
    { { "SSL_CLIENT_CERT", 15 }, offsetof(struct params, request.certificate) },
    { { "SSL_CLIENT_VERIFY", 17 }, offsetof(struct params, request.certificate_verified) },
    { { "M2M_AUDIENCE", 12 }, offsetof(struct params, request.check.audience) },
    { { "M2M_SCOPE", 9 }, offsetof(struct params, request.check.scope) },
    { { "M2M_SCOPE_ANY", 13 }, offsetof(struct params, request.check.scope_any) },
    { { "M2M_RESOURCE_METADATA", 21 }, offsetof(struct params, request.check.resource_metadata) },
    { { "M2M_BINDING", 11 }, offsetof(struct params, request.check.binding) },
    { { "M2M_ORIGIN", 10 }, offsetof(struct params, request.check.origin) },
    { { "REQUEST_URI", 11 }, offsetof(struct params, request.check.target) },
};

enum { KNOWN = sizeof known / sizeof known[0] };
static_assert(KNOWN <= sizeof(unsigned) * CHAR_BIT, "one bit for each");

int fcgi_open(void) { return FCGX_Init() ? -1 : 0; }

int fcgi_accept(int listener, unsigned io_seconds, struct fcgi_connection **connection_r)
{
    struct timeval limit = { .tv_sec = (time_t)io_seconds };
    assert(io_seconds > 0); /* 0 would be no limit at all */
    struct fcgi_connection *connection = calloc(1, sizeof *connection);
    int fd = connection ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : -1;
    if (fd < 0) {
        int why = errno;
        free(connection);
        errno = why;
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    FCGX_InitRequest(&connection->request, -1, 0); /* -1: it cannot accept */
    connection->request.ipcFd = fd;
    connection->request.keepConnection = 1;
    FCGX_Detach(&connection->request); /* needs ipcFd; closing then does not wait two seconds for the peer to close */
    *connection_r = connection;
    return fd;
}

/* libfcgi reads ahead up to 8,192 bytes, even in the middle of a request, so its records can only be checked where it reads
 * them: it calls OS_Read through the dynamic linker, which finds this function instead of its own. With a libfcgi that calls
 * its own (linked statically, or with -Bsymbolic) the assert in fcgi_read() fails at the first request. */
int OS_Read(int fd, char *bytes, size_t size);
int OS_Write(int fd, char *bytes, size_t size);

/* Called before libfcgi frees the buffer, so that no secret remains in freed memory. */
static void wipe_ahead(struct fcgi_connection *connection)
{
    if (connection->ahead) explicit_bzero(connection->ahead, connection->ahead_size);
    connection->ahead = NULL;
    connection->ahead_size = 0;
}

int OS_Read(int fd, char *bytes, size_t size)
{
    assert(reading && reading->request.ipcFd == fd);
    ssize_t got = read(fd, bytes, size);
    reading->ahead = bytes;
    if (got > 0 && (size_t)got > reading->ahead_size) reading->ahead_size = (size_t)got;
    if (got > 0 && fcgi_records_follow(&reading->records, bytes, (size_t)got)) return (int)got;
    wipe_ahead(reading); /* the request ends here, and libfcgi may free its buffer */
    if (got > 0) errno = EPROTO;
    return got > 0 ? -1 : (int)got;
}

/* As libfcgi's own, but wipes the bytes that were sent, which may hold a token. */
int OS_Write(int fd, char *bytes, size_t size)
{
    ssize_t done = write(fd, bytes, size);
    if (done > 0) explicit_bzero(bytes, (size_t)done);
    return (int)done;
}

/* Wipes all that libfcgi holds of a request. */
static void wipe_request(struct fcgi_connection *connection)
{
    wipe_ahead(connection);
    if (!connection->request.paramsPtr) return;
    for (char **envp = connection->request.envp; *envp; envp++) explicit_bzero(*envp, strlen(*envp));
}

static struct text *field(struct params *params, unsigned i)
{
    assert(i < KNOWN);
    return (struct text *)((char *)params + known[i].offset);
}

/* X-Auth-Client and so on. A lighttpd that asks as an authorizer passes these names to the application as well, with _
 * for each character but letters and digits: X!Auth!Client is HTTP_X_AUTH_CLIENT there. Its configuration cannot
 * remove so many spellings. */
static bool is_identity(struct text name)
{
    struct text prefix = TEXT("HTTP_X_AUTH_");
    if (!text_begins(name, prefix)) return false;
    struct text end = text_slice(name, prefix.size, name.size);
    return text_equal(end, TEXT("CLIENT")) || text_equal(end, TEXT("SUBJECT")) || text_equal(end, TEXT("SCOPE")) ||
           text_equal(end, TEXT("AUDIENCE"));
}

/* An empty value means the same as none (RFC 3875 4.1), but the name counts as present. */
static void take_param(struct params *params, struct text name, struct text value)
{
    for (unsigned i = 0; i < KNOWN; i++) {
        unsigned bit = 1U << i;
        if (!text_equal(name, known[i].name)) continue;
        if (params->seen & bit & joined) params->again |= bit;
        else if (params->seen & bit) params->request.repeated = true;
        else if (value.size > 0) *field(params, i) = value;
        params->seen |= bit;
        params->size += name.size + value.size;
        return;
    }
    if (is_identity(name)) params->request.claims_identity = true;
}

static void take_params(char *const *envp, struct params *params)
{
    for (; *envp; envp++) {
        struct text value = text_of(*envp), name;
        text_split(&value, '=', &name);
        take_param(params, name, value);
    }
}

/* Joins the lines of one header, including empty ones. Returns absent when the arena is full. */
static struct text join_lines(struct arena *arena, char *const *envp, struct text header, size_t capacity)
{
    struct buffer b = { arena_take(arena, capacity), 0, capacity, false };
    bool is_first = true;
    if (!b.data) return (struct text){ NULL, 0 };
    for (; *envp; envp++) {
        struct text value = text_of(*envp), name;
        if (!text_split(&value, '=', &name) || !text_equal(name, header)) continue;
        if (!is_first) buffer_put_char(&b, ',');
        buffer_put(&b, value);
        is_first = false;
    }
    return buffer_text(&b);
}

static void join_again(struct arena *arena, char *const *envp, struct params *params)
{
    for (unsigned i = 0; i < KNOWN; i++) {
        if (!(params->again & 1U << i)) continue;
        *field(params, i) = join_lines(arena, envp, known[i].name, params->size);
        if (!text_present(*field(params, i))) params->request.repeated = true;
    }
}

/* Decided by the role and M2M_ENDPOINT, which a client cannot set. Any other endpoint name (also an empty one) or role is an
 * error in the front server's configuration: REQUEST_NOTHING, which is never answered with 2xx. */
static enum request_kind kind_of(int role, const struct params *params)
{
    bool is_named = params->seen & 1U << KNOWN_ENDPOINT;
    if (is_named && !text_equal(params->endpoint, TEXT("check"))) return REQUEST_NOTHING;
    if (role == FCGI_AUTHORIZER) return REQUEST_AUTHORIZER;
    if (role != FCGI_RESPONDER) return REQUEST_NOTHING;
    return is_named ? REQUEST_SUBREQUEST : REQUEST_ENDPOINT;
}

/* Returns the whole path; absent when there is none or the arena is full. */
static struct text join_path(struct arena *arena, struct text script_name, struct text path_info)
{
    if (!text_present(path_info)) return script_name;
    if (!text_present(script_name)) return path_info;
    char *path = arena_take(arena, script_name.size + path_info.size);
    if (!path) return (struct text){ NULL, 0 };
    memcpy(path, script_name.data, script_name.size);
    memcpy(path + script_name.size, path_info.data, path_info.size);
    return (struct text){ path, script_name.size + path_info.size };
}

/* Reads the rest of stdin, which on a kept connection would be taken for the next request. Returns whether it had size
 * bytes. */
static bool discard_body(FCGX_Stream *in, uint64_t size)
{
    char chunk[CHUNK_BYTES];
    uint64_t total = 0;
    int got;
    if (size > DISCARDED_BYTES) return false;
    while (total <= size && (got = FCGX_GetStr(chunk, sizeof chunk, in)) > 0) total += (uint64_t)got;
    return total == size && FCGX_GetError(in) == 0;
}

/* Returns -1 unless the body is exactly as long as announced and stdin ends there: part of a body is never processed. */
static int read_body(FCGX_Stream *in, struct text announced, struct arena *arena, struct request *request_r)
{
    uint64_t size = 0;
    if (text_present(announced) && text_number(announced, DISCARDED_BYTES, &size)) return -1;
    if (size > REQUEST_BODY_BYTES) {
        request_r->body_too_large = true;
        return discard_body(in, size) ? 0 : -1;
    }
    char *body = arena_take(arena, size + 1); /* one more, so that the read sees the end of stdin */
    if (!body || FCGX_GetStr(body, (int)size + 1, in) != (int)size || FCGX_GetError(in)) return -1;
    request_r->body = (struct text){ body, size };
    return 0;
}

int fcgi_read(struct fcgi_connection *connection, struct arena *arena, struct request *request_r)
{
    FCGX_Request *request = &connection->request;
    struct params params = { 0 };
    reading = connection;
    fcgi_records_start(&connection->records);
    if (FCGX_Accept_r(request) < 0) {
        connection->ahead = NULL; /* libfcgi has freed it */
        return -1;
    }
    assert(connection->records.began);
    if (FCGX_GetError(request->in)) return -1; /* to libfcgi, truncated parameters are a success */
    take_params(request->envp, &params);
    params.request.kind = kind_of(request->role, &params);
    params.request.claims_identity &= params.request.kind == REQUEST_AUTHORIZER; /* nginx replaces them */
    params.request.body = TEXT("");
    if (request->role == FCGI_RESPONDER) {
        params.request.path = join_path(arena, params.script_name, params.path_info);
        if (read_body(request->in, params.content_length, arena, &params.request)) return -1;
    } else {
        request->keepConnection = 0; /* an authorizer's stdin may never end, so it is not read */
    }
    if (params.size > REQUEST_PARAMS_BYTES) params.request.body_too_large = true;
    else if (params.again) join_again(arena, request->envp, &params);
    *request_r = params.request;
    return 0;
}

int fcgi_write(struct fcgi_connection *connection, struct text answer, bool keep)
{
    FCGX_Request *request = &connection->request;
    assert(reading == connection && request->out); /* else the answer would go to another request */
    FCGX_PutStr(answer.data, (int)answer.size, request->out);
    wipe_request(connection);
    if (!keep) request->keepConnection = 0;
    FCGX_Finish_r(request);
    return request->ipcFd < 0 ? -1 : 0;
}

/* On a Unix socket the peer's writes fail after shutdown(), so no byte can arrive after recv() has found none. */
bool fcgi_refuse_more(struct fcgi_connection *connection)
{
    char byte;
    int fd = connection->request.ipcFd;
    return shutdown(fd, SHUT_RD) == 0 && recv(fd, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void fcgi_close(struct fcgi_connection *connection)
{
    wipe_request(connection);
    if (reading == connection) reading = NULL;
    FCGX_Free(&connection->request, connection->request.ipcFd >= 0);
    free(connection);
}
