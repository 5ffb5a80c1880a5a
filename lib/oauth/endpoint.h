/* endpoint: the handlers of the HTTP endpoints, called by server.c only. Routing, the method and the age of the replica
 * have been checked before a handler runs.
 *
 * A handler writes context->response and returns ERROR_none, or returns the error that the server answers with. */
#ifndef OAUTH_ENDPOINT_H
#define OAUTH_ENDPOINT_H

#include "request_context.h"

enum error endpoint_token(struct request_context *context);      /* RFC 6749 3.2 */
enum error endpoint_introspect(struct request_context *context); /* RFC 7662 2 */
enum error endpoint_revoke(struct request_context *context);     /* RFC 7009 2 */
enum error endpoint_check(struct request_context *context);      /* RFC 6750 3 */
enum error endpoint_jwks(struct request_context *context);       /* RFC 7517 5 */
enum error endpoint_metadata(struct request_context *context);   /* RFC 8414 3 */
enum error endpoint_preflight(struct request_context *context);  /* OPTIONS of the previous two: Fetch 3.2.2 */
enum error endpoint_live(struct request_context *context);       /* liveness: this process answers */
enum error endpoint_ready(struct request_context *context);      /* readiness: it can issue and validate tokens */
enum error endpoint_metrics(struct request_context *context);    /* Prometheus text format 0.0.4 */

#endif
