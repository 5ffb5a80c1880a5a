/* signing_keys: private halves are opened once, a few at a time, those that sign first. key_seal: the MAC of a row. */
#include <openssl/pem.h>
#include <stdlib.h>

#include "../../app/keys/key_seal.h"
#include "../../app/region/signing_keys.h"
#include "../../app/keys/keypair.h"
#include "fixture.h"

static struct config config;
static struct region region;
static struct passphrase passphrase;
static struct keyring keyring;
static struct keyfile file;
static struct region_keys keys;

static struct region_key key_of(enum jws_algorithm algorithm, int64_t activate)
{
    struct keypair pair;
    struct region_key key = { .publish = 1, .activate = activate };
    if (keypair_new(algorithm, passphrase.readings[0], &pair)) exit(2);
    memcpy(key.kid, pair.kid, sizeof pair.kid);
    memcpy(key.jwk, pair.jwk, sizeof key.jwk);
    memcpy(key.pem, pair.pem, sizeof key.pem);
    snprintf(key.algorithm, sizeof key.algorithm, "%s", jws_algorithm_name(algorithm).data);
    return key;
}

static void fill(void)
{
    keys = (struct region_keys){ .count = REGION_KEYS };
    for (size_t i = 0; i < REGION_KEYS; i++) keys.keys[i] = key_of(JWS_ES256, (int64_t)i + 10);
}

/* On a busy machine one call may have time for one key only. */
static void refresh(void)
{
    signing_keys_publish(&region, &keys);
    do signing_keys_refresh(&file, &region, &passphrase, &keyring);
    while (file.pending);
}

static size_t signers(void)
{
    size_t count = 0;
    for (size_t i = 0; i < keyring.count; i++) count += keyring.keys[i].signer || keyring.keys[i].mac;
    return count;
}

static const char *signer(void)
{
    const struct keyring_key *key = keyring_signer(&keyring, JWS_ES256, time(NULL));
    return key ? key->kid_text : "";
}

/* Independent of the time that one of them takes. */
static void all_are_opened_and_the_signer_by_the_first_call(void)
{
    fill();
    signing_keys_publish(&region, &keys);
    signing_keys_refresh(&file, &region, &passphrase, &keyring);
    CHECK(strcmp(signer(), keys.keys[REGION_KEYS - 1].kid) == 0);
    CHECK(keyring.count == REGION_KEYS);
    for (int i = 0; file.pending && i < REGION_KEYS; i++) {
        uint64_t before = file.opened;
        signing_keys_refresh(&file, &region, &passphrase, &keyring);
        CHECK(file.opened > before);
    }
    CHECK(!file.pending && file.opened == REGION_KEYS && signers() == REGION_KEYS);
}

static void a_change_of_times_opens_nothing(void)
{
    uint64_t before = file.opened;
    for (size_t i = 0; i < keys.count; i++) keys.keys[i].remove = INT64_MAX;
    keys.keys[3].activate = time(NULL);
    refresh();
    CHECK(file.opened == before && !file.pending && signers() == REGION_KEYS);
    CHECK(strcmp(signer(), keys.keys[3].kid) == 0);
}

static void a_key_that_is_sealed_anew_is_the_same_key(void)
{
    uint64_t before = file.opened;
    memset(keys.keys[0].pem, 0, sizeof keys.keys[0].pem);
    snprintf(keys.keys[0].pem, sizeof keys.keys[0].pem, "another form of it");
    refresh();
    CHECK(file.opened == before && signers() == REGION_KEYS);
}

static void one_new_key_is_one_opened(void)
{
    uint64_t before = file.opened;
    keys.keys[0] = key_of(JWS_ES256, 5);
    refresh();
    CHECK(file.opened == before + 1 && signers() == REGION_KEYS && file.count == REGION_KEYS);
}

static void a_retired_key_is_not_opened_and_a_retired_secret_is(void)
{
    uint64_t before = file.opened;
    keys.count = 2;
    keys.keys[0] = key_of(JWS_ES256, 5);
    keys.keys[1] = key_of(JWS_HS256, 5);
    keys.keys[0].retire = keys.keys[1].retire = 20;
    refresh();
    CHECK(file.opened == before + 1 && keyring.count == 2 && signers() == 1 && file.count == 1);
}

static void what_cannot_be_opened_is_tried_when_the_keys_change_and_not_before(void)
{
    keys.count = 2;
    keys.keys[0] = key_of(JWS_ES256, 5);
    keys.keys[1] = key_of(JWS_ES256, 6);
    snprintf(keys.keys[1].pem, sizeof keys.keys[1].pem, "nothing");
    uint64_t before = file.opened;
    refresh();
    CHECK(file.opened == before + 2 && strcmp(signer(), keys.keys[0].kid) == 0);
    signing_keys_refresh(&file, &region, &passphrase, &keyring);
    CHECK(file.opened == before + 2);
    keys.keys[0].remove = INT64_MAX;
    refresh();
    CHECK(file.opened == before + 3 && signers() == 1);
}

/* After an operator has sealed the last row: all rows, by kid alone. */
static void an_unproven_key_is_there_by_its_name(void)
{
    keys.keys[1].unproven = 1;
    keys.incomplete = 1;
    refresh();
    CHECK(keyring.count == 2 && keyring.incomplete && !keyring_is_unproven(&keyring));
    keys.keys[0].unproven = 1;
    refresh();
    CHECK(keyring_is_unproven(&keyring) && signers() == 0);
    keys = (struct region_keys){ .count = 0 };
    refresh();
    CHECK(keyring.count == 0 && !keyring.incomplete && !keyring_is_unproven(&keyring));
}

static struct key_seal seal;

static enum key_seal_state check_row(const struct key_seal_row *row, const char *mac)
{
    size_t reading = 9;
    enum key_seal_state state = key_seal_check(&seal, row, text_of(mac), &reading);
    return state == KEY_SEAL_GOOD && reading != 1 ? KEY_SEAL_NONE : state;
}

/* Each byte of each field, and where one field ends and the next begins. */
static void a_mac_is_of_one_row_alone(void)
{
    char mac[KEY_SEAL_MAC + 1], other[KEY_SEAL_MAC + 1];
    const struct key_seal_row row = { TEXT("kid"), TEXT("ES256"), TEXT("{\"kty\":\"EC\"}"), TEXT("file:/k") };
    const struct key_seal_row others[] = {
        { TEXT("kie"), row.algorithm, row.jwk, row.uri },      { TEXT("kidE"), TEXT("S256"), row.jwk, row.uri },
        { row.kid, TEXT("PS256"), row.jwk, row.uri },          { row.kid, row.algorithm, TEXT("{\"kty\":\"EC\"} "), row.uri },
        { row.kid, row.algorithm, row.jwk, TEXT("file:/l") },  { row.kid, row.algorithm, row.jwk, { NULL, 0 } },
        { row.kid, row.algorithm, TEXT("{\"kty\":\"EC\"}file:/k"), { NULL, 0 } },
    };
    CHECK(key_seal_put(&seal, 1, &row, mac) == 0 && strlen(mac) == KEY_SEAL_MAC);
    CHECK(check_row(&row, mac) == KEY_SEAL_GOOD && check_row(&row, "") == KEY_SEAL_NONE);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) CHECK(check_row(&others[i], mac) == KEY_SEAL_WRONG);
    for (size_t i = 0; i < KEY_SEAL_MAC; i++) {
        memcpy(other, mac, sizeof other);
        other[i] = other[i] == 'A' ? 'B' : 'A';
        CHECK(check_row(&row, other) == KEY_SEAL_WRONG);
    }
    CHECK(key_seal_put(&seal, 0, &row, other) == 0 && strcmp(other, mac) != 0);
    seal.passphrase.count = 1;
    CHECK(check_row(&row, mac) == KEY_SEAL_WRONG);
    seal.passphrase.count = 0;
    CHECK(check_row(&row, mac) == KEY_SEAL_WRONG && check_row(&row, other) == KEY_SEAL_WRONG);
}

int main(void)
{
    config = fixture_config();
    region = fixture_region(&config);
    passphrase.readings[0] = passphrase.text = TEXT("a passphrase that no one guesses");
    passphrase.count = 1;
    RUN(all_are_opened_and_the_signer_by_the_first_call);
    RUN(a_change_of_times_opens_nothing);
    RUN(a_key_that_is_sealed_anew_is_the_same_key);
    RUN(one_new_key_is_one_opened);
    RUN(a_retired_key_is_not_opened_and_a_retired_secret_is);
    RUN(what_cannot_be_opened_is_tried_when_the_keys_change_and_not_before);
    seal.passphrase.count = 2;
    seal.passphrase.readings[0] = TEXT("the passphrase of now, for all hosts");
    seal.passphrase.readings[1] = TEXT("the passphrase of before, for all hosts");
    if (key_seal_derive(&seal)) return 2;
    RUN(a_mac_is_of_one_row_alone);
    RUN(an_unproven_key_is_there_by_its_name);
    keyring_clear(&keyring);
    signing_keys_close(&file);
    region_close(&region);
    return CHECK_EXIT();
}
