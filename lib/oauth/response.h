/* response: the answer, and how it looks on the wire.
 *
 * An endpoint writes the body and sets the facts; response_format() puts the head in front of the body, in place, so
 * that the caller sends one piece of memory. The form is that of a CGI response (RFC 3875 6): Status first, always,
 * and Content-Length always. */
#ifndef OAUTH_RESPONSE_H
#define OAUTH_RESPONSE_H

#include "../base/arena.h"
#include "../base/buffer.h"
#include "../base/error.h"
#include "../base/secret.h"

enum { RESPONSE_HEAD = 768, RESPONSE_SMALL = 256, RESPONSE_ETAG = 32, RESPONSE_NONCE = 48 };

enum response_cache { RESPONSE_NO_STORE, RESPONSE_PUBLIC };

/* Basic: of a 401. Bearer (RFC 6750 3) and DPoP (RFC 9449 7.1): of every 400, 401 and 403; texts go between quotes as
 * they are. */
enum response_scheme { RESPONSE_BASIC, RESPONSE_BEARER, RESPONSE_DPOP, RESPONSE_BEARER_OR_DPOP };

struct response_challenge {
    enum response_scheme scheme;
    struct text scope;             /* what is needed, told with insufficient_scope; absent: not told */
    struct text resource_metadata; /* URL (RFC 9728 5.1); absent: not told */
};

struct response {
    struct buffer body;
    int status;
    enum error error;
    enum response_cache cache;
    unsigned max_age;           /* seconds, with RESPONSE_PUBLIC */
    unsigned retry_after;       /* seconds; 0: no such header */
    char etag[RESPONSE_ETAG];   /* with its quotes and a NUL; empty: no such header */
    char nonce[RESPONSE_NONCE]; /* DPoP-Nonce (RFC 9449 8), with a NUL; empty: no such header */
    struct text allow;          /* absent: no such header */
    struct response_challenge challenge;
    struct text lines; /* more lines of the head, each with its line end; absent: none */
    size_t head_room;  /* bytes in front of the body for the head */
    struct text content_type;
    struct text client_id; /* who asked, for the log; absent until it is proved */
    unsigned route;        /* index of the route, for the metrics */
    bool head_only;        /* HEAD: Content-Length is that of the body that is left out */
    char small[RESPONSE_HEAD + RESPONSE_SMALL];
};

/* An empty answer with room for a head and a body of RESPONSE_SMALL bytes, which any refusal fits. */
void response_open(struct response *response);

/* Room for a body of size bytes in the arena; what was written before is lost. 0, or -1 when the arena is used up. */
int response_reserve(struct response *response, struct arena *arena, size_t size);

/* Room in the arena for size more bytes of head, and a body of RESPONSE_SMALL bytes; what was written before is lost.
 * Needed before lines or texts of a challenge are set. 0, or -1 when the arena is used up. */
int response_widen(struct response *response, struct arena *arena, size_t size);

/* Replaces the body by the JSON of error (RFC 6749 5.2) and sets status and retry_after. */
void response_refuse(struct response *response, enum error error);

/* Sets etag from the body; with a matching If-None-Match (RFC 9110 13.1.2) the answer becomes a 304. */
void response_validate(struct response *response, struct secret_hasher *hasher, struct text if_none_match);

/* The whole answer. realm stands in the challenge; id, when present, becomes X-Request-Id.
 * The view lives as long as the response. */
struct text response_format(struct response *response, struct text realm, struct text id);

#endif
