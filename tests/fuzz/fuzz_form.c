/* Forms: what is decoded holds no NUL, is not longer than it was, and is what a second reading of it says. */
#include "../../lib/base/form.h"
#include "fuzz.h"

enum { ARENA = 262144 };

static void judge(struct text t, struct text body)
{
    HOLDS(t.size <= body.size);
    HOLDS(t.size == 0 || !memchr(t.data, '\0', t.size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena arena;
    static struct form form;
    struct text body = { (const char *)data, size }, value;
    if (!arena.block && arena_open(&arena, ARENA)) return 0;
    arena_reset(&arena);
    if (form_parse(body, &arena, &form)) return 0;
    HOLDS(form.count <= FORM_PARAMETERS);
    size_t total = 0;
    for (size_t i = 0; i < form.count; i++) {
        judge(form.parameters[i].name, body);
        judge(form.parameters[i].value, body);
        total += form.parameters[i].name.size + form.parameters[i].value.size;
        size_t found = form_find(&form, form.parameters[i].name, &value);
        HOLDS((found > 0) == text_present(value));
        HOLDS(form.parameters[i].value.size == 0 || found > 0);
    }
    HOLDS(total <= size);
    return 0;
}
