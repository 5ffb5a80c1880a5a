#include "uri.h"

struct uri {
    bool secure;
    struct text host; /* without the default port of the scheme */
    struct text path; /* never empty */
    bool is_origin;   /* nothing follows the authority */
};

static bool is_unreserved(int c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

/* Returns the bytes before the first of the characters in stops, with which *rest then starts. */
static struct text take_until(struct text *rest, const char *stops)
{
    size_t size = 0;
    while (size < rest->size && (rest->data[size] == '\0' || !strchr(stops, rest->data[size]))) size++;
    struct text taken = text_slice(*rest, 0, size);
    *rest = text_slice(*rest, size, rest->size);
    return taken;
}

static struct text without_port(struct text host, struct text port)
{
    size_t size = host.size - (host.size < port.size ? host.size : port.size);
    return text_equal(text_slice(host, size, port.size), port) ? text_slice(host, 0, size) : host;
}

static bool parse(struct text t, struct uri *uri_r)
{
    const struct text secure = TEXT("https://"), plain = TEXT("http://");
    uri_r->secure = text_equal_nocase(text_slice(t, 0, secure.size), secure);
    if (!uri_r->secure && !text_equal_nocase(text_slice(t, 0, plain.size), plain)) return false;
    t = text_slice(t, uri_r->secure ? secure.size : plain.size, t.size);
    uri_r->host = without_port(take_until(&t, "/?#"), uri_r->secure ? TEXT(":443") : TEXT(":80"));
    uri_r->is_origin = t.size == 0;
    uri_r->path = take_until(&t, "?#");
    if (uri_r->path.size == 0) uri_r->path = TEXT("/");
    return uri_r->host.size > 0 && !memchr(uri_r->host.data, '@', uri_r->host.size);
}

/* Returns the next character of a path: an escaped unreserved character is equal to itself; other escapes are
 * distinguished from the plain character by adding 256. */
static int next(struct text *rest)
{
    int c = (unsigned char)rest->data[0];
    int high = rest->size > 2 ? text_hex(rest->data[1]) : -1, low = rest->size > 2 ? text_hex(rest->data[2]) : -1;
    bool escaped = c == '%' && high >= 0 && low >= 0;
    *rest = text_slice(*rest, escaped ? 3 : 1, rest->size);
    if (!escaped) return c;
    return is_unreserved(high * 16 + low) ? high * 16 + low : 256 + high * 16 + low;
}

static bool same_path(struct text a, struct text b)
{
    while (a.size > 0 && b.size > 0)
        if (next(&a) != next(&b)) return false;
    return a.size == b.size;
}

bool uri_is_origin(struct text t)
{
    struct uri uri;
    return parse(t, &uri) && uri.is_origin;
}

bool uri_same(struct text a, struct text b)
{
    struct uri one, other;
    return parse(a, &one) && parse(b, &other) && one.secure == other.secure &&
           text_equal_nocase(one.host, other.host) && same_path(one.path, other.path);
}
