/* endpoint: the doors of the house, one handler each; server.c is their only caller.
 *
 * A handler writes the answer, or returns the error that the server answers for it. */
#ifndef OAUTH_ENDPOINT_H
#define OAUTH_ENDPOINT_H

#include "request_context.h"

enum error endpoint_token(struct request_context *context);      /* RFC 6749 3.2 */
enum error endpoint_introspect(struct request_context *context); /* RFC 7662 2 */
enum error endpoint_revoke(struct request_context *context);     /* RFC 7009 2 */
enum error endpoint_check(struct request_context *context);      /* RFC 6750 3 */
enum error endpoint_jwks(struct request_context *context);       /* RFC 7517 5 */
enum error endpoint_metadata(struct request_context *context);   /* RFC 8414 3 */
enum error endpoint_preflight(struct request_context *context);  /* OPTIONS for these two: Fetch 3.2.2 */
enum error endpoint_live(struct request_context *context);       /* this process answers */
enum error endpoint_ready(struct request_context *context);      /* and can issue and validate */
enum error endpoint_metrics(struct request_context *context);    /* Prometheus text format 0.0.4 */

#endif
