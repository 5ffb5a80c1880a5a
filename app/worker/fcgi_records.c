#include "fcgi_records.h"

#include <assert.h>
#include <fastcgi.h>
#include <string.h>

static_assert(FCGI_RECORDS_HEADER == FCGI_HEADER_LEN, "FastCGI 1.0, 3.3");

void fcgi_records_start(struct fcgi_records *records) { *records = (struct fcgi_records){ 0 }; }

static bool may_pass(struct fcgi_records *records)
{
    const unsigned char *header = records->header;
    bool is_management = header[2] == 0 && header[3] == 0;
    if (header[0] != FCGI_VERSION_1 || is_management) return false;
    if (!records->began && header[1] != FCGI_BEGIN_REQUEST) return false;
    records->began = true;
    records->skip = (uint32_t)header[4] << 8 | header[5];
    records->skip += header[6];
    records->filled = 0;
    return true;
}

bool fcgi_records_follow(struct fcgi_records *records, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    assert(records->filled < FCGI_RECORDS_HEADER);
    while (size > 0) {
        size_t want = records->skip > 0 ? records->skip : FCGI_RECORDS_HEADER - records->filled;
        size_t take = want < size ? want : size;
        if (records->skip > 0) {
            records->skip -= (uint32_t)take;
        } else {
            memcpy(records->header + records->filled, at, take);
            records->filled += (unsigned)take;
            if (records->filled == FCGI_RECORDS_HEADER && !may_pass(records)) return false;
        }
        at += take;
        size -= take;
    }
    return true;
}
