/* server: the roof. One route table, and the function that the whole house is.
 *
 * server_handle() is what the FastCGI loop, the unit tests, the text exchanges, the fuzzers and the benchmarks call. */
#ifndef OAUTH_SERVER_H
#define OAUTH_SERVER_H

#include "exchange.h"

/* Answers request, whatever is in it. The response lives in the arena until arena_reset(); a response without any
 * memory left is answered by a constant 503. Returns the whole answer, as response_format() makes it. */
struct text server_handle(const struct issuer *issuer, struct arena *arena, const struct request *request,
                          struct response *response);

/* Names of the routes, for metrics and logs: index 0 .. server_routes() - 1. */
size_t server_routes(void);
const char *server_route_name(size_t route);

#endif
