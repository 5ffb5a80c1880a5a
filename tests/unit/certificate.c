/* RFC 8705: certificates as front servers hand them over, and whom they were issued to. */
#include "../../lib/jose/certificate.h"

#include <unistd.h>

#include "../../lib/jose/certificate_subject.h"
#include "../check.h"
#include "../material.h"

enum { FILE_BYTES = 8192, CLOCK_2027 = 1800000000, TYPE_MOST = 64 };

static struct arena arena;

/* A file of tests/vectors/certificates. */
static struct text read_file(const char *name)
{
    char path[512];
    static char bytes[FILE_BYTES];
    const char *source = getenv("srcdir");
    (void)snprintf(path, sizeof path, "%s/tests/vectors/certificates/%s.pem", source ? source : ".", name);
    FILE *file = fopen(path, "r");
    size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file) (void)fclose(file);
    return (struct text){ bytes, size };
}

/* As nginx writes it: $ssl_client_escaped_cert. */
static struct text escape(struct text pem)
{
    static char bytes[3 * FILE_BYTES];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    for (size_t i = 0; i < pem.size; i++) {
        unsigned char c = (unsigned char)pem.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        if (plain) buffer_put_char(&b, (char)c);
        else b.size += (size_t)snprintf(b.data + b.size, b.capacity - b.size, "%%%02X", c);
    }
    return buffer_text(&b);
}

static int open_certificate(const char *name, struct certificate *certificate_r)
{
    arena_reset(&arena);
    return certificate_read(read_file(name), &arena, certificate_r);
}

static int thumbprint_is(struct text parameter, const char *expected)
{
    char bytes[CERTIFICATE_THUMBPRINT];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    struct certificate certificate;
    arena_reset(&arena);
    if (certificate_read(parameter, &arena, &certificate)) return 0;
    int bad = certificate_put_thumbprint(&certificate, &b);
    certificate_close(&certificate);
    return !bad && text_equal(buffer_text(&b), text_of(expected));
}

static void G8_thumbprint_in_both_encodings(void)
{
    const char *expected = "dsHUSyuvqPUDIIikb_RNvwf2Crpb4f_o9q8rZiAiQOQ";
    CHECK(thumbprint_is(read_file("client"), expected));
    CHECK(thumbprint_is(escape(read_file("client")), expected));
    CHECK(!thumbprint_is(read_file("self"), expected));
}

static int is_read(struct text parameter)
{
    struct certificate certificate;
    arena_reset(&arena);
    if (certificate_read(parameter, &arena, &certificate)) return 0;
    certificate_close(&certificate);
    return 1;
}

static void what_is_no_certificate(void)
{
    static char bytes[2 * FILE_BYTES];
    struct text pem = read_file("client");
    CHECK(is_read(pem) && is_read(text_slice(pem, 0, pem.size - 1)));
    CHECK(!is_read((struct text){ NULL, 0 }) && !is_read(TEXT("")) && !is_read(TEXT("(null)")));
    CHECK(!is_read(text_slice(pem, 0, pem.size / 2)) && !is_read(text_slice(pem, 1, pem.size)));
    struct buffer b = { bytes, 0, sizeof bytes, false };
    buffer_put(&b, pem);
    buffer_put(&b, pem);
    CHECK(!is_read(buffer_text(&b)));                          /* two of them */
    b.size = pem.size;
    buffer_put(&b, TEXT("x"));
    CHECK(!is_read(buffer_text(&b)));
    memcpy(bytes, pem.data, pem.size);
    bytes[pem.size / 2] = '\0';
    CHECK(!is_read((struct text){ bytes, pem.size }));
    CHECK(!is_read(TEXT("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n")));
    CHECK(!is_read(TEXT("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")));
    memset(bytes, 'A', sizeof bytes);
    memcpy(bytes, "-----BEGIN CERTIFICATE-----\n", 28);
    CHECK(!is_read((struct text){ bytes, CERTIFICATE_BYTES + 1 }));
}

/* OpenSSL skips what is in front of a certificate. A front server puts nothing there, so somebody else did. */
static void text_in_front_of_it(void)
{
    static char bytes[2 * FILE_BYTES];
    const char *const front[] = { "x", "\n", "junk\n", "subject=CN = orders\n" };
    for (size_t i = 0; i < sizeof front / sizeof *front; i++) {
        struct buffer b = { bytes, 0, sizeof bytes, false };
        buffer_put(&b, text_of(front[i]));
        buffer_put(&b, read_file("client"));
        CHECK(!is_read(buffer_text(&b)));
        CHECK(!is_read(escape(buffer_text(&b))));
    }
}

/* What stands on standard input would be taken for the passphrase. */
static void an_encrypted_one_asks_nobody(void)
{
    const struct text pem = TEXT("-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
                                 "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
                                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n-----END CERTIFICATE-----\n");
    struct certificate certificate;
    char line[16] = "";
    int ends[2], input = dup(STDIN_FILENO);
    CHECK(pipe(ends) == 0 && dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    CHECK(write(ends[1], "passphrase\n", 11) == 11);
    arena_reset(&arena);
    CHECK(certificate_read(pem, &arena, &certificate) == -1);
    CHECK(close(ends[1]) == 0 && read(ends[0], line, sizeof line) == 11);
    CHECK(close(ends[0]) == 0 && dup2(input, STDIN_FILENO) == STDIN_FILENO && close(input) == 0);
}

static void validity_and_key(void)
{
    struct certificate certificate;
    EVP_PKEY *ec = material_open(MATERIAL_ec), *other = material_open(MATERIAL_other);
    CHECK(ec && other && open_certificate("self", &certificate) == 0);
    CHECK(certificate_is_current(&certificate, CLOCK_2027));
    CHECK(!certificate_is_current(&certificate, 0) && !certificate_is_current(&certificate, INT64_C(5000000000)));
    CHECK(certificate_is_self_issued(&certificate));
    CHECK(certificate_has_key(&certificate, ec) && !certificate_has_key(&certificate, other));
    certificate_close(&certificate);
    CHECK(open_certificate("client", &certificate) == 0 && !certificate_is_self_issued(&certificate));
    certificate_close(&certificate);
    CHECK(open_certificate("ended", &certificate) == 0 && !certificate_is_current(&certificate, CLOCK_2027));
    certificate_close(&certificate);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(other);
}

/* EVP_PKEY_eq gives -1 for keys of two kinds. */
static void a_key_of_another_kind_is_another_key(void)
{
    static const enum material materials[] = { MATERIAL_ec, MATERIAL_other, MATERIAL_rsa, MATERIAL_ed };
    struct certificate certificate;
    CHECK(open_certificate("rsa", &certificate) == 0);
    for (size_t i = 0; i < sizeof materials / sizeof *materials; i++) {
        EVP_PKEY *key = material_open(materials[i]);
        CHECK(key && !certificate_has_key(&certificate, key));
        EVP_PKEY_free(key);
    }
    EVP_PKEY *its = X509_get_pubkey(certificate.x509);
    CHECK(its && certificate_has_key(&certificate, its));
    EVP_PKEY_free(its);
    certificate_close(&certificate);
}

static int is_self_issued(const char *name)
{
    struct certificate certificate;
    if (open_certificate(name, &certificate)) return -1;
    int is = certificate_is_self_issued(&certificate);
    certificate_close(&certificate);
    return is;
}

static void G13_self_issued_is_the_same_name_not_an_order_of_names(void)
{
    CHECK(is_self_issued("self") == 1 && is_self_issued("rsa") == 1);
    CHECK(is_self_issued("issuer_behind") == 0 && is_self_issued("issuer_before") == 0);
}

/* X509_cmp_time gives 0 for a date that it cannot read: month 13. */
static void a_date_that_cannot_be_read_is_not_current(void)
{
    static const char *const names[] = { "undated_start", "undated_end" };
    struct certificate certificate;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CHECK(open_certificate(names[i], &certificate) == 0);
        CHECK(!certificate_is_current(&certificate, CLOCK_2027));
        certificate_close(&certificate);
    }
}

/* Whether the rule stands for the certificate; -1 when one of them cannot be read. */
static int match(const char *name, enum certificate_subject_kind kind, const char *value)
{
    struct certificate certificate;
    struct certificate_subject subject = { kind, text_of(value) };
    if (certificate_subject_fault(&subject) || open_certificate(name, &certificate)) return -1;
    int same = certificate_subject_matches(&subject, &certificate);
    certificate_close(&certificate);
    return same;
}

static void G6_names_are_compared_as_names(void)
{
    CHECK(match("client", SUBJECT_subject_dn, "CN=orders,OU=Machines,O=Example,C=DE") == 1);
    CHECK(match("client", SUBJECT_subject_dn, "cn=ORDERS, ou=machines , O= Example,c=de") == 1);
    CHECK(match("client", SUBJECT_subject_dn, "2.5.4.3=orders,OU=Machines,O=Ex\\61mple,C=DE") == 1);
    CHECK(match("client", SUBJECT_subject_dn, "CN=orders,OU=Machines,O=Example") == 0);
    CHECK(match("client", SUBJECT_subject_dn, "C=DE,O=Example,OU=Machines,CN=orders") == 0);
    CHECK(match("client", SUBJECT_subject_dn, "CN=orders+OU=Machines,O=Example,C=DE") == 0);
    CHECK(match("client", SUBJECT_subject_dn, "CN=orders2,OU=Machines,O=Example,C=DE") == 0);
    CHECK(match("client", SUBJECT_subject_dn, "CN=orders,OU=Machines,O=Example,C=DE,DC=x") == 0);
    CHECK(match("client", SUBJECT_subject_dn, "OU=orders,CN=Machines,O=Example,C=DE") == 0);
}

static void G6_escapes_sets_and_blanks(void)
{
    CHECK(match("odd", SUBJECT_subject_dn, "CN=orders+UID=7,OU=Gr\xc3\xb6\xc3\x9f" "e  und   Ma\xc3\x9f,O=Example\\, Inc.") == 1);
    CHECK(match("odd", SUBJECT_subject_dn, "UID=7+CN=orders,OU=Gr\\C3\\B6\\C3\\9Fe und Ma\\c3\\9f,O=example\\2C inc.") == 1);
    CHECK(match("odd", SUBJECT_subject_dn, "CN=orders,UID=7,OU=Gr\xc3\xb6\xc3\x9f" "e und Ma\xc3\x9f,O=Example\\, Inc.") == 0);
    CHECK(match("odd", SUBJECT_subject_dn, "CN=orders,OU=Gr\xc3\xb6\xc3\x9f" "e und Ma\xc3\x9f,O=Example\\, Inc.") == 0);
}

static void G6_alternative_names(void)
{
    CHECK(match("client", SUBJECT_san_dns, "Orders.Example.com") == 1 && match("client", SUBJECT_san_dns, "example.com") == 0);
    CHECK(match("odd", SUBJECT_san_dns, "orders.example.com") == 0);      /* a * in a certificate is no pattern */
    CHECK(match("client", SUBJECT_san_uri, "spiffe://example.com/orders") == 1);
    CHECK(match("client", SUBJECT_san_uri, "spiffe://example.com/Orders") == 0);
    CHECK(match("client", SUBJECT_san_ip, "192.0.2.7") == 1 && match("client", SUBJECT_san_ip, "192.0.2.70") == 0);
    CHECK(match("client", SUBJECT_san_ip, "2001:0db8:0::7") == 1 && match("client", SUBJECT_san_ip, "2001:db8::8") == 0);
    CHECK(match("client", SUBJECT_san_email, "Orders@EXAMPLE.com") == 1);
    CHECK(match("client", SUBJECT_san_email, "orders@example.com") == 0);
    CHECK(match("self", SUBJECT_san_dns, "orders") == 0);                 /* no such extension, and CN is no DNS name */
    CHECK(match("client", SUBJECT_san_uri, "urn:orders.example.com") == 0);
}

static void rules_that_are_none(void)
{
    static const struct { enum certificate_subject_kind kind; const char *value; } wrong[] = {
        { SUBJECT_subject_dn, "" }, { SUBJECT_subject_dn, "orders" }, { SUBJECT_subject_dn, "CN=" }, { SUBJECT_subject_dn, "=x" },
        { SUBJECT_subject_dn, "CN=a," }, { SUBJECT_subject_dn, "CN=a+" }, { SUBJECT_subject_dn, ",CN=a" },
        { SUBJECT_subject_dn, "XYZ=a" }, { SUBJECT_subject_dn, "CN=#0401ff" }, { SUBJECT_subject_dn, "CN=\"a\"" },
        { SUBJECT_subject_dn, "CN=a;O=b" }, { SUBJECT_subject_dn, "CN=a\\" }, { SUBJECT_subject_dn, "CN=a\\0" },
        { SUBJECT_subject_dn, "CN=a\\00b" }, { SUBJECT_subject_dn, "CN=a\nb" }, { SUBJECT_subject_dn, "/C=DE/CN=a" },
        { SUBJECT_san_dns, "*.example.com" }, { SUBJECT_san_dns, "a b" }, { SUBJECT_san_uri, "orders" },
        { SUBJECT_san_ip, "1.2.3" }, { SUBJECT_san_ip, "\t10.0.0.1" }, { SUBJECT_san_ip, "10.0.0.1\t" },
        { SUBJECT_san_ip, "1.2.3.4/24" }, { SUBJECT_san_email, "orders" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct certificate_subject subject = { wrong[i].kind, text_of(wrong[i].value) };
        CHECK(certificate_subject_fault(&subject) != NULL);
    }
    CHECK(certificate_subject_fault(&(struct certificate_subject){ SUBJECT_san_dns, TEXT("a\0b") }) != NULL);
}

/* Not even for who did not ask whether the rule is one. */
static void what_is_no_rule_matches_nothing(void)
{
    static const struct certificate_subject subjects[] = {
        { SUBJECT_san_ip, { " 192.0.2.7", 10 } }, { SUBJECT_san_ip, { "\t192.0.2.7", 10 } }, { SUBJECT_san_ip, { "192.0.2.7\n", 10 } },
        { SUBJECT_san_ip, { "192.0.2.7 ", 10 } }, { SUBJECT_san_ip, { "192.0.2.7\0", 10 } },
        { SUBJECT_san_dns, { "orders.example.com\0", 19 } }, { CERTIFICATE_SUBJECT_NONE, { "orders.example.com", 18 } },
        { SUBJECT_san_dns, { "", 0 } }, { SUBJECT_subject_dn, { "", 0 } },
        { SUBJECT_subject_dn, { "CN\0x=orders,OU=Machines,O=Example,C=DE", 38 } },
    };
    struct certificate certificate;
    CHECK(open_certificate("client", &certificate) == 0);
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) CHECK(!certificate_subject_matches(&subjects[i], &certificate));
    certificate_close(&certificate);
}

/* Every length around the buffers that types and addresses are copied to (with the sanitizer on). */
static void types_and_addresses_of_any_length(void)
{
    static char bytes[CERTIFICATE_SUBJECT_BYTES + 1];
    for (size_t size = 1; size + 2 <= CERTIFICATE_SUBJECT_BYTES; size++) {
        memset(bytes, 'T', size);
        bytes[0] = '1';
        for (size_t i = 1; i < size; i++) bytes[i] = i % 2 ? '.' : '2';
        memcpy(bytes + size, "=x", 2);
        struct certificate_subject subject = { SUBJECT_subject_dn, { bytes, size + 2 } };
        if (size >= TYPE_MOST) CHECK(certificate_subject_fault(&subject) != NULL);
        else (void)certificate_subject_fault(&subject);
        memset(bytes, '1', size);
        subject = (struct certificate_subject){ SUBJECT_san_ip, { bytes, size } };
        CHECK(certificate_subject_fault(&subject) != NULL);
        memset(bytes, ':', size);
        CHECK(certificate_subject_fault(&subject) != NULL || size <= 3);
    }
}

/* Each attribute may be of 30 bytes and more of them than anybody needs: bounded, and in time. */
static void a_name_without_end(void)
{
    static char bytes[CERTIFICATE_SUBJECT_BYTES + 1];
    for (size_t i = 0; i < CERTIFICATE_SUBJECT_BYTES; i++) bytes[i] = "C=D,"[i % 4];
    struct certificate_subject subject = { SUBJECT_subject_dn, { bytes, CERTIFICATE_SUBJECT_BYTES - 1 } };
    CHECK(certificate_subject_fault(&subject) != NULL);
    memset(bytes, 'x', sizeof bytes);
    subject = (struct certificate_subject){ SUBJECT_san_dns, { bytes, CERTIFICATE_SUBJECT_BYTES + 1 } };
    CHECK(certificate_subject_fault(&subject) != NULL);
}

#define ISSUED_BY "13:2D:9E:47:63:B8:25:EA:74:EB:48:60:65:9B:A7:E6:4A:D4:E3:32"

static bool is_by(const char *file, const char *issuer)
{
    struct certificate certificate;
    if (open_certificate(file, &certificate)) return false;
    bool same = certificate_subject_issuer_matches(text_of(issuer), &certificate);
    certificate_close(&certificate);
    return same;
}

static void G15_an_issuer_is_a_name_or_the_id_of_a_key(void)
{
    CHECK(is_by("client", "CN=Example CA") && is_by("client", "cn=example  ca"));
    CHECK(is_by("issued", "CN=Machines CA,O=Example") && !is_by("issued", "O=Example,CN=Machines CA"));
    CHECK(!is_by("issued", "CN=Machines CA") && !is_by("issued", "CN=orders,OU=Machines,O=Example,C=DE"));
    CHECK(is_by("issued", "keyid:" ISSUED_BY) && is_by("issued", "keyid:132d9e4763b825ea74eb4860659ba7e64ad4e332"));
    CHECK(!is_by("issued", "keyid:132d9e4763b825ea74eb4860659ba7e64ad4e3") && !is_by("issued", "keyid:00" ISSUED_BY));
    CHECK(!is_by("issued", "keyid:" ISSUED_BY ":33") && !is_by("issued", "keyid:13"));
    CHECK(!is_by("client", "keyid:" ISSUED_BY));        /* it names no key of its authority */
}

static void G15_what_is_no_issuer_matches_nothing(void)
{
    static const char *const none[] = {
        "", "Example CA", "keyid:", "keyid:1", "keyid:1g", "keyid:13:", "keyid:13::2D", ":13", "keyid:13 2D", "KEYID:" ISSUED_BY,
        "keyid:" ISSUED_BY ISSUED_BY ISSUED_BY ISSUED_BY,
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        CHECK(certificate_subject_issuer_fault(text_of(none[i])) != NULL);
        CHECK(!is_by("issued", none[i]));
    }
    CHECK(certificate_subject_issuer_fault(TEXT("CN=a\0b")) != NULL);
    CHECK(certificate_subject_issuer_fault(TEXT("CN=Example CA")) == NULL && certificate_subject_issuer_fault(TEXT("keyid:" ISSUED_BY)) == NULL);
}

int main(void)
{
    if (arena_open(&arena, 262144)) return EXIT_FAILURE;
    RUN(G8_thumbprint_in_both_encodings);
    RUN(what_is_no_certificate);
    RUN(text_in_front_of_it);
    RUN(an_encrypted_one_asks_nobody);
    RUN(validity_and_key);
    RUN(a_key_of_another_kind_is_another_key);
    RUN(G13_self_issued_is_the_same_name_not_an_order_of_names);
    RUN(a_date_that_cannot_be_read_is_not_current);
    RUN(G6_names_are_compared_as_names);
    RUN(G6_escapes_sets_and_blanks);
    RUN(G6_alternative_names);
    RUN(rules_that_are_none);
    RUN(what_is_no_rule_matches_nothing);
    RUN(types_and_addresses_of_any_length);
    RUN(a_name_without_end);
    RUN(G15_an_issuer_is_a_name_or_the_id_of_a_key);
    RUN(G15_what_is_no_issuer_matches_nothing);
    arena_close(&arena);
    return CHECK_EXIT();
}
