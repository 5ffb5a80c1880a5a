/* master: keeps the configured number of processes running, watches them, reloads and stops. It reads no request, key or
 * database row, and opens neither OpenSSL nor the database, because every process that it forks would share them.
 *
 * SIGHUP: reads the configuration again and starts a new generation of workers; the old one exits only when that serves.
 * SIGTERM, SIGINT, SIGUSR1: the workers empty the backlog and exit, then the keeper. */
#ifndef APP_MASTER_MASTER_H
#define APP_MASTER_MASTER_H

/* Serves on descriptor 0 with the configuration at path until a signal stops it. workers overrides the configuration unless
 * it is 0. Returns the exit status (sysexits.h). */
int master_run(const char *path, unsigned workers);

#endif
