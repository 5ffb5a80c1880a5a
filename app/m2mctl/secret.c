#include "secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "credential.h"
#include "instant.h"

enum { SHORT_SECRET = 16 };

struct wish {
    struct text client_id, label;
    int64_t now, expires_at;
    bool from_stdin;
    char label_bytes[CREDENTIAL_LABEL_BYTES];
};

static bool is_label(struct text label)
{
    for (size_t i = 0; i < label.size; i++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", label.data[i])) return false;
    return label.size > 0 && label.size <= CREDENTIAL_LABEL_BYTES;
}

/* Reads one line without its end. Returns 0, or -1 at the end of the input or if the line is longer than a secret
 * may be. */
static int read_line(struct buffer *line)
{
    char c;
    ssize_t size;
    while ((size = read(STDIN_FILENO, &c, 1)) != 0) {
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return -1;
        if (c == '\n') return 0;
        buffer_put_char(line, c);
    }
    return line->size > 0 ? 0 : -1;
}

/* As read_line(), without echo. Signals are blocked until the terminal has its echo back. */
static int read_hidden(const char *prompt, struct buffer *line)
{
    struct termios shown, hidden;
    sigset_t all, before;
    if (!isatty(STDIN_FILENO)) return read_line(line);
    fputs(prompt, stderr);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    int failed = tcgetattr(STDIN_FILENO, &shown);
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    if (!failed) failed = tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    if (!failed) {
        failed = read_line(line);
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    fputc('\n', stderr);
    return failed;
}

/* Reads an existing secret, on a terminal twice because it is not echoed. Returns NULL, or what is wrong with it. */
static const char *read_secret(struct buffer *secret)
{
    char bytes[SECRET_BYTES];
    struct buffer again = { bytes, 0, sizeof bytes, false };
    if (read_hidden("Secret: ", secret)) return "no secret came on standard input";
    if (secret->full) return "the secret is longer than 512 bytes";
    if (secret->size == 0) return "the secret is empty";
    for (size_t i = 0; i < secret->size; i++)
        if (secret->data[i] < ' ' || secret->data[i] > '~')
            return "a secret has printable ASCII characters only (RFC 6749 A.2)";
    if (!isatty(STDIN_FILENO)) return NULL;
    const char *wrong = NULL;
    if (read_hidden("The same again: ", &again) || !text_equal(buffer_text(secret), buffer_text(&again)))
        wrong = "the two differ";
    OPENSSL_cleanse(bytes, sizeof bytes);
    return wrong;
}

static int print(const struct command *self, const struct wish *wish, struct text secret)
{
    char bytes[CREDENTIAL_HASH_BYTES];
    struct buffer hash = { bytes, 0, sizeof bytes, false };
    if (credential_put_hash(&hash, secret, wish->from_stdin ? CREDENTIAL_ROUNDS : 0)) {
        command_complain(self, "the hash could not be computed");
        return COMMAND_TROUBLE;
    }
    struct credential credential = { wish->client_id, wish->label, buffer_text(&hash), wish->expires_at };
    printf("-- data\n-- a secret for client %.*s, labelled %.*s; this is its hash, not the secret\n",
           (int)wish->client_id.size, wish->client_id.data, (int)wish->label.size, wish->label.data);
    credential_put_call(stdout, &credential);
    return COMMAND_FINE;
}

static int import(const struct command *self, const struct wish *wish)
{
    char bytes[SECRET_BYTES];
    struct buffer secret = { bytes, 0, sizeof bytes, false };
    const char *wrong = read_secret(&secret);
    int status = COMMAND_NO;
    if (wrong) {
        command_complain(self, "%s", wrong);
    } else {
        if (secret.size < SHORT_SECRET)
            command_complain(self,
                             "note: fewer than %d characters; a generated secret (without --stdin) is stronger and "
                             "faster to verify",
                             SHORT_SECRET);
        status = print(self, wish, buffer_text(&secret));
    }
    OPENSSL_cleanse(bytes, sizeof bytes);
    return status;
}

static int generate(const struct command *self, const struct wish *wish)
{
    char bytes[CREDENTIAL_BYTES];
    struct buffer secret = { bytes, 0, sizeof bytes, false };
    int status = COMMAND_TROUBLE;
    if (credential_new(&secret)) command_complain(self, "no random numbers are available");
    else status = print(self, wish, buffer_text(&secret));
    if (status == COMMAND_FINE) credential_show(wish->client_id, buffer_text(&secret));
    OPENSSL_cleanse(bytes, sizeof bytes);
    return status;
}

/* Returns COMMAND_FINE or an exit code. help_r: only the help was printed. */
static int read_options(const struct command *self, int argc, char **argv, struct wish *wish, bool *help_r)
{
    enum { LABEL = 1, EXPIRES, STDIN };
    static const struct option options[] = {
        { "label", required_argument, NULL, LABEL },
        { "expires", required_argument, NULL, EXPIRES },
        { "stdin", no_argument, NULL, STDIN },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int option;
    while ((option = command_option(self, argc, argv, options)) != -1) {
        *help_r = option == 'h';
        if (option == 'h') return COMMAND_FINE;
        if (option == '?') return COMMAND_USAGE;
        if (option == STDIN) wish->from_stdin = true;
        if (option == LABEL) wish->label = text_of(optarg);
        if (option == LABEL && !is_label(wish->label))
            return command_usage(self, "a label has 1 to 32 of the characters A-Z a-z 0-9 . _ -");
        if (option == EXPIRES && (instant_parse(optarg, wish->now, &wish->expires_at) || wish->expires_at <= wish->now))
            return command_usage(self, "--expires takes a time in the future: " INSTANT_FORMS);
    }
    if (optind != argc - 1) return command_usage(self, "one CLIENT_ID; a secret is never an argument (see --stdin)");
    wish->client_id = text_of(argv[optind]);
    if (!credential_is_client_id(wish->client_id))
        return command_usage(self, "a CLIENT_ID has 1 to 128 printable ASCII characters");
    return COMMAND_FINE;
}

static int run(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    (void)session;
    struct wish wish = { .now = time(NULL) };
    bool help = false;
    int status = read_options(self, argc, argv, &wish, &help);
    if (status != COMMAND_FINE || help) return status;
    if (!text_present(wish.label)) {
        struct buffer label = { wish.label_bytes, 0, sizeof wish.label_bytes, false };
        if (credential_put_label(&label, wish.now)) return COMMAND_TROUBLE;
        wish.label = buffer_text(&label);
    }
    return wish.from_stdin ? import(self, &wish) : generate(self, &wish);
}

const struct command secret_command = {
    "secret",
    "create a secret for a client: shows the secret, prints a migration with its hash",
    "m2mctl secret [--label WORD] [--expires WHEN] [--stdin] CLIENT_ID > NNNN_name.sql\n"
    "\n"
    "Generates a secret of 256 random bits. The secret is shown once, on standard error; a migration that stores\n"
    "its hash goes to standard output. Does not connect to the database.\n"
    "\n"
    "  --label WORD     name of the secret in tokens, logs and revocation rules (default: date and random characters)\n"
    "  --expires WHEN   when the secret expires: " INSTANT_FORMS "\n"
    "  --stdin          read an existing secret that a person chose, without echo on a terminal, and store it as\n"
    "                   PBKDF2-SHA256; slower to verify, so only for clients that cannot use a generated secret\n"
    "\n"
    "exit codes: 0 done; 1 the secret read is not acceptable; 2 usage; 3 system trouble\n",
    run,
};
