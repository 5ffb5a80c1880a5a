#include "command.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../platform/secret_file.h"

void command_put(FILE *file, const char *text, int width)
{
    int size = 0;
    for (; text[size]; size++) fputc((unsigned char)text[size] < ' ' || text[size] == '\x7f' ? '?' : text[size], file);
    for (; size < width; size++) fputc(' ', file);
}

static void say(const struct command *self, const char *format, va_list arguments)
{
    char *text;
    fprintf(stderr, "m2mctl %s: ", self->name);
    if (vasprintf(&text, format, arguments) < 0) return;
    command_put(stderr, text, 0);
    fputc('\n', stderr);
    free(text);
}

void command_complain(const struct command *self, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(self, format, arguments);
    va_end(arguments);
}

int command_usage(const struct command *self, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(self, format, arguments);
    va_end(arguments);
    fprintf(stderr, "for help: m2mctl %s --help\n", self->name);
    return COMMAND_USAGE;
}

int command_option(const struct command *self, int argc, char **argv, const struct option *options)
{
    opterr = 0;
    int option = getopt_long(argc, argv, ":h", options, NULL);
    if (option == 'h') {
        fputs(self->help, stdout);
        return 'h';
    }
    if (option != '?' && option != ':') return option;
    const char *word = argv[optind - 1];
    int size = (int)strcspn(word, "=");
    const char *wrong = option == ':' ? "needs a value" : word[size] ? "takes no value, or is unknown" : "is unknown";
    command_usage(self, "the option %.*s %s", size, word, wrong);
    return '?';
}

int command_config(const struct command_session *session, struct config *config_r)
{
    return config_read_database(session->config_path, config_r, stderr);
}

static void report_left_out(const char *what) { fprintf(stderr, "m2mctl: %s\n", what); }

struct db *command_database(const struct command *self, const struct command_session *session, struct config *config_r)
{
    struct secret_file password;
    char why[DB_WHY];
    if (command_config(session, config_r)) return NULL;
    if (session->password_file && secret_file_read(&password, session->password_file, stderr)) return NULL;
    const struct passwd *account = session->user ? NULL : getpwuid(geteuid());
    const char *user = session->user ? session->user : account ? account->pw_name : NULL;
    struct db *db = NULL;
    if (user) db = db_open_operator(config_r, user, session->password_file ? password.bytes : NULL, why);
    else snprintf(why, sizeof why, "the user of this process has no name; give one with --db-user");
    secret_file_wipe(&password);
    if (db) db_report_left_out(db, report_left_out);
    else command_complain(self, "no connection to the database: %s", why);
    return db;
}

int command_blame(const struct db *db)
{
    enum { KILLED = 1927, TIMED_OUT = 1969, LIBRARY_FIRST = 5000, LIBRARY_LAST = 5999 };
    unsigned number = db_errno(db);
    if (number >= DB_LOST_FIRST && number <= DB_LOST_LAST) return COMMAND_TROUBLE;
    if (number >= LIBRARY_FIRST && number <= LIBRARY_LAST) return COMMAND_TROUBLE;
    bool passing = number == DB_LOCK_WAIT || number == DB_DEADLOCK || number == KILLED || number == TIMED_OUT;
    return passing || number == 0 ? COMMAND_TROUBLE : COMMAND_NO;
}
