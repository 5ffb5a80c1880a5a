#include "script.h"

#include <stdarg.h>
#include <stdio.h>

int script_fail(struct script *script, const char *format, ...)
{
    va_list arguments;
    if (script->why[0] != '\0') return -1;
    va_start(arguments, format);
    (void)vsnprintf(script->why, sizeof script->why, format, arguments);
    va_end(arguments);
    return -1;
}

static struct name *find(struct script *script, struct text name)
{
    for (size_t i = 0; i < script->count; i++)
        if (text_equal(script->names[i].name, name)) return &script->names[i];
    return NULL;
}

int script_put(struct script *script, struct text name, struct text value)
{
    struct name *place = find(script, name);
    if (!place && script->count == SCRIPT_NAMES) return script_fail(script, "more than %d names", SCRIPT_NAMES);
    if (!place) place = &script->names[script->count++];
    place->name = world_keep(&script->world, name);
    place->value = world_keep(&script->world, value);
    return 0;
}

struct text script_find(struct script *script, struct text name)
{
    const struct name *found = find(script, name);
    if (found) return found->value;
    (void)script_fail(script, "nothing is named ${%.*s}", (int)name.size, name.data);
    return (struct text){ NULL, 0 };
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *at = c != '\0' ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* `x41` behind a backslash. The bytes that were used; 0: it is only a backslash. */
static size_t put_byte(struct text t, struct buffer *b)
{
    if (t.size < 3 || t.data[0] != 'x') return 0;
    int high = hex_digit(t.data[1]), low = hex_digit(t.data[2]);
    if (high < 0 || low < 0) return 0;
    buffer_put_char(b, (char)(high << 4 | low));
    return 3;
}

static void put_bytes(struct text t, struct buffer *b)
{
    for (size_t i = 0; i < t.size; i++) {
        size_t used = t.data[i] == '\\' ? put_byte(text_slice(t, i + 1, t.size), b) : 0;
        if (used == 0) buffer_put_char(b, t.data[i]);
        i += used;
    }
}

static int put_now(struct script *script, struct text offset, struct buffer *b)
{
    uint64_t seconds = 0;
    if (offset.size > 0 && text_number(text_slice(offset, 1, offset.size), UINT32_MAX, &seconds))
        return script_fail(script, "not a number of seconds: %.*s", (int)offset.size, offset.data);
    int64_t signed_seconds = offset.size > 0 && offset.data[0] == '-' ? -(int64_t)seconds : (int64_t)seconds;
    buffer_put_number(b, (uint64_t)(script->world.now + signed_seconds));
    return 0;
}

static int put_repeated(struct script *script, struct text arguments, struct buffer *b)
{
    struct text count;
    uint64_t times;
    if (!text_split(&arguments, ' ', &count) || text_number(count, SCRIPT_TEXT, &times) || !text_present(arguments))
        return script_fail(script, "${repeat N TEXT} is meant");
    for (uint64_t i = 0; i < times; i++) put_bytes(arguments, b);
    return 0;
}

static int put_basic(struct text pair, struct buffer *b)
{
    unsigned char encoded[2048];
    char bytes[1024];
    struct buffer plain = { bytes, 0, sizeof bytes, false };
    put_bytes(pair, &plain);
    int size = EVP_EncodeBlock(encoded, (const unsigned char *)bytes, (int)plain.size);
    buffer_put(b, (struct text){ (const char *)encoded, (size_t)size });
    return 0;
}

/* What stands between ${ and }. */
static int put_word(struct script *script, struct text word, struct buffer *b)
{
    if (text_begins(word, TEXT("repeat "))) return put_repeated(script, text_slice(word, 7, word.size), b);
    if (text_begins(word, TEXT("basic "))) return put_basic(text_slice(word, 6, word.size), b);
    if (text_begins(word, TEXT("now"))) return put_now(script, text_slice(word, 3, word.size), b);
    struct text value = script_find(script, word);
    buffer_put(b, value);
    return text_present(value) ? 0 : -1;
}

int script_expand(struct script *script, struct text t, struct text *expanded_r)
{
    static char bytes[SCRIPT_TEXT];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    while (t.size > 0) {
        const char *end = text_begins(t, TEXT("${")) ? memchr(t.data, '}', t.size) : NULL;
        size_t size = end ? (size_t)(end - t.data) + 1 : 1;
        if (end && t.data[2] == '=') buffer_put(&b, text_slice(t, 0, size));
        else if (end && put_word(script, text_slice(t, 2, size - 3), &b)) return -1;
        else if (!end && t.data[0] == '\\') size += put_byte(text_slice(t, 1, t.size), &b);
        if (!end && size == 1) buffer_put_char(&b, t.data[0]);
        t = text_slice(t, size, t.size);
    }
    if (b.full) return script_fail(script, "a line grows too long");
    *expanded_r = world_keep(&script->world, buffer_text(&b));
    return text_present(*expanded_r) ? 0 : script_fail(script, "the block needs too much memory");
}

static size_t name_run(struct text t)
{
    size_t size = 0;
    while (size < t.size && (strchr("._~-", t.data[size]) || (t.data[size] >= '0' && t.data[size] <= '9') ||
                             (t.data[size] >= 'A' && t.data[size] <= 'Z') || (t.data[size] >= 'a' && t.data[size] <= 'z')) &&
           t.data[size] != '\0')
        size++;
    return size;
}

/* ${=name} at the front of the pattern: takes its run off t. */
static bool match_name(struct script *script, struct text *pattern, struct text *t)
{
    const char *end = memchr(pattern->data, '}', pattern->size);
    size_t run = name_run(*t);
    if (!end || run == 0) return false;
    size_t size = (size_t)(end - pattern->data);
    if (script_put(script, text_slice(*pattern, 3, size - 3), text_slice(*t, 0, run))) return false;
    *pattern = text_slice(*pattern, size + 1, pattern->size);
    *t = text_slice(*t, run, t->size);
    return true;
}

/* Recursion is as deep as the pattern has stars. */
bool script_match(struct script *script, struct text pattern, struct text t)
{
    while (pattern.size > 0 && pattern.data[0] != '*') {
        if (text_begins(pattern, TEXT("${="))) {
            if (!match_name(script, &pattern, &t)) return false;
            continue;
        }
        if (t.size == 0 || t.data[0] != pattern.data[0]) return false;
        pattern = text_slice(pattern, 1, pattern.size);
        t = text_slice(t, 1, t.size);
    }
    if (pattern.size == 0) return t.size == 0;
    pattern = text_slice(pattern, 1, pattern.size);
    for (size_t skip = 0; skip <= t.size; skip++)
        if (script_match(script, pattern, text_slice(t, skip, t.size))) return true;
    return false;
}
