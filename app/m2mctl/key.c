#include "key.h"

#include <inttypes.h>
#include <time.h>

#include "instant.h"
#include "keynew.h"
#include "keyrotate.h"
#include "keyseal.h"
#include "../db/key_rows.h"

enum { NUMBER_BYTES = 24 };

/* A change of the times of one key. */
struct change {
    const struct command *self;
    const struct command_session *session;
    const char *kid;
    int64_t now, when, remove; /* remove 0: the earliest safe time */
    bool force;
    struct config config;
    struct db *db;
    struct key_seal sealer;
    const struct key_seal *seal;
    struct key_rows timeline;
    const struct rotation_key *key;
};

static int fail(const struct command *self, const struct db *db)
{
    command_complain(self, "%s", db_why(db));
    return command_blame(db);
}

static void put_event(const char *does, int64_t when, int64_t now, int *count)
{
    char text[INSTANT_BYTES], distance[INSTANT_BYTES];
    if (when <= now) return;
    instant_format(when, text);
    instant_format_distance(when, now, distance);
    if ((*count)++ > 0) printf("%37s", "");
    printf("%-15s  %s (%s)\n", does, text, distance);
}

/* Prints a row that no host uses. */
static void put_unused(const struct rotation_key *key, enum key_seal_state seal)
{
    command_put(stdout, key->kid, 16);
    printf("  %-5s  %-9s  %s\n", key->algorithm, seal == KEY_SEAL_NONE ? "no MAC" : "wrong MAC",
           seal == KEY_SEAL_NONE ? "not used until m2mctl key seal"
                                 : "not used: it was not written with this passphrase");
}

/* Ends a line with the time at which a key of the algorithm begins to sign. */
static void put_beginning(const struct key_rows *timeline, enum jws_algorithm algorithm, int64_t now)
{
    char text[INSTANT_BYTES], distance[INSTANT_BYTES];
    const struct rotation_key *next = key_rows_next(timeline, algorithm, now);
    if (!next) {
        fprintf(stderr, "; no key of it is planned (m2mctl key new --alg %s)\n", jws_algorithm_name(algorithm).data);
        return;
    }
    instant_format(next->times.activate, text);
    instant_format_distance(next->times.activate, now, distance);
    fprintf(stderr, "; key %s of it signs from %s (%s)\n", next->kid, text, distance);
}

/* Prints the planned events of a key, one line each, by time. */
static void put_events(const struct rotation *rotation, const struct rotation_key *key)
{
    const struct keyring_times *times = &key->times;
    int64_t now = rotation->now, successor = times->activate + rotation->rules.key_seconds;
    enum jws_algorithm algorithm = jws_algorithm_find_own(text_of(key->algorithm));
    int count = 0;
    bool newest = algorithm != JWS_NONE && rotation_newest(rotation, algorithm) == key;
    put_event("is published", times->publish, now, &count);
    put_event("signs", times->activate, now, &count);
    if (newest && rotation->rules.key_seconds) put_event("gets a successor", successor, now, &count);
    put_event("signs no longer", times->retire, now, &count);
    put_event("is removed", times->remove, now, &count);
    if (count > 0) return;
    if (times->activate == 0 && times->remove == 0) printf("signs after m2mctl key activate %s\n", key->kid);
    else puts(newest && rotation->rules.key_seconds ? "a successor is due" : "nothing is planned");
}

/* Of several active keys of an algorithm only one signs; the others remain for verification and for hosts that lag
 * behind. */
static bool signs(const struct key_rows *timeline, const struct rotation_key *key, int64_t now)
{
    enum jws_algorithm algorithm = jws_algorithm_find_own(text_of(key->algorithm));
    return algorithm != JWS_NONE && key_rows_signer(timeline, algorithm, now, NULL) == key;
}

static void put_signer(const struct key_rows *timeline, const struct config *config, int64_t now)
{
    enum jws_algorithm algorithm = jws_algorithm_find_own(text_of(config->token_algorithm));
    const struct rotation_key *signer = key_rows_signer(timeline, algorithm, now, NULL);
    if (key_rows_is_unsealed(timeline)) {
        fprintf(stderr, "No row has a valid MAC: run m2mctl key seal, or %s is not the passphrase of the hosts\n",
                config->key_passphrase_file);
    } else if (!signer) {
        fprintf(stderr, "No key signs now: m2mctl key new\n");
    } else if (strcmp(signer->algorithm, config->token_algorithm) != 0) {
        fprintf(stderr, "No key of token_algorithm (%s) signs now; key %s does", config->token_algorithm, signer->kid);
        put_beginning(timeline, algorithm, now);
    }
}

static void put_timeline(const struct key_rows *timeline, const struct config *config, int64_t now)
{
    const struct rotation_rules rules = key_rows_rules(config);
    const struct rotation rotation = key_rows_rotation(timeline, &rules, now);
    printf("%-16s  %-5s  %-9s  %s\n", "kid", "alg", "state", "what comes next");
    for (size_t i = 0; i < timeline->count; i++) {
        const struct rotation_key *key = &timeline->keys[i];
        const char *state = key_rows_state(key, now);
        if (timeline->seals[i] != KEY_SEAL_GOOD && strcmp(state, "removed") != 0) {
            put_unused(key, timeline->seals[i]);
            continue;
        }
        command_put(stdout, key->kid, 16);
        printf("  %-5s  %-9s  ", key->algorithm, signs(timeline, key, now) ? "signs" : state);
        put_events(&rotation, key);
    }
    put_signer(timeline, config, now);
}

static int run_list(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
    struct config config;
    struct key_seal sealer = { .keys = { { 0 } } };
    struct key_rows timeline;
    int option = command_option(self, argc, argv, options);
    if (option != -1) return option == 'h' ? COMMAND_FINE : COMMAND_USAGE;
    if (optind != argc) return command_usage(self, "key list takes nothing more");
    struct db *db = command_database(self, session, &config);
    if (!db) return COMMAND_TROUBLE;
    const struct key_seal *seal = keynew_seal_if_any(self, &config, &sealer);
    int status = key_rows_read(db, seal, &timeline) ? fail(self, db) : COMMAND_FINE;
    if (status == COMMAND_FINE) put_timeline(&timeline, &config, time(NULL));
    key_seal_close(&sealer);
    db_close(db);
    return status;
}

/* Returns COMMAND_FINE with the database open and the key found. */
static int begin_change(struct change *change)
{
    change->db = command_database(change->self, change->session, &change->config);
    if (!change->db) return COMMAND_TROUBLE;
    change->seal = keynew_seal_if_any(change->self, &change->config, &change->sealer);
    if (key_rows_read(change->db, change->seal, &change->timeline)) return fail(change->self, change->db);
    change->key = key_rows_find(&change->timeline, change->kid);
    bool good = change->key && change->timeline.seals[change->key - change->timeline.keys] == KEY_SEAL_GOOD;
    if (good) return COMMAND_FINE;
    command_complain(change->self,
                     change->key
                         ? "the row of key %s has no valid MAC, and no host uses it; run m2mctl key seal or key drop"
                         : "there is no key %s; see m2mctl key list",
                     change->kid);
    return COMMAND_NO;
}

static int refuse(const struct change *change, const char *why)
{
    command_complain(change->self, "key %s %s", change->key->kid, why);
    return COMMAND_NO;
}

static void announce(const struct change *change, const char *does, int64_t when)
{
    char text[INSTANT_BYTES], distance[INSTANT_BYTES];
    instant_format(when, text);
    instant_format_distance(when, change->now, distance);
    printf("key %s %s %s (%s)\n", change->key->kid, does, text, distance);
}

static bool another_signs(const struct change *change)
{
    return key_rows_signer(&change->timeline, JWS_ES256, change->when, change->key) != NULL;
}

static int activate(struct change *change)
{
    const struct keyring_times *times = &change->key->times;
    const struct rotation_rules rules = key_rows_rules(&change->config);
    int64_t known = rotation_known(&rules, times->publish);
    char when[NUMBER_BYTES];
    if (times->retire || times->remove)
        return refuse(change, "is retired or will be: create another with m2mctl key new");
    if (change->when < times->publish) return refuse(change, "is not published by then; choose a later time");
    if (change->when < known && another_signs(change) && strcmp(change->key->algorithm, "HS256") != 0)
        command_complain(change->self,
                         "note: verifiers may keep the JWK Set for %u seconds and refuse this key's tokens "
                         "until then",
                         change->config.jwks_max_age_seconds);
    snprintf(when, sizeof when, "%" PRId64, change->when);
    const struct text parameters[] = { text_of(when), text_of(change->key->kid) };
    if (db_query(change->db, DB_ACTIVATE_KEY, parameters, 2, NULL, NULL) < 0) return fail(change->self, change->db);
    announce(change, "signs from", change->when);
    return COMMAND_FINE;
}

static int retire(struct change *change)
{
    const struct keyring_times *times = &change->key->times;
    char when[NUMBER_BYTES], remove[NUMBER_BYTES];
    const struct rotation_rules rules = key_rows_rules(&change->config);
    int64_t safe = rotation_forgotten(&rules, change->when);
    if (!times->activate) return refuse(change, "has never signed; run m2mctl key activate first");
    if (change->when < times->activate) return refuse(change, "does not sign before then; choose a later time");
    if (!change->remove) change->remove = safe;
    if (change->remove < change->when) return refuse(change, "would be removed before it retires");
    if (!change->force && !another_signs(change))
        return refuse(change, "would leave no key to sign with: run m2mctl key new first (or use --force)");
    if (change->remove < safe)
        command_complain(change->self, "note: tokens of this key that have not expired by then become invalid");
    snprintf(when, sizeof when, "%" PRId64, change->when);
    snprintf(remove, sizeof remove, "%" PRId64, change->remove);
    const struct text parameters[] = { text_of(when), text_of(remove), text_of(change->key->kid) };
    if (db_query(change->db, DB_RETIRE_KEY, parameters, 3, NULL, NULL) < 0) return fail(change->self, change->db);
    announce(change, "no longer signs from", change->when);
    announce(change, "leaves the JWK Set", change->remove);
    return COMMAND_FINE;
}

/* Reads the arguments of `activate` and `retire`. Returns COMMAND_FINE or an exit code; without kid the help was
 * printed. */
static int read_change(struct change *change, const struct option *options, int argc, char **argv)
{
    const struct command *self = change->self;
    int option;
    while ((option = command_option(self, argc, argv, options)) != -1) {
        if (option == 'h') return COMMAND_FINE;
        if (option == '?') return COMMAND_USAGE;
        if (option == 'f') change->force = true;
        else if (instant_parse(optarg, change->now, &change->remove))
            return command_usage(self, "--remove takes " INSTANT_FORMS);
    }
    int count = argc - optind;
    if (count < 1 || count > 2) return command_usage(self, "one KID, optionally followed by WHEN");
    if (count == 2 && instant_parse(argv[optind + 1], change->now, &change->when))
        return command_usage(self, "WHEN is one of " INSTANT_FORMS);
    change->kid = argv[optind];
    return COMMAND_FINE;
}

static int carry_out(struct change *change, int (*act)(struct change *change))
{
    int status = begin_change(change);
    if (status == COMMAND_FINE) status = act(change);
    key_seal_close(&change->sealer);
    db_close(change->db);
    return status;
}

static int run_activate(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
    int64_t now = time(NULL);
    struct change change = { .self = self, .session = session, .now = now, .when = now };
    int status = read_change(&change, options, argc, argv);
    return change.kid ? carry_out(&change, activate) : status;
}

static int run_retire(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    static const struct option options[] = {
        { "remove", required_argument, NULL, 'r' },
        { "force", no_argument, NULL, 'f' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int64_t now = time(NULL);
    struct change change = { .self = self, .session = session, .now = now, .when = now };
    int status = read_change(&change, options, argc, argv);
    return change.kid ? carry_out(&change, retire) : status;
}

static int run(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    static const struct {
        const char *word;
        int (*run)(const struct command *self, const struct command_session *session, int argc, char **argv);
    } words[] = {
        { "new", keynew_run },          { "list", run_list },
        { "activate", run_activate },   { "retire", run_retire },
        { "add", keynew_run_add },      { "rotate", keyrotate_run },
        { "drop", keyrotate_run_drop }, { "passphrase", keynew_run_passphrase },
        { "seal", keyseal_run },        { "reseal", keyseal_run_again },
    };
    const char *word = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].word, word) == 0) return words[i].run(self, session, argc - 1, argv + 1);
    if (strcmp(word, "--help") && strcmp(word, "-h"))
        return command_usage(self, "one of new, add, list, rotate, drop, activate, retire, seal, reseal, passphrase");
    fputs(self->help, stdout);
    return COMMAND_FINE;
}

const struct command key_command = {
    "key",
    "the keys that sign tokens: new, add, list, rotate, drop, activate, retire, seal, reseal, passphrase",
    "m2mctl key passphrase [--stdin] FILE\n"
    "  Creates FILE (mode 0600) with a new random passphrase of 256 bits; an existing file is left unchanged.\n"
    "  --stdin              read the passphrase from standard input; it must have at least 20 bytes\n"
    "\n"
    "m2mctl key new [--alg ES256|RS256|PS256|EdDSA|HS256] [--activate WHEN|never] [--passphrase-file FILE] [--print]\n"
    "  Generates a key pair and stores it with the private key encrypted (PKCS#8, PBES2; openssl pkey reads it).\n"
    "  The key is published at once. It signs as soon as every cached JWK Set must contain it\n"
    "  (jwks_max_age_seconds, validate_seconds and a minute), or at once if no other key signs.\n"
    "  --passphrase-file    default: key_passphrase_file of the configuration\n"
    "  --print              print a migration instead of storing the key\n"
    "\n"
    "m2mctl key add URI [--alg ES256|RS256|PS256|EdDSA] [--activate WHEN|never] [--passphrase-file FILE] [--print]\n"
    "  As key new, for an existing private key outside the database: a file (file:/its/path, PEM or DER, encrypted\n"
    "  or not) or a URI of an OpenSSL provider (pkcs11:...). Each worker opens it at its start, so it must be\n"
    "  readable on every host by the server's user; the passphrase is tried. Successors are made in the database,\n"
    "  unless key_seconds = 0.\n"
    "\n"
    "m2mctl key list\n"
    "  Lists every key: its state (`signs`: it signs with its algorithm), the next events and their times (UTC).\n"
    "  `no MAC`, `wrong MAC`: no host uses the row. Removed keys are listed for a week.\n"
    "\n"
    "m2mctl key seal [--yes] [--passphrase-file FILE] [KID...]\n"
    "  Shows the rows without a MAC (made by an earlier version) with their thumbprints. After confirmation, seals\n"
    "  those whose private key opens with the passphrase and matches, or the named ones. Nothing is sealed\n"
    "  automatically.\n"
    "\n"
    "m2mctl key reseal [--passphrase-file FILE] [--former-file FILE]\n"
    "  Seals and encrypts every key again, with the passphrase of key_passphrase_file instead of that of\n"
    "  key_passphrase_former_file. First give every host both files and reload it; afterwards remove the former one.\n"
    "\n"
    "m2mctl key rotate [--alg ES256|RS256|PS256|EdDSA|HS256] [--passphrase-file FILE]\n"
    "  Creates a successor now, regardless of key_seconds, with safe times: the new key signs when every verifier\n"
    "  has it, and the old key stays until its last token has expired. --alg: default token_algorithm.\n"
    "\n"
    "m2mctl key drop KID [--passphrase-file FILE]\n"
    "  Removes a stolen key now; its tokens are inactive at once. If no other key signs, a new one is made and\n"
    "  signs at once.\n"
    "\n"
    "m2mctl key activate KID [WHEN]\n"
    "  The key signs from WHEN (default: now), instead of the one that signed before.\n"
    "\n"
    "m2mctl key retire KID [WHEN] [--remove WHEN] [--force]\n"
    "  The key stops signing at WHEN (default: now) and leaves the JWK Set at --remove (default: when the longest\n"
    "  token has expired, plus a day, issue_seconds and a minute). --force: even if no other key signs.\n"
    "\n"
    "WHEN is " INSTANT_FORMS ".\n"
    "exit codes: 0 done; 1 refused because of the row of the key; 2 usage; 3 database or system trouble\n",
    run,
};
