/* config: reads and checks the configuration file. It does not open the files or sockets that the file names.
 *
 * One list defines the struct, the parser, its bounds, the defaults and the check that deploy/m2mauth.conf documents every
 * key. The file has `key = value` lines; `#` begins a comment line. A complaint names file, line and remedy. */
#ifndef APP_PLATFORM_CONFIG_H
#define APP_PLATFORM_CONFIG_H

#include <stdint.h>
#include <stdio.h>

#include "../../lib/jose/rotation.h"

/* TEXT(key, default)   NUMBER(key, default, least, most)   CHOICE(key, default, "a|b|c") */
#define CONFIG_LIST(TEXT, NUMBER, CHOICE) \
    TEXT(issuer, "") \
    TEXT(mtls_url, "") \
    NUMBER(workers, 4, 1, 64) \
    NUMBER(worker_connections, 512, 8, 4096) \
    NUMBER(busy_seconds, 10, 2, 300) \
    NUMBER(drain_seconds, 2, 1, 60) \
    NUMBER(idle_seconds, 75, 1, 3600) \
    NUMBER(io_seconds, 5, 1, 60) \
    TEXT(db_socket, "") \
    TEXT(db_host, "") \
    NUMBER(db_port, 3306, 1, 65535) \
    TEXT(db_name, "m2mauth") \
    TEXT(db_user, "m2mauth") \
    TEXT(db_password_file, "") \
    TEXT(db_ca_file, "") \
    TEXT(host_id, "") \
    TEXT(key_passphrase_file, "") \
    TEXT(key_passphrase_former_file, "") \
    NUMBER(token_seconds, 300, ROTATION_SHORTEST_TOKEN, ROTATION_LONGEST_TOKEN) \
    CHOICE(token_algorithm, "ES256", "ES256|RS256|PS256|EdDSA|HS256") \
    CHOICE(dpop_nonce, "off", "off|required") \
    NUMBER(jwks_max_age_seconds, 300, 0, 86400) \
    NUMBER(key_seconds, 7776000, 0, 315360000) \
    NUMBER(fresh_seconds, 5, 1, 60) \
    NUMBER(validate_seconds, 30, 5, 3600) \
    NUMBER(issue_seconds, 300, 5, 86400) \
    NUMBER(revoke_wait_ms, 800, 50, 5000) \
    NUMBER(poll_ms, 250, 50, 5000) \
    NUMBER(reconcile_seconds, 60, 5, 86400) \
    NUMBER(clients_max, 10000, 16, 4000000) \
    NUMBER(client_bytes, 1024, 256, 16384) \
    NUMBER(revocations_max, 100000, 1024, 50000000) \
    NUMBER(rules_max, 1024, 16, 65536) \
    NUMBER(verified_max, 65536, 1024, 16777216) \
    NUMBER(seen_max, 1048576, 1024, 16777216) \
    CHOICE(replay, "host", "host|cluster") \
    NUMBER(failures_per_minute, 10, 1, 10000) \
    CHOICE(log_target, "auto", "auto|stderr|syslog") \
    CHOICE(log_requests, "refused", "none|refused|all") \
    NUMBER(log_requests_per_second, 100, 0, 1000000)

enum { CONFIG_TEXT = 256, CONFIG_CHOICE = 16 };

struct config {
#define CONFIG_TEXT_FIELD(key, fallback) char key[CONFIG_TEXT];
#define CONFIG_NUMBER_FIELD(key, fallback, least, most) uint32_t key;
#define CONFIG_CHOICE_FIELD(key, fallback, words) char key[CONFIG_CHOICE];
    CONFIG_LIST(CONFIG_TEXT_FIELD, CONFIG_NUMBER_FIELD, CONFIG_CHOICE_FIELD)
#undef CONFIG_TEXT_FIELD
#undef CONFIG_NUMBER_FIELD
#undef CONFIG_CHOICE_FIELD
};

/* Sets *config_r to the defaults, overridden by the file at path, and checks it (issuer is an https URL, one of db_socket and
 * db_host is set, ...). Each complaint is one line: "PATH:LINE: what is wrong; what to write", or "PATH: ..." for a missing
 * key. Returns 0, or -1 with complaints. */
int config_read(const char *path, struct config *config_r, FILE *complaints);

/* As config_read(), but checks only the database keys, for m2mctl: issuer and passphrase may be missing. */
int config_read_database(const char *path, struct config *config_r, FILE *complaints);

#endif
