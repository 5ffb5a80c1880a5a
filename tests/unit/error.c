/* What a caller may be told: RFC 6749 5.2 bounds its letters, and every refusal rests on a clause. */
#include "../../lib/base/error.h"

#include <stdbool.h>

#include "../check.h"

static bool is_told(const char *s)
{
    for (; *s; s++)
        if (*s < 0x20 || *s > 0x7e || *s == '"' || *s == '\\') return false;
    return true;
}

static void A20_charset_of_codes_and_texts(void)
{
    for (int i = 1; i < ERROR_COUNT; i++) {
        const struct error_facts *facts = error_facts((enum error)i);
        CHECK(facts->code[0] != '\0' && is_told(facts->code));
        CHECK(facts->description[0] != '\0' && is_told(facts->description));
        CHECK(facts->clause[0] != '\0');
        CHECK(facts->status >= 400 && facts->status <= 503);
    }
}

static void names_are_all_different(void)
{
    for (int i = 0; i < ERROR_COUNT; i++)
        for (int k = 0; k < i; k++) CHECK(strcmp(error_facts((enum error)i)->name, error_facts((enum error)k)->name) != 0);
    CHECK(error_facts(ERROR_none)->status == 200);
}

static void what_is_no_error_is_a_fault_of_ours(void)
{
    CHECK(error_facts(ERROR_COUNT)->status == 503);
}

int main(void)
{
    RUN(A20_charset_of_codes_and_texts);
    RUN(names_are_all_different);
    RUN(what_is_no_error_is_a_fault_of_ours);
    return CHECK_EXIT();
}
