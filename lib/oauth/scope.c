#include "scope.h"

#include <assert.h>

static bool is_word(struct text word)
{
    if (word.size == 0 || word.size > SCOPE_WORD_BYTES) return false;
    for (size_t i = 0; i < word.size; i++) {
        char c = word.data[i];
        if (c < 0x21 || c > 0x7e || c == '"' || c == '\\') return false;
    }
    return true;
}

bool scope_has(const struct scope *scope, struct text word)
{
    for (size_t i = 0; i < scope->count; i++)
        if (text_equal(scope->words[i], word)) return true;
    return false;
}

int scope_add(struct scope *scope, struct text word)
{
    assert(scope->count <= SCOPE_WORDS);
    if (scope_has(scope, word)) return 0;
    if (scope->count == SCOPE_WORDS) return -1;
    scope->words[scope->count++] = word;
    return 0;
}

int scope_parse(struct text t, struct scope *scope_r)
{
    struct text word;
    scope_r->count = 0;
    while (text_split(&t, ' ', &word))
        if (!is_word(word) || scope_add(scope_r, word)) return -1;
    return 0;
}
