/* FastCGI records: a stream is judged alike however it is cut, and what passes has no management record at a place where a
 * reader that walks it from its beginning finds a header, and no parameter over the bound. */
#include <string.h>

#include "../../app/worker/fcgi_records.h"
#include "fuzz.h"

enum { MAX_BYTES = 4096, VERSION = 1, BEGIN_REQUEST = 1, PARAMS = 4 };

static bool follow(const uint8_t *data, size_t size, size_t step)
{
    struct fcgi_records records;
    fcgi_records_start(&records);
    for (size_t at = 0; at < size; at += step)
        if (!fcgi_records_follow(&records, data + at, step < size - at ? step : size - at)) return false;
    return true;
}

/* The content of all PARAMS records of the first request, one after the other. */
struct params {
    uint8_t bytes[MAX_BYTES];
    size_t size;
};

static size_t read_length(const struct params *params, size_t *at)
{
    size_t size = *at < params->size && params->bytes[*at] & 0x80 ? 4 : 1, length = 0;
    if (params->size - *at < size) return SIZE_MAX;
    for (size_t i = 0; i < size; i++) length = length << 8 | params->bytes[(*at)++];
    return size == 4 ? length & 0x7fffffff : length;
}

static bool are_bounded(const struct params *params)
{
    for (size_t at = 0; at < params->size;) {
        size_t name = read_length(params, &at), value = name == SIZE_MAX ? SIZE_MAX : read_length(params, &at);
        if (value == SIZE_MAX) return true;
        if (name + value > FCGI_RECORDS_PARAM) return false;
        if (name + value > params->size - at) return true;
        at += name + value;
    }
    return true;
}

/* The same judgement, by the whole stream at once. */
static bool is_good(const uint8_t *data, size_t size)
{
    struct params params = { .size = 0 };
    for (size_t at = 0; size - at >= FCGI_RECORDS_HEADER;) {
        const uint8_t *header = data + at;
        if (header[0] != VERSION || (header[2] == 0 && header[3] == 0)) return false;
        if (at == 0 && header[1] != BEGIN_REQUEST) return false;
        size_t content = (size_t)header[4] * 256 + header[5], there = size - at - FCGI_RECORDS_HEADER;
        if (content < there) there = content;
        if (header[1] == PARAMS && header[2] == data[2] && header[3] == data[3]) {
            memcpy(params.bytes + params.size, header + FCGI_RECORDS_HEADER, there);
            params.size += there;
        }
        size_t length = FCGI_RECORDS_HEADER + content + header[6];
        if (length >= size - at) break;
        at += length;
    }
    return are_bounded(&params);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > MAX_BYTES) return 0;
    bool good = is_good(data, size);
    for (size_t step = 1; step < 20; step++) HOLDS(follow(data, size, step) == good);
    HOLDS(follow(data, size, size) == good);
    return 0;
}
