#include "response.h"

#include <assert.h>

#include "../base/base64url.h"
#include "../jose/jws.h"

enum { RETRY_SOON = 1, RETRY_AFTER_FAILURES = 6, ETAG_BYTES = 15 };

void response_open(struct response *response)
{
    response->body = (struct buffer){ response->small + RESPONSE_HEAD, 0, RESPONSE_SMALL, false };
    response->status = 200;
    response->error = ERROR_none;
    response->cache = RESPONSE_NO_STORE;
    response->max_age = 0;
    response->retry_after = 0;
    response->etag[0] = '\0';
    response->nonce[0] = '\0';
    response->allow = TEXT_NONE;
    response->challenge = (struct response_challenge){ .scheme = RESPONSE_BASIC };
    response->lines = TEXT_NONE;
    response->head_room = RESPONSE_HEAD;
    response->content_type = TEXT("application/json");
    response->client_id = TEXT_NONE;
    response->route = 0;
    response->head_only = false;
}

int response_reserve(struct response *response, struct arena *arena, size_t size)
{
    char *block = arena_take(arena, RESPONSE_HEAD + size);
    if (!block) return -1;
    response->head_room = RESPONSE_HEAD;
    response->body = (struct buffer){ block + RESPONSE_HEAD, 0, size, false };
    return 0;
}

int response_widen(struct response *response, struct arena *arena, size_t size)
{
    char *block = arena_take(arena, RESPONSE_HEAD + size + RESPONSE_SMALL);
    if (!block) return -1;
    response->head_room = RESPONSE_HEAD + size;
    response->body = (struct buffer){ block + response->head_room, 0, RESPONSE_SMALL, false };
    return 0;
}

/* Seconds until a client may try again; 0 if that would not help. */
static unsigned retry_after(enum error error, int status)
{
    if (error == ERROR_too_many_failures) return RETRY_AFTER_FAILURES;
    return status == 429 || status == 503 ? RETRY_SOON : 0;
}

void response_refuse(struct response *response, enum error error)
{
    const struct error_facts *facts = error_facts(error);
    struct buffer *b = &response->body;
    response->error = error;
    response->status = facts->status;
    response->cache = RESPONSE_NO_STORE;
    response->etag[0] = '\0';
    response->content_type = TEXT("application/json");
    response->retry_after = retry_after(error, facts->status);
    *b = (struct buffer){ b->data, 0, b->capacity, false };
    buffer_put(b, TEXT("{\"error\":"));
    buffer_put_json(b, text_of(facts->code));
    buffer_put(b, TEXT(",\"error_description\":"));
    buffer_put_json(b, text_of(facts->description));
    buffer_put_char(b, '}');
    assert(!b->full);
}

/* RFC 9110 13.1.2: a list of entity tags, or `*`; compared weakly, so W/ is ignored. */
static bool holds_tag(struct text list, struct text tag)
{
    struct text one;
    while (text_split(&list, ',', &one)) {
        one = text_trim(one);
        if (text_begins(one, TEXT("W/"))) one = text_slice(one, 2, one.size);
        if (text_equal(one, tag) || text_equal(one, TEXT("*"))) return true;
    }
    return false;
}

void response_validate(struct response *response, struct secret_hasher *hasher, struct text if_none_match)
{
    unsigned char digest[SECRET_DIGEST];
    struct text body = buffer_text(&response->body);
    struct buffer tag = { response->etag, 0, RESPONSE_ETAG - 1, false };
    if (secret_digest(hasher, &body, 1, digest)) return;
    buffer_put_char(&tag, '"');
    base64url_put(&tag, (struct text){ (const char *)digest, ETAG_BYTES });
    buffer_put_char(&tag, '"');
    response->etag[tag.size] = '\0';
    if (!holds_tag(if_none_match, buffer_text(&tag))) return;
    response->status = 304;
    response->body.size = 0;
}

static void put_header(struct buffer *b, struct text name, struct text value)
{
    if (value.size == 0) return;
    buffer_put(b, name);
    buffer_put(b, value);
    buffer_put(b, TEXT("\r\n"));
}

static void put_number_header(struct buffer *b, struct text name, uint64_t value)
{
    buffer_put(b, name);
    buffer_put_number(b, value);
    buffer_put(b, TEXT("\r\n"));
}

/* The reason phrase is optional (RFC 9112 4); front servers pass it on, and it helps people who debug. */
static struct text reason(int status)
{
    switch (status) {
    case 200: return TEXT(" OK\r\n");
    case 204: return TEXT(" No Content\r\n");
    case 304: return TEXT(" Not Modified\r\n");
    case 400: return TEXT(" Bad Request\r\n");
    case 401: return TEXT(" Unauthorized\r\n");
    case 403: return TEXT(" Forbidden\r\n");
    case 404: return TEXT(" Not Found\r\n");
    case 405: return TEXT(" Method Not Allowed\r\n");
    case 413: return TEXT(" Content Too Large\r\n");
    case 429: return TEXT(" Too Many Requests\r\n");
    default: return TEXT(" Service Unavailable\r\n");
    }
}

/* RFC 6749 5.1: no-store, and Pragma for HTTP/1.0 caches. */
static void put_cache(struct buffer *b, const struct response *response)
{
    if (response->cache == RESPONSE_PUBLIC)
        put_number_header(b, TEXT("Cache-Control: public, max-age="), response->max_age);
    else buffer_put(b, TEXT("Cache-Control: no-store\r\nPragma: no-cache\r\n"));
}

static void put_attribute(struct buffer *b, struct text name, struct text value)
{
    if (!text_present(value)) return;
    buffer_put(b, name);
    buffer_put_char(b, '"');
    buffer_put(b, value);
    buffer_put_char(b, '"');
}

/* RFC 9449 7.1: `algs`, separated by spaces. */
static void put_algorithms(struct buffer *b)
{
    buffer_put(b, TEXT("algs=\""));
    for (int i = 0; i < JWS_PUBLIC_ALGORITHMS; i++) {
        if (i > 0) buffer_put_char(b, ' ');
        buffer_put(b, jws_algorithm_name((enum jws_algorithm)i));
    }
    buffer_put_char(b, '"');
}

/* RFC 6750 3.1: a request without a token gets no error code. */
static void put_token_challenge(struct buffer *b, const struct response *response, struct text realm)
{
    const struct error_facts *facts = error_facts(response->error);
    enum response_scheme scheme = response->challenge.scheme;
    buffer_put(b, TEXT("WWW-Authenticate: "));
    buffer_put(b, scheme == RESPONSE_DPOP ? TEXT("DPoP realm=") : TEXT("Bearer realm="));
    buffer_put_json(b, realm);
    if (response->error != ERROR_missing_bearer) {
        put_attribute(b, TEXT(", error="), text_of(facts->code));
        put_attribute(b, TEXT(", error_description="), text_of(facts->description));
    }
    if (response->error == ERROR_insufficient_scope) put_attribute(b, TEXT(", scope="), response->challenge.scope);
    put_attribute(b, TEXT(", resource_metadata="), response->challenge.resource_metadata);
    if (scheme == RESPONSE_DPOP) buffer_put(b, TEXT(", "));
    if (scheme == RESPONSE_BEARER_OR_DPOP) buffer_put(b, TEXT(", DPoP "));
    if (scheme != RESPONSE_BEARER) put_algorithms(b);
    buffer_put(b, TEXT("\r\n"));
}

static void put_challenge(struct buffer *b, const struct response *response, struct text realm)
{
    int status = response->status;
    if (response->challenge.scheme != RESPONSE_BASIC) {
        if (status == 400 || status == 401 || status == 403) put_token_challenge(b, response, realm);
    } else if (status == 401) {
        buffer_put(b, TEXT("WWW-Authenticate: Basic realm="));
        buffer_put_json(b, realm);
        buffer_put(b, TEXT(", charset=\"UTF-8\"\r\n"));
    }
}

struct text response_format(struct response *response, struct text realm, struct text id)
{
    char *room = response->body.data - response->head_room;
    struct buffer b = { room, 0, response->head_room, false };
    size_t body_size = response->body.size;
    buffer_put(&b, TEXT("Status: "));
    buffer_put_number(&b, (uint64_t)response->status);
    buffer_put(&b, reason(response->status));
    if (response->status != 304 && response->status != 204) {
        put_header(&b, TEXT("Content-Type: "), response->content_type);
        put_number_header(&b, TEXT("Content-Length: "), body_size);
    }
    put_cache(&b, response);
    put_challenge(&b, response, realm);
    if (response->retry_after > 0) put_number_header(&b, TEXT("Retry-After: "), response->retry_after);
    put_header(&b, TEXT("Allow: "), response->allow);
    put_header(&b, TEXT("ETag: "), text_of(response->etag));
    put_header(&b, TEXT("DPoP-Nonce: "), text_of(response->nonce));
    put_header(&b, TEXT("X-Request-Id: "), id);
    buffer_put(&b, response->lines);
    buffer_put(&b, TEXT("\r\n"));
    assert(!b.full);

    char *start = response->body.data - b.size;
    memmove(start, room, b.size);
    return (struct text){ start, b.size + (response->head_only ? 0 : body_size) };
}
