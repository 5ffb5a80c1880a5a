/* script: an SQL file, one statement after the other, cut where the mariadb client would cut it.
 *
 * Knows quotes, comments and DELIMITER lines; does not know SQL. Assumes that backslashes escape and that " quotes a
 * string, as in the session that m2mctl opens. */
#ifndef APP_M2MCTL_SCRIPT_H
#define APP_M2MCTL_SCRIPT_H

#include "../../lib/base/text.h"

enum { SCRIPT_DELIMITER = 16 };

struct script {
    struct text rest;
    unsigned line;         /* of rest's first byte */
    struct text delimiter; /* a view into the file, or ";" */
    const char *wrong;     /* why script_next() said -1, at `line` */
};

struct script_statement {
    struct text sql;  /* without the delimiter */
    struct text word; /* its first word; empty when it begins with none */
    unsigned line;
};

struct script script_open(struct text file);

/* 1 with the next statement, 0 at the end, -1 when the file cannot be cut. Views point into the file. */
int script_next(struct script *script, struct script_statement *statement_r);

#endif
