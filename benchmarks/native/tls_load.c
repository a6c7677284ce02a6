/* The load over TLS: many connections from one thread, so that the server is what is measured.
 *
 * usage: tls_load exchange PORT CONNECTIONS SECONDS FILE
 *            each connection sends FILE's bytes, waits until as many came back, and again; prints exchanges per second.
 *        tls_load handshake PORT CONCURRENT SECONDS FILE
 *            connect, shake hands, say goodbye, close, again; prints connections per second.
 * The server's certificate is not looked at, sessions are not resumed.  What is printed is as in load.c.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 262144, EVENTS = 512 };
enum state { CONNECTING, SHAKING, WRITING, READING };

struct connection {
    int fd;
    SSL *ssl;
    enum state state;
    size_t waiting; /* bytes of the answer still to come */
};

static char message[BUFFER], scratch[BUFFER];
static int length, poller, shakes_only;
static struct sockaddr_in target;
static SSL_CTX *context;
static unsigned long done;

static double clock_s(clockid_t which) {
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what) {
    perror(what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static void begin(struct connection *c) {
    static unsigned long serial;
    int on = 1;
    /* Spread over loopback addresses: the ports of one would soon all be waiting out their last close. */
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001 + (unsigned)(serial++ / 4096 % 64))};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0) fail("socket");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(c->fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(c->fd, (struct sockaddr *)&from, sizeof from)) fail("bind");
    if (connect(c->fd, (struct sockaddr *)&target, sizeof target) && errno != EINPROGRESS) fail("connect");
    c->ssl = SSL_new(context);
    SSL_set_fd(c->ssl, c->fd);
    c->state = CONNECTING;
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event)) fail("epoll_ctl");
}

/* What OpenSSL waits for, after a call that could not be done; ends the program when it is an error. */
static void wait_on(struct connection *c, int result, const char *what) {
    int why = SSL_get_error(c->ssl, result);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) fail(what);
    struct epoll_event event = {.events = why == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

static void end(struct connection *c) {
    SSL_shutdown(c->ssl);
    SSL_free(c->ssl);
    close(c->fd);
}

/* Goes on with one connection until it has to wait. */
static void go_on(struct connection *c) {
    int result;
    for (;;) switch (c->state) {
    case CONNECTING: {
        int error = 0;
        socklen_t room = sizeof error;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &room);
        if (error) errno = error, fail("connected");
        c->state = SHAKING;
    } /* fall through */
    case SHAKING:
        result = SSL_connect(c->ssl);
        if (result != 1) return wait_on(c, result, "handshake");
        if (shakes_only) {
            done++;
            end(c);
            return begin(c);
        }
        c->state = WRITING;
    /* fall through */
    case WRITING:
        result = SSL_write(c->ssl, message, length);
        if (result <= 0) return wait_on(c, result, "write");
        c->waiting = (size_t)length;
        c->state = READING;
    /* fall through */
    case READING:
        result = SSL_read(c->ssl, scratch, BUFFER);
        if (result <= 0) return wait_on(c, result, "read");
        c->waiting -= (size_t)result;
        if (!c->waiting) done++, c->state = WRITING;
    }
}

int main(int argc, char **argv) {
    if (argc != 6) return fprintf(stderr, "usage: tls_load exchange|handshake PORT CONNECTIONS SECONDS FILE\n"), 2;
    shakes_only = argv[1][0] == 'h';
    target.sin_family = AF_INET;
    target.sin_port = htons((unsigned short)atoi(argv[2]));
    target.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    unsigned long count = strtoul(argv[3], NULL, 10);
    double seconds = atof(argv[4]);
    int file = open(argv[5], O_RDONLY);
    if (file < 0) fail(argv[5]);
    length = (int)read(file, message, BUFFER);
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    poller = epoll_create1(0);
    struct connection *all = calloc(count, sizeof *all);
    struct epoll_event events[EVENTS];
    for (unsigned long i = 0; i < count; i++) begin(&all[i]);
    double start = clock_s(CLOCK_MONOTONIC), cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    while (clock_s(CLOCK_MONOTONIC) < start + seconds) {
        int ready = epoll_wait(poller, events, EVENTS, 1000);
        if (ready == 0) return fprintf(stderr, "tls_load: no answer within a second\n"), 1;
        for (int i = 0; i < ready; i++) go_on(events[i].data.ptr);
    }
    double taken = clock_s(CLOCK_MONOTONIC) - start;
    printf("%.1f %lu %.3f\n", (double)done / taken, done, (clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu) / taken);
    return 0;
}
