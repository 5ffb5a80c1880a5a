#include "session.h"

#include <assert.h>

#define SQL_MODE "STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
#define NO_LIMIT "18446744073709551615"

#define BOTH(name, value, shown) \
    { \
        SESSION_BOTH, name, value, shown, 0, false \
    }
#define KEEPER(name, value, shown) \
    { \
        SESSION_KEEPER, name, value, shown, 0, false \
    }
#define OPERATOR(name, value, shown) \
    { \
        SESSION_OPERATOR, name, value, shown, 0, false \
    }

static const struct session_variable variables[] = {
    /* Parameters and results are transferred without conversion. */
    BOTH("character_set_client", "utf8mb4", "utf8mb4"),
    BOTH("character_set_results", "utf8mb4", "utf8mb4"),
    BOTH("character_set_connection", "utf8mb4", "utf8mb4"),
    BOTH("collation_connection", "utf8mb4_general_ci", "utf8mb4_general_ci"),
    /* Times are in UTC and advance. */
    BOTH("time_zone", "'+00:00'", "+00:00"),
    BOTH("timestamp", "DEFAULT", NULL),
    OPERATOR("explicit_defaults_for_timestamp", "1", "ON"),
    /* An invalid value is refused, by every constraint of the schema. */
    BOTH("sql_mode", "'" SQL_MODE "'", SQL_MODE),
    BOTH("check_constraint_checks", "1", "ON"),
    BOTH("foreign_key_checks", "1", "ON"),
    BOTH("unique_checks", "1", "ON"),
    /* Transactions begin and end with explicit statements and read one snapshot. */
    BOTH("autocommit", "1", "ON"),
    BOTH("completion_type", "'NO_CHAIN'", "NO_CHAIN"),
    BOTH("tx_isolation", "'REPEATABLE-READ'", "REPEATABLE-READ"),
    BOTH("tx_read_only", "0", "OFF"),
    BOTH("idle_transaction_timeout", "0", "0"),
    BOTH("idle_readonly_transaction_timeout", "0", "0"),
    BOTH("idle_write_transaction_timeout", "0", "0"),
    /* A SELECT returns all rows in the requested order, and current ones. */
    BOTH("sql_select_limit", NO_LIMIT, NO_LIMIT),
    BOTH("sql_big_selects", "1", "ON"),
    BOTH("sql_auto_is_null", "0", "OFF"),
    BOTH("max_sort_length", "4096", "4096"),
    BOTH("query_cache_type", "OFF", "OFF"),
    BOTH("sql_safe_updates", "0", "OFF"),
    /* Time limits. A statement of the keeper ends before the client library gives up (DB_SECONDS). */
    KEEPER("max_statement_time", "0.9", "0.900000"),
    OPERATOR("max_statement_time", "0", "0.000000"),
    KEEPER("innodb_lock_wait_timeout", "2", "2"),
    KEEPER("lock_wait_timeout", "2", "2"),
    BOTH("net_read_timeout", "30", "30"),
    BOTH("net_write_timeout", "60", "60"),
    KEEPER("wait_timeout", "60", "60"), /* a host that lost its network leaves no session for longer than that */
    OPERATOR("wait_timeout", "28800", "28800"),
    /* Galera: a node that lags behind waits before it reads, and a node outside the primary component answers no
     * query. */
    { SESSION_KEEPER, "wsrep_sync_wait", "1", "1", 0, true },
    { SESSION_BOTH, "wsrep_dirty_reads", "0", "OFF", 0, true },
    /* Larger than any row that is written or read. */
    { SESSION_BOTH, "max_allowed_packet", NULL, NULL, 65536, false },
};

const struct session_variable *session_variable(enum session_who who, size_t i)
{
    for (size_t at = 0; at < sizeof variables / sizeof *variables; at++)
        if ((variables[at].who & who) && i-- == 0) return &variables[at];
    return NULL;
}

static void put_assignment(struct buffer *sql, const struct session_variable *variable)
{
    buffer_put(sql, text_of(variable->name));
    buffer_put(sql, TEXT(" = "));
    buffer_put(sql, text_of(variable->value));
}

void session_put_set_one(struct buffer *sql, const struct session_variable *variable)
{
    assert(variable->value);
    buffer_put(sql, TEXT("SET SESSION "));
    put_assignment(sql, variable);
}

void session_put_set(struct buffer *sql, enum session_who who)
{
    const struct session_variable *variable;
    bool first = true;
    for (size_t i = 0; (variable = session_variable(who, i)) != NULL; i++) {
        if (!variable->value) continue;
        buffer_put(sql, first ? TEXT("SET SESSION ") : TEXT(", "));
        put_assignment(sql, variable);
        first = false;
    }
}

void session_put_show(struct buffer *sql, enum session_who who)
{
    const struct session_variable *variable;
    buffer_put(sql, TEXT("SHOW SESSION VARIABLES WHERE Variable_name IN ("));
    for (size_t i = 0; (variable = session_variable(who, i)) != NULL; i++) {
        buffer_put(sql, i == 0 ? TEXT("'") : TEXT("', '"));
        buffer_put(sql, text_of(variable->name));
    }
    buffer_put(sql, TEXT("')"));
}

bool session_is_right(const struct session_variable *variable, struct text shown)
{
    uint64_t number = 0;
    if (!variable->value) return text_number(shown, UINT64_MAX, &number) == 0 && number >= variable->least;
    return !variable->shown || text_equal(shown, text_of(variable->shown));
}
