/* literal: prints values as SQL literals that are readable and safe under every sql_mode and delimiter: a value of
 * harmless characters in quotes, anything else in hexadecimal. */
#ifndef APP_M2MCTL_LITERAL_H
#define APP_M2MCTL_LITERAL_H

#include <stdint.h>
#include <stdio.h>

#include "../../lib/base/text.h"

/* Prints bytes: ids, URIs, scopes, hashes. */
void literal_put(FILE *sql, struct text bytes);

/* Prints UTF-8 text: descriptions. */
void literal_put_text(FILE *sql, struct text text);

/* Prints a JSON object with plain strings: a public JWK. */
void literal_put_json(FILE *sql, struct text json);

/* Prints a time as a parameter of a procedure, with its offset, so that the time zone of the session does not
 * matter. A TIMESTAMP column does not accept this form. */
void literal_put_instant(FILE *sql, int64_t seconds);

#endif
