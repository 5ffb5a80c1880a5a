#include "worker.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "../../lib/oauth/server.h"
#include "account.h"
#include "../platform/random.h"
#include "fcgi.h"
#include "../region/signing_keys.h"
#include "../platform/log.h"
#include "metrics_page.h"
#include "../keys/passphrase.h"
#include "signing.h"
#include "../platform/url.h"
#include "region_store.h"

enum {
    LISTENER = 0,
    ARENA_BYTES = 1048576, /* its pages are touched only as far as a request needs them */
    CACHED_TOKENS = 4096,  /* pages are touched as entries are added */
    CACHED_JWKS = 256,     /* keys of clients that sign: about 2 KB each */
    EVENTS = 64,
    TURN_MS = 1000,            /* the longest time between two heartbeats */
    DESCRIPTOR_PAUSE_MS = 100, /* after the system ran out of descriptors or memory */
    AWAY_MS = 1000,            /* connections wait so long for a database that is away */
    LOAD_MS = 10000,           /* and for the first load of the region: less than a front server waits for an answer */
    LOAD_TURN_MS = 5,
    EMPTY_MS = 500, /* at a stop the backlog is emptied for so long, and of at least EMPTY_LEAST connections */
    EMPTY_LEAST = 32,
    LAST_GRACE_MS = 1000, /* for connections that were accepted last */
    KEPT_IDLE_MS = 100,   /* at a stop or reload, a kept connection is closed after so long without a request */
    LEAVING_TURN_MS = 20,
    ALARM_SECONDS = 3, /* beyond drain_seconds: ends this process if the master does not */
    ID_BYTES = 8,
};

enum phase { SERVING, EMPTYING, LEAVING };

struct slot {
    struct fcgi_connection *connection; /* NULL: free */
    uint64_t used_ms;
    bool kept; /* a request has been answered on it */
    struct slot *next_free;
};

struct worker {
    const struct config *config;
    struct region *region;
    struct region_process *row;
    struct region_store store;
    struct keyring keyring;
    struct keyfile keyfile;
    struct secret_hasher hasher;
    struct token_cache token_cache;
    struct jwk_cache jwk_cache;
    struct issuer issuer;
    struct arena arena;
    struct random_source random_source;
    struct passphrase passphrase;
    int log_from_status;
    int epoll, signals;
    struct slot *slots, *free;
    size_t count;
    enum phase phase;
    bool listening;
    unsigned emptied; /* connections taken since the phase EMPTYING began */
    uint64_t opened_ms, stopped_ms, until_ms, listen_again_ms, swept_ms;
};

static int64_t issuer_now(void *context)
{
    (void)context;
    return time(NULL);
}

static int issuer_random(void *context, unsigned char *bytes, size_t size)
{
    struct worker *worker = context;
    return random_take(&worker->random_source, bytes, size);
}

static int issuer_sign(void *context, const struct keyring_key *key, struct secret_hasher *hasher, struct text input,
                       struct buffer *signature)
{
    (void)context;
    return keyring_sign(key, hasher, input, signature);
}

static int issuer_metrics(void *context, struct buffer *page)
{
    struct worker *worker = context;
    return metrics_page(&worker->store, page);
}

static int open_issuer(struct worker *worker)
{
    const struct config *config = worker->config;
    struct text name = text_of(config->issuer);
    worker->issuer = (struct issuer){
        .name = name,
        .prefix = url_path(name),
        .mtls_name = text_of(config->mtls_url),
        .dpop_nonce = strcmp(config->dpop_nonce, "required") == 0,
        .token_seconds = config->token_seconds,
        .token_algorithm = jws_algorithm_find_own(text_of(config->token_algorithm)),
        .jwks_max_age = config->jwks_max_age_seconds,
        .fresh_seconds = config->fresh_seconds,
        .validate_seconds = config->validate_seconds,
        .issue_seconds = config->issue_seconds,
        .keyring = &worker->keyring,
        .store = region_store_interface(&worker->store),
        .hasher = &worker->hasher,
        .token_cache = &worker->token_cache,
        .jwk_cache = &worker->jwk_cache,
        .context = worker,
        .now = issuer_now,
        .random = issuer_random,
        .sign = issuer_sign,
        .metrics = issuer_metrics,
    };
    memcpy(worker->issuer.fingerprint_key, worker->region->head->fingerprint_key, ISSUER_FINGERPRINT_KEY);
    if (!worker->issuer.dpop_nonce) return 0;
    return passphrase_derive(worker->passphrase.text, TEXT("m2mauth DPoP-Nonce"), worker->issuer.nonce_key,
                             ISSUER_NONCE_KEY);
}

static int watch(struct worker *worker, int fd, uint32_t events, struct slot *slot)
{
    struct epoll_event event = { .events = events, .data.ptr = slot };
    return epoll_ctl(worker->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* The listener and the signals have slots of their own after those of the connections. */
static struct slot *listener_slot(const struct worker *worker)
{
    return worker->slots + worker->config->worker_connections;
}

static struct slot *signals_slot(const struct worker *worker) { return listener_slot(worker) + 1; }

static int listen_on(struct worker *worker)
{
    worker->listening = true;
    return watch(worker, LISTENER, EPOLLIN | EPOLLEXCLUSIVE, listener_slot(worker));
}

static void listen_off(struct worker *worker)
{
    if (worker->listening) epoll_ctl(worker->epoll, EPOLL_CTL_DEL, LISTENER, NULL);
    worker->listening = false;
}

static int open_slots(struct worker *worker)
{
    size_t most = worker->config->worker_connections;
    worker->slots = calloc(most + 2, sizeof *worker->slots);
    if (!worker->slots) return -1;
    for (size_t i = most; i > 0; i--) {
        worker->slots[i - 1].next_free = worker->free;
        worker->free = &worker->slots[i - 1];
    }
    return 0;
}

/* Signals stay blocked, so that libfcgi never gets EINTR; they arrive through a descriptor. */
static int open_signals(struct worker *worker)
{
    sigset_t stops, all;
    sigfillset(&all);
    sigdelset(&all, SIGALRM);
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGHUP);
    worker->signals = -1;
    if (sigprocmask(SIG_SETMASK, &all, NULL)) return -1;
    worker->signals = signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK);
    return worker->signals < 0 ? -1 : watch(worker, worker->signals, EPOLLIN, signals_slot(worker));
}

static const char *open_loop(struct worker *worker)
{
    worker->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (worker->epoll < 0) return "epoll";
    if (open_slots(worker)) return "no memory for connections";
    if (open_signals(worker)) return "signalfd";
    return fcgi_open() ? "libfcgi" : NULL;
}

static void open_log(struct worker *worker)
{
    const struct config *config = worker->config;
    const char *logged = config->log_requests;
    worker->log_from_status = strcmp(logged, "all") == 0 ? 0 : 400;
    if (strcmp(logged, "none") == 0) worker->log_from_status = INT32_MAX;
    log_turn(worker->opened_ms);
    log_limit_requests((config->log_requests_per_second + config->workers - 1) / config->workers);
}

/* Returns NULL, or what failed, with the reason in errno unless that is 0. */
static const char *open_parts(struct worker *worker)
{
    errno = 0;
    if (region_confine(worker->region)) return "the shared memory cannot be made read-only";
    if (arena_open(&worker->arena, ARENA_BYTES)) return "no memory for requests";
    const char *fault = open_loop(worker);
    if (fault) return fault;
    if (secret_hasher_open(&worker->hasher)) return "OpenSSL has no SHA-256 or HMAC";
    if (token_cache_open(&worker->token_cache, CACHED_TOKENS)) return "no memory for recent tokens";
    if (jwk_cache_open(&worker->jwk_cache, CACHED_JWKS)) return "no memory for clients' keys";
    if (region_store_open(&worker->store, worker->region, worker->row, &worker->hasher, worker->config))
        return "the clock CLOCK_BOOTTIME cannot be read";
    return NULL;
}

static void refresh_keys(struct worker *worker)
{
    uint64_t before = worker->keyring.generation;
    signing_keys_refresh(&worker->keyfile, worker->region, &worker->passphrase, &worker->keyring);
    if (worker->keyring.generation != before) signing_note(worker->row, &worker->keyring);
}

static int open_keys(struct worker *worker)
{
    if (passphrase_open(&worker->passphrase, worker->config, false)) return EX_CONFIG;
    if (open_issuer(worker)) {
        log_event(LOG_LEVEL_ERROR, "start", "the worker cannot start: OpenSSL cannot derive the key of DPoP nonces");
        return EX_OSERR;
    }
    do {
        refresh_keys(worker);
    } while (worker->keyfile.pending);
    signing_note(worker->row, &worker->keyring);
    if (!signing_lost(worker->region, worker->row, &worker->keyring)) return EX_OK;
    log_event(LOG_LEVEL_ERROR, "start",
              "this worker cannot open a key that running workers sign with: check "
              "key_passphrase_file and the files of keys, then reload");
    return EX_CONFIG;
}

static int open_all(struct worker *worker)
{
    worker->opened_ms = region_milliseconds();
    open_log(worker);
    const char *fault = open_parts(worker);
    if (!fault) return open_keys(worker);
    log_event(LOG_LEVEL_ERROR, "start", "the worker cannot start: %s%s%s", fault, errno ? ": " : "",
              errno ? strerror(errno) : "");
    return EX_OSERR;
}

static void drop_connection(struct worker *worker, struct slot *slot)
{
    assert(slot->connection && worker->count > 0); /* freed twice, a slot would serve two connections */
    fcgi_close(slot->connection);
    slot->connection = NULL;
    slot->next_free = worker->free;
    worker->free = slot;
    worker->count--;
}

static void close_all(struct worker *worker)
{
    for (size_t i = 0; worker->slots && i < worker->config->worker_connections; i++)
        if (worker->slots[i].connection) drop_connection(worker, &worker->slots[i]);
    free(worker->slots);
    if (worker->signals >= 0) close(worker->signals);
    if (worker->epoll >= 0) close(worker->epoll);
    passphrase_close(&worker->passphrase);
    OPENSSL_cleanse(worker->issuer.nonce_key, ISSUER_NONCE_KEY);
    keyring_clear(&worker->keyring);
    signing_keys_close(&worker->keyfile);
    secret_hasher_close(&worker->hasher);
    token_cache_close(&worker->token_cache);
    jwk_cache_close(&worker->jwk_cache);
    arena_close(&worker->arena);
}

static uint64_t microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Makes an id for a request that the front server sent without one; the response then carries it. */
static void set_request_id(struct worker *worker, struct request *request)
{
    unsigned char bytes[ID_BYTES];
    if (text_present(request->id)) return;
    struct buffer id = { arena_take(&worker->arena, 2 * ID_BYTES), 0, 2 * ID_BYTES, false };
    if (!id.data || random_take(&worker->random_source, bytes, sizeof bytes)) return;
    buffer_put_hex(&id, (struct text){ (const char *)bytes, sizeof bytes });
    request->id = buffer_text(&id);
    request->id_is_ours = true;
}

/* Returns 0 when the connection is kept, or -1 when it must be closed. */
static int answer_request(struct worker *worker, struct fcgi_connection *connection)
{
    struct request request;
    struct response response = { .status = 0 };
    uint64_t start = microseconds();
    if (fcgi_read(connection, &worker->arena, &request)) return -1;
    refresh_keys(worker);
    set_request_id(worker, &request);
    struct text reply = server_handle(&worker->issuer, &worker->arena, &request, &response);
    account_request(worker->row, worker->log_from_status, &request, &response, (unsigned)(microseconds() - start));
    return fcgi_write(connection, reply, worker->phase == SERVING);
}

static void serve_slot(struct worker *worker, struct slot *slot)
{
    assert(slot->connection);
    slot->used_ms = region_milliseconds();
    atomic_store_explicit(&worker->row->busy_since_ms, slot->used_ms, memory_order_relaxed);
    int over = answer_request(worker, slot->connection);
    slot->kept = true;
    arena_reset(&worker->arena);
    atomic_store_explicit(&worker->row->busy_since_ms, 0, memory_order_relaxed);
    if (over) drop_connection(worker, slot);
}

/* Stops accepting for a short time, unless the reason is that another worker accepted the connection. */
static void accept_failed(struct worker *worker, int why)
{
    if (why == EAGAIN || why == EINTR || why == ECONNABORTED) return;
    log_repeated(LOG_LEVEL_WARNING, "accept", "cannot accept a connection: %s", strerror(why));
    listen_off(worker);
    worker->listen_again_ms = region_milliseconds() + DESCRIPTOR_PAUSE_MS;
}

/* Accepts one connection at a time, so that the workers share them. Returns whether there was one. */
static bool accept_connection(struct worker *worker)
{
    struct slot *slot = worker->free;
    assert(slot && !slot->connection);
    int fd = fcgi_accept(LISTENER, worker->config->io_seconds, &slot->connection);
    if (fd < 0) {
        accept_failed(worker, errno);
        return false;
    }
    worker->free = slot->next_free;
    slot->kept = false;
    worker->count++;
    slot->used_ms = region_milliseconds();
    if (watch(worker, fd, EPOLLIN, slot)) drop_connection(worker, slot);
    return true;
}

/* Whether the replica is loaded, or waiting longer is useless. While the keeper has not reported that the database is away, it
 * is connecting or loading, which may take long on a busy machine. */
static bool may_accept(const struct worker *worker, uint64_t now)
{
    const struct region_status *status = worker->region->status;
    if (atomic_load_explicit(&status->complete, memory_order_acquire)) return true;
    bool away = atomic_load_explicit(&status->database_away, memory_order_relaxed);
    return now >= worker->opened_ms + (away ? AWAY_MS : LOAD_MS);
}

/* Stops accepting while all slots are used: the other workers accept until a connection is closed. */
static void update_listener(struct worker *worker, uint64_t now)
{
    if (!worker->free) listen_off(worker);
    if (!worker->free || worker->listening || worker->phase != SERVING) return;
    if (now < worker->listen_again_ms || !may_accept(worker, now)) return;
    if (listen_on(worker)) accept_failed(worker, errno);
    else atomic_store_explicit(&worker->row->ready, 1, memory_order_release);
}

/* A worker that has never accepted has no data to answer from: the backlog is left to the next start. */
static void begin_stop(struct worker *worker, enum phase phase)
{
    if (!atomic_load_explicit(&worker->row->ready, memory_order_relaxed)) phase = LEAVING;
    if (worker->phase == SERVING) {
        worker->stopped_ms = region_milliseconds();
        worker->until_ms = worker->stopped_ms + worker->config->drain_seconds * 1000ULL;
        alarm(worker->config->drain_seconds + ALARM_SECONDS);
    }
    if (phase > worker->phase) worker->phase = phase;
    listen_off(worker);
}

static void take_signals(struct worker *worker)
{
    struct signalfd_siginfo info;
    while (read(worker->signals, &info, sizeof info) == (ssize_t)sizeof info)
        begin_stop(worker, info.ssi_signo == SIGHUP ? LEAVING : EMPTYING);
}

/* Whether connections that were in the backlog when the stop began may still be there. Under load the backlog is never empty:
 * later connections are left to the next start, or refused when the socket is closed. */
static bool may_empty(const struct worker *worker, uint64_t now)
{
    bool recent = now < worker->stopped_ms + EMPTY_MS || worker->emptied < EMPTY_LEAST;
    return recent && now < worker->until_ms;
}

/* Accepts one connection from the backlog each turn; when there are no more or time is up, serves only those accepted. */
static void empty_backlog(struct worker *worker, uint64_t now)
{
    if (may_empty(worker, now) && (!worker->free || accept_connection(worker))) {
        worker->emptied++;
        return;
    }
    worker->phase = LEAVING;
    if (worker->until_ms < now + LAST_GRACE_MS) worker->until_ms = now + LAST_GRACE_MS;
}

/* Closes kept connections without a request. A front server that sends one at this moment finds the connection closed before
 * its first byte and repeats the request on another (fastcgi_next_upstream in deploy/nginx). */
static void close_kept(struct worker *worker, uint64_t now)
{
    for (size_t i = 0; i < worker->config->worker_connections; i++) {
        struct slot *slot = &worker->slots[i];
        if (!slot->connection || !slot->kept || now - slot->used_ms < KEPT_IDLE_MS) continue;
        if (fcgi_refuse_more(slot->connection)) serve_slot(worker, slot);
        else drop_connection(worker, slot);
    }
}

/* Once per turn: updates the keys and closes idle connections. */
static void maintain(struct worker *worker, uint64_t now)
{
    uint64_t idle_ms = worker->config->idle_seconds * 1000ULL;
    if (now - worker->swept_ms < TURN_MS) return;
    worker->swept_ms = now;
    refresh_keys(worker);
    signing_note(worker->row, &worker->keyring); /* keys are activated and retired by time */
    for (size_t i = 0; i < worker->config->worker_connections; i++) {
        struct slot *slot = &worker->slots[i];
        if (slot->connection && now - slot->used_ms >= idle_ms) drop_connection(worker, slot);
    }
}

/* Returns the longest time to wait for events, in milliseconds. */
static int wait_ms(const struct worker *worker)
{
    if (worker->phase == EMPTYING && worker->free) return 0;
    if (worker->phase != SERVING) return LEAVING_TURN_MS;
    if (!atomic_load_explicit(&worker->row->ready, memory_order_relaxed)) return LOAD_TURN_MS;
    return worker->listening ? TURN_MS : DESCRIPTOR_PAUSE_MS;
}

/* Accepts only after all requests have been answered. A worker that exits then loses as few connections as possible, and a slot
 * gets a new connection only after all events of the turn, which may refer to its former one, have been handled. */
static void handle_events(struct worker *worker)
{
    struct epoll_event events[EVENTS];
    bool is_readable = false;
    int count = epoll_wait(worker->epoll, events, EVENTS, wait_ms(worker));
    for (int i = 0; i < count; i++) {
        struct slot *slot = events[i].data.ptr;
        if (slot == signals_slot(worker)) take_signals(worker);
        else if (slot == listener_slot(worker)) is_readable = true;
        else serve_slot(worker, slot);
    }
    if (is_readable && worker->listening && worker->free) (void)accept_connection(worker);
}

static void worker_loop(struct worker *worker)
{
    for (;;) {
        uint64_t now = region_milliseconds();
        atomic_store_explicit(&worker->row->heartbeat_ms, now, memory_order_relaxed);
        log_turn(now);
        if (worker->phase == EMPTYING) empty_backlog(worker, now);
        if (worker->phase != SERVING) close_kept(worker, now);
        if (worker->phase == LEAVING && (worker->count == 0 || now >= worker->until_ms)) return;
        update_listener(worker, now);
        maintain(worker, now);
        handle_events(worker);
    }
}

int worker_run(struct region *region, struct region_process *row, const struct config *config)
{
    struct worker worker = { .config = config, .region = region, .row = row, .epoll = -1, .signals = -1 };
    int status = open_all(&worker);
    if (status == EX_OK) {
        worker_loop(&worker);
        log_flush();
    }
    close_all(&worker);
    return status;
}
