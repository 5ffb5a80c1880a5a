/* script: what one block of an exchange file has at hand: a world, names for texts, and why it failed.
 *
 * Text of the file is expanded before it is used:
 *     ${name}             what a pattern or a setting has named
 *     ${now} ${now+N} ${now-N}   seconds on the world's clock
 *     ${repeat N TEXT}    TEXT, N times
 *     ${basic ID:SECRET}  the credentials of HTTP Basic
 *     \xHH                one byte
 * Patterns are matched whole: `*` matches any run of bytes, ${=name} for one or more of A-Z a-z 0-9 . _ ~ - and names
 * what it stood for. */
#ifndef TESTS_EXCHANGES_SCRIPT_H
#define TESTS_EXCHANGES_SCRIPT_H

#include "../world.h"

enum { SCRIPT_NAMES = 48, SCRIPT_WHY = 1024, SCRIPT_TEXT = 262144 };

struct script {
    struct world world;
    size_t count;
    struct name {
        struct text name;
        struct text value;
    } names[SCRIPT_NAMES];
    struct text header;         /* of the next forged token */
    struct text claims;
    char why[SCRIPT_WHY];       /* empty: all is well */
};

/* Notes why the block fails; the first reason stands. Always -1. */
int script_fail(struct script *script, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Names a text, or names it anew. 0, or -1. */
int script_put(struct script *script, struct text name, struct text value);

/* Absent, and the block fails, when there is no such name. */
struct text script_find(struct script *script, struct text name);

/* The expanded form of t, which lives until the block ends. 0, or -1. */
int script_expand(struct script *script, struct text t, struct text *expanded_r);

/* Whether the expanded pattern matches the whole of t. */
bool script_match(struct script *script, struct text pattern, struct text t);

#endif
