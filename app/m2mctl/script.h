/* script: splits an SQL file into statements, where the mariadb client would split it. It knows quotes, comments
 * and DELIMITER lines, but no SQL grammar. It assumes that backslashes escape and that " quotes a string, as in the
 * session that m2mctl opens. */
#ifndef APP_M2MCTL_SCRIPT_H
#define APP_M2MCTL_SCRIPT_H

#include "../../lib/base/text.h"

enum { SCRIPT_DELIMITER = 16 };

struct script {
    struct text rest;
    unsigned line;         /* of the first byte of rest */
    struct text delimiter; /* a view into the file, or ";" */
    const char *wrong;     /* why script_next() returned -1, at `line` */
};

struct script_statement {
    struct text sql;  /* the statement, without the delimiter */
    struct text word; /* its first word, or empty */
    unsigned line;
};

/* Begins at the first statement of file, which must outlive the script. */
struct script script_open(struct text file);

/* Returns 1 with the next statement, 0 at the end, -1 if the file cannot be split. Results are views into the file. */
int script_next(struct script *script, struct script_statement *statement_r);

#endif
