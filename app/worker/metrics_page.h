/* metrics_page: the page of metrics (Prometheus text format 0.0.4): the totals of counters.h and the state of the region.
 *
 * Nothing on the page names a client. */
#ifndef APP_WORKER_METRICS_PAGE_H
#define APP_WORKER_METRICS_PAGE_H

#include "../../lib/base/buffer.h"

/* Appends the page. context: the struct region_store of this worker. 0, or -1 when it does not fit. */
int metrics_page(void *context, struct buffer *page);

#endif
