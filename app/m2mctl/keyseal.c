#include "keyseal.h"

#include <stdlib.h>
#include <unistd.h>

#include "../../lib/jose/jwk.h"
#include "../keys/private_key.h"
#include "../keys/keypair.h"
#include "../region/region.h"
#include "../db/key_rows.h"
#include "keynew.h"

enum { ROWS = KEY_ROWS_KEYS };

/* A row of signing_key that is not removed, unchecked. */
struct row {
    char kid[REGION_KID + 1], algorithm[8], jwk[REGION_JWK + 1], pem[REGION_PEM + 1], uri[REGION_URI + 1],
        mac[KEY_SEAL_MAC + 1];
    enum key_seal_state state;
    size_t reading; /* set if the state is KEY_SEAL_GOOD */
    bool chosen;
};

struct job {
    const struct command *self;
    const struct command_session *session;
    bool yes;
    const char *passphrase_path, *former_path; /* NULL: those of the configuration */
    char **kids;
    int kid_count; /* 0: all rows */
    struct config config;
    struct key_seal seal;
    struct db *db;
    struct row *rows;
    size_t count;
    size_t reading; /* index of the passphrase for new MACs */
};

static int fail(const struct job *job)
{
    command_complain(job->self, "%s", db_why(job->db));
    return command_blame(job->db);
}

static bool copy(struct text column, char *place, size_t size)
{
    if (column.size >= size) return false;
    if (column.size > 0) memcpy(place, column.data, column.size);
    return true;
}

static struct key_seal_row fields_of(const struct row *row)
{
    return (struct key_seal_row){ text_of(row->kid), text_of(row->algorithm), text_of(row->jwk), text_of(row->uri) };
}

/* Takes a row of DB_READ_KEYS. A value that is too long was not written by m2mauth; the row is left unchanged. */
static int take_row(void *context, const struct text *columns, size_t count)
{
    struct job *job = context;
    if (job->count == ROWS || count != COLUMN_KEY_COUNT) return -1;
    struct row *row = &job->rows[job->count];
    *row = (struct row){ .chosen = false };
    if (!copy(columns[COLUMN_KEY_kid], row->kid, sizeof row->kid) ||
        !copy(columns[COLUMN_KEY_alg], row->algorithm, sizeof row->algorithm) ||
        !copy(columns[COLUMN_KEY_public_jwk], row->jwk, sizeof row->jwk) ||
        !copy(columns[COLUMN_KEY_private_pem], row->pem, sizeof row->pem) ||
        !copy(columns[COLUMN_KEY_private_uri], row->uri, sizeof row->uri) ||
        !copy(columns[COLUMN_KEY_mac], row->mac, sizeof row->mac))
        return 0;
    const struct key_seal_row fields = fields_of(row);
    row->state = key_seal_check(&job->seal, &fields, text_of(row->mac), &row->reading);
    job->count++;
    return 0;
}

static int read_rows(struct job *job)
{
    job->count = 0;
    job->rows = calloc(ROWS, sizeof *job->rows);
    if (!job->rows) {
        command_complain(job->self, "out of memory");
        return COMMAND_TROUBLE;
    }
    return db_query(job->db, DB_READ_KEYS, NULL, 0, take_row, job) < 0 ? fail(job) : COMMAND_FINE;
}

/* Opens the database and the passphrase and reads the rows. Returns COMMAND_FINE or an exit code; call end() in
 * either case. */
static int begin(struct job *job)
{
    job->db = command_database(job->self, job->session, &job->config);
    if (!job->db) return COMMAND_TROUBLE;
    if (job->former_path) snprintf(job->config.key_passphrase_former_file, CONFIG_TEXT, "%s", job->former_path);
    if (job->passphrase_path) snprintf(job->config.key_passphrase_file, CONFIG_TEXT, "%s", job->passphrase_path);
    int status = keynew_seal(job->self, &job->config, NULL, &job->seal);
    return status == COMMAND_FINE ? read_rows(job) : status;
}

static void end(struct job *job)
{
    free(job->rows);
    key_seal_close(&job->seal);
    db_close(job->db);
}

/* Returns NULL if the private key is not accessible here. */
static EVP_PKEY *open_private(const struct job *job, const struct row *row)
{
    EVP_PKEY *key = NULL;
    const char *why;
    for (size_t i = 0; i < job->seal.passphrase.count && !key; i++)
        key = row->uri[0] ? private_key_load(row->uri, job->seal.passphrase.readings[i], &why)
                          : private_key_decrypt(text_of(row->pem), job->seal.passphrase.readings[i]);
    return key;
}

static void put_thumbprint(EVP_PKEY *key)
{
    char bytes[JWK_THUMBPRINT];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    struct secret_hasher hasher;
    if (secret_hasher_open(&hasher)) return;
    if (jwk_put_thumbprint(&b, &hasher, key) == 0) printf("%.*s", (int)b.size, b.data);
    secret_hasher_close(&hasher);
}

/* Prints the row for the operator to check. Returns whether its private key opens with the passphrase and matches
 * public_jwk. */
static bool show(const struct job *job, const struct row *row)
{
    struct jwk jwk = { NULL, JWS_NONE, "" };
    bool secret = strcmp(row->algorithm, "HS256") == 0;
    const char *unreadable = secret ? NULL : jwk_read(text_of(row->jwk), &jwk);
    EVP_PKEY *private_key = open_private(job, row);
    bool pair = private_key && !unreadable && (secret || EVP_PKEY_eq(jwk.key, private_key) == 1);
    command_put(stdout, row->kid, 16);
    printf("  %-5s  ", row->algorithm);
    if (jwk.key) put_thumbprint(jwk.key);
    else printf("%-43s", secret ? "a secret, without a thumbprint" : "public_jwk cannot be read");
    printf("  %s\n", pair          ? "its private key matches"
                     : private_key ? "its private key belongs to another key"
                     : row->uri[0] ? "its private key cannot be opened on this host"
                                   : "its private key does not open with this passphrase");
    EVP_PKEY_free(private_key);
    if (jwk.key) jwk_close(&jwk);
    return pair;
}

static bool is_named(const struct job *job, const struct row *row)
{
    for (int i = 0; i < job->kid_count; i++)
        if (strcmp(job->kids[i], row->kid) == 0) return true;
    return false;
}

/* Shows the rows without a MAC and selects those to seal: the named ones, or all whose private key matches. Returns
 * how many. */
static size_t choose(struct job *job, size_t *left_r)
{
    size_t chosen = 0;
    *left_r = 0;
    for (size_t i = 0; i < job->count; i++) {
        struct row *row = &job->rows[i];
        if (row->state != KEY_SEAL_NONE) continue;
        if (chosen + *left_r == 0)
            printf("%-16s  %-5s  %-43s  %s\n", "kid", "alg", "thumbprint (RFC 7638)", "private key");
        bool fits = show(job, row);
        row->chosen = job->kid_count > 0 ? is_named(job, row) : fits;
        if (row->chosen) chosen++;
        else ++*left_r;
    }
    return chosen;
}

static bool confirm(size_t count)
{
    char answer[8] = "";
    printf("Are these keys yours? Compare with /jwks.json of a running host. Seal %zu? [y/N] ", count);
    fflush(stdout);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int seal_row(const struct job *job, const struct row *row)
{
    char mac[KEY_SEAL_MAC + 1];
    const struct key_seal_row fields = fields_of(row);
    if (key_seal_put(&job->seal, job->reading, &fields, mac)) {
        command_complain(job->self, "key %s: the MAC could not be made", row->kid);
        return COMMAND_TROUBLE;
    }
    const struct text parameters[] = { text_of(mac), fields.kid, fields.algorithm, fields.jwk,
                                       text_of(row->uri[0] ? row->uri : NULL) };
    long changed = db_query(job->db, DB_SEAL_KEY, parameters, sizeof parameters / sizeof *parameters, NULL, NULL);
    if (changed < 0) return fail(job);
    if (changed == 1) return COMMAND_FINE;
    command_complain(job->self, "key %s was changed in the meantime and is not sealed; check it again", row->kid);
    return COMMAND_NO;
}

/* Returns the reading of the passphrase that made the existing MACs, or the first. */
static size_t reading_of(const struct job *job)
{
    for (size_t i = 0; i < job->count; i++)
        if (job->rows[i].state == KEY_SEAL_GOOD) return job->rows[i].reading;
    return 0;
}

static int seal(struct job *job)
{
    size_t left, count = choose(job, &left), sealed = 0;
    int status = COMMAND_FINE;
    if (count + left == 0) {
        puts("every row has a MAC: nothing to do");
        return COMMAND_FINE;
    }
    if (left > 0)
        command_complain(job->self,
                         "%zu of them are left unchanged; m2mctl key seal KID seals one regardless, m2mctl key drop "
                         "KID removes it",
                         left);
    if (count == 0) return COMMAND_NO;
    if (!job->yes && !isatty(STDIN_FILENO)) {
        command_complain(job->self, "nothing was changed: m2mctl key seal --yes seals %zu", count);
        return COMMAND_NO;
    }
    if (!job->yes && !confirm(count)) {
        command_complain(job->self, "nothing was changed");
        return COMMAND_NO;
    }
    job->reading = reading_of(job);
    for (size_t i = 0; i < job->count && status == COMMAND_FINE; i++) {
        if (!job->rows[i].chosen) continue;
        status = seal_row(job, &job->rows[i]);
        sealed += status == COMMAND_FINE;
    }
    printf("%zu %s sealed\n", sealed, sealed == 1 ? "key is" : "keys are");
    return status;
}

/* Returns COMMAND_FINE or an exit code. help_r: only the help was printed. */
static int read_options(struct job *job, const struct option *options, int argc, char **argv, bool *help_r)
{
    int option;
    while ((option = command_option(job->self, argc, argv, options)) != -1) {
        *help_r = option == 'h';
        if (option == 'h') return COMMAND_FINE;
        if (option == '?') return COMMAND_USAGE;
        if (option == 'y') job->yes = true;
        if (option == 'p') job->passphrase_path = optarg;
        if (option == 'f') job->former_path = optarg;
    }
    return COMMAND_FINE;
}

int keyseal_run(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    static const struct option options[] = {
        { "yes", no_argument, NULL, 'y' },
        { "passphrase-file", required_argument, NULL, 'p' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct job job = { .self = self, .session = session };
    bool help = false;
    int status = read_options(&job, options, argc, argv, &help);
    if (status != COMMAND_FINE || help) return status;
    job.kids = argv + optind;
    job.kid_count = argc - optind;
    status = begin(&job);
    if (status == COMMAND_FINE) status = seal(&job);
    end(&job);
    return status;
}

/* Encrypts the private key with the new passphrase; empty if it is not in the row. Returns 0, or -1 after a
 * message. */
static int encrypt_again(const struct job *job, const struct row *row, char pem[KEYPAIR_PEM_BYTES])
{
    EVP_PKEY *key = open_private(job, row);
    const char *why;
    int failed = 0;
    pem[0] = '\0';
    if (!row->uri[0]) {
        failed = !key || keypair_encrypt(key, job->seal.passphrase.text, pem);
        if (failed)
            command_complain(job->self, "key %s: private_pem opens with neither passphrase; nothing was changed",
                             row->kid);
    } else if (key) {
        EVP_PKEY *again = private_key_load(row->uri, job->seal.passphrase.text, &why);
        if (!again)
            command_complain(
                job->self,
                "note: key %s: the key at private_uri is encrypted with the former passphrase; encrypt it again "
                "before you remove key_passphrase_former_file",
                row->kid);
        EVP_PKEY_free(again);
    }
    EVP_PKEY_free(key);
    return failed ? -1 : 0;
}

static int reseal_row(const struct job *job, const struct row *row)
{
    char pem[KEYPAIR_PEM_BYTES], mac[KEY_SEAL_MAC + 1];
    const struct key_seal_row fields = fields_of(row);
    if (encrypt_again(job, row, pem)) return COMMAND_NO;
    if (key_seal_put(&job->seal, 0, &fields, mac)) return COMMAND_TROUBLE;
    const struct text parameters[] = { text_of(pem[0] ? pem : NULL), text_of(mac), fields.kid, text_of(row->mac) };
    long changed = db_query(job->db, DB_RESEAL_KEY, parameters, sizeof parameters / sizeof *parameters, NULL, NULL);
    return changed < 0 ? fail(job) : COMMAND_FINE;
}

/* Checks that all rows can be sealed again. Returns COMMAND_FINE or an exit code. */
static int check_rows(const struct job *job, size_t *due_r)
{
    *due_r = 0;
    for (size_t i = 0; i < job->count; i++) {
        const struct row *row = &job->rows[i];
        if (row->state == KEY_SEAL_NONE) {
            command_complain(job->self, "key %s has no MAC: run m2mctl key seal or key drop first", row->kid);
            return COMMAND_NO;
        }
        if (row->state == KEY_SEAL_WRONG)
            command_complain(job->self, "note: key %s has a wrong MAC and is left unchanged", row->kid);
        *due_r += row->state == KEY_SEAL_GOOD && row->reading > 0;
    }
    return COMMAND_FINE;
}

static int reseal(struct job *job, size_t *due_r)
{
    int status = check_rows(job, due_r);
    for (size_t i = 0; i < job->count && status == COMMAND_FINE; i++)
        if (job->rows[i].state == KEY_SEAL_GOOD && job->rows[i].reading > 0) status = reseal_row(job, &job->rows[i]);
    return status;
}

/* In one transaction under the lease, so that no key is made in the meantime; after a failure the connection is
 * closed, which rolls back. */
static int reseal_all(struct job *job)
{
    const struct text lease[] = { TEXT("operator"), TEXT("operator") };
    size_t due = 0;
    if (db_query(job->db, DB_BEGIN, NULL, 0, NULL, NULL) < 0) return fail(job);
    long taken = db_query(job->db, DB_TAKE_LEASE, lease, 2, NULL, NULL);
    if (taken < 0) return fail(job);
    if (taken == 0) {
        command_complain(job->self, "another host is changing the keys; try again in 10 seconds");
        return COMMAND_TROUBLE;
    }
    free(job->rows);
    int status = read_rows(job);
    if (status == COMMAND_FINE) status = reseal(job, &due);
    if (status != COMMAND_FINE) return status;
    if (db_query(job->db, DB_COMMIT, NULL, 0, NULL, NULL) < 0) return fail(job);
    if (due == 0) puts("every key is sealed with this passphrase: nothing to do");
    else printf("%zu %s sealed again\n", due, due == 1 ? "key is" : "keys are");
    return COMMAND_FINE;
}

int keyseal_run_again(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    static const struct option options[] = {
        { "passphrase-file", required_argument, NULL, 'p' },
        { "former-file", required_argument, NULL, 'f' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct job job = { .self = self, .session = session };
    bool help = false;
    int status = read_options(&job, options, argc, argv, &help);
    if (status != COMMAND_FINE || help) return status;
    if (optind != argc) return command_usage(self, "key reseal takes options only");
    status = begin(&job);
    if (status == COMMAND_FINE && job.seal.passphrase.text.size < PASSPHRASE_LEAST) {
        command_complain(self, "a key is not sealed with a passphrase that could be guessed");
        status = COMMAND_NO;
    }
    if (status == COMMAND_FINE && job.seal.passphrase.count < 2)
        status = command_usage(
            self, "key reseal takes the former passphrase from key_passphrase_former_file or --former-file");
    if (status == COMMAND_FINE) status = reseal_all(&job);
    end(&job);
    return status;
}
