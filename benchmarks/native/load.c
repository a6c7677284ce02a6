/* The load: many connections from one thread, so that the server is what is measured.
 *
 * usage: load exchange ADDRESS CONNECTIONS SECONDS FILE
 *            each connection sends FILE's bytes, waits until as many came back, and again; prints exchanges per second.
 *        load churn ADDRESS CONCURRENT SECONDS FILE
 *            connect, send, wait for the answer, close, again; prints connections per second.
 *        load hold ADDRESS CONNECTIONS 0 FILE
 *            opens the connections, exchanges FILE once over each, prints connections per second, and holds them until
 *            its standard input ends.
 *        load publish ADDRESS CONNECTIONS 0 FILE
 *            opens the connections as `hold` does, prints their rate, and then for each line of its standard input, a
 *            number of seconds: the first connection sends one byte, waits until every connection has received FILE's
 *            bytes, and again; prints deliveries per second.
 * ADDRESS is a port of 127.0.0.1, the path of a UNIX socket, or udp:PORT, where each connection is a connected socket.
 * The second number printed is the count of operations done; the third is the share of the time that this program was
 * on a processor: near 1 means that it, and not the server, is what was measured.
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
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 262144, EVENTS = 512, OPENING = 128 };

struct connection {
    int fd;
    size_t waiting; /* bytes of the answer still to come; 0 while connecting */
};

static char message[BUFFER], scratch[BUFFER];
static size_t length;
static int poller, datagrams;
static union {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_un un;
} target;
static socklen_t target_size;
static unsigned long done;

static double clock_s(clockid_t which) {
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double now(void) { return clock_s(CLOCK_MONOTONIC); }

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void set_target(const char *address) {
    if (address[0] == '/') {
        target.un.sun_family = AF_UNIX;
        strncpy(target.un.sun_path, address, sizeof target.un.sun_path - 1);
        target_size = sizeof target.un;
        return;
    }
    datagrams = strncmp(address, "udp:", 4) == 0;
    target.in.sin_family = AF_INET;
    target.in.sin_port = htons((unsigned short)atoi(address + (datagrams ? 4 : 0)));
    target.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    target_size = sizeof target.in;
}

static void spread(int fd, unsigned long serial) {
    int on = 1;
    struct sockaddr_in from = {.sin_family = AF_INET};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    /* Spread over loopback addresses: the ports of one would soon all be waiting out their last close. */
    from.sin_addr.s_addr = htonl(0x7f000001 + (unsigned)(serial / 4096 % 64));
    setsockopt(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&from, sizeof from)) fail("bind");
}

static void begin(struct connection *c, unsigned long serial) {
    int family = target.any.sa_family;
    c->fd = socket(family, (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK, 0);
    if (c->fd < 0) fail("socket");
    if (family == AF_INET && !datagrams) spread(c->fd, serial);
    /* A UNIX socket whose listener has no room left says EAGAIN and is not connecting. */
    while (connect(c->fd, &target.any, target_size) && errno != EINPROGRESS) {
        if (errno != EAGAIN) fail("connect");
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    c->waiting = 0;
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event)) fail("epoll_ctl");
}

static void send_message(struct connection *c, size_t size, size_t answer) {
    if (send(c->fd, message, size, MSG_NOSIGNAL) != (ssize_t)size) fail("send");
    c->waiting = answer;
}

static void connected(struct connection *c, size_t size) {
    int error = 0;
    socklen_t room = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &room);
    if (error) errno = error, fail("connected");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
    send_message(c, size, size);
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

static int wait_for(struct epoll_event *events) {
    int ready = epoll_wait(poller, events, EVENTS, 1000);
    if (ready == 0) fprintf(stderr, "load: no answer within a second\n"), exit(1);
    return ready;
}

static void report(double start, double cpu) {
    double taken = now() - start;
    printf("%.1f %lu %.3f\n", (double)done / taken, done, (clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu) / taken);
    fflush(stdout);
}

/* One byte to the server, FILE's bytes to every connection, as often as `seconds` allow. */
static void publish(struct connection *all, unsigned long count, double seconds) {
    struct epoll_event events[EVENTS];
    double start = now(), cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    done = 0;
    do {
        unsigned long goal = done + count;
        for (unsigned long i = 1; i < count; i++) all[i].waiting = length;
        send_message(&all[0], 1, length);
        while (done < goal)
            for (int i = 0, ready = wait_for(events); i < ready; i++) receive(events[i].data.ptr);
    } while (now() < start + seconds);
    report(start, cpu);
}

int main(int argc, char **argv) {
    if (argc != 6) return fprintf(stderr, "usage: load exchange|churn|hold|publish ADDRESS CONNECTIONS SECONDS FILE\n"), 2;
    char mode = argv[1][0];
    int holds = mode == 'h' || mode == 'p';
    set_target(argv[2]);
    unsigned long count = strtoul(argv[3], NULL, 10), opened = 0, limit = holds ? OPENING : count;
    double seconds = atof(argv[4]);
    int file = open(argv[5], O_RDONLY);
    if (file < 0) fail(argv[5]);
    length = (size_t)read(file, message, BUFFER);
    size_t greeting = mode == 'p' ? 1 : length; /* what a connection says first and is sent back */
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    poller = epoll_create1(0);
    struct connection *all = calloc(count, sizeof *all);
    struct epoll_event events[EVENTS];
    double start = now(), end = start + seconds, cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    while (opened < limit && opened < count) begin(&all[opened], opened), opened++;
    while (holds ? done < count : now() < end) {
        for (int i = 0, ready = wait_for(events); i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c->waiting) {
                connected(c, greeting);
                continue;
            }
            if (!receive(c)) continue;
            if (mode == 'e') send_message(c, length, length);
            else if (mode == 'c') close(c->fd), begin(c, done);
            else if (opened < count) begin(&all[opened], opened), opened++;
        }
    }
    report(start, cpu);
    while (holds && fgets(scratch, BUFFER, stdin))
        if (mode == 'p') publish(all, count, atof(scratch));
    return 0;
}
