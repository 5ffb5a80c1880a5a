/* fcgi_records: watches the FastCGI records that a front server sends, before libfcgi reads them.
 *
 * libfcgi answers management records (FastCGI 1.0, 4: request id 0) by itself, wherever they stand in the stream, and a
 * GET_VALUES for four names overruns its stack. nginx and lighttpd never send one, so a stream that contains one is
 * refused. Not a parser of requests: it sees headers only, and skips what they announce. */
#ifndef APP_WORKER_FCGI_RECORDS_H
#define APP_WORKER_FCGI_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FCGI_RECORDS_HEADER = 8 };

struct fcgi_records {
    unsigned char header[FCGI_RECORDS_HEADER];
    unsigned filled; /* bytes of header that are there */
    uint32_t skip;   /* bytes of content and padding before the next header */
    bool began;      /* the first record was there */
};

/* At the beginning of each request: libfcgi forgets then what it has read ahead. */
void fcgi_records_start(struct fcgi_records *records);

/* The next size bytes of the stream, cut anywhere. False: a management record, another version than 1, or a request
 * that does not begin with BEGIN_REQUEST. Nothing may be made of these bytes then, nor of any that follow. */
bool fcgi_records_follow(struct fcgi_records *records, const void *bytes, size_t size);

#endif
