#include "media_type.h"

enum { WEIGHT_ONE = 1000 };

/* How specifically a media range matches a type; the most specific range takes precedence (RFC 9110 12.5.1). */
enum closeness { MISSES, BY_ALL, BY_APPLICATION, BY_NAME };

struct preference {
    struct text type;
    bool wildcards;           /* whether a wildcard may match it */
    enum closeness closeness; /* of the most specific range so far */
    unsigned weight;          /* of that range, in thousandths */
};

/* As text_split(), but ignores separators in a quoted string (RFC 9110 5.6.4). An unterminated one extends to the
 * end. */
static bool split_quoted(struct text *rest, char separator, struct text *part_r)
{
    bool quoted = false;
    size_t i = 0;
    if (!text_present(*rest)) return false;
    for (; i < rest->size && (quoted || rest->data[i] != separator); i++) {
        if (rest->data[i] == '"') quoted = !quoted;
        else if (quoted && rest->data[i] == '\\' && i + 1 < rest->size) i++;
    }
    *part_r = text_slice(*rest, 0, i);
    *rest = i < rest->size ? text_slice(*rest, i + 1, rest->size) : TEXT_NONE;
    return true;
}

/* RFC 9110 12.4.2: 0 to 1 with up to three digits after the point. A malformed weight counts as 0. */
static unsigned read_weight(struct text value)
{
    uint64_t whole, thousandths = 0;
    struct text digits = value, before;
    if (!text_split(&digits, '.', &before) || before.size != 1 || text_number(before, 1, &whole)) return 0;
    if (digits.size > 3) return 0;
    if (digits.size > 0 && text_number(digits, WEIGHT_ONE, &thousandths)) return 0;
    for (size_t i = digits.size; i < 3; i++) thousandths *= 10;
    return whole == 1 && thousandths > 0 ? 0 : (unsigned)(whole * WEIGHT_ONE + thousandths);
}

/* Parameters other than the weight are ignored, as neither type has any. */
static unsigned find_weight(struct text parameters)
{
    struct text one, name;
    while (split_quoted(&parameters, ';', &one)) {
        struct text value = text_trim(one);
        if (text_split(&value, '=', &name) && text_equal_nocase(name, TEXT("q"))) return read_weight(value);
    }
    return WEIGHT_ONE;
}

static enum closeness meet(struct text range, const struct preference *preference)
{
    if (text_equal_nocase(range, preference->type)) return BY_NAME;
    if (!preference->wildcards) return MISSES;
    if (text_equal_nocase(range, TEXT("application/*"))) return BY_APPLICATION;
    return text_equal(range, TEXT("*/*")) ? BY_ALL : MISSES;
}

/* Of two equally specific ranges the one with the higher weight applies. */
static void weigh(struct preference *preference, struct text range, unsigned weight)
{
    enum closeness closeness = meet(range, preference);
    if (closeness == MISSES || closeness < preference->closeness) return;
    if (closeness > preference->closeness || weight > preference->weight) preference->weight = weight;
    preference->closeness = closeness;
}

bool media_type_prefers(struct text list, struct text type, struct text usual)
{
    struct preference wanted = { type, false, MISSES, 0 }, other = { usual, true, MISSES, 0 };
    struct text one, range;
    while (split_quoted(&list, ',', &one)) {
        (void)split_quoted(&one, ';', &range);
        unsigned weight = find_weight(one);
        weigh(&wanted, text_trim(range), weight);
        weigh(&other, text_trim(range), weight);
    }
    return wanted.weight > 0 && wanted.weight >= other.weight;
}
