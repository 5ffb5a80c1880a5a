/* request: one HTTP request as the front server handed it over, already bounded.
 *
 * Not a parser: whoever fills it (the FastCGI door, a test, a fuzzer) has capped it and refused repeated parameters.
 * Every view lives as long as the exchange. Nothing here may be used to build a URL: the issuer is configured. */
#ifndef OAUTH_REQUEST_H
#define OAUTH_REQUEST_H

#include "../base/text.h"

enum { REQUEST_PARAMS_BYTES = 32768, REQUEST_BODY_BYTES = 65536 };

struct request {
    struct text method;
    struct text path;               /* decoded and normalised by the front: SCRIPT_NAME followed by PATH_INFO */
    struct text query;
    struct text content_type;
    struct text authorization;
    struct text if_none_match;
    struct text remote_address;
    struct text id;                 /* joins our log with the front's */
    struct text body;
    bool id_is_ours;                /* the front gave none: the answer carries it */
    bool repeated;                  /* a parameter that is read here stood there more than once */
    bool body_too_large;            /* it was read to its end and thrown away */
};

#endif
