/* form: application/x-www-form-urlencoded (RFC 6749 Appendix B), read once into a table of views.
 *
 * Not a URL parser. Names and values are decoded; a NUL in either, a broken escape or too many parameters refuses the
 * whole form. What a parameter means, and which may be repeated, is the reader's affair. */
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

/* 0, or -1. Views point into body where nothing had to be decoded, else into the arena. */
int form_parse(struct text body, struct arena *arena, struct form *form_r);

/* Decodes one name or value. 0, or -1. */
int form_decode(struct text t, struct arena *arena, struct text *value_r);

/* How often name stands with a value (RFC 6749 3.2: without a value it counts as omitted); *value_r is the first such
 * value, absent when there is none. */
size_t form_find(const struct form *form, struct text name, struct text *value_r);

#endif
