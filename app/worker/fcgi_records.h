/* fcgi_records: checks the headers of FastCGI records before libfcgi reads them. It does not parse requests: it reads record
 * headers and skips their content.
 *
 * libfcgi answers management records (FastCGI 1.0, 4: request id 0) itself, anywhere in the stream, and a GET_VALUES for four
 * names overruns its stack. nginx and lighttpd never send management records, so a stream that contains one is refused. */
#ifndef APP_WORKER_FCGI_RECORDS_H
#define APP_WORKER_FCGI_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FCGI_RECORDS_HEADER = 8 };

struct fcgi_records {
    unsigned char header[FCGI_RECORDS_HEADER];
    unsigned filled; /* bytes of header so far */
    uint32_t skip;   /* bytes of content and padding before the next header */
    bool began;      /* the header of the first record was accepted */
};

/* Called at the start of each request, when libfcgi discards what it has read ahead. */
void fcgi_records_start(struct fcgi_records *records);

/* Checks the next size bytes of the stream, which may end anywhere. Returns false for a management record, a version other
 * than 1, or a request that does not begin with BEGIN_REQUEST: then neither these bytes nor later ones may be used. */
bool fcgi_records_follow(struct fcgi_records *records, const void *bytes, size_t size);

#endif
