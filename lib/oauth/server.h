/* server: the roof. One route table, and the function that the whole house is.
 *
 * server_handle() is what the FastCGI loop, the unit tests, the text exchanges, the fuzzers and the benchmarks call. */
#ifndef OAUTH_SERVER_H
#define OAUTH_SERVER_H

#include "request_context.h"

/* Answers request, whatever is in it. Returns the whole answer, as response_format() makes it; it lives as long as both
 * response and what the arena holds. */
struct text server_handle(const struct issuer *issuer, struct arena *arena, const struct request *request,
                          struct response *response);

/* Names of the routes, for metrics and logs: index 0 .. server_routes() - 1. */
size_t server_routes(void);
const char *server_route_name(size_t route);

#endif
