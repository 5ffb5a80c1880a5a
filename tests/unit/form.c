/* RFC 6749 Appendix B: forms, decoded once and never cut. */
#include "../../lib/base/form.h"

#include "../check.h"

static struct arena arena;

static int parse(struct text body, struct form *form_r)
{
    arena_reset(&arena);
    return form_parse(body, &arena, form_r);
}

static void pairs_are_decoded(void)
{
    struct form form;
    struct text value;
    CHECK(parse(TEXT("a=1&b=x%20y+z&c%3d=%26%3D%2B&d=%C3%A9&e=f=g"), &form) == 0);
    CHECK(form.count == 5);
    CHECK(form_find(&form, TEXT("a"), &value) == 1);
    CHECK_TEXT(value, TEXT("1"));
    CHECK(form_find(&form, TEXT("b"), &value) == 1);
    CHECK_TEXT(value, TEXT("x y z"));
    CHECK(form_find(&form, TEXT("c="), &value) == 1);
    CHECK_TEXT(value, TEXT("&=+"));
    CHECK(form_find(&form, TEXT("d"), &value) == 1);
    CHECK_TEXT(value, TEXT("\xc3\xa9"));
    CHECK(form_find(&form, TEXT("e"), &value) == 1);
    CHECK_TEXT(value, TEXT("f=g"));
}

static void rfc6749_appendix_b(void)
{
    struct text value;
    arena_reset(&arena);
    CHECK(form_decode(TEXT("+%25%26%2B%C2%A3%E2%82%AC"), &arena, &value) == 0);
    CHECK_TEXT(value, TEXT(" %&+\xc2\xa3\xe2\x82\xac"));
}

static void a_value_that_is_not_there_is_omitted(void)
{
    struct form form;
    struct text value;
    CHECK(parse(TEXT("&a=&b&=c&&a=1&"), &form) == 0);
    CHECK(form_find(&form, TEXT("a"), &value) == 1);
    CHECK_TEXT(value, TEXT("1"));
    CHECK(form_find(&form, TEXT("b"), &value) == 0 && !text_present(value));
    CHECK(form_find(&form, TEXT(""), &value) == 1);
    CHECK_TEXT(value, TEXT("c"));
    CHECK(form_find(&form, TEXT("z"), &value) == 0 && !text_present(value));
    CHECK(parse(TEXT(""), &form) == 0 && form.count == 0);
    CHECK(parse((struct text){ NULL, 0 }, &form) == 0 && form.count == 0);
}

static void repetition_is_counted(void)
{
    struct form form;
    struct text value;
    CHECK(parse(TEXT("a=1&a=2&%61=3"), &form) == 0);
    CHECK(form_find(&form, TEXT("a"), &value) == 3);
    CHECK_TEXT(value, TEXT("1"));
}

static void what_cannot_be_decoded_is_refused(void)
{
    struct form form;
    static const struct text refused[] = {
        TEXT("a=%"), TEXT("a=%4"), TEXT("a=%4g"), TEXT("a=%g4"), TEXT("%=1"), TEXT("a=%%41"), TEXT("a=%-1"), TEXT("a=% 1"),
        TEXT("a=%00"), TEXT("%00=1"), TEXT("a=b\0c"), TEXT("a\0=b"), TEXT("a=x%00y+"), TEXT("a=+\0"),
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) CHECK(parse(refused[i], &form) == -1);
}

static void thirty_two_parameters(void)
{
    char body[3 * (FORM_PARAMETERS + 1)];
    struct form form;
    for (size_t i = 0; i <= FORM_PARAMETERS; i++) memcpy(body + 3 * i, "a=&", 3);
    CHECK(parse((struct text){ body, 3 * FORM_PARAMETERS }, &form) == 0);
    CHECK(form.count == FORM_PARAMETERS);
    CHECK(parse((struct text){ body, 3 * (FORM_PARAMETERS + 1) }, &form) == -1);
}

static void a_form_larger_than_the_arena_is_refused(void)
{
    static char body[8192];
    struct form form;
    memset(body, '+', sizeof body);
    CHECK(parse((struct text){ body, sizeof body }, &form) == -1);
    CHECK(parse((struct text){ body, 4000 }, &form) == 0);
}

int main(void)
{
    if (arena_open(&arena, 4096)) return EXIT_FAILURE;
    RUN(pairs_are_decoded);
    RUN(rfc6749_appendix_b);
    RUN(a_value_that_is_not_there_is_omitted);
    RUN(repetition_is_counted);
    RUN(what_cannot_be_decoded_is_refused);
    RUN(thirty_two_parameters);
    RUN(a_form_larger_than_the_arena_is_refused);
    arena_close(&arena);
    return CHECK_EXIT();
}
