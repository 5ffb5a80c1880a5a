/* base64url: what is decoded is encoded to the very same text; HTTP Basic likewise, but for padding. */
#include "../../lib/base/base64url.h"
#include "fuzz.h"

enum { BYTES = 65536 };

static char bytes[BYTES], again[BYTES * 2];

static void judge_url(struct text t)
{
    struct buffer plain = { bytes, 0, sizeof bytes, false }, text = { again, 0, sizeof again, false };
    if (base64url_decode(t, &plain)) return;
    base64url_put(&text, buffer_text(&plain));
    HOLDS(text_equal(buffer_text(&text), t));
}

static void judge_basic(struct text t)
{
    struct buffer plain = { bytes, 0, sizeof bytes, false }, text = { again, 0, sizeof again, false };
    if (base64url_decode_basic(t, &plain)) return;
    base64url_put(&text, buffer_text(&plain));
    for (size_t i = 0; i < text.size; i++) again[i] = again[i] == '-' ? '+' : again[i] == '_' ? '/' : again[i];
    HOLDS(text_begins(t, buffer_text(&text)));
    for (size_t i = text.size; i < t.size; i++) HOLDS(t.data[i] == '=' && t.size % 4 == 0 && t.size - text.size <= 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text t = { (const char *)data, size };
    if (size > BYTES) return 0;
    judge_url(t);
    judge_basic(t);

    struct buffer text = { again, 0, sizeof again, false }, plain = { bytes, 0, sizeof bytes, false };
    base64url_put(&text, t);
    HOLDS(!base64url_decode(buffer_text(&text), &plain) && text_equal(buffer_text(&plain), t));
    return 0;
}
