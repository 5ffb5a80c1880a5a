#include "url.h"

bool url_is_loopback(struct text host)
{
    return text_equal(host, TEXT("localhost")) || text_equal(host, TEXT("127.0.0.1")) ||
           text_equal(host, TEXT("[::1]")) || text_equal(host, TEXT("::1"));
}

/* Returns the size of the host at the start of rest: a name, or an IPv6 address in brackets; 0 if there is none. */
static size_t host_size(struct text rest)
{
    size_t size = 0;
    if (rest.size == 0 || rest.data[0] != '[') {
        while (size < rest.size && rest.data[size] != ':' && rest.data[size] != '/') size++;
        return size;
    }
    while (++size < rest.size && rest.data[size] != ']')
        if (!strchr("0123456789abcdefABCDEF:.", rest.data[size])) return 0;
    return size < rest.size ? size + 1 : 0;
}

/* The characters that an issuer may have after its host: RFC 3986 unreserved, and the separators of port and path. Percent
 * escapes are not allowed, because the front server passes the path on decoded. */
static bool is_issuer_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._~:/", c));
}

static const char *character_fault(struct text rest)
{
    for (size_t i = 0; i < rest.size; i++) {
        if (rest.data[i] == '?' || rest.data[i] == '#') return "must have no query and no fragment; cut it off";
        if (rest.data[i] == '@') return "must have no user name; remove the part before the @";
        if (!is_issuer_character(rest.data[i])) return "has a character that is not one of A-Z a-z 0-9 - . _ ~ : /";
    }
    return NULL;
}

static bool is_port(struct text t)
{
    uint64_t number;
    return t.size == 0 || (t.data[0] == ':' && !text_number(text_slice(t, 1, t.size), 65535, &number));
}

static const char *issuer_path_fault(struct text path)
{
    struct text rest = text_slice(path, 1, path.size), segment;
    if (path.size == 0) return NULL;
    if (path.data[path.size - 1] == '/') return "ends with a slash; leave it out";
    while (text_split(&rest, '/', &segment))
        if (segment.size == 0 || text_equal(segment, TEXT(".")) || text_equal(segment, TEXT("..")))
            return "has an empty segment or one of dots in its path; write the path as the front server passes it on";
    return NULL;
}

struct text url_path(struct text url)
{
    struct text rest = text_slice(url, text_begins(url, TEXT("https://")) ? 8 : 7, url.size);
    const char *slash = rest.size ? memchr(rest.data, '/', rest.size) : NULL;
    return slash ? text_slice(rest, (size_t)(slash - rest.data), rest.size) : TEXT("");
}

const char *url_issuer_fault(struct text issuer)
{
    bool tls = text_begins(issuer, TEXT("https://"));
    if (!tls && !text_begins(issuer, TEXT("http://")))
        return "must begin with https://; write issuer = https://auth.example.org";
    struct text rest = text_slice(issuer, tls ? 8 : 7, issuer.size);
    struct text host = text_slice(rest, 0, host_size(rest));
    if (host.size == 0) return "has no host; write issuer = https://auth.example.org";
    const char *fault = character_fault(host.data[0] == '[' ? text_slice(rest, host.size, rest.size) : rest);
    if (fault) return fault;
    if (!tls && !url_is_loopback(host)) return "must begin with https://; http:// is for loopback hosts only";
    rest = text_slice(rest, host.size, rest.size);
    const char *slash = rest.size ? memchr(rest.data, '/', rest.size) : NULL;
    size_t port = slash ? (size_t)(slash - rest.data) : rest.size;
    if (!is_port(text_slice(rest, 0, port))) return "has a port that is not a number up to 65535";
    return issuer_path_fault(text_slice(rest, port, rest.size));
}
