/* request: one HTTP request as received from the front server, as data (RFC 9110).
 *
 * It is not a parser: the code that fills it (app/worker/fcgi, a test, a fuzzer) has limited its size and noted
 * repeated parameters. All views are valid until the request has been answered. No URL may be built from it: the
 * issuer's URL is configured. */
#ifndef OAUTH_REQUEST_H
#define OAUTH_REQUEST_H

#include "../base/text.h"

enum { REQUEST_PARAMS_BYTES = 32768, REQUEST_BODY_BYTES = 65536 };

/* The kind is determined by the front server's configuration, never by the path. A check asks whether the request that
 * the front server holds may be passed to the API. */
enum request_kind {
    REQUEST_ENDPOINT,   /* one of the routes */
    REQUEST_SUBREQUEST, /* a check answered with header fields (nginx auth_request) */
    REQUEST_AUTHORIZER, /* a check answered with variables (the FastCGI Authorizer role) */
    REQUEST_NOTHING,    /* of an unknown kind; answered with 404 */
};

/* What a location requires of a token; set by the operator in the front server's configuration. */
struct request_check {
    struct text audience;          /* must be one of the token's audiences */
    struct text scope;             /* space-separated; the token needs all of them */
    struct text scope_any;         /* space-separated; the token needs at least one of them */
    struct text resource_metadata; /* URL for the challenge (RFC 9728 5.1) */
    struct text binding;           /* any, mtls or dpop: the token must be bound so; none or absent: need not be */
    struct text origin;            /* scheme and authority of the API as clients see it: https://api.example.com */
    struct text target;            /* the client's request target as received (RFC 9112 3.2), including the query */
};

struct request {
    enum request_kind kind;
    struct text method;
    struct text path; /* decoded and normalised by the front server: SCRIPT_NAME followed by PATH_INFO */
    struct text query;
    struct text content_type;
    struct text authorization;
    struct text dpop; /* RFC 9449 4.1 */
    struct text if_none_match;
    struct text accept;               /* one list; several field lines have been joined (RFC 9110 5.3) */
    struct text certificate;          /* the client's TLS certificate in PEM; absent if it sent none */
    struct text certificate_verified; /* SUCCESS: the front server has verified its chain up to a CA */
    struct text remote_address;
    struct text id; /* correlates this server's log with the front server's */
    struct text body;
    struct request_check check;
    bool id_is_ours;      /* the front server sent no id, so the response carries it */
    bool repeated;        /* a parameter that is used here occurred more than once */
    bool claims_identity; /* the client sent a header by which applications are told who calls */
    bool body_too_large;  /* the body was read to its end and discarded */
};

#endif
