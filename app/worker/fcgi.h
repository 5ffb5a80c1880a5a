/* fcgi: reads FastCGI requests and writes responses. The only unit that uses libfcgi; it does not interpret requests.
 *
 * Many kept connections, one request at a time: the caller accepts, waits until a connection is readable and then reads one
 * whole request. libfcgi never accepts by itself. The time-outs, limits and refusals here protect this process from the front
 * server. */
#ifndef APP_WORKER_FCGI_H
#define APP_WORKER_FCGI_H

#include "../../lib/base/arena.h"
#include "../../lib/oauth/request.h"

struct fcgi_connection;

/* Initialises libfcgi; called once per process, after fork. Returns 0, or -1. */
int fcgi_open(void);

/* Accepts one connection from the non-blocking listener; each read and write on it waits io_seconds at most. Returns its
 * descriptor, for epoll, or -1 with errno. The caller closes the connection with fcgi_close(), not the descriptor. */
int fcgi_accept(int listener, unsigned io_seconds, struct fcgi_connection **connection_r);

/* Reads a request from a readable connection. Returns 0 (the caller answers it with fcgi_write()), or -1 if the peer closed
 * the connection, violated the protocol or truncated the request: the caller closes the connection. Views are valid until
 * fcgi_write(). */
int fcgi_read(struct fcgi_connection *connection, struct arena *arena, struct request *request_r);

/* Sends the whole response to the request that fcgi_read() has just read. Returns 0 if the connection is kept for the next
 * request, or -1 if it must be closed, because the front server, the request or (keep is false) the caller wants that. */
int fcgi_write(struct fcgi_connection *connection, struct text answer, bool keep);

/* Refuses further bytes of a kept connection. Returns true if bytes had arrived before: fcgi_read() reads them; false: the
 * caller closes the connection. */
bool fcgi_refuse_more(struct fcgi_connection *connection);

/* Wipes what is left of a request, closes and frees the connection. */
void fcgi_close(struct fcgi_connection *connection);

#endif
