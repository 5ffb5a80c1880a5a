/* client_show: one client in plain words, in a line of a table, or as JSON. What a row holds cannot disturb a terminal. */
#ifndef APP_M2MCTL_CLIENT_SHOW_H
#define APP_M2MCTL_CLIENT_SHOW_H

#include "client_view.h"

/* Everything, a block of lines. now: seconds since 1970. */
void client_show_words(const struct client_view *view, int64_t now);

/* A line of the table under client_show_head(), and one more for each further audience. */
void client_show_head(void);
void client_show_line(const struct client_view *view, int64_t now);

/* One JSON object, without a line end. Instants as RFC 3339 writes them; null: not set. */
void client_show_json(const struct client_view *view, int64_t now);

#endif
