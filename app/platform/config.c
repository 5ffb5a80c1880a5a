#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "../../lib/base/text.h"
#include "url.h"

enum { FILE_BYTES = 65536, KEY_BYTES = 32, SHOWN_BYTES = 64 };

enum kind { KIND_TEXT, KIND_NUMBER, KIND_CHOICE };

struct key {
    const char *name;
    enum kind kind;
    size_t offset;
    const char *fallback;
    const char *words;
    uint32_t number, least, most;
};

static const struct key keys[] = {
#define TEXT_KEY(key, fallback) { #key, KIND_TEXT, offsetof(struct config, key), fallback, NULL, 0, 0, 0 },
#define NUMBER_KEY(key, fallback, least, most) \
    { #key, KIND_NUMBER, offsetof(struct config, key), NULL, NULL, fallback, least, most },
#define CHOICE_KEY(key, fallback, words) { #key, KIND_CHOICE, offsetof(struct config, key), fallback, words, 0, 0, 0 },
    CONFIG_LIST(TEXT_KEY, NUMBER_KEY, CHOICE_KEY)
#undef TEXT_KEY
#undef NUMBER_KEY
#undef CHOICE_KEY
};

enum { KEYS = sizeof keys / sizeof keys[0] };

struct reading {
    const char *path;
    FILE *complaints;
    struct config *config;
    unsigned line;
    unsigned faults;
    unsigned lines[KEYS]; /* the line of each key; 0: not in the file */
};

__attribute__((format(printf, 3, 4))) static void complain(struct reading *reading, unsigned line, const char *format,
                                                           ...)
{
    va_list values;
    reading->faults++;
    if (line > 0) fprintf(reading->complaints, "%s:%u: ", reading->path, line);
    else fprintf(reading->complaints, "%s: ", reading->path);
    va_start(values, format);
    vfprintf(reading->complaints, format, values);
    va_end(values);
    fputc('\n', reading->complaints);
}

static void fall_back(struct config *config)
{
    *config = (struct config){ 0 };
    for (size_t i = 0; i < KEYS; i++) {
        char *field = (char *)config + keys[i].offset;
        if (keys[i].kind == KIND_NUMBER) memcpy(field, &keys[i].number, sizeof keys[i].number);
        else memcpy(field, keys[i].fallback, strlen(keys[i].fallback) + 1);
    }
}

static const struct key *key_find(struct text name)
{
    for (size_t i = 0; i < KEYS; i++)
        if (text_equal(name, text_of(keys[i].name))) return &keys[i];
    return NULL;
}

static unsigned least_of(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

/* The Levenshtein distance. */
static unsigned distance(struct text a, struct text b)
{
    unsigned row[KEY_BYTES + 1];
    if (a.size > KEY_BYTES || b.size > KEY_BYTES) return KEY_BYTES;
    for (unsigned j = 0; j <= b.size; j++) row[j] = j;
    for (size_t i = 0; i < a.size; i++) {
        unsigned diagonal = row[0];
        row[0]++;
        for (size_t j = 0; j < b.size; j++) {
            unsigned change = diagonal + (a.data[i] != b.data[j]);
            diagonal = row[j + 1];
            row[j + 1] = least_of(row[j] + 1, row[j + 1] + 1, change);
        }
    }
    return row[b.size];
}

static void complain_unknown(struct reading *reading, struct text name)
{
    const struct key *nearest = &keys[0];
    int shown = (int)(name.size < SHOWN_BYTES ? name.size : SHOWN_BYTES);
    for (size_t i = 1; i < KEYS; i++)
        if (distance(name, text_of(keys[i].name)) < distance(name, text_of(nearest->name))) nearest = &keys[i];
    if (distance(name, text_of(nearest->name)) <= 1 + name.size / 3)
        complain(reading, reading->line, "there is no key `%.*s`; did you mean `%s`?", shown, name.data, nearest->name);
    else
        complain(reading, reading->line, "there is no key `%.*s`; the reference m2mauth.conf lists all of them", shown,
                 name.data);
}

static void set_text(struct reading *reading, const struct key *key, struct text value)
{
    char *field = (char *)reading->config + key->offset;
    if (value.size >= CONFIG_TEXT)
        complain(reading, reading->line, "%s is longer than %d bytes", key->name, CONFIG_TEXT - 1);
    else if (value.size > 0 && (value.data[0] == '"' || value.data[0] == '\''))
        complain(reading, reading->line, "a value has no quotes; write %s = value", key->name);
    else if (memmem(value.data, value.size, " #", 2))
        complain(reading, reading->line, "`#` begins a comment only at the start of a line; give it a line of its own");
    else {
        memcpy(field, value.data, value.size);
        field[value.size] = '\0';
    }
}

static void set_number(struct reading *reading, const struct key *key, struct text value)
{
    uint64_t wide;
    if (text_number(value, key->most, &wide) || wide < key->least) {
        complain(reading, reading->line, "%s must be a whole number from %u to %u; its default is %u", key->name,
                 key->least, key->most, key->number);
        return;
    }
    uint32_t number = (uint32_t)wide;
    memcpy((char *)reading->config + key->offset, &number, sizeof number);
}

static void set_choice(struct reading *reading, const struct key *key, struct text value)
{
    char *field = (char *)reading->config + key->offset;
    struct text rest = text_of(key->words), word;
    while (text_split(&rest, '|', &word)) {
        if (!text_equal(word, value)) continue;
        assert(word.size < CONFIG_CHOICE);
        memcpy(field, word.data, word.size);
        field[word.size] = '\0';
        return;
    }
    complain(reading, reading->line, "%s must be one of %s; its default is %s", key->name, key->words, key->fallback);
}

static void set_key(struct reading *reading, struct text name, struct text value)
{
    static void (*const setters[])(struct reading *, const struct key *, struct text) = {
        [KIND_TEXT] = set_text,
        [KIND_NUMBER] = set_number,
        [KIND_CHOICE] = set_choice,
    };
    const struct key *key = key_find(name);
    if (!key) {
        complain_unknown(reading, name);
        return;
    }
    unsigned *line = &reading->lines[key - keys];
    if (*line > 0) {
        complain(reading, reading->line, "%s is set in line %u already; remove one of the two", key->name, *line);
        return;
    }
    *line = reading->line;
    setters[key->kind](reading, key, value);
}

static bool has_control(struct text line)
{
    for (size_t i = 0; i < line.size; i++) {
        unsigned char c = (unsigned char)line.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) return true;
    }
    return false;
}

static void read_line(struct reading *reading, struct text line)
{
    struct text name;
    reading->line++;
    if (line.size > 0 && line.data[line.size - 1] == '\n') line.size--;
    if (has_control(line)) {
        complain(reading, reading->line, "a control character; save the file as plain text with Unix line ends");
        return;
    }
    line = text_trim(line);
    if (line.size == 0 || line.data[0] == '#') return;
    struct text rest = line;
    text_split(&rest, '=', &name);
    if (!text_present(rest)) {
        complain(reading, reading->line, "no `=` in the line; write key = value");
        return;
    }
    set_key(reading, text_trim(name), text_trim(rest));
}

static void read_lines(struct reading *reading)
{
    struct stat facts;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    FILE *file = fopen(reading->path, "re");
    if (!file) {
        complain(reading, 0, "%s; write the configuration there or name another file with -c", strerror(errno));
        return;
    }
    if (fstat(fileno(file), &facts) || !S_ISREG(facts.st_mode) || facts.st_size > FILE_BYTES)
        complain(reading, 0, "is not a regular file of at most %d bytes", FILE_BYTES);
    else
        while ((size = getline(&line, &capacity, file)) >= 0) read_line(reading, (struct text){ line, (size_t)size });
    if (ferror(file)) complain(reading, 0, "cannot be read to its end");
    free(line);
    fclose(file);
}

static unsigned line_of(const struct reading *reading, const char *name)
{
    assert(key_find(text_of(name))); /* name is a key of CONFIG_LIST */
    return reading->lines[key_find(text_of(name)) - keys];
}

static bool is_host_id_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._", c));
}

static void check_host_id(struct reading *reading)
{
    struct text id = text_of(reading->config->host_id);
    bool good = id.size <= 64 && !text_equal(id, TEXT("operator"));
    for (size_t i = 0; i < id.size; i++) good = good && is_host_id_character(id.data[i]);
    if (!good)
        complain(reading, line_of(reading, "host_id"),
                 "host_id must be at most 64 of A-Z a-z 0-9 - . _ and not "
                 "`operator`; leave it out to use the name of this host");
}

static void check_database(struct reading *reading)
{
    const struct config *config = reading->config;
    if (!config->db_socket[0] == !config->db_host[0])
        complain(reading, line_of(reading, "db_host"),
                 "one of db_socket and db_host must be set, not both; write "
                 "db_socket = /run/mysqld/mysqld.sock for a database on this host");
    if (config->db_socket[0] && config->db_socket[0] != '/')
        complain(reading, line_of(reading, "db_socket"), "db_socket must be an absolute path");
    if (config->db_host[0] && !url_is_loopback(text_of(config->db_host)) && !config->db_ca_file[0])
        complain(reading, line_of(reading, "db_host"),
                 "a database on another host is reached over TLS only; write "
                 "db_ca_file = the PEM file of the authority that signed its certificate");
    if (!config->db_name[0]) complain(reading, line_of(reading, "db_name"), "db_name must not be empty");
    if (!config->db_user[0]) complain(reading, line_of(reading, "db_user"), "db_user must not be empty");
    check_host_id(reading);
}

/* With more frequent rotation, more keys would have unexpired tokens than fit. */
enum { KEY_SECONDS_LEAST = 86400 };

static void check_times(struct reading *reading)
{
    const struct config *config = reading->config;
    if (config->fresh_seconds > config->validate_seconds)
        complain(reading, line_of(reading, "fresh_seconds"), "fresh_seconds must not be above validate_seconds (%u)",
                 config->validate_seconds);
    if (config->validate_seconds > config->issue_seconds)
        complain(reading, line_of(reading, "validate_seconds"), "validate_seconds must not be above issue_seconds (%u)",
                 config->issue_seconds);
    if (config->key_seconds > 0 && config->key_seconds < KEY_SECONDS_LEAST)
        complain(reading, line_of(reading, "key_seconds"),
                 "key_seconds must be 0 (keys are rotated by hand) or at least "
                 "%d (a day)",
                 KEY_SECONDS_LEAST);
    if (config->io_seconds >= config->busy_seconds)
        complain(reading, line_of(reading, "io_seconds"),
                 "io_seconds must be below busy_seconds (%u), or a worker is "
                 "killed while it waits for a slow front server",
                 config->busy_seconds);
    /* A client that authenticates by an assertion and revokes makes one request that waits for the database twice. */
    if (config->revoke_wait_ms * (strcmp(config->replay, "cluster") == 0 ? 2 : 1) >= config->busy_seconds * 1000)
        complain(reading, line_of(reading, "revoke_wait_ms"),
                 "revoke_wait_ms must be below busy_seconds (%u), with "
                 "replay = cluster twice, or a worker is killed while it waits for a slow database",
                 config->busy_seconds);
}

/* Requests have the same path prefix on both hosts. */
static void check_mtls_url(struct reading *reading)
{
    const struct config *config = reading->config;
    if (!config->mtls_url[0]) return;
    const char *fault = url_issuer_fault(text_of(config->mtls_url));
    if (fault) complain(reading, line_of(reading, "mtls_url"), "mtls_url %s", fault);
    else if (!text_equal(url_path(text_of(config->mtls_url)), url_path(text_of(config->issuer))))
        complain(reading, line_of(reading, "mtls_url"), "mtls_url must have the same path as issuer");
}

static void check_server(struct reading *reading)
{
    const struct config *config = reading->config;
    const char *fault = url_issuer_fault(text_of(config->issuer));
    if (!config->issuer[0])
        complain(reading, 0,
                 "issuer is missing; write issuer = https://auth.example.org, the URL of this server for clients");
    else if (fault) complain(reading, line_of(reading, "issuer"), "issuer %s", fault);
    if (!config->key_passphrase_file[0])
        complain(reading, 0, "key_passphrase_file is missing; write the file with the passphrase of the signing keys");
    if (!fault) check_mtls_url(reading);
    check_times(reading);
}

int config_read_database(const char *path, struct config *config_r, FILE *complaints)
{
    struct reading reading = { .path = path, .complaints = complaints, .config = config_r };
    fall_back(config_r);
    read_lines(&reading);
    if (reading.faults == 0) check_database(&reading);
    return reading.faults ? -1 : 0;
}

int config_read(const char *path, struct config *config_r, FILE *complaints)
{
    struct reading reading = { .path = path, .complaints = complaints, .config = config_r };
    fall_back(config_r);
    read_lines(&reading);
    if (reading.faults == 0) {
        check_database(&reading);
        check_server(&reading);
    }
    return reading.faults ? -1 : 0;
}
