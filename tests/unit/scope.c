/* RFC 6749 3.3. */
#include "../../lib/oauth/scope.h"

#include "../check.h"

static void A11_words(void)
{
    struct scope scope;
    CHECK(scope_parse(TEXT("read write read"), &scope) == 0);
    CHECK(scope.count == 2 && scope_has(&scope, TEXT("read")) && scope_has(&scope, TEXT("write")));
    CHECK(!scope_has(&scope, TEXT("Read")) && !scope_has(&scope, TEXT("rea")) && !scope_has(&scope, TEXT("")));
    CHECK(scope_parse((struct text){ NULL, 0 }, &scope) == 0 && scope.count == 0);
}

static void A11_charset(void)
{
    struct scope scope;
    for (int c = 0; c < 256; c++) {
        char word[3] = { 'a', (char)c, 'b' };
        bool good = c >= 0x20 && c <= 0x7e && c != '"' && c != '\\';
        CHECK((scope_parse((struct text){ word, sizeof word }, &scope) == 0) == good);
    }
}

static void A11_single_spaces(void)
{
    struct scope scope;
    CHECK(scope_parse(TEXT(""), &scope) == -1);
    CHECK(scope_parse(TEXT(" "), &scope) == -1);
    CHECK(scope_parse(TEXT(" a"), &scope) == -1);
    CHECK(scope_parse(TEXT("a "), &scope) == -1);
    CHECK(scope_parse(TEXT("a  b"), &scope) == -1);
    CHECK(scope_parse(TEXT("a\tb"), &scope) == -1);
}

static void limits(void)
{
    char text[2048], word[SCOPE_WORD_BYTES + 1];
    struct scope scope;
    size_t size = 0;
    memset(word, 'w', sizeof word);
    CHECK(scope_parse((struct text){ word, SCOPE_WORD_BYTES }, &scope) == 0);
    CHECK(scope_parse((struct text){ word, SCOPE_WORD_BYTES + 1 }, &scope) == -1);
    for (int i = 0; i <= SCOPE_WORDS; i++) {
        if (i == SCOPE_WORDS) CHECK(scope_parse((struct text){ text, size }, &scope) == 0 && scope.count == SCOPE_WORDS);
        size += (size_t)sprintf(text + size, "%sw%d", i ? " " : "", i);
    }
    CHECK(scope_parse((struct text){ text, size }, &scope) == -1);
}

int main(void)
{
    RUN(A11_words);
    RUN(A11_charset);
    RUN(A11_single_spaces);
    RUN(limits);
    return CHECK_EXIT();
}
