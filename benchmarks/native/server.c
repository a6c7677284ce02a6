/* The limit: one thread, epoll, no allocation per message.
 *
 * usage: server echo|lines|frames|publish|datagrams [PATH]
 *
 * Prints the port it listens on, or listens at PATH and prints that, and serves until it is killed. echo sends back what
 * it reads; lines and frames find each message first (CRLF, or a 32 bit length) and send back each complete one, as
 * LineReceiver and Int32StringReceiver programs do. publish sends back the first byte of each connection; any later one
 * sends 1 KiB to every connection. datagrams is an echo over UDP.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BUFFER = 65536, EVENTS = 256, PUBLISHED = 1024 };

struct connection {
    int fd, greeted;
    size_t held;
    unsigned char *buffer; /* what is left of a message that has not come whole */
    struct connection *previous, *next;
};

static unsigned char scratch[BUFFER], out[BUFFER];
static struct connection everyone = {.previous = &everyone, .next = &everyone};

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void send_all(int fd, const unsigned char *data, size_t length) {
    while (length > 0) {
        ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EAGAIN || errno == EINTR) continue;
            return;
        }
        data += sent;
        length -= (size_t)sent;
    }
}

/* The length of the first whole message in data, or 0. */
static size_t message_length(char mode, const unsigned char *data, size_t length) {
    if (mode == 'l') {
        unsigned char *end = memmem(data, length, "\r\n", 2);
        return end ? (size_t)(end - data) + 2 : 0;
    }
    uint32_t size;
    if (length < 4) return 0;
    memcpy(&size, data, 4);
    size = ntohl(size) + 4;
    return size <= length ? size : 0;
}

static void answer(struct connection *c, char mode, size_t length) {
    size_t start = 0, answered = 0, one;
    while ((one = message_length(mode, scratch + start, length - start)) > 0) {
        memcpy(out + answered, scratch + start, one);
        answered += one;
        start += one;
    }
    if (answered) send_all(c->fd, out, answered);
    c->held = length - start;
    if (c->held) {
        if (!c->buffer) c->buffer = malloc(BUFFER);
        memcpy(c->buffer, scratch + start, c->held);
    }
}

static void publish(struct connection *c) {
    if (!c->greeted) {
        c->greeted = 1;
        send_all(c->fd, scratch, 1);
        return;
    }
    for (struct connection *each = everyone.next; each != &everyone; each = each->next) send_all(each->fd, out, PUBLISHED);
}

static int serve(struct connection *c, char mode) {
    if (c->held) memcpy(scratch, c->buffer, c->held);
    ssize_t got = recv(c->fd, scratch + c->held, BUFFER - c->held, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 1;
    if (got <= 0) return 0;
    if (mode == 'e') send_all(c->fd, scratch, (size_t)got);
    else if (mode == 'p') publish(c);
    else answer(c, mode, c->held + (size_t)got);
    return 1;
}

static void end(struct connection *c) {
    c->previous->next = c->next;
    c->next->previous = c->previous;
    close(c->fd);
    free(c->buffer);
    free(c);
}

static int bound(const char *path, int kind) {
    int on = 1, fd = socket(path ? AF_UNIX : AF_INET, kind | SOCK_NONBLOCK, 0);
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (path) {
        strncpy(local.sun_path, path, sizeof local.sun_path - 1);
        if (bind(fd, (struct sockaddr *)&local, sizeof local)) fail("bind");
    } else {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(fd, (struct sockaddr *)&address, size)) fail("bind");
        getsockname(fd, (struct sockaddr *)&address, &size);
    }
    if (kind == SOCK_STREAM && listen(fd, 1024)) fail("listen");
    if (path) printf("%s\n", path);
    else printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void echo_datagrams(int fd) {
    struct epoll_event event = {.events = EPOLLIN};
    int poll = epoll_create1(0);
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    for (;;) {
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        ssize_t got = recvfrom(fd, scratch, BUFFER, 0, (struct sockaddr *)&from, &size);
        if (got >= 0) sendto(fd, scratch, (size_t)got, 0, (struct sockaddr *)&from, size);
        else if (errno == EAGAIN) epoll_wait(poll, &event, 1, -1);
    }
}

static void accept_all(int listener, int poll) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct connection *c = calloc(1, sizeof *c);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        c->fd = fd;
        c->previous = &everyone;
        c->next = everyone.next;
        everyone.next = c->next->previous = c;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    }
}

int main(int argc, char **argv) {
    char mode = argc > 1 ? argv[1][0] : 'e';
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int listener = bound(argc > 2 ? argv[2] : NULL, mode == 'd' ? SOCK_DGRAM : SOCK_STREAM);
    if (mode == 'd') echo_datagrams(listener);
    memset(out, 'x', PUBLISHED);

    int poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(poll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c) accept_all(listener, poll);
            else if (!serve(c, mode)) end(c);
        }
    }
}
