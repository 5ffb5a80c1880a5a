#include "form.h"

/* Needs no decoding and has no NUL. memchr() is much faster than the loop of form_decode(), and tokens are long. */
static bool is_plain(struct text t)
{
    return t.size == 0 ||
           (!memchr(t.data, '%', t.size) && !memchr(t.data, '+', t.size) && !memchr(t.data, '\0', t.size));
}

int form_decode(struct text t, struct arena *arena, struct text *value_r)
{
    *value_r = t;
    if (is_plain(t)) return 0;

    char *out = arena_take(arena, t.size + 1);
    if (!out) return -1;
    size_t size = 0;
    for (size_t i = 0; i < t.size; i++) {
        char c = t.data[i] == '+' ? ' ' : t.data[i];
        if (c == '%') {
            int high = i + 2 < t.size ? text_hex(t.data[i + 1]) : -1;
            int low = high >= 0 ? text_hex(t.data[i + 2]) : -1;
            if (low < 0) return -1;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (c == '\0') return -1;
        out[size++] = c;
    }
    *value_r = (struct text){ out, size };
    return 0;
}

int form_parse(struct text body, struct arena *arena, struct form *form_r)
{
    struct text rest = body, pair;
    form_r->count = 0;
    while (text_split(&rest, '&', &pair)) {
        if (pair.size == 0) continue;
        const char *equals = memchr(pair.data, '=', pair.size);
        size_t name_size = equals ? (size_t)(equals - pair.data) : pair.size;
        if (form_r->count == FORM_PARAMETERS) return -1;
        struct parameter *p = &form_r->parameters[form_r->count++];
        if (form_decode(text_slice(pair, 0, name_size), arena, &p->name)) return -1;
        if (form_decode(text_slice(pair, name_size + 1, pair.size), arena, &p->value)) return -1;
    }
    return 0;
}

size_t form_find(const struct form *form, struct text name, struct text *value_r)
{
    size_t found = 0;
    *value_r = TEXT_NONE;
    for (size_t i = 0; i < form->count; i++) {
        const struct parameter *p = &form->parameters[i];
        if (p->value.size == 0 || !text_equal(p->name, name)) continue;
        if (found++ == 0) *value_r = p->value;
    }
    return found;
}
