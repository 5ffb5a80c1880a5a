/* What of a FastCGI stream may reach libfcgi, whole and cut at each place. */
#include "../../app/worker/fcgi_records.h"
#include "../check.h"

enum { BEGIN = 1, ABORT = 2, PARAMS = 4, STDIN = 5, GET_VALUES = 9, STREAM = 4096 };

struct stream {
    unsigned char bytes[STREAM];
    size_t size;
};

static void put(struct stream *stream, unsigned version, unsigned type, unsigned id, size_t content, unsigned padding)
{
    unsigned char header[FCGI_RECORDS_HEADER] = { (unsigned char)version, (unsigned char)type, (unsigned char)(id >> 8),
        (unsigned char)id, (unsigned char)(content >> 8), (unsigned char)content, (unsigned char)padding, 0 };
    memcpy(stream->bytes + stream->size, header, sizeof header);
    memset(stream->bytes + stream->size + sizeof header, 0, content + padding);     /* which would be headers of id 0 */
    stream->size += sizeof header + content + padding;
}

static void put_request(struct stream *stream, unsigned id)
{
    put(stream, 1, BEGIN, id, 8, 0);
    put(stream, 1, PARAMS, id, 300, 4);
    put(stream, 1, PARAMS, id, 0, 0);
    put(stream, 1, STDIN, id, 256, 255);
    put(stream, 1, STDIN, id, 0, 0);
}

/* In pieces of step bytes, after a first one of `first`. */
static bool follow(const struct stream *stream, size_t first, size_t step)
{
    struct fcgi_records records;
    fcgi_records_start(&records);
    for (size_t at = 0, size = first; at < stream->size; at += size, size = step) {
        if (size > stream->size - at) size = stream->size - at;
        if (!fcgi_records_follow(&records, stream->bytes + at, size)) return false;
    }
    return true;
}

/* The same answer however the stream is cut; -1: it depends on that. */
static int passes(const struct stream *stream)
{
    bool whole = follow(stream, stream->size, stream->size);
    for (size_t first = 1; first < stream->size; first++)
        if (follow(stream, first, stream->size) != whole || follow(stream, first, 1) != whole) return -1;
    return whole;
}

static void requests_pass(void)
{
    for (unsigned id = 1; id < 65536; id *= 3) {
        struct stream stream = { .size = 0 };
        put_request(&stream, id);
        CHECK(passes(&stream) == 1);
        put(&stream, 1, ABORT, id, 0, 0);
        CHECK(passes(&stream) == 1);
    }
}

static void a_management_record_is_refused_wherever_it_stands(void)
{
    const unsigned types[] = { GET_VALUES, BEGIN, PARAMS, 11, 77, 0 };
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        for (size_t place = 0; place < 6; place++) {
            struct stream stream = { .size = 0 };
            for (size_t i = 0; i < 6; i++) {
                if (i == place) put(&stream, 1, types[t], 0, 72, 0);
                if (i < 5) put(&stream, 1, i == 0 ? BEGIN : i < 3 ? PARAMS : STDIN, 1, i % 2 ? 100 : 8, 1);
            }
            CHECK(passes(&stream) == 0);
        }
    }
}

static void another_version_is_refused(void)
{
    for (unsigned version = 0; version < 256; version++) {
        struct stream stream = { .size = 0 };
        put(&stream, 1, BEGIN, 1, 8, 0);
        put(&stream, version, PARAMS, 1, 0, 0);
        CHECK(passes(&stream) == (version == 1));
    }
}

static void a_request_begins_with_its_beginning(void)
{
    for (unsigned type = 0; type < 256; type++) {
        struct stream stream = { .size = 0 };
        put(&stream, 1, type, 1, 8, 0);
        CHECK(passes(&stream) == (type == BEGIN));
    }
}

/* What one request has left behind is not believed of the next: libfcgi has forgotten it, too. */
static void each_request_starts_anew(void)
{
    struct stream first = { .size = 0 }, next = { .size = 0 };
    struct fcgi_records records;
    put_request(&first, 1);
    put(&first, 1, STDIN, 1, 1000, 0);
    put(&next, 1, GET_VALUES, 0, 64, 0);
    fcgi_records_start(&records);
    CHECK(fcgi_records_follow(&records, first.bytes, first.size - 1000));
    fcgi_records_start(&records);
    CHECK(!fcgi_records_follow(&records, next.bytes, next.size));
}

/* A request whose PARAMS are `pairs`, in two records between which one of another request stands. */
static void put_pairs(struct stream *stream, const unsigned char *pairs, size_t size, size_t cut)
{
    put(stream, 1, BEGIN, 1, 8, 0);
    put(stream, 1, PARAMS, 1, cut, 3);
    memcpy(stream->bytes + stream->size - 3 - cut, pairs, cut);
    put(stream, 1, PARAMS, 2, 4, 0);
    memset(stream->bytes + stream->size - 4, 0xff, 4);
    put(stream, 1, PARAMS, 1, size - cut, 0);
    memcpy(stream->bytes + stream->size - (size - cut), pairs + cut, size - cut);
}

static void a_parameter_has_a_bound(void)
{
    const struct { unsigned char bytes[16]; size_t size; bool good; } cases[] = {
        { { 1, 1, 'a', 'b', 127, 0, 'c' }, 7, true },
        { { 0x80, 0, 0, 1, 1, 'a', 'b' }, 7, true },
        { { 1, 0x80, 0, 0, 1, 'a', 'b' }, 7, true },
        { { 1, 0x80, 0x0f, 0xff, 0xff, 'a' }, 6, true },
        { { 1, 0x80, 0x10, 0, 0, 'a' }, 6, false },
        { { 0x80, 0x10, 0, 0, 1, 'a' }, 6, false },
        { { 0x80, 0x10, 0, 0, 0, 'a' }, 6, true },
        { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 8, false },
        { { 0xff, 0xff, 0xff, 0xfe, 0x80, 0, 0, 0 }, 8, false },
        { { 1, 1, 0xff, 0xff, 0, 0, 1, 1, 0xff, 0xff, 2, 0x84, 0, 0, 0 }, 15, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t cut = 1; cut < cases[i].size; cut++) {
            struct stream stream = { .size = 0 };
            put_pairs(&stream, cases[i].bytes, cases[i].size, cut);
            CHECK(passes(&stream) == cases[i].good);
        }
    }
}

/* What stands in a body or in another request's parameters has no lengths. */
static void only_parameters_have_lengths(void)
{
    for (unsigned type = 1; type < 12; type++) {
        for (unsigned id = 1; id < 3; id++) {
            struct stream stream = { .size = 0 };
            put(&stream, 1, BEGIN, 1, 8, 0);
            put(&stream, 1, type, id, 100, 0);
            memset(stream.bytes + stream.size - 100, 0xff, 100);
            CHECK(passes(&stream) == !(type == PARAMS && id == 1));
        }
    }
}

int main(void)
{
    RUN(requests_pass);
    RUN(a_management_record_is_refused_wherever_it_stands);
    RUN(another_version_is_refused);
    RUN(a_request_begins_with_its_beginning);
    RUN(each_request_starts_anew);
    RUN(a_parameter_has_a_bound);
    RUN(only_parameters_have_lengths);
    return CHECK_EXIT();
}
