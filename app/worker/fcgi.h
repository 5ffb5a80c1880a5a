/* fcgi: the FastCGI door, and the only room that sees libfcgi.
 *
 * Many kept connections, one request at a time: whoever calls accepts, waits for readability and then reads one whole
 * request. libfcgi never accepts by itself. Every time-out, cap and refusal here guards this process against the front
 * server; what a request means is lib's affair. */
#ifndef APP_WORKER_FCGI_H
#define APP_WORKER_FCGI_H

#include "../../lib/base/arena.h"
#include "../../lib/oauth/request.h"

struct fcgi_connection;

/* Once per process, after fork. 0, or -1. */
int fcgi_open(void);

/* Takes one connection off the non-blocking listener; each read and write on it waits io_seconds at most. Its
 * descriptor, for epoll; -1 with errno when there is none. */
int fcgi_accept(int listener, unsigned io_seconds, struct fcgi_connection **connection_r);

/* Reads a request whose beginning is there to be read. 0: answer it with fcgi_write(). -1: the peer has gone, broke the
 * protocol or cut the request short; the connection is of no more use. Views live until fcgi_write(). */
int fcgi_read(struct fcgi_connection *connection, struct arena *arena, struct request *request_r);

/* Sends the whole answer. 0: the connection is kept and waits for its next request. -1: it is over, because the front
 * server, the request or (keep is false) the caller wanted that. */
int fcgi_write(struct fcgi_connection *connection, struct text answer, bool keep);

/* Refuses further bytes of a kept connection. True when some had come before: fcgi_read() reads them. False: close it. */
bool fcgi_refuse_more(struct fcgi_connection *connection);

void fcgi_close(struct fcgi_connection *connection);

#endif
