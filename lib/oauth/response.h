/* response: the response to one request, and its serialisation as a CGI response (RFC 3875 6).
 *
 * An endpoint writes the body and sets the fields; response_format() writes the head directly in front of the body, so
 * that the caller sends one block of memory. Status is always the first header field. It does not send anything. */
#ifndef OAUTH_RESPONSE_H
#define OAUTH_RESPONSE_H

#include "../base/arena.h"
#include "../base/buffer.h"
#include "../base/error.h"
#include "../base/secret.h"

enum { RESPONSE_HEAD = 768, RESPONSE_SMALL = 256, RESPONSE_ETAG = 32, RESPONSE_NONCE = 48 };

enum response_cache { RESPONSE_NO_STORE, RESPONSE_PUBLIC };

/* The scheme of WWW-Authenticate. Basic is sent with 401; Bearer (RFC 6750 3) and DPoP (RFC 9449 7.1) with 400, 401 and
 * 403. */
enum response_scheme { RESPONSE_BASIC, RESPONSE_BEARER, RESPONSE_DPOP, RESPONSE_BEARER_OR_DPOP };

struct response_challenge {
    enum response_scheme scheme;   /* the texts are quoted without escaping, so they must need none */
    struct text scope;             /* the required scope, sent with insufficient_scope; absent: not sent */
    struct text resource_metadata; /* URL (RFC 9728 5.1); absent: not sent */
};

struct response {
    struct buffer body;
    int status;
    enum error error;
    enum response_cache cache;
    unsigned max_age;           /* seconds, with RESPONSE_PUBLIC */
    unsigned retry_after;       /* seconds; 0: not sent */
    char etag[RESPONSE_ETAG];   /* quoted, NUL-terminated; empty: not sent */
    char nonce[RESPONSE_NONCE]; /* DPoP-Nonce (RFC 9449 8), NUL-terminated; empty: not sent */
    struct text allow;          /* absent: not sent */
    struct response_challenge challenge;
    struct text lines; /* further header lines, each with CR LF; absent: none */
    size_t head_room;  /* bytes reserved in front of the body for the head */
    struct text content_type;
    struct text client_id; /* the authenticated client, for the log; absent before */
    unsigned route;        /* index of the route, for the metrics */
    bool head_only;        /* HEAD: Content-Length is sent, the body is not */
    char small[RESPONSE_HEAD + RESPONSE_SMALL];
};

/* Initialises an empty 200 response with space for a body of RESPONSE_SMALL bytes, which is enough for any error. */
void response_open(struct response *response);

/* Allocates space for a body of size bytes in the arena; discards what has been written. Returns 0, or -1 if the arena
 * is exhausted. */
int response_reserve(struct response *response, struct arena *arena, size_t size);

/* Allocates space in the arena for size more bytes of head and a body of RESPONSE_SMALL bytes; discards what has been
 * written. Must be called before lines or the texts of the challenge are set. Returns 0, or -1 if the arena is
 * exhausted. */
int response_widen(struct response *response, struct arena *arena, size_t size);

/* Replaces the body by the error response of RFC 6749 5.2, and sets error, status and retry_after. */
void response_refuse(struct response *response, enum error error);

/* Sets etag to a digest of the body; with a matching If-None-Match (RFC 9110 13.1.2) the response becomes a 304. If the
 * library fails, the response is sent without an ETag. */
void response_validate(struct response *response, struct secret_hasher *hasher, struct text if_none_match);

/* Returns the serialised response. realm is the realm of the challenge; id, if present, becomes X-Request-Id. The view
 * is valid as long as response and the arena its body is in. Called once per response. */
struct text response_format(struct response *response, struct text realm, struct text id);

#endif
