/* metrics_page: writes the metrics page (Prometheus text format 0.0.4): the totals of counters.h and the status block. It
 * does not count.
 *
 * Nothing on the page identifies a client. */
#ifndef APP_WORKER_METRICS_PAGE_H
#define APP_WORKER_METRICS_PAGE_H

#include "../../lib/base/buffer.h"

/* Appends the page. context: the struct region_store of this worker. Returns 0, or -1 when the page does not fit. */
int metrics_page(void *context, struct buffer *page);

#endif
