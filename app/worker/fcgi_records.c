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
    if (!records->began) memcpy(records->id, header + 2, sizeof records->id);
    records->began = true;
    records->is_param = header[1] == FCGI_PARAMS && memcmp(records->id, header + 2, sizeof records->id) == 0;
    records->content = (uint32_t)header[4] << 8 | header[5];
    records->padding = header[6];
    records->filled = 0;
    return true;
}

/* One byte, or four of which the first has its highest bit set (FastCGI 1.0, 3.4). */
static unsigned length_size(unsigned char first) { return first & 0x80 ? 4 : 1; }

static uint64_t read_length(const unsigned char *at)
{
    if (length_size(*at) == 1) return *at;
    return (uint64_t)(at[0] & 0x7f) << 24 | (uint64_t)at[1] << 16 | (uint64_t)at[2] << 8 | at[3];
}

/* The next byte of the lengths of a name and its value. */
static bool take_length(struct fcgi_records *records, unsigned char byte)
{
    unsigned char *lengths = records->lengths;
    lengths[records->lengths_filled++] = byte;
    unsigned name_size = length_size(lengths[0]);
    if (records->lengths_filled <= name_size) return true;
    if (records->lengths_filled < name_size + length_size(lengths[name_size])) return true;
    uint64_t pair = read_length(lengths) + read_length(lengths + name_size);
    records->lengths_filled = 0;
    records->pair = (uint32_t)pair;
    return pair <= FCGI_RECORDS_PARAM;
}

static bool follow_params(struct fcgi_records *records, const unsigned char *at, size_t size)
{
    while (size > 0) {
        size_t take = records->pair < size ? records->pair : size;
        if (take == 0 && !take_length(records, *at)) return false;
        records->pair -= (uint32_t)take;
        at += take > 0 ? take : 1;
        size -= take > 0 ? take : 1;
    }
    return true;
}

static uint32_t smaller(uint32_t number, size_t than) { return number < than ? number : (uint32_t)than; }

/* As many of the next size bytes as are of one kind; 0: they may not pass. */
static size_t follow_part(struct fcgi_records *records, const unsigned char *at, size_t size)
{
    size_t take = 0;
    if (records->content > 0) {
        take = smaller(records->content, size);
        records->content -= (uint32_t)take;
        return records->is_param && !follow_params(records, at, take) ? 0 : take;
    }
    if (records->padding > 0) {
        take = smaller(records->padding, size);
        records->padding -= (uint32_t)take;
        return take;
    }
    take = smaller(FCGI_RECORDS_HEADER - records->filled, size);
    memcpy(records->header + records->filled, at, take);
    records->filled += (unsigned)take;
    return records->filled == FCGI_RECORDS_HEADER && !may_pass(records) ? 0 : take;
}

bool fcgi_records_follow(struct fcgi_records *records, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    assert(records->filled < FCGI_RECORDS_HEADER);
    while (size > 0) {
        size_t take = follow_part(records, at, size);
        if (take == 0) return false;
        at += take;
        size -= take;
    }
    return true;
}
