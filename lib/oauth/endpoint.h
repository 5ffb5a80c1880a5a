/* endpoint: the doors of the house, one handler each; server.c is their only caller.
 *
 * A handler writes the answer, or returns the error that the server answers for it. */
#ifndef OAUTH_ENDPOINT_H
#define OAUTH_ENDPOINT_H

#include "exchange.h"

enum error endpoint_token(struct exchange *exchange);         /* RFC 6749 3.2 */
enum error endpoint_introspect(struct exchange *exchange);    /* RFC 7662 2 */
enum error endpoint_revoke(struct exchange *exchange);        /* RFC 7009 2 */
enum error endpoint_check(struct exchange *exchange);         /* RFC 6750 3 */
enum error endpoint_jwks(struct exchange *exchange);          /* RFC 7517 5 */
enum error endpoint_metadata(struct exchange *exchange);      /* RFC 8414 3 */
enum error endpoint_preflight(struct exchange *exchange);     /* OPTIONS for these two: Fetch 3.2.2 */
enum error endpoint_live(struct exchange *exchange);          /* this process answers */
enum error endpoint_ready(struct exchange *exchange);         /* and can issue and validate */
enum error endpoint_metrics(struct exchange *exchange);       /* Prometheus text format 0.0.4 */

#endif
