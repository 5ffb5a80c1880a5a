/* client_show: prints a client as text, as a line of a table, or as JSON. Values are escaped, so that the content
 * of a row cannot control the terminal. */
#ifndef APP_M2MCTL_CLIENT_SHOW_H
#define APP_M2MCTL_CLIENT_SHOW_H

#include "client_view.h"

/* Prints all properties as a block of lines. now: seconds since 1970. */
void client_show_words(const struct client_view *view, int64_t now);

/* Prints a line of the table whose header client_show_head() prints, and one more for each further audience. */
void client_show_head(void);

/* Prints one client below the header. */
void client_show_line(const struct client_view *view, int64_t now);

/* Prints one JSON object without a line end. Times are in the format of RFC 3339; null: not set. */
void client_show_json(const struct client_view *view, int64_t now);

#endif
