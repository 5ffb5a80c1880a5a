/* record_check: what holds of every record that client_record_read() takes, whatever its bytes are. */
#ifndef TESTS_RECORD_CHECK_H
#define TESTS_RECORD_CHECK_H

#include <stdlib.h>

#include "../app/region/client_record.h"
#include "../lib/base/arena.h"

static const struct client_secret record_secrets[] = {
    { TEXT("blue"), { 0, { 1, 2, 3 }, { 4, 5, 6 } }, 5, 1LL << 40 },
    { TEXT("green-2026"), { 5000000, { 7 }, { 8, [31] = 9 } }, 0, 0 },
};
static const struct client_key record_keys[] = { { TEXT("k1"), TEXT("{\"kty\":\"OKP\"}"), JWS_EdDSA, 0, 7 } };
static const struct client_grant record_grants[] = {
    { TEXT("https://a.example/"), TEXT("read"), true, 30, JWS_EdDSA },
    { TEXT("https://b.example/"), TEXT(""), false, 0, JWS_NONE },
};
static const struct text record_reads[] = { TEXT("https://a.example/"), TEXT("urn:x") };

/* A client with one row of each kind and more. */
static inline struct client record_sample(void)
{
    return (struct client){
        .id = TEXT("sample"), .default_audience = TEXT("https://a.example/"), .token_seconds = 77, .rate_per_minute = 600,
        .methods = 31, .enabled = true, .tls_subject = { SUBJECT_san_dns, TEXT("a.example") }, .secret_count = 2,
        .key_count = 1, .grant_count = 2, .read_count = 2, .secrets = (struct client_secret *)record_secrets,
        .keys = (struct client_key *)record_keys, .grants = (struct client_grant *)record_grants,
        .reads = (struct text *)record_reads,
    };
}

static inline bool record_holds(struct text bytes, struct text part)
{
    if (!text_present(part)) return part.size == 0;
    size_t offset = (size_t)(part.data - bytes.data);
    return part.data >= bytes.data && offset <= bytes.size && part.size <= bytes.size - offset;
}

static inline bool record_client_is_sound(struct text bytes, const struct client *client)
{
    bool sound = text_present(client->id) && record_holds(bytes, client->id) && client->tls_subject.kind < CERTIFICATE_SUBJECT_KINDS &&
                 record_holds(bytes, client->default_audience) && record_holds(bytes, client->tls_subject.value) &&
                 client->secret_count <= CLIENT_SECRETS && client->key_count <= CLIENT_KEYS &&
                 client->grant_count <= CLIENT_GRANTS && client->read_count <= CLIENT_READS;
    for (size_t i = 0; sound && i < client->secret_count; i++) sound = record_holds(bytes, client->secrets[i].label);
    for (size_t i = 0; sound && i < client->key_count; i++)
        sound = record_holds(bytes, client->keys[i].kid) && record_holds(bytes, client->keys[i].jwk) &&
                (unsigned)client->keys[i].algorithm < JWS_PUBLIC_ALGORITHMS;
    for (size_t i = 0; sound && i < client->grant_count; i++)
        sound = record_holds(bytes, client->grants[i].audience) && record_holds(bytes, client->grants[i].scope) &&
                (client->grants[i].audience_algorithm < JWS_PUBLIC_ALGORITHMS ||
                 client->grants[i].audience_algorithm == JWS_NONE);
    for (size_t i = 0; sound && i < client->read_count; i++) sound = record_holds(bytes, client->reads[i]);
    return sound;
}

/* Reads a copy of exactly these bytes, so that a sanitizer sees one byte too far. Whether all that was read is sound, and
 * refused is sound, too. *taken_r, unless NULL: it was read. */
static inline bool record_is_sound(struct text bytes, struct arena *arena, bool *taken_r)
{
    struct client client;
    char *copy = malloc(bytes.size + 1);
    struct text record = { copy ? copy + 1 : NULL, bytes.size };     /* behind one byte: none of it is aligned */
    if (!copy) return false;
    memcpy(copy + 1, bytes.data, bytes.size);
    arena_reset(arena);
    struct text id = client_record_id(record);
    bool taken = client_record_read(record, arena, &client) == 0;
    bool sound = record_holds(record, id) && (!taken || (record_client_is_sound(record, &client) && text_equal(id, client.id)));
    if (taken_r) *taken_r = taken;
    free(copy);
    return sound;
}

#endif
