/* master: keeps the right number of processes alive, watches them, reloads and stops. Reads no request, no key, no row,
 * and opens neither OpenSSL nor the database: what it had open would be shared by all that it forks.
 *
 * SIGHUP: configuration again, a new generation of workers, and only when that serves does the old one leave.
 * SIGTERM, SIGINT, SIGUSR1: the workers empty the backlog and go, then the keeper. */
#ifndef APP_MASTER_MASTER_H
#define APP_MASTER_MASTER_H

/* Serves on descriptor 0, as the configuration at path says, until told to stop. workers goes before what is written
 * there, unless it is 0. The exit status (sysexits.h). */
int master_run(const char *path, unsigned workers);

#endif
