/* The JSON gate against another reader: what it takes, json-c takes in its strict mode, and reads the same. */
#include "../../lib/base/strict_json.h"

#include <json.h>

#include "fuzz.h"

enum { ARENA = 262144, STRINGS = 16 };

static struct arena arena;

static void judge_string(const struct member *member, struct json_object *other)
{
    struct text t;
    HOLDS(json_object_is_type(other, json_type_string));
    HOLDS(strict_json_string(member, &arena, &t) == 0);
    HOLDS(text_equal(t, (struct text){ json_object_get_string(other), (size_t)json_object_get_string_len(other) }));
    HOLDS(t.size == 0 || !memchr(t.data, '\0', t.size));
}

static void judge_number(const struct member *member, struct json_object *other)
{
    int64_t seconds;
    HOLDS(json_object_is_type(other, json_type_int) || json_object_is_type(other, json_type_double));
    if (strict_json_date(member, &seconds)) return;
    HOLDS(seconds >= 0 && seconds <= INT64_C(1) << 53);
    if (json_object_is_type(other, json_type_int)) HOLDS(seconds == json_object_get_int64(other));
}

static void judge_array(const struct member *member, struct json_object *other)
{
    struct text strings[STRINGS];
    int count = strict_json_strings(member, &arena, strings, STRINGS);
    HOLDS(json_object_is_type(other, json_type_array));
    for (int i = 0; i < count; i++) {
        struct json_object *element = json_object_array_get_idx(other, (size_t)i);
        HOLDS(text_equal(strings[i], (struct text){ json_object_get_string(element), (size_t)json_object_get_string_len(element) }));
    }
    HOLDS(count < 0 || (size_t)count == json_object_array_length(other));
}

static void judge_member(const struct member *member, struct json_object *parsed)
{
    char name[STRICT_JSON_BYTES + 1];
    struct json_object *other = NULL;
    memcpy(name, member->name.data, member->name.size);
    name[member->name.size] = '\0';
    HOLDS(json_object_object_get_ex(parsed, name, &other));
    switch (member->kind) {
    case STRICT_JSON_STRING: judge_string(member, other); break;
    case STRICT_JSON_NUMBER: judge_number(member, other); break;
    case STRICT_JSON_ARRAY: judge_array(member, other); break;
    case STRICT_JSON_OBJECT: HOLDS(json_object_is_type(other, json_type_object)); break;
    case STRICT_JSON_BOOLEAN: HOLDS(json_object_is_type(other, json_type_boolean)); break;
    case STRICT_JSON_NULL: HOLDS(other == NULL); break;
    default: HOLDS(false);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct strict_json object;
    if (!arena.block && arena_open(&arena, ARENA)) return 0;
    arena_reset(&arena);
    if (strict_json_read((struct text){ (const char *)data, size }, &object)) return 0;

    struct json_tokener *tokener = json_tokener_new_ex(STRICT_JSON_DEPTH + 1);
    if (!tokener) return 0;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *parsed = json_tokener_parse_ex(tokener, (const char *)data, (int)size);
    HOLDS(parsed && json_object_is_type(parsed, json_type_object));
    HOLDS((size_t)json_object_object_length(parsed) == object.count);
    for (size_t i = 0; i < object.count; i++) judge_member(&object.members[i], parsed);
    json_object_put(parsed);
    json_tokener_free(tokener);
    return 0;
}
