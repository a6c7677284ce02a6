/* The limit: one thread, epoll, no allocation per message.
 *
 * usage: server echo|lines|frames        prints the port it listens on, serves until it is killed.
 * echo sends back what it reads; lines and frames find each message first (CRLF, or a 32 bit length) and send back each
 * complete one, as LineReceiver and Int32StringReceiver programs do.
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
#include <unistd.h>

enum { BUFFER = 65536, EVENTS = 256 };

struct connection {
    int fd;
    size_t held;
    unsigned char *buffer; /* what is left of a message that has not come whole */
};

static unsigned char scratch[BUFFER], out[BUFFER];

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

static int serve(struct connection *c, char mode) {
    if (c->held) memcpy(scratch, c->buffer, c->held);
    ssize_t got = recv(c->fd, scratch + c->held, BUFFER - c->held, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 1;
    if (got <= 0) return 0;
    if (mode == 'e') send_all(c->fd, scratch, (size_t)got);
    else answer(c, mode, c->held + (size_t)got);
    return 1;
}

int main(int argc, char **argv) {
    char mode = argc > 1 ? argv[1][0] : 'e';
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1024)) return perror("listen"), 1;
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);

    int poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(poll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (c) {
                if (!serve(c, mode)) {
                    close(c->fd);
                    free(c->buffer);
                    free(c);
                }
                continue;
            }
            int fd;
            while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                c = calloc(1, sizeof *c);
                c->fd = fd;
                event.events = EPOLLIN;
                event.data.ptr = c;
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
            }
        }
    }
}
