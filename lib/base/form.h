/* form: parses application/x-www-form-urlencoded (RFC 6749 Appendix B) into a table of decoded names and values.
 *
 * It is not a URL parser. A NUL in a name or value, a malformed escape or more than FORM_PARAMETERS parameters make the
 * whole form invalid. The caller decides what a parameter means and whether it may be repeated. */
#ifndef BASE_FORM_H
#define BASE_FORM_H

#include "arena.h"
#include "text.h"

enum { FORM_PARAMETERS = 32 };

struct form {
    size_t count;
    struct parameter {
        struct text name;
        struct text value;
    } parameters[FORM_PARAMETERS];
};

/* Parses body. Returns 0, or -1 if it is malformed or the arena is exhausted. Texts are views into body, or into the
 * arena if they had to be decoded. */
int form_parse(struct text body, struct arena *arena, struct form *form_r);

/* Decodes one name or value. Returns 0, or -1, as form_parse(). */
int form_decode(struct text t, struct arena *arena, struct text *value_r);

/* Returns the number of non-empty values of name (an empty one counts as omitted, RFC 6749 3.2), and sets *value_r to
 * the first of them, or to an absent text. */
size_t form_find(const struct form *form, struct text name, struct text *value_r);

#endif
