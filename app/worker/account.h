/* account: records an answered request: counters and, if configured, a log line. It does not format the line (log.h). */
#ifndef APP_WORKER_ACCOUNT_H
#define APP_WORKER_ACCOUNT_H

#include "../../lib/oauth/request.h"
#include "../../lib/oauth/response.h"
#include "../region/region.h"

/* Counts the request in row, which the caller owns, and logs it if its status is log_from_status or above. elapsed:
 * microseconds. */
void account_request(struct region_process *row, int log_from_status, const struct request *request,
                     const struct response *response, unsigned elapsed);

#endif
