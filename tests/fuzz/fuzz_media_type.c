/* Accept: nothing is preferred that is not named, case plays no part, and no list behind it outdoes a name of full weight. */
#include "../../lib/oauth/media_type.h"
#include "fuzz.h"

enum { BYTES = 4096 };

#define JWT "application/token-introspection+jwt"

static bool prefers(struct text list)
{
    return media_type_prefers(list, TEXT(JWT), TEXT("application/json"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char lower[BYTES + 1], longer[BYTES + sizeof JWT];
    struct text list = { (const char *)data, size };
    if (size > BYTES) return 0;
    for (size_t i = 0; i < size; i++)
        lower[i] = (char)(data[i] >= 'A' && data[i] <= 'Z' ? data[i] + 32 : data[i]);
    bool preferred = prefers(list);
    HOLDS(preferred == prefers((struct text){ lower, size }));
    HOLDS(!preferred || memmem(lower, size, JWT, sizeof JWT - 1));
    memcpy(longer, JWT ",", sizeof JWT);
    memcpy(longer + sizeof JWT, lower, size);
    HOLDS(prefers((struct text){ longer, sizeof JWT + size }));
    return 0;
}
