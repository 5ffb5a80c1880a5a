#include "client_list.h"

#include <time.h>

#include "client_show.h"
#include "credential.h"

/* Sorts after every client_id, whose largest character is ~. */
#define LAST_CLIENT TEXT("\x7f")

/* The output format, and how many clients were printed. */
struct list {
    bool json;
    int64_t now;
    size_t count;
};

static int read_options(const struct command *self, int argc, char **argv, struct list *list, bool *help_r)
{
    static const struct option options[] = {
        { "json", no_argument, NULL, 'j' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int option;
    while ((option = command_option(self, argc, argv, options)) != -1) {
        *help_r = option == 'h';
        if (option == 'h') return COMMAND_FINE;
        if (option == '?') return COMMAND_USAGE;
        list->json = true;
    }
    return COMMAND_FINE;
}

static void take_line(void *context, const struct client_view *view)
{
    struct list *list = context;
    if (list->json) {
        fputs(list->count == 0 ? "[\n" : ",\n", stdout);
        client_show_json(view, list->now);
    } else {
        if (list->count == 0) client_show_head();
        client_show_line(view, list->now);
    }
    list->count++;
}

static void take_one(void *context, const struct client_view *view)
{
    struct list *list = context;
    if (list->json) client_show_json(view, list->now);
    else client_show_words(view, list->now);
    if (list->json) fputc('\n', stdout);
    list->count++;
}

static int fail(const struct command *self, const struct db *db)
{
    const char *why = db_why(db);
    command_complain(self, "%s", why[0] ? why : "out of memory");
    return command_blame(db);
}

static int run_list(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    struct config config;
    struct list list = { .now = time(NULL) };
    bool help = false;
    int status = read_options(self, argc, argv, &list, &help);
    if (status != COMMAND_FINE || help) return status;
    if (optind != argc) return command_usage(self, "list takes no argument; m2mctl show CLIENT_ID shows one client");
    struct db *db = command_database(self, session, &config);
    if (!db) return COMMAND_TROUBLE;
    if (client_view_walk(db, TEXT(""), LAST_CLIENT, take_line, &list) < 0) status = fail(self, db);
    else if (list.json) puts(list.count == 0 ? "[]" : "\n]");
    else if (list.count == 0) fprintf(stderr, "There are no clients yet; create one with m2mctl client\n");
    db_close(db);
    return status;
}

static int run_show(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    struct config config;
    struct list list = { .now = time(NULL) };
    bool help = false;
    int status = read_options(self, argc, argv, &list, &help);
    if (status != COMMAND_FINE || help) return status;
    if (optind != argc - 1) return command_usage(self, "one CLIENT_ID");
    struct text id = text_of(argv[optind]);
    if (!credential_is_client_id(id)) return command_usage(self, "a CLIENT_ID has 1 to 128 printable ASCII characters");
    struct db *db = command_database(self, session, &config);
    if (!db) return COMMAND_TROUBLE;
    if (client_view_walk(db, id, id, take_one, &list) < 0) {
        status = fail(self, db);
    } else if (list.count == 0) {
        command_complain(self, "no such client; m2mctl list shows all");
        status = COMMAND_NO;
    }
    db_close(db);
    return status;
}

const struct command client_list_command = {
    "list",
    "list all clients: state, valid credentials, audiences and scopes",
    "m2mctl list [--json]\n"
    "\n"
    "Prints one line for each client and one more for each further audience; with --json, an array of the objects\n"
    "that show --json prints. Hashes of secrets are not shown.\n"
    "\n"
    "exit codes: 0 done; 2 usage; 3 database or system trouble\n",
    run_list,
};

const struct command client_show_command = {
    "show",
    "show one client: what it may do, how it authenticates, and until when",
    "m2mctl show [--json] CLIENT_ID\n"
    "\n"
    "Prints everything about one client except its tokens. A credential that the server leaves out because its row\n"
    "is invalid is marked with the reason. Hashes of secrets are not shown.\n"
    "\n"
    "exit codes: 0 done; 1 no such client; 2 usage; 3 database or system trouble\n",
    run_show,
};
