/* literal: values in SQL text that people read and the server cannot misread.
 *
 * A word of harmless characters stands between quotes; anything else is written in hexadecimal, which means the same
 * under every sql_mode and every delimiter. */
#ifndef APP_M2MCTL_LITERAL_H
#define APP_M2MCTL_LITERAL_H

#include <stdint.h>
#include <stdio.h>

#include "../../lib/base/text.h"

/* Bytes (ids, URIs, scopes, hashes). */
void literal_put(FILE *sql, struct text bytes);

/* Text in UTF-8 for people (descriptions). */
void literal_put_text(FILE *sql, struct text text);

/* A JSON object with plain words in it: a public JWK. */
void literal_put_json(FILE *sql, struct text json);

/* An instant as a parameter of a procedure: UTC by its text, so the time zone of the session does not matter. A TIMESTAMP
 * column does not take this form. */
void literal_put_instant(FILE *sql, int64_t seconds);

#endif
