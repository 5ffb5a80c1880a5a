/* fcgi_records: checks the headers of FastCGI records before libfcgi reads them. It does not parse requests: it reads record
 * headers and the lengths of parameters, and skips the rest.
 *
 * libfcgi answers management records (FastCGI 1.0, 4: request id 0) itself, anywhere in the stream, and a GET_VALUES for four
 * names overruns its stack. It allocates what the lengths of a parameter announce, and aborts the process when it cannot.
 * nginx and lighttpd send neither, so a stream that contains one is refused. */
#ifndef APP_WORKER_FCGI_RECORDS_H
#define APP_WORKER_FCGI_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FCGI_RECORDS_HEADER = 8, FCGI_RECORDS_PARAM = 1048576 /* bytes of a name and its value */ };

struct fcgi_records {
    unsigned char header[FCGI_RECORDS_HEADER];
    unsigned filled;  /* bytes of header so far */
    uint32_t content; /* bytes of content, then of padding, before the next header */
    uint32_t padding;
    bool began;    /* the header of the first record was accepted */
    bool is_param; /* the content is names and values of the request that began */
    unsigned char id[2];

    /* A name and its value, which may extend over several records (FastCGI 1.0, 3.4). */
    unsigned char lengths[8];
    unsigned lengths_filled;
    uint32_t pair; /* bytes of name and value before the next lengths */
};

/* Called at the start of each request, when libfcgi discards what it has read ahead. */
void fcgi_records_start(struct fcgi_records *records);

/* Checks the next size bytes of the stream, which may end anywhere. Returns false for a management record, a parameter over
 * FCGI_RECORDS_PARAM, a version other than 1, or a request that does not begin with BEGIN_REQUEST: then neither these bytes
 * nor later ones may be used. */
bool fcgi_records_follow(struct fcgi_records *records, const void *bytes, size_t size);

#endif
