/* Certificates as front servers hand them over, and the rules that name a subject or an issuer. A line `KIND RULE` (KIND a digit), then
 * the certificate: DER, or with a `-` or `%` in front the parameter as it is.
 *
 * What is read has the thumbprint of its DER form, says the same in both encodings, and a rule that is none never matches. */
#include <openssl/pem.h>
#include <openssl/sha.h>

#include "../../lib/base/base64url.h"
#include "../../lib/jose/certificate.h"
#include "../../lib/jose/certificate_subject.h"
#include "fuzz.h"

enum { ARENA = 262144, PEM = 65536 };

static struct arena arena;

/* As lighttpd gives it. */
static struct text make_pem(struct text der)
{
    static char bytes[PEM];
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio) abort();
    int size = PEM_write_bio(bio, "CERTIFICATE", "", (const unsigned char *)der.data, (long)der.size) > 0
             ? BIO_read(bio, bytes, sizeof bytes) : 0;
    BIO_free(bio);
    return (struct text){ bytes, size > 0 ? (size_t)size : 0 };
}

/* As nginx gives it. */
static struct text escape(struct text pem)
{
    static char bytes[3 * PEM];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    for (size_t i = 0; i < pem.size; i++) {
        static const char digits[] = "0123456789ABCDEF";
        buffer_put_char(&b, '%');
        buffer_put_char(&b, digits[(unsigned char)pem.data[i] >> 4]);
        buffer_put_char(&b, digits[(unsigned char)pem.data[i] & 15]);
    }
    return buffer_text(&b);
}

static void judge_thumbprint(const struct certificate *certificate)
{
    unsigned char digest[SHA256_DIGEST_LENGTH], *der = NULL;
    char bytes[CERTIFICATE_THUMBPRINT], expected[CERTIFICATE_THUMBPRINT];
    struct buffer b = { bytes, 0, sizeof bytes, false }, e = { expected, 0, sizeof expected, false };
    int size = i2d_X509(certificate->x509, &der);
    if (size <= 0) return;
    SHA256(der, (size_t)size, digest);
    OPENSSL_free(der);
    base64url_put(&e, (struct text){ (const char *)digest, sizeof digest });
    HOLDS(certificate_put_thumbprint(certificate, &b) == 0 && text_equal(buffer_text(&b), buffer_text(&e)));
}

/* -1: it cannot be read. */
static int look(struct text parameter, const struct certificate_subject *subject)
{
    struct certificate certificate;
    arena_reset(&arena);
    if (certificate_read(parameter, &arena, &certificate)) return -1;
    judge_thumbprint(&certificate);
    (void)certificate_is_current(&certificate, 1800000000);
    int matches = certificate_subject_matches(subject, &certificate);
    if (matches) HOLDS(certificate_subject_fault(subject) == NULL);
    if (certificate_subject_issuer_matches(subject->value, &certificate)) HOLDS(certificate_subject_issuer_fault(subject->value) == NULL);
    certificate_close(&certificate);
    return matches;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text rest = { (const char *)data, size }, rule;
    if (!arena.block && arena_open(&arena, ARENA)) abort();
    if (size < 3 || !text_split(&rest, '\n', &rule) || rule.size < 2 || !text_present(rest)) return 0;
    struct certificate_subject subject = { (enum certificate_subject_kind)((unsigned char)rule.data[0] % CERTIFICATE_SUBJECT_KINDS), text_slice(rule, 2, rule.size) };
    (void)certificate_subject_fault(&subject);
    if (rest.size > 0 && (rest.data[0] == '-' || rest.data[0] == '%')) {
        (void)look(rest, &subject);
        return 0;
    }
    struct text pem = make_pem(rest);
    int plain = look(pem, &subject);
    if (pem.size * 3 <= CERTIFICATE_BYTES) HOLDS(look(escape(pem), &subject) == plain);
    return 0;
}
