/* RFC 9110 12.5.1, 12.4.2. */
#include "../../lib/oauth/media_type.h"

#include "../check.h"

#define JWT "application/token-introspection+jwt"
#define JSON "application/json"

static bool prefers(const char *list)
{
    return media_type_prefers(text_of(list), TEXT(JWT), TEXT(JSON));
}

/* The first one of the list that is judged otherwise, or NULL. */
static const char *odd_one(const char *const *list, bool wanted)
{
    while (*list && prefers(*list) == wanted) list++;
    return *list;
}

#define ALL(wanted, ...) CHECK(odd_one((const char *const[]){ __VA_ARGS__, NULL }, wanted) == NULL)

static void C10_its_own_name_is_needed(void)
{
    ALL(true, JWT, " \t" JWT "\t ", "Application/TOKEN-Introspection+JWT", "text/html," JWT, JWT ",text/html", "," JWT ",,");
    ALL(false, "", ",", "*/*", "application/*", "*", JSON, "application/jwt", "token-introspection+jwt", JWT "x", "x" JWT,
        JWT "/" JWT, "application / token-introspection+jwt");
    CHECK(!prefers(NULL));
}

static void C10_beside_others(void)
{
    ALL(true, JWT "," JSON, JSON "," JWT, "*/*," JWT, JWT ",application/*", JWT ";q=0.5,*/*;q=0.4", JWT ";q=0.5,text/html",
        JSON ";q=0.2,*/*;q=0.9," JWT ";q=0.5", JSON ";q=0.2, application/*;q=0.9," JWT ";q=0.5",
        "application/*;q=0.2,*/*;q=0.9," JWT ";q=0.5", JWT ";q=0.5," JSON ";q=0.5", JSON ";q=0," JWT ";q=0.001", "*/*;q=1," JSON ";q=0.2," JWT ";q=0.3");
    ALL(false, JWT ";q=0.5," JSON, JWT ";q=0.5,*/*", "application/*;q=0.6," JWT ";q=0.5", JWT ";q=0.5,*/*;q=0.1," JSON ";q=0.6",
        JWT ";q=0,*/*;q=0");
}

static void C10_weights(void)
{
    ALL(true, JWT ";q=1", JWT ";q=1.", JWT ";q=1.0", JWT ";q=1.000", JWT ";q=0.001", JWT ";Q=0.5", JWT " ; q=0.5 ",
        JWT ";q=0.5;ext=1", JWT ";q=0," JWT ";q=1");
    ALL(false, JWT ";q=0", JWT ";q=0.", JWT ";q=0.000", JWT ";x=1;q=0", JWT ";q=", JWT ";q=.5", JWT ";q=1.001", JWT ";q=2",
        JWT ";q=-1", JWT ";q=0.0001", JWT ";q=1.0000", JWT ";q=\"1\"", JWT ";q=1e0", JWT ";q=0,x;q=1", JWT ";q=+1", JWT ";q=01",
        JWT ";q", JWT ";q;q=1");
}

static void C10_parameters_and_quotes(void)
{
    ALL(true, JWT ";charset=utf-8", JWT ";a=\",\";q=1", "x/y;a=\";q=0,\"," JWT, "x/y;a=\"\\\"," JWT "\"," JWT, JWT ";a=\"b;q=0\"",
        JWT ";");
    ALL(false, "x/y;a=\"," JWT "\"", "x/y;a=\"\\\"," JWT, "x/y;a=\"," JWT ",", "\"" JWT "\"", "x/y;" JWT, JWT "\"");
}

/* Views end where they end. */
static void nothing_is_read_behind_the_list(void)
{
    CHECK(!media_type_prefers((struct text){ JWT, sizeof JWT - 2 }, TEXT(JWT), TEXT(JSON)));
    CHECK(media_type_prefers((struct text){ JWT ";q=0.5", sizeof JWT + 4 }, TEXT(JWT), TEXT(JSON)) == false);
    CHECK(!media_type_prefers((struct text){ "\"\\", 2 }, TEXT(JWT), TEXT(JSON)));
    CHECK(!media_type_prefers((struct text){ JWT "\0", sizeof JWT }, TEXT(JWT), TEXT(JSON)));
}

int main(void)
{
    RUN(C10_its_own_name_is_needed);
    RUN(C10_beside_others);
    RUN(C10_weights);
    RUN(C10_parameters_and_quotes);
    RUN(nothing_is_read_behind_the_list);
    return CHECK_EXIT();
}
