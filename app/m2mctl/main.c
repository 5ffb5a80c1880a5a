/* m2mctl: the command line of the operator: global options, then one command of a table. */

#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "client_add.h"
#include "client_list.h"
#include "command.h"
#include "jwk.h"
#include "key.h"
#include "migrate.h"
#include "secret.h"
#include "token.h"

#define CONFIG_PATH SYSCONFDIR "/m2mauth/m2mauth.conf"

static const struct command *const commands[] = {
    &migrate_command,
    &client_command,
    &secret_command,
    &client_add_key_command,
    &client_add_certificate_command,
    &client_list_command,
    &client_show_command,
    &key_command,
    &jwk_command,
    &token_command,
};

static void put_help(FILE *out)
{
    fputs("m2mctl [OPTIONS] COMMAND ...\n"
          "\n"
          "Everyday work on an m2mauth authorization server: its database, clients, secrets and keys.\n"
          "\n",
          out);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-18s  %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n"
          "  -c FILE                   the server's configuration, which says where the database is\n"
          "                            (default: " CONFIG_PATH ")\n"
          "  --db-user NAME            database user (default: the name of the system user)\n"
          "  --db-password-file FILE   password of that user (default: none; the socket identifies you)\n"
          "  -V, --version\n"
          "  -h, --help\n"
          "\n"
          "These options precede COMMAND. Help for a command: m2mctl COMMAND --help\n"
          "\n"
          "exit codes: 0 done; 1 the answer is no; 2 usage; 3 database or system trouble\n",
          out);
}

static int usage(const char *wrong)
{
    fprintf(stderr, "m2mctl: %s\nfor help: m2mctl --help\n", wrong);
    return COMMAND_USAGE;
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i]->name, name) == 0) return commands[i];
    return NULL;
}

/* A failed write to standard output is an error: a redirected migration may be incomplete. */
static int finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return status;
    perror("m2mctl: standard output");
    return COMMAND_TROUBLE;
}

int main(int argc, char **argv)
{
    enum { USER = 1, PASSWORD_FILE };
    static const struct option options[] = {
        { "db-user", required_argument, NULL, USER },
        { "db-password-file", required_argument, NULL, PASSWORD_FILE },
        { "version", no_argument, NULL, 'V' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct command_session session = { .config_path = CONFIG_PATH };
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "+:c:hV", options, NULL)) != -1) {
        switch (option) {
        case 'c': session.config_path = optarg; break;
        case USER: session.user = optarg; break;
        case PASSWORD_FILE: session.password_file = optarg; break;
        case 'V': puts("m2mctl " PACKAGE_VERSION); return finish(COMMAND_FINE);
        case 'h': put_help(stdout); return finish(COMMAND_FINE);
        case ':': return usage("an option needs a value");
        default: return usage("unknown option before the command");
        }
    }
    if (optind == argc) {
        put_help(stderr);
        return COMMAND_USAGE;
    }
    const struct command *command = find(argv[optind]);
    if (!command) return usage("unknown command");
    argc -= optind;
    argv += optind;
    optind = 0; /* glibc: restart for the arguments of the command */
    return finish(command->run(command, &session, argc, argv));
}
