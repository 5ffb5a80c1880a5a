/* account: what remains of a request when it has been answered: counters, and a line in the log if one is wanted. */
#ifndef APP_WORKER_ACCOUNT_H
#define APP_WORKER_ACCOUNT_H

#include "../../lib/oauth/request.h"
#include "../../lib/oauth/response.h"
#include "../region/region.h"

/* Counts in row; a response of log_from_status or above has a line. elapsed: microseconds. */
void account_request(struct region_process *row, int log_from_status, const struct request *request,
                     const struct response *response, unsigned elapsed);

#endif
