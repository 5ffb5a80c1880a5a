/* server: the entry point of lib/: the route table, and server_handle(), which answers one request.
 *
 * It is called by the FastCGI loop, the unit tests, the exchange tests, the fuzzers and the benchmarks. It performs no
 * input or output itself. RFC 6749, RFC 7009, RFC 7662, RFC 8414. */
#ifndef OAUTH_SERVER_H
#define OAUTH_SERVER_H

#include "request_context.h"

/* Answers any request. Returns the serialised response (response_format()); the view is valid as long as response, and
 * until the arena is reset. Never fails: faults are answered with 503. */
struct text server_handle(const struct issuer *issuer, struct arena *arena, const struct request *request,
                          struct response *response);

/* The number of routes, and the name of each (0 .. server_routes() - 1; a literal), for metrics and logs.
 * response.route is such an index. */
size_t server_routes(void);
const char *server_route_name(size_t route);

#endif
