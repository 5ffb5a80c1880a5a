#include "keynew.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../lib/base/base64url.h"
#include "instant.h"
#include "../keys/private_key.h"
#include "../keys/keypair.h"
#include "literal.h"
#include "../db/key_rows.h"

enum { PASSPHRASE_RANDOM = 32, NUMBER_BYTES = 24, URI_BYTES = 500 };

struct wish {
    enum { WHEN_SAFE, WHEN_NEVER, WHEN_NOW, WHEN_AT } when; /* when it begins to sign */
    enum jws_algorithm algorithm;
    int64_t now, activate_at;    /* for WHEN_AT */
    const char *passphrase_path; /* NULL: that of the configuration */
    const char *uri;             /* location of the private key; NULL: in the row */
    size_t reading;              /* index of the passphrase that seals the row */
    bool print;
};

static int fail(const struct command *self, const struct db *db)
{
    command_complain(self, "%s", db_why(db));
    return command_blame(db);
}

/* Returns how long after its publication a key is in every cached JWK Set. */
static int64_t safe_delay(const struct config *config)
{
    const struct rotation_rules rules = key_rows_rules(config);
    return rotation_known(&rules, 0);
}

/* A key ready to be stored. */
struct sealed {
    struct keypair pair;
    char mac[KEY_SEAL_MAC + 1];
};

static void print(const struct wish *wish, const struct sealed *key, const struct config *config)
{
    printf("-- data\n-- a signing key; its private key is %s\n"
           "SET STATEMENT time_zone = '+00:00' FOR\n"
           "INSERT INTO signing_key (kid, alg, public_jwk, %s, mac, publish_at, activate_at) VALUES (\n",
           wish->uri ? "outside the database" : "encrypted", wish->uri ? "private_uri" : "private_pem");
    /* JSON and PEM generated here contain neither quotes nor backslashes. */
    printf("'%s', '%s',\n'%s',\n", key->pair.kid, jws_algorithm_name(wish->algorithm).data, key->pair.jwk);
    if (wish->uri) literal_put(stdout, text_of(wish->uri));
    else printf("'%s'", key->pair.pem);
    printf(",\n'%s',\nUTC_TIMESTAMP, ", key->mac);
    if (wish->when == WHEN_SAFE) printf("UTC_TIMESTAMP + INTERVAL %" PRId64 " SECOND", safe_delay(config));
    else if (wish->when == WHEN_NOW) printf("UTC_TIMESTAMP");
    else if (wish->when == WHEN_NEVER) printf("NULL");
    else printf("FROM_UNIXTIME(%" PRId64 ")", wish->activate_at);
    printf(");\n");
}

/* Returns when the key begins to sign; 0: not yet. The first key of all need not wait for verifiers. */
static int64_t activation(const struct command *self, const struct wish *wish, const struct config *config,
                          const struct rotation_key *signer)
{
    int64_t safe = wish->now + safe_delay(config);
    if (wish->when == WHEN_NEVER) return 0;
    if (wish->when == WHEN_SAFE) return signer ? safe : wish->now;
    int64_t at = wish->when == WHEN_NOW ? wish->now : wish->activate_at;
    if (signer && at < safe)
        command_complain(self,
                         "note: verifiers may keep the JWK Set for %u seconds and refuse this key's tokens until then",
                         config->jwks_max_age_seconds);
    return at;
}

/* Read from the row, because a duplicate key may also belong to a row that a trigger adds. */
static bool is_there(struct db *db, const char *kid)
{
    const struct text parameter = text_of(kid);
    return db_query(db, DB_FIND_KEY, &parameter, 1, NULL, NULL) == 1;
}

static int refuse_duplicate(const struct command *self, const char *kid)
{
    command_complain(self, "key %s is in the database already, possibly removed; see m2mctl key list", kid);
    return COMMAND_NO;
}

static int insert(const struct command *self, struct db *db, const struct wish *wish, const struct sealed *key,
                  int64_t activate_at)
{
    char publish[NUMBER_BYTES], activate[NUMBER_BYTES], when[INSTANT_BYTES], distance[INSTANT_BYTES];
    snprintf(publish, sizeof publish, "%" PRId64, wish->now);
    snprintf(activate, sizeof activate, "%" PRId64, activate_at);
    const struct text parameters[] = {
        text_of(key->pair.kid), jws_algorithm_name(wish->algorithm),
        text_of(key->pair.jwk), text_of(wish->uri ? NULL : key->pair.pem),
        text_of(wish->uri),     text_of(key->mac),
        text_of(publish),       text_of(activate_at ? activate : NULL),
    };
    if (db_query(db, DB_ADD_KEY, parameters, sizeof parameters / sizeof *parameters, NULL, NULL) < 0) {
        bool duplicate = db_errno(db) == DB_DUPLICATE;
        return duplicate && is_there(db, key->pair.kid) ? refuse_duplicate(self, key->pair.kid) : fail(self, db);
    }
    instant_format(activate_at, when);
    instant_format_distance(activate_at, wish->now, distance);
    printf("key %s (%s) is published", key->pair.kid, jws_algorithm_name(wish->algorithm).data);
    if (activate_at) printf(" and signs from %s (%s)\n", when, distance);
    else printf("; it signs after m2mctl key activate %s\n", key->pair.kid);
    return COMMAND_FINE;
}

int keynew_seal(const struct command *self, const struct config *config, const char *override, struct key_seal *seal_r)
{
    const char *path = override ? override : config->key_passphrase_file;
    if (!path[0]) {
        command_complain(
            self,
            "no passphrase: create one with m2mctl key passphrase FILE; then set key_passphrase_file = FILE in the "
            "configuration or use --passphrase-file FILE");
        return COMMAND_TROUBLE;
    }
    if (passphrase_read(&seal_r->passphrase, path, override ? NULL : config->key_passphrase_former_file, stderr)) {
        if (path[0] != '/' && !override)
            command_complain(self, "a name without a path is a systemd credential of the server; give its source "
                                   "with --passphrase-file");
        return COMMAND_TROUBLE;
    }
    if (key_seal_derive(seal_r) == 0) return COMMAND_FINE;
    key_seal_close(seal_r);
    command_complain(self, "no key could be derived from the passphrase");
    return COMMAND_TROUBLE;
}

const struct key_seal *keynew_seal_if_any(const struct command *self, const struct config *config,
                                          struct key_seal *seal)
{
    if (config->key_passphrase_file[0] && access(config->key_passphrase_file, R_OK) == 0 &&
        keynew_seal(self, config, NULL, seal) == COMMAND_FINE)
        return seal;
    command_complain(self, "note: without the passphrase (key_passphrase_file) the MACs of the rows are not checked");
    return NULL;
}

/* Generates a pair and encrypts the private key with the passphrase. */
static int make(const struct command *self, const struct wish *wish, const struct key_seal *seal,
                struct keypair *keypair_r)
{
    if (seal->passphrase.readings[wish->reading].size < PASSPHRASE_LEAST) {
        command_complain(self, "a key is not sealed with a passphrase that could be guessed");
        return COMMAND_NO;
    }
    if (keypair_new(wish->algorithm, seal->passphrase.readings[wish->reading], keypair_r) == 0) return COMMAND_FINE;
    command_complain(self, "the key could not be generated");
    return COMMAND_TROUBLE;
}

/* Returns why the workers should not load a key from there, or NULL. */
static const char *uri_fault(const char *uri)
{
    struct text t = text_of(uri);
    struct stat facts;
    bool file = text_begins(t, TEXT("file:"));
    const char *path = uri + (text_begins(t, TEXT("file:///")) ? strlen("file://") : strlen("file:"));
    if (t.size > URI_BYTES) return "is longer than 500 bytes";
    for (size_t i = 0; i < t.size; i++)
        if (t.data[i] <= ' ' || t.data[i] > '~') return "has characters that a URI cannot have";
    if (!memchr(t.data, ':', t.size)) return "is not a URI; a file is file:/its/path";
    if (memmem(t.data, t.size, "pin-value", 9))
        return "holds a PIN, which would be stored in the database: name a pin-source";
    if (!file) return NULL;
    if (path[0] != '/' || path[1] == '/') return "names no absolute path; write file:/its/path";
    if (stat(path, &facts))
        return errno == ENOENT ? "names a file that does not exist" : "names a file that cannot be reached";
    if (!S_ISREG(facts.st_mode)) return "is not a regular file";
    if (facts.st_mode & (S_IWGRP | S_IRWXO))
        return "can be read by others; chmod it to 0400, or 0440 with the server's group";
    return NULL;
}

/* Reads the key that the URI names. Each reading of the passphrase is tried. */
static int take(const struct command *self, const struct wish *wish, const struct key_seal *seal,
                struct keypair *keypair_r)
{
    const char *why = uri_fault(wish->uri);
    EVP_PKEY *key = NULL;
    bool fit = !why;
    for (size_t i = 0; fit && !key && i < seal->passphrase.count; i++)
        key = private_key_load(wish->uri, seal->passphrase.readings[i], &why);
    if (!key) {
        command_complain(self, "the URI %s", why);
        return COMMAND_NO;
    }
    why = keypair_take(key, wish->algorithm, keypair_r);
    EVP_PKEY_free(key);
    if (why) command_complain(self, "the key cannot be used: %s", why);
    return why ? COMMAND_NO : COMMAND_FINE;
}

static int take_activation(struct wish *wish, const char *word)
{
    wish->when = strcmp(word, "now") == 0 ? WHEN_NOW : strcmp(word, "never") == 0 ? WHEN_NEVER : WHEN_AT;
    if (wish->when != WHEN_AT) return 0;
    return instant_parse(word, wish->now, &wish->activate_at) || wish->activate_at < wish->now ? -1 : 0;
}

/* Returns COMMAND_FINE or an exit code. help_r: only the help was printed. */
static int read_options(const struct command *self, int argc, char **argv, struct wish *wish, bool *help_r)
{
    enum { ALG = 1, ACTIVATE, PASSPHRASE_FILE, PRINT };
    static const struct option options[] = {
        { "alg", required_argument, NULL, ALG }, { "passphrase-file", required_argument, NULL, PASSPHRASE_FILE },
        { "print", no_argument, NULL, PRINT },   { "activate", required_argument, NULL, ACTIVATE },
        { "help", no_argument, NULL, 'h' },      { NULL, 0, NULL, 0 },
    };
    int option;
    while ((option = command_option(self, argc, argv, options)) != -1) {
        *help_r = option == 'h';
        if (option == 'h') return COMMAND_FINE;
        if (option == '?') return COMMAND_USAGE;
        if (option == PRINT) wish->print = true;
        if (option == PASSPHRASE_FILE) wish->passphrase_path = optarg;
        if (option == ALG) wish->algorithm = jws_algorithm_find_own(text_of(optarg));
        if (wish->algorithm == JWS_NONE) return command_usage(self, "--alg takes ES256, RS256, PS256, EdDSA or HS256");
        if (option == ACTIVATE && take_activation(wish, optarg))
            return command_usage(self, "--activate takes never or a time in the future: " INSTANT_FORMS);
    }
    return COMMAND_FINE;
}

struct work {
    const struct command *self;
    const struct command_session *session;
    struct wish *wish;
    int (*obtain)(const struct command *self, const struct wish *wish, const struct key_seal *seal,
                  struct keypair *keypair_r);
    struct config config;
    struct key_seal seal;
};

static int obtain(struct work *work, struct sealed *key_r)
{
    int status = work->obtain(work->self, work->wish, &work->seal, &key_r->pair);
    if (status != COMMAND_FINE) return status;
    const struct key_seal_row row = { text_of(key_r->pair.kid), jws_algorithm_name(work->wish->algorithm),
                                      text_of(key_r->pair.jwk), text_of(work->wish->uri) };
    return key_seal_put(&work->seal, work->wish->reading, &row, key_r->mac) ? COMMAND_TROUBLE : COMMAND_FINE;
}

/* The hosts cannot use a key of another passphrase, and a new key beside keys without a MAC would sign instead of
 * them. */
static int check_others(const struct work *work, const struct key_rows *timeline)
{
    if (!key_rows_is_unsealed(timeline)) return COMMAND_FINE;
    command_complain(work->self,
                     "there are keys, and none of them has a valid MAC: run m2mctl key seal first, or this is not the "
                     "passphrase of the hosts; see m2mctl key list");
    return COMMAND_NO;
}

static int store(struct work *work)
{
    struct key_rows timeline;
    struct sealed key;
    struct db *db = command_database(work->self, work->session, &work->config);
    if (!db) return COMMAND_TROUBLE;
    int status = key_rows_read(db, &work->seal, &timeline) ? fail(work->self, db) : check_others(work, &timeline);
    work->wish->reading = timeline.reading;
    if (status == COMMAND_FINE) status = obtain(work, &key);
    if (status == COMMAND_FINE) {
        const struct rotation_key *signer = key_rows_signer(&timeline, work->wish->algorithm, work->wish->now, NULL);
        status = insert(work->self, db, work->wish, &key, activation(work->self, work->wish, &work->config, signer));
    }
    db_close(db);
    return status;
}

static int carry_out(struct work *work)
{
    struct sealed key;
    if (command_config(work->session, &work->config)) return COMMAND_TROUBLE;
    int status = keynew_seal(work->self, &work->config, work->wish->passphrase_path, &work->seal);
    if (status != COMMAND_FINE) return status;
    if (!work->wish->print) status = store(work);
    else if ((status = obtain(work, &key)) == COMMAND_FINE) print(work->wish, &key, &work->config);
    key_seal_close(&work->seal);
    return status;
}

int keynew_run(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    struct wish wish = { .algorithm = JWS_ES256, .now = time(NULL) };
    bool help = false;
    int status = read_options(self, argc, argv, &wish, &help);
    if (status != COMMAND_FINE || help) return status;
    if (optind != argc) return command_usage(self, "key new takes options only");
    return carry_out(&(struct work){ .self = self, .session = session, .wish = &wish, .obtain = make });
}

int keynew_run_add(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    struct wish wish = { .algorithm = JWS_ES256, .now = time(NULL) };
    bool help = false;
    int status = read_options(self, argc, argv, &wish, &help);
    if (status != COMMAND_FINE || help) return status;
    if (optind != argc - 1) return command_usage(self, "key add takes the URI of one private key");
    if (wish.algorithm == JWS_HS256)
        return command_usage(self, "a key of HS256 is stored only in the database: use m2mctl key new");
    wish.uri = argv[optind];
    return carry_out(&(struct work){ .self = self, .session = session, .wish = &wish, .obtain = take });
}

/* With 256 random bits, the derivation of keys need not be slow. */
static int random_passphrase(struct secret_file *secret_r)
{
    unsigned char random[PASSPHRASE_RANDOM];
    struct buffer b = { secret_r->bytes, 0, sizeof secret_r->bytes, false };
    if (RAND_priv_bytes(random, sizeof random) != 1) return -1;
    base64url_put(&b, (struct text){ (const char *)random, sizeof random });
    OPENSSL_cleanse(random, sizeof random);
    secret_r->text = buffer_text(&b);
    return 0;
}

/* Returns COMMAND_FINE, or an exit code after a message. */
static int given_passphrase(const struct command *self, struct secret_file *secret_r)
{
    char bytes[SECRET_FILE_BYTES];
    size_t size = fread(bytes, 1, sizeof bytes, stdin);
    int failed = ferror(stdin) || secret_file_take(secret_r, "standard input", (struct text){ bytes, size }, stderr);
    OPENSSL_cleanse(bytes, sizeof bytes);
    if (!failed && secret_r->text.size >= PASSPHRASE_LEAST) return COMMAND_FINE;
    if (!failed)
        command_complain(self,
                         "a passphrase has at least %d bytes, or it could be guessed; without --stdin a random one "
                         "is made",
                         PASSPHRASE_LEAST);
    return COMMAND_NO;
}

/* Returns COMMAND_FINE with a new file at path, or an exit code after a message. */
static int write_passphrase(const struct command *self, const char *path, struct text passphrase)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        bool exists = errno == EEXIST;
        command_complain(self, "%s: %s", path, exists ? "exists already and is left unchanged" : strerror(errno));
        return exists ? COMMAND_NO : COMMAND_TROUBLE;
    }
    bool good = write(fd, passphrase.data, passphrase.size) == (ssize_t)passphrase.size && write(fd, "\n", 1) == 1 &&
                fsync(fd) == 0;
    if (close(fd) == 0 && good) return COMMAND_FINE;
    command_complain(self, "%s could not be written", path);
    (void)unlink(path);
    return COMMAND_TROUBLE;
}

int keynew_run_passphrase(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    enum { STDIN = 1 };
    static const struct option options[] = {
        { "stdin", no_argument, NULL, STDIN },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct secret_file secret;
    int option, status = COMMAND_FINE;
    bool given = false;
    (void)session;
    while ((option = command_option(self, argc, argv, options)) != -1) {
        if (option != STDIN) return option == 'h' ? COMMAND_FINE : COMMAND_USAGE;
        given = true;
    }
    if (optind != argc - 1) return command_usage(self, "key passphrase takes the name of the file to create");
    if (given) status = given_passphrase(self, &secret);
    else if (random_passphrase(&secret)) status = COMMAND_TROUBLE;
    if (status == COMMAND_FINE) status = write_passphrase(self, argv[optind], secret.text);
    secret_file_wipe(&secret);
    if (status == COMMAND_FINE)
        printf("%s holds a new passphrase; keep a copy where the backups of the database are not\n", argv[optind]);
    return status;
}
