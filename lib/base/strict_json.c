#include "strict_json.h"

/* The rest of the input, and the depth of nesting. */
struct reader {
    const char *at;
    const char *end;
    int depth;
};

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')) r->at++;
}

static bool take(struct reader *r, char c)
{
    if (r->at == r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static int hex4(struct reader *r)
{
    int value = 0;
    if (r->end - r->at < 4) return -1;
    for (int i = 0; i < 4; i++) {
        int digit = text_hex(*r->at++);
        if (digit < 0) return -1;
        value = value << 4 | digit;
    }
    return value;
}

/* The code point after \u; a surrogate pair gives one. Returns -1 for a lone surrogate, NUL or a malformed escape. */
static int escaped_point(struct reader *r)
{
    int high = hex4(r);
    if (high <= 0 || (high >= 0xdc00 && high <= 0xdfff)) return -1;
    if (high < 0xd800 || high > 0xdbff) return high;
    if (!take(r, '\\') || !take(r, 'u')) return -1;
    int low = hex4(r);
    if (low < 0xdc00 || low > 0xdfff) return -1;
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static int escape(struct reader *r, bool *escaped)
{
    *escaped = true;
    if (r->at == r->end) return -1;
    char c = *r->at++;
    if (c == 'u') return escaped_point(r) < 0 ? -1 : 0;
    return c != '\0' && strchr("\"\\/bfnrt", c) ? 0 : -1;
}

/* Sets the high bit of each of eight bytes that equals `byte`; a more significant byte may be marked falsely after a
 * match. */
static uint64_t find_byte(uint64_t eight, unsigned char byte)
{
    uint64_t zero_there = eight ^ (UINT64_C(0x0101010101010101) * byte);
    return (zero_there - UINT64_C(0x0101010101010101)) & ~zero_there;
}

/* Skips bytes of a string that need no further check, eight at a time; this covers nearly all bytes of a token. */
static void skip_plain(struct reader *r)
{
    const uint64_t high = UINT64_C(0x8080808080808080);
    uint64_t eight;
    for (; r->end - r->at >= 8; r->at += 8) {
        memcpy(&eight, r->at, sizeof eight);
        uint64_t control = (eight - UINT64_C(0x2020202020202020)) & ~eight;
        if ((eight | control | find_byte(eight, '"') | find_byte(eight, '\\')) & high) return;
    }
}

static int read_string(struct reader *r, struct text *string_r, bool *escaped_r)
{
    *escaped_r = false;
    if (!take(r, '"')) return -1;
    const char *start = r->at;
    skip_plain(r);
    while (r->at < r->end) {
        unsigned char c = (unsigned char)*r->at;
        if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
            r->at++;
            continue;
        }
        size_t size = c < 0x80 ? 1 : text_utf8((struct text){ r->at, (size_t)(r->end - r->at) });
        if (c == '"') {
            *string_r = (struct text){ start, (size_t)(r->at++ - start) };
            return 0;
        }
        if (c < 0x20 || size == 0) return -1;
        r->at += size;
        if (c == '\\' && escape(r, escaped_r)) return -1;
    }
    return -1;
}

static size_t digits(struct reader *r)
{
    const char *start = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
    return (size_t)(r->at - start);
}

static int read_number(struct reader *r)
{
    (void)take(r, '-');
    if (!take(r, '0') && digits(r) == 0) return -1;
    if (take(r, '.') && digits(r) == 0) return -1;
    if (take(r, 'e') || take(r, 'E')) {
        if (!take(r, '+')) (void)take(r, '-');
        if (digits(r) == 0) return -1;
    }
    return 0;
}

static int read_word(struct reader *r, struct text word)
{
    if ((size_t)(r->end - r->at) < word.size || memcmp(r->at, word.data, word.size) != 0) return -1;
    r->at += word.size;
    return 0;
}

static int read_members(struct reader *r, struct strict_json *strict_json_r);

static int read_elements(struct reader *r);

/* Reads one value. The recursion is limited by STRICT_JSON_DEPTH. */
static int read_value(struct reader *r, struct member *value_r)
{
    const char *start = r->at;
    int bad = -1;
    value_r->escaped = false;
    switch (r->at < r->end ? *r->at : '\0') {
    case '"': value_r->kind = STRICT_JSON_STRING; return read_string(r, &value_r->value, &value_r->escaped);
    case '{':
        value_r->kind = STRICT_JSON_OBJECT;
        bad = read_members(r, NULL);
        break;
    case '[':
        value_r->kind = STRICT_JSON_ARRAY;
        bad = read_elements(r);
        break;
    case 't':
        value_r->kind = STRICT_JSON_BOOLEAN;
        bad = read_word(r, TEXT("true"));
        break;
    case 'f':
        value_r->kind = STRICT_JSON_BOOLEAN;
        bad = read_word(r, TEXT("false"));
        break;
    case 'n':
        value_r->kind = STRICT_JSON_NULL;
        bad = read_word(r, TEXT("null"));
        break;
    default:
        value_r->kind = STRICT_JSON_NUMBER;
        bad = read_number(r);
        break;
    }
    value_r->value = (struct text){ start, (size_t)(r->at - start) };
    return bad;
}

/* `"name": value`, added to object. */
static int read_member(struct reader *r, struct strict_json *object)
{
    bool escaped;
    struct text name;
    skip_blanks(r);
    if (read_string(r, &name, &escaped) || escaped || object->count == STRICT_JSON_MEMBERS ||
        strict_json_find(object, name))
        return -1;
    skip_blanks(r);
    if (!take(r, ':')) return -1;
    skip_blanks(r);
    struct member *member = &object->members[object->count++];
    member->name = name;
    return read_value(r, member);
}

static int read_members(struct reader *r, struct strict_json *strict_json_r)
{
    struct strict_json nested; /* only used to detect repeated names */
    struct strict_json *object = strict_json_r ? strict_json_r : &nested;
    object->count = 0;
    if (!take(r, '{') || ++r->depth > STRICT_JSON_DEPTH) return -1;
    skip_blanks(r);
    if (!take(r, '}')) {
        do {
            if (read_member(r, object)) return -1;
            skip_blanks(r);
        } while (take(r, ','));
        if (!take(r, '}')) return -1;
    }
    r->depth--;
    return 0;
}

static int read_elements(struct reader *r)
{
    struct member element;
    if (!take(r, '[') || ++r->depth > STRICT_JSON_DEPTH) return -1;
    skip_blanks(r);
    if (!take(r, ']')) {
        do {
            skip_blanks(r);
            if (read_value(r, &element)) return -1;
            skip_blanks(r);
        } while (take(r, ','));
        if (!take(r, ']')) return -1;
    }
    r->depth--;
    return 0;
}

int strict_json_read(struct text json, struct strict_json *strict_json_r)
{
    strict_json_r->count = 0;
    if (json.size == 0 || json.size > STRICT_JSON_BYTES) return -1;
    struct reader r = { json.data, json.data + json.size, 0 };
    skip_blanks(&r);
    if (read_members(&r, strict_json_r)) return -1;
    skip_blanks(&r);
    return r.at == r.end ? 0 : -1;
}

const struct member *strict_json_find(const struct strict_json *object, struct text name)
{
    for (size_t i = 0; i < object->count; i++)
        if (text_equal(object->members[i].name, name)) return &object->members[i];
    return NULL;
}

static size_t put_utf8(char *out, int point)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    static const unsigned char firsts[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    size_t size = 2 + (size_t)(point >= 0x800) + (size_t)(point >= 0x10000);
    for (size_t i = size - 1; i > 0; i--, point >>= 6) out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)(firsts[size] | point);
    return size;
}

static char from_letter(char letter)
{
    switch (letter) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return letter;
    }
}

int strict_json_string(const struct member *member, struct arena *arena, struct text *string_r)
{
    if (!member || member->kind != STRICT_JSON_STRING) return -1;
    *string_r = member->value;
    if (!member->escaped) return 0;
    char *out = arena_take(arena, member->value.size); /* an escape is never shorter than its character */
    if (!out) return -1;
    struct reader r = { member->value.data, member->value.data + member->value.size, 0 };
    size_t size = 0;
    while (r.at < r.end) {
        char c = *r.at++;
        if (c != '\\') {
            out[size++] = c;
            continue;
        }
        c = *r.at++;
        if (c == 'u') size += put_utf8(out + size, escaped_point(&r));
        else out[size++] = from_letter(c);
    }
    *string_r = (struct text){ out, size };
    return 0;
}

/* The parts of a number (RFC 8259 6). */
struct number {
    struct text whole, fraction;
    int64_t exponent; /* -EXPONENT_MAX to EXPONENT_MAX */
};

/* More than the digits of any number that strict_json_read() accepts, so a larger exponent makes no difference. */
enum { EXPONENT_MAX = 2 * STRICT_JSON_BYTES };

static int64_t read_exponent(struct reader *r)
{
    int64_t exponent = 0;
    bool negative = take(r, '-');
    if (!negative) (void)take(r, '+');
    for (; r->at < r->end; r->at++)
        if (exponent < EXPONENT_MAX) exponent = exponent * 10 + (*r->at - '0');
    if (exponent > EXPONENT_MAX) exponent = EXPONENT_MAX;
    return negative ? -exponent : exponent;
}

/* value has been accepted by read_number() and has no sign. */
static struct number split_number(struct text value)
{
    struct number number = { .whole = { value.data, 0 } };
    struct reader r = { value.data, value.data + value.size, 0 };
    number.whole.size = digits(&r);
    if (take(&r, '.')) {
        number.fraction.data = r.at;
        number.fraction.size = digits(&r);
    }
    if (take(&r, 'e') || take(&r, 'E')) number.exponent = read_exponent(&r);
    return number;
}

static unsigned digit_at(const struct number *number, int64_t place)
{
    int64_t whole = (int64_t)number->whole.size, fraction = (int64_t)number->fraction.size;
    if (place < whole) return (unsigned)(number->whole.data[place] - '0');
    return place - whole < fraction ? (unsigned)(number->fraction.data[place - whole] - '0') : 0;
}

int strict_json_date(const struct member *member, int64_t *seconds_r)
{
    const uint64_t most = UINT64_C(1) << 53;
    uint64_t seconds = 0;
    if (!member || member->kind != STRICT_JSON_NUMBER || member->value.data[0] == '-') return -1;
    struct number number = split_number(member->value);
    int64_t places = (int64_t)number.whole.size + number.exponent; /* digits before the point, exponent applied */
    int64_t given = (int64_t)(number.whole.size + number.fraction.size);
    for (int64_t place = 0; place < places && (place < given || seconds > 0); place++) {
        seconds = seconds * 10 + digit_at(&number, place);
        if (seconds > most) return -1;
    }
    *seconds_r = (int64_t)seconds;
    return 0;
}

int strict_json_strings(const struct member *member, struct arena *arena, struct text *strings_r, size_t max)
{
    if (!member || max == 0) return -1;
    if (member->kind == STRICT_JSON_STRING) return strict_json_string(member, arena, strings_r) ? -1 : 1;
    if (member->kind != STRICT_JSON_ARRAY) return -1;
    struct reader r = { member->value.data + 1, member->value.data + member->value.size, 0 };
    struct member element;
    size_t count = 0;
    skip_blanks(&r);
    if (take(&r, ']')) return 0;
    do {
        skip_blanks(&r);
        if (count == max || read_value(&r, &element) || strict_json_string(&element, arena, &strings_r[count++]))
            return -1;
        skip_blanks(&r);
    } while (take(&r, ','));
    return (int)count;
}
