/* FastCGI records: a stream is judged alike however it is cut, and what passes has no management record at a place where a
 * reader that walks it from its beginning finds a header. */
#include "../../app/worker/fcgi_records.h"
#include "fuzz.h"

enum { MAX_BYTES = 4096, VERSION = 1, BEGIN_REQUEST = 1 };

static bool follow(const uint8_t *data, size_t size, size_t step)
{
    struct fcgi_records records;
    fcgi_records_start(&records);
    for (size_t at = 0; at < size; at += step)
        if (!fcgi_records_follow(&records, data + at, step < size - at ? step : size - at)) return false;
    return true;
}

/* The same judgement, by the whole stream at once. */
static bool is_good(const uint8_t *data, size_t size)
{
    for (size_t at = 0; size - at >= FCGI_RECORDS_HEADER;) {
        const uint8_t *header = data + at;
        if (header[0] != VERSION || (header[2] == 0 && header[3] == 0)) return false;
        if (at == 0 && header[1] != BEGIN_REQUEST) return false;
        size_t length = FCGI_RECORDS_HEADER + (size_t)header[4] * 256 + header[5] + header[6];
        if (length >= size - at) return true;
        at += length;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > MAX_BYTES) return 0;
    bool good = is_good(data, size);
    for (size_t step = 1; step < 20; step++) HOLDS(follow(data, size, step) == good);
    HOLDS(follow(data, size, size) == good);
    return 0;
}
