/* command: the description of a command of m2mctl, and what all commands share: options, messages, exit codes, the
 * database connection. The commands themselves are in files of their own.
 *
 * A command writes its result to standard output and everything else to standard error; a secret is never an
 * argument. */
#ifndef APP_M2MCTL_COMMAND_H
#define APP_M2MCTL_COMMAND_H

#include <getopt.h>
#include <stdio.h>

#include "../platform/config.h"
#include "../db/db.h"

/* Exit codes; scripts rely on them. */
enum command_exit {
    COMMAND_FINE,
    COMMAND_NO, /* the answer is no, or nothing was done because of the content of a file or a row */
    COMMAND_USAGE,
    COMMAND_TROUBLE /* database, files, memory */
};

/* The options before the command. Absent ones are NULL. */
struct command_session {
    const char *config_path; /* never NULL */
    const char *user;        /* NULL: the name of the system user */
    const char *password_file;
};

struct command {
    const char *name;
    const char *summary; /* one line for the list of commands */
    const char *help;    /* complete text, with line ends */
    int (*run)(const struct command *self, const struct command_session *session, int argc, char **argv);
};

/* Prints text and blanks up to width bytes. A control character, which a row may have that others wrote, becomes a ?: to a
 * terminal it could be a command. */
void command_put(FILE *file, const char *text, int width);

/* Prints "m2mctl NAME: ...", with a newline, to standard error. */
void command_complain(const struct command *self, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As command_complain(), followed by how to get help. Returns COMMAND_USAGE. */
int command_usage(const struct command *self, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Calls getopt_long() with messages of its own, which never repeat the value of an option. Returns the val of the
 * option; -1 after the last; 'h' if help was requested and has been printed; '?' after a message. options has no
 * short options except -h. */
int command_option(const struct command *self, int argc, char **argv, const struct option *options);

/* Reads what m2mctl needs of the configuration. Returns 0, or -1 after messages. */
int command_config(const struct command_session *session, struct config *config_r);

/* Opens the operator's connection and fills config_r. Returns NULL after a message. */
struct db *command_database(const struct command *self, const struct command_session *session, struct config *config_r);

/* Returns the exit code for a failure of db: COMMAND_NO if the server refused the statement, COMMAND_TROUBLE if it
 * could not be reached or was busy. */
int command_blame(const struct db *db);

#endif
