/* request: one HTTP request as the front server handed it over, already bounded.
 *
 * Not a parser: whoever fills it (the FastCGI door, a test, a fuzzer) has capped it and refused repeated parameters.
 * Every view lives as long as the exchange. Nothing here may be used to build a URL: the issuer is configured. */
#ifndef OAUTH_REQUEST_H
#define OAUTH_REQUEST_H

#include "../base/text.h"

enum { REQUEST_PARAMS_BYTES = 32768, REQUEST_BODY_BYTES = 65536 };

/* What is asked for; decided by who asks, never by a path. A check is the question whether the request that the front
 * holds may pass to the API behind it. */
enum request_kind {
    REQUEST_ENDPOINT,   /* one of the routes */
    REQUEST_SUBREQUEST, /* a check, whose answer is read as headers (nginx auth_request) */
    REQUEST_AUTHORIZER, /* a check, whose answer is read as variables (the FastCGI role of that name) */
    REQUEST_NOTHING,    /* nothing that is known here */
};

/* What a location demands; the operator wrote it into the front server's configuration. */
struct request_check {
    struct text audience;          /* has to be among the token's */
    struct text scope;             /* space-separated; all of them */
    struct text scope_any;         /* at least one of them */
    struct text resource_metadata; /* URL for the challenge (RFC 9728 5.1) */
    struct text binding;           /* any, mtls or dpop: only tokens that are bound so; none or absent: others, too */
    struct text origin;            /* scheme and authority that clients know the API by: https://api.example.com */
    struct text target;            /* the client's request target as it wrote it (RFC 9112 3.2), query included */
};

struct request {
    enum request_kind kind;
    struct text method;
    struct text path; /* decoded and normalised by the front: SCRIPT_NAME followed by PATH_INFO */
    struct text query;
    struct text content_type;
    struct text authorization;
    struct text dpop; /* RFC 9449 4.1 */
    struct text if_none_match;
    struct text accept;               /* one list, however many lines the client made of it (RFC 9110 5.3) */
    struct text certificate;          /* the client's, in PEM, from the front's TLS; absent: it showed none */
    struct text certificate_verified; /* SUCCESS: the front has followed its chain to an authority */
    struct text remote_address;
    struct text id; /* joins our log with the front's */
    struct text body;
    struct request_check check;
    bool id_is_ours;     /* the front gave none: the answer carries it */
    bool repeated;       /* a parameter that is read here stood there more than once */
    bool body_too_large; /* it was read to its end and thrown away */
};

#endif
