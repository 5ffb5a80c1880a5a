#include "certificate_subject.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

enum { ATTRIBUTES = 32, TYPE_BYTES = 64 };

/* One attribute of a name, such as CN=value, and its terminator. */
struct attribute {
    char type[TYPE_BYTES];
    unsigned char value[CERTIFICATE_SUBJECT_BYTES];
    int size;
    char end; /* `,` or `+`; 0 after the last attribute */
};

static char take(struct text *rest)
{
    char c = rest->data[0];
    *rest = text_slice(*rest, 1, rest->size);
    return c;
}

/* RFC 4514 2.4: a backslash precedes the literal character or two hexadecimal digits. */
static int take_escaped(struct text *rest, unsigned char *c_r)
{
    if (rest->size == 0) return -1;
    int high = text_hex(rest->data[0]);
    if (high < 0) {
        *c_r = (unsigned char)take(rest);
        return 0;
    }
    int low = rest->size > 1 ? text_hex(rest->data[1]) : -1;
    if (low < 0) return -1;
    *c_r = (unsigned char)(high * 16 + low);
    *rest = text_slice(*rest, 2, rest->size);
    return *c_r == '\0' ? -1 : 0;
}

static int take_type(struct text *rest, struct attribute *attribute_r)
{
    struct text type;
    if (!text_split(rest, '=', &type) || !text_present(*rest)) return -1;
    type = text_trim(type);
    if (type.size == 0 || type.size >= TYPE_BYTES) return -1;
    memcpy(attribute_r->type, type.data, type.size);
    attribute_r->type[type.size] = '\0';
    return 0;
}

/* Unescaped spaces around a value are not part of it. A value in hexadecimal BER (`#`) and quoted values (RFC 2253) are
 * not supported and are refused. */
static int take_value(struct text *rest, struct attribute *attribute_r)
{
    int kept = 0; /* up to the last byte other than an unescaped space */
    attribute_r->size = 0;
    attribute_r->end = '\0';
    while (rest->size > 0 && rest->data[0] == ' ') (void)take(rest);
    if (rest->size > 0 && rest->data[0] == '#') return -1;
    while (rest->size > 0) {
        unsigned char c = (unsigned char)take(rest);
        bool escaped = c == '\\';
        if (!escaped && (c == ',' || c == '+')) {
            attribute_r->end = (char)c;
            break;
        }
        if (!escaped && (c == '"' || c == ';' || c == '<' || c == '>' || c < 0x20)) return -1;
        if (escaped && take_escaped(rest, &c)) return -1;
        if (attribute_r->size == CERTIFICATE_SUBJECT_BYTES) return -1;
        attribute_r->value[attribute_r->size++] = c;
        if (escaped || c != ' ') kept = attribute_r->size;
    }
    attribute_r->size = kept;
    return kept > 0 ? 0 : -1;
}

/* OpenSSL's name of an attribute type, which is case-insensitive (RFC 4514 3) and may be a common alias. */
static const char *type_known(const char *type)
{
    static const struct {
        const char *usual, *known;
    } types[] = {
        { "CN", "CN" },
        { "L", "L" },
        { "ST", "ST" },
        { "O", "O" },
        { "OU", "OU" },
        { "C", "C" },
        { "DC", "DC" },
        { "UID", "UID" },
        { "STREET", "street" },
        { "S", "ST" },
        { "T", "title" },
        { "E", "emailAddress" },
        { "EMAIL", "emailAddress" },
        { "emailAddress", "emailAddress" },
        { "serialNumber", "serialNumber" },
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (text_equal_nocase(text_of(type), text_of(types[i].usual))) return types[i].known;
    return type;
}

/* RFC 4514 2.1: the string starts with the last RDN, so each is inserted in front; `+` adds to the same RDN. */
static int put_attribute(X509_NAME *name, const struct attribute *attribute, bool joined)
{
    return X509_NAME_add_entry_by_txt(name, type_known(attribute->type), MBSTRING_UTF8, attribute->value,
                                      attribute->size, 0, joined ? 1 : 0)
             ? 0
             : -1;
}

static X509_NAME *parse(struct text rest)
{
    X509_NAME *name = X509_NAME_new();
    struct attribute attribute = { .end = ',' };
    bool joined = false;
    int bad = name ? 0 : -1;
    for (int i = 0; !bad && attribute.end; i++) {
        bad = i == ATTRIBUTES || take_type(&rest, &attribute) || take_value(&rest, &attribute) ||
              put_attribute(name, &attribute, joined);
        joined = attribute.end == '+';
    }
    ERR_clear_error();
    if (!bad) return name;
    X509_NAME_free(name);
    return NULL;
}

static bool is_name(struct text value, const X509_NAME *its_name)
{
    X509_NAME *name = parse(value);
    bool same = name && X509_NAME_cmp(name, its_name) == 0;
    X509_NAME_free(name);
    return same;
}

static struct text view(const ASN1_STRING *string)
{
    return (struct text){ (const char *)ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string) };
}

/* The character check is needed because OpenSSL ignores spaces around an address. */
static bool is_address(struct text value, const ASN1_STRING *octets)
{
    char text[64] = "";
    if (value.size >= sizeof text) return false;
    memcpy(text, value.data, value.size);
    if (strspn(text, "0123456789abcdefABCDEF.:") != value.size) return false;
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(text);
    bool same = address && (!octets || ASN1_STRING_cmp(address, octets) == 0);
    ASN1_OCTET_STRING_free(address);
    ERR_clear_error();
    return same;
}

/* RFC 5321 2.4: the local part is case-sensitive. */
static bool is_mailbox(struct text a, struct text b)
{
    struct text local, its_local;
    return text_split(&a, '@', &local) && text_split(&b, '@', &its_local) && text_equal(local, its_local) &&
           text_equal_nocase(a, b);
}

static bool is_alternative(const struct certificate_subject *subject, const GENERAL_NAME *name)
{
    struct text value = subject->value;
    switch (subject->kind) {
    case SUBJECT_san_dns: return name->type == GEN_DNS && text_equal_nocase(value, view(name->d.dNSName));
    case SUBJECT_san_uri: return name->type == GEN_URI && text_equal(value, view(name->d.uniformResourceIdentifier));
    case SUBJECT_san_ip: return name->type == GEN_IPADD && is_address(value, name->d.iPAddress);
    case SUBJECT_san_email: return name->type == GEN_EMAIL && is_mailbox(value, view(name->d.rfc822Name));
    default: return false;
    }
}

static bool has_alternative(const struct certificate_subject *subject, const struct certificate *certificate)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate->x509, NID_subject_alt_name, NULL, NULL);
    bool found = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++)
        found = is_alternative(subject, sk_GENERAL_NAME_value(names, i));
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return found;
}

static const char *name_fault(struct text value)
{
    X509_NAME *name = parse(value);
    X509_NAME_free(name);
    return name ? NULL : "it is not a distinguished name as RFC 4514 writes it, such as CN=orders,O=Example,C=DE";
}

const char *certificate_subject_fault(const struct certificate_subject *subject)
{
    struct text value = subject->value;
    if (value.size == 0 || value.size > CERTIFICATE_SUBJECT_BYTES) return "it has not 1 to 512 bytes";
    if (memchr(value.data, '\0', value.size)) return "it has a NUL in it";
    if (subject->kind == SUBJECT_subject_dn) return name_fault(value);
    if (memchr(value.data, ' ', value.size)) return "it has a blank in it";
    if (subject->kind == SUBJECT_san_dns && memchr(value.data, '*', value.size))
        return "it has a *, but wildcards are not accepted";
    if (subject->kind == SUBJECT_san_uri && !memchr(value.data, ':', value.size)) return "it is not a URI";
    if (subject->kind == SUBJECT_san_ip && !is_address(value, NULL)) return "it is not an IP address";
    if (subject->kind == SUBJECT_san_email && !memchr(value.data, '@', value.size)) return "it is not a mailbox";
    return subject->kind < CERTIFICATE_SUBJECT_KINDS ? NULL : "its kind is not known";
}

bool certificate_subject_matches(const struct certificate_subject *subject, const struct certificate *certificate)
{
    if (subject->kind == CERTIFICATE_SUBJECT_NONE || certificate_subject_fault(subject)) return false;
    if (subject->kind == SUBJECT_subject_dn) return is_name(subject->value, X509_get_subject_name(certificate->x509));
    return has_alternative(subject, certificate);
}

static const struct text key_id_prefix = TEXT("keyid:");

/* Returns the number of bytes, or 0 if digits is malformed or too long. */
static size_t read_key_id(struct text digits, unsigned char id_r[CERTIFICATE_SUBJECT_KEY_ID])
{
    size_t size = 0;
    while (digits.size >= 2) {
        int high = text_hex(digits.data[0]), low = text_hex(digits.data[1]);
        if (high < 0 || low < 0 || size == CERTIFICATE_SUBJECT_KEY_ID) return 0;
        id_r[size++] = (unsigned char)(high * 16 + low);
        digits = text_slice(digits, 2, digits.size);
        if (digits.size > 1 && digits.data[0] == ':') digits = text_slice(digits, 1, digits.size);
    }
    return digits.size == 0 ? size : 0;
}

const char *certificate_subject_issuer_fault(struct text issuer)
{
    unsigned char id[CERTIFICATE_SUBJECT_KEY_ID];
    if (issuer.size == 0 || issuer.size > CERTIFICATE_SUBJECT_BYTES) return "it has not 1 to 512 bytes";
    if (memchr(issuer.data, '\0', issuer.size)) return "it has a NUL in it";
    if (!text_begins(issuer, key_id_prefix)) return name_fault(issuer);
    bool good = read_key_id(text_slice(issuer, key_id_prefix.size, issuer.size), id) > 0;
    return good ? NULL : "keyid: is followed by other than 1 to 64 bytes in hexadecimal";
}

bool certificate_subject_issuer_matches(struct text issuer, const struct certificate *certificate)
{
    unsigned char id[CERTIFICATE_SUBJECT_KEY_ID];
    if (certificate_subject_issuer_fault(issuer)) return false;
    if (!text_begins(issuer, key_id_prefix)) return is_name(issuer, X509_get_issuer_name(certificate->x509));
    size_t size = read_key_id(text_slice(issuer, key_id_prefix.size, issuer.size), id);
    const ASN1_OCTET_STRING *its = X509_get0_authority_key_id(certificate->x509);
    return its && text_equal(view(its), (struct text){ (const char *)id, size });
}
