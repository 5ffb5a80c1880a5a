/* m2mauth: reads its options, checks that standard input is a listening socket, and becomes the master. */
#include <getopt.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "../lib/base/text.h"
#include "platform/config.h"
#include "platform/harden.h"
#include "platform/log.h"
#include "master/master.h"
#include "keys/passphrase.h"
#include "region/region.h"
#include "db/schema.h"

enum { LISTENER = 0, WORKERS_MAX = 64 };

enum task { TASK_SERVE, TASK_CHECK, TASK_VERSION, TASK_HELP, TASK_NONE };

struct options {
    enum task task;
    const char *path;
    unsigned workers; /* 0: as the configuration says */
};

static const char usage[] = "usage: m2mauth [-c FILE] [-w N] [-t] [-V] [-h]\n"
                            "  -c FILE  configuration (" SYSCONFDIR "/m2mauth/m2mauth.conf)\n"
                            "  -w N     number of workers, 1 to 64, in place of `workers` in FILE\n"
                            "  -t       check the configuration and the secret files it names, warn of what is wrong\n"
                            "           in the database, and exit\n"
                            "  -V       print the version and exit\n"
                            "  -h       print this and exit\n"
                            "Standard input must be a listening socket: start m2mauth under spawn-fcgi, a systemd\n"
                            "socket unit or a front server.\n";

static int read_workers(const char *word, struct options *options)
{
    uint64_t workers;
    if (text_number(text_of(word), WORKERS_MAX, &workers) || workers == 0) {
        fputs("m2mauth: -w takes a number from 1 to 64\n", stderr);
        return -1;
    }
    options->workers = (unsigned)workers;
    return 0;
}

/* Sets the task to TASK_NONE after a message when the command line is invalid. */
static void read_options(int argc, char **argv, struct options *options_r)
{
    int option, fault = 0;
    *options_r = (struct options){ .task = TASK_SERVE, .path = SYSCONFDIR "/m2mauth/m2mauth.conf" };
    while (!fault && (option = getopt(argc, argv, "c:w:tVh")) != -1) {
        if (option == 'c') options_r->path = optarg;
        else if (option == 'w') fault = read_workers(optarg, options_r);
        else if (option == 't') options_r->task = TASK_CHECK;
        else if (option == 'V') options_r->task = TASK_VERSION;
        else if (option == 'h') options_r->task = TASK_HELP;
        else fault = -1;
    }
    if (!fault && optind == argc) return;
    if (optind < argc && !fault) fprintf(stderr, "m2mauth: unexpected argument: %s\n", argv[optind]);
    fputs(usage, stderr);
    options_r->task = TASK_NONE;
}

/* Uses the functions that the start uses, so that both report the same about a file. */
static int check_passphrase(const struct config *config)
{
    struct passphrase passphrase;
    int failed = passphrase_read(&passphrase, config->key_passphrase_file, config->key_passphrase_former_file, stderr);
    passphrase_close(&passphrase);
    return failed;
}

static int check_password(const struct config *config)
{
    struct secret_file password;
    if (!config->db_password_file[0]) return 0;
    int failed = secret_file_read(&password, config->db_password_file, stderr);
    secret_file_wipe(&password);
    return failed;
}

static void ignore_left_out(const char *what) { (void)what; }

/* Only warns: the systemd units run -t before a start and a reload, and the server can run without a database for a while. With
 * an account that is authenticated by its system user (unix_socket), -t must be run as that user. */
static void check_database(const struct config *config)
{
    char why[DB_WHY] = "";
    struct db *db = db_open(config, "check", why);
    if (!db) {
        fprintf(stderr, "m2mauth: warning: the database was not checked: %s\n", why);
        return;
    }
    db_report_left_out(db, ignore_left_out);
    if (schema_check(db, why) != SCHEMA_WHOLE)
        fprintf(stderr, "m2mauth: warning: database %s: %s\n", config->db_name, why);
    db_close(db);
}

static int check(const char *path)
{
    struct config config;
    if (config_read(path, &config, stderr)) return EX_CONFIG;
    if (check_passphrase(&config) | check_password(&config) | region_check(&config, stderr)) return EX_CONFIG;
    check_database(&config);
    return puts("ok") < 0 ? EX_IOERR : EX_OK;
}

static int serve(const struct options *options)
{
    int listening = 0;
    socklen_t size = sizeof listening;
    if (getsockopt(LISTENER, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) || !listening) {
        fputs("m2mauth: standard input is not a listening socket; start it as\n"
              "    spawn-fcgi -n -s /run/m2mauth/fcgi.sock -- m2mauth -c FILE\n"
              "or from a systemd socket unit with StandardInput=socket (m2mauth -h says more)\n",
              stderr);
        return EX_USAGE;
    }
    if (harden_descriptors()) return EX_OSERR;
    log_open("auto", "master"); /* before harden_process(), after which stderr may not be opened again */
    if (harden_process()) return EX_OSERR;
    return master_run(options->path, options->workers);
}

int main(int argc, char **argv)
{
    struct options options;
    read_options(argc, argv, &options);
    switch (options.task) {
    case TASK_SERVE: return serve(&options);
    case TASK_CHECK: return check(options.path);
    case TASK_VERSION: return puts("m2mauth " PACKAGE_VERSION) < 0 ? EX_IOERR : EX_OK;
    case TASK_HELP: return fputs(usage, stdout) < 0 ? EX_IOERR : EX_OK;
    case TASK_NONE: break;
    }
    return EX_USAGE;
}
