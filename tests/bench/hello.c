/* hello: the minimal FastCGI server that m2mauth is compared with. It reads the whole body and answers 200 fixed bytes of JSON.
 *
 *     hello classic N        N processes, each waiting in FCGX_Accept_r: one connection, one request
 *     hello multiplexed N    N processes, each serving many kept connections by epoll
 *
 * Descriptor 0 is the listening socket. It trusts its peer and never exits by itself: do not use it as a model. */
#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BODY_BYTES = 200, CONNECTIONS = 512, EVENTS = 64, PEER_SECONDS = 5, PROCESSES_MAX = 64 };

static const char head[] = "Status: 200 OK\r\n"
                           "Content-Type: application/json\r\n"
                           "Cache-Control: no-store\r\n"
                           "Content-Length: 200\r\n\r\n";
static const char body[] =
    "{\"active\":true,\"iss\":\"https://login.example/oauth\",\"sub\":\"bench-client\",\"client_id\":\"bench-client\","
    "\"scope\":\"read write\",\"token_type\":\"Bearer\",\"iat\":1893452400,"
    "\"exp\":1893456000,\"pad\":\"...............\"}";
_Static_assert(sizeof(body) - 1 == BODY_BYTES, "the head says how long the body is");

struct hello {
    FCGX_Request requests[CONNECTIONS];
    unsigned free[CONNECTIONS];     /* a stack of unused requests */
    unsigned free_count;
    int events;
    char answer[sizeof(head) + sizeof(body)];
};

static void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void answer(FCGX_Request *request, const char *text)
{
    char drain[8192];
    while (FCGX_GetStr(drain, sizeof(drain), request->in) > 0) continue;
    FCGX_PutStr(text, (int)strlen(text), request->out);
}

static void classic(struct hello *hello)
{
    FCGX_Request *request = &hello->requests[0];
    FCGX_InitRequest(request, 0, 0);
    while (FCGX_Accept_r(request) >= 0) {
        answer(request, hello->answer);
        FCGX_Finish_r(request);
    }
}

static void watch(struct hello *hello, int fd, unsigned which, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.u32 = which };
    if (epoll_ctl(hello->events, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

/* libfcgi itself never accepts (its listening socket is -1): it gets a connection that is readable. */
static void welcome(struct hello *hello)
{
    if (hello->free_count == 0) return;
    int fd = accept4(STDIN_FILENO, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) return;
    struct timeval limit = { .tv_sec = PEER_SECONDS };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    unsigned which = hello->free[--hello->free_count];
    FCGX_Request *request = &hello->requests[which];
    FCGX_InitRequest(request, -1, 0);
    request->ipcFd = fd;
    request->keepConnection = 1;
    watch(hello, fd, which, EPOLLIN);
}

static void serve(struct hello *hello, unsigned which)
{
    FCGX_Request *request = &hello->requests[which];
    bool kept = false;
    if (FCGX_Accept_r(request) == 0) {
        answer(request, hello->answer);
        kept = request->keepConnection;
        if (!kept) FCGX_Detach(request);    /* otherwise libfcgi waits for the peer to close first */
        FCGX_Finish_r(request);
    }
    if (!kept) hello->free[hello->free_count++] = which;
}

static void multiplexed(struct hello *hello)
{
    for (unsigned i = 0; i < CONNECTIONS; i++) hello->free[hello->free_count++] = CONNECTIONS - 1 - i;
    hello->events = epoll_create1(EPOLL_CLOEXEC);
    if (hello->events < 0 || fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) != 0) die("epoll");
    watch(hello, STDIN_FILENO, CONNECTIONS, EPOLLIN | EPOLLEXCLUSIVE);
    for (;;) {
        struct epoll_event ready[EVENTS];
        int count = epoll_wait(hello->events, ready, EVENTS, -1);
        if (count < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < count; i++) {
            if (ready[i].data.u32 == CONNECTIONS) welcome(hello);
            else serve(hello, ready[i].data.u32);
        }
    }
}

int main(int argc, char **argv)
{
    static struct hello hello;
    unsigned long count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    bool is_classic = argc == 3 && strcmp(argv[1], "classic") == 0;
    if (count == 0 || count > PROCESSES_MAX || (!is_classic && strcmp(argv[1], "multiplexed") != 0)) {
        fprintf(stderr, "usage: hello classic|multiplexed PROCESSES < listening socket\n");
        return 64;
    }
    snprintf(hello.answer, sizeof(hello.answer), "%s%s", head, body);
    for (unsigned long i = 0; i < count; i++) {
        pid_t pid = fork();
        if (pid < 0) die("fork");
        if (pid > 0) continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (FCGX_Init() != 0) die("FCGX_Init");
        if (is_classic) classic(&hello);
        else multiplexed(&hello);
        return EXIT_FAILURE;
    }
    while (wait(NULL) > 0) continue;
    return EXIT_FAILURE;
}
