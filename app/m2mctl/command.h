/* command: what every word of m2mctl is made of, and the few things that all of them need.
 *
 * Not the words themselves (migrate.c, secret.c, client.c, key.c, jwk.c, token.c). A command writes what was asked for to
 * standard output and everything else to standard error; no secret is ever an argument. */
#ifndef APP_M2MCTL_COMMAND_H
#define APP_M2MCTL_COMMAND_H

#include <getopt.h>
#include <stdio.h>

#include "../platform/config.h"
#include "../db/db.h"

/* The exit codes, which scripts rely on. */
enum command_exit {
    COMMAND_FINE,
    COMMAND_NO, /* the answer is no, or nothing was done because of what stands in a file or a row */
    COMMAND_USAGE,
    COMMAND_TROUBLE /* database, files, memory */
};

/* What was said before the command's word. Absent parts are NULL. */
struct command_session {
    const char *config_path; /* never NULL */
    const char *user;        /* NULL: the name of the operating system's user */
    const char *password_file;
};

struct command {
    const char *name;
    const char *summary; /* one line for the list of commands */
    const char *help;    /* everything, lines ended */
    int (*run)(const struct command *self, const struct command_session *session, int argc, char **argv);
};

/* Prints text and blanks up to width bytes. A control character, which a row may have that others wrote, becomes a ?: to a
 * terminal it could be a command. */
void command_put(FILE *file, const char *text, int width);

/* "m2mctl NAME: ..." and a newline, to standard error, as command_put() prints. */
void command_complain(const struct command *self, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As above, with the way to the help. Returns COMMAND_USAGE. */
int command_usage(const struct command *self, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* getopt_long() with our own words, which never repeat the value of an option. The option's val; -1 after the last; 'h'
 * when the help was asked for and has been printed; '?' after a complaint. options has no short forms but -h. */
int command_option(const struct command *self, int argc, char **argv, const struct option *options);

/* Reads the configuration as far as m2mctl needs it. 0, or -1 after the complaints. */
int command_config(const struct command_session *session, struct config *config_r);

/* The operator's connection; config_r is filled on the way. NULL after a complaint. */
struct db *command_database(const struct command *self, const struct command_session *session, struct config *config_r);

/* What to exit with after db failed: COMMAND_NO when the server refused what it was given, COMMAND_TROUBLE when it
 * could not be asked, or was busy. */
int command_blame(const struct db *db);

#endif
