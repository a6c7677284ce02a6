/* The load: many connections from one thread, so that the server is what is measured.
 *
 * usage: load exchange PORT CONNECTIONS SECONDS FILE
 *            each connection sends FILE's bytes, waits until as many came back, and again; prints exchanges per second.
 *        load churn PORT CONCURRENT SECONDS FILE
 *            connect, send, wait for the answer, close, again; prints connections per second.
 *        load hold PORT CONNECTIONS 0 FILE
 *            opens the connections, exchanges FILE once over each, prints connections per second, and holds them until
 *            its standard input ends.
 * The second number printed is the count of operations done.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 262144, EVENTS = 512 };

struct connection {
    int fd;
    size_t waiting; /* bytes of the answer still to come; 0 while connecting */
};

static char message[BUFFER], scratch[BUFFER];
static size_t length;
static int poller;
static unsigned short port;
static unsigned long done;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void begin(struct connection *c, unsigned long serial) {
    int on = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in from = {.sin_family = AF_INET};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0) fail("socket");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    /* Spread over loopback addresses: the ports of one would soon all be waiting out their last close. */
    from.sin_addr.s_addr = htonl(0x7f000001 + (unsigned)(serial / 4096 % 64));
    setsockopt(c->fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(c->fd, (struct sockaddr *)&from, sizeof from)) fail("bind");
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) fail("connect");
    c->waiting = 0;
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event)) fail("epoll_ctl");
}

static void send_message(struct connection *c) {
    if (send(c->fd, message, length, MSG_NOSIGNAL) != (ssize_t)length) fail("send");
    c->waiting = length;
}

static void connected(struct connection *c) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) errno = error, fail("connected");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
    send_message(c);
}

/* True when a whole answer has come. */
static int receive(struct connection *c) {
    ssize_t got = recv(c->fd, scratch, c->waiting < BUFFER ? c->waiting : BUFFER, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (got <= 0) fail("the server closed");
    c->waiting -= (size_t)got;
    if (c->waiting) return 0;
    done++;
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 6) return fprintf(stderr, "usage: load exchange|churn|hold PORT CONNECTIONS SECONDS FILE\n"), 2;
    char mode = argv[1][0];
    port = (unsigned short)atoi(argv[2]);
    unsigned long count = strtoul(argv[3], NULL, 10), opened = 0, limit = mode == 'h' ? 128 : count;
    double seconds = atof(argv[4]);
    int file = open(argv[5], O_RDONLY);
    if (file < 0) fail(argv[5]);
    length = (size_t)read(file, message, BUFFER);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    poller = epoll_create1(0);
    struct connection *all = calloc(count, sizeof *all);
    struct epoll_event events[EVENTS];
    double start = now(), end = start + seconds;
    while (opened < limit && opened < count) begin(&all[opened], opened), opened++;
    while (mode == 'h' ? done < count : now() < end) {
        int ready = epoll_wait(poller, events, EVENTS, 1000);
        if (ready == 0) return fprintf(stderr, "load: no answer within a second\n"), 1;
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c->waiting) {
                connected(c);
                continue;
            }
            if (!receive(c)) continue;
            if (mode == 'e') send_message(c);
            else if (mode == 'c') close(c->fd), begin(c, done);
            else if (opened < count) begin(&all[opened], opened), opened++;
        }
    }
    printf("%.1f %lu\n", (double)done / (now() - start), done);
    fflush(stdout);
    if (mode == 'h') while (read(0, scratch, 1) > 0) continue;
    return 0;
}
