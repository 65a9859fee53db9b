#include "loadgen_shim.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

_Static_assert(LOADGEN_READABLE == EPOLLIN && LOADGEN_WRITABLE == EPOLLOUT, "the header repeats epoll's numbers");
_Static_assert(LOADGEN_BROKEN == (EPOLLERR | EPOLLHUP) && LOADGEN_PEER_CLOSED == EPOLLRDHUP, "and these");

static uint64_t nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t loadgen_now_ns(void) { return nanoseconds(CLOCK_MONOTONIC); }

/// By how much the wall clock is ahead of the monotonic one.
static uint64_t wall_lead;

int64_t loadgen_compare_clocks(void) {
    uint64_t least = UINT64_MAX, lead = 0;
    // Who is interrupted between the readings is wrong by as much; the shortest of a few is right.
    for (int round = 0; round < 8; round++) {
        uint64_t before = nanoseconds(CLOCK_MONOTONIC), wall = nanoseconds(CLOCK_REALTIME);
        uint64_t took = nanoseconds(CLOCK_MONOTONIC) - before;
        if (took >= least) continue;
        least = took;
        lead = wall - before - took / 2;
    }
    int64_t moved = (int64_t)(lead - wall_lead);
    wall_lead = lead;
    return moved;
}

int loadgen_poll_create(void) {
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int control(int poller, int operation, int fd, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    return epoll_ctl(poller, operation, fd, &event) < 0 ? -errno : 0;
}

int loadgen_poll_add(int poller, int fd, uint32_t events, uint64_t token) {
    return control(poller, EPOLL_CTL_ADD, fd, events, token);
}

int loadgen_poll_change(int poller, int fd, uint32_t events, uint64_t token) {
    return control(poller, EPOLL_CTL_MOD, fd, events, token);
}

int loadgen_poll_remove(int poller, int fd) { return control(poller, EPOLL_CTL_DEL, fd, 0, 0); }

int loadgen_poll_wait(int poller, struct loadgen_event *out, int capacity, uint64_t nanoseconds) {
    struct epoll_event events[256];
    struct timespec wait = {.tv_sec = (time_t)(nanoseconds / 1000000000u), .tv_nsec = (long)(nanoseconds % 1000000000u)};
    int count = epoll_pwait2(poller, events, capacity < 256 ? capacity : 256, &wait, NULL);
    if (count < 0) return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++) {
        out[i].token = events[i].data.u64;
        out[i].events = events[i].events;
    }
    return count;
}

int loadgen_resolve(const char *host, uint16_t port, struct loadgen_address *out) {
    char service[8];
    snprintf(service, sizeof service, "%u", (unsigned)port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found = NULL;
    if (getaddrinfo(host, service, &hints, &found) != 0 || found == NULL) return -EADDRNOTAVAIL;
    memcpy(&out->storage, found->ai_addr, found->ai_addrlen);
    out->length = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static int stream_socket(const struct loadgen_address *address) {
    int on = 1;
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

int loadgen_connect(const struct loadgen_address *address) {
    int fd = stream_socket(address);
    if (fd < 0) return fd;
    if (connect(fd, (const struct sockaddr *)&address->storage, address->length) < 0 && errno != EINPROGRESS) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int loadgen_listen(const struct loadgen_address *address) {
    int on = 1, fd = stream_socket(address);
    if (fd < 0) return fd;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&address->storage, address->length) < 0 || listen(fd, 4096) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int loadgen_accept(int listener) {
    int on = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return -errno;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

int loadgen_local_port(int fd) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0) return -errno;
    if (address.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

int loadgen_connection_error(int fd) {
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return -errno;
    return -error;
}

void loadgen_reset_on_close(int fd) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

ssize_t loadgen_receive(int fd, void *buffer, size_t capacity) {
    ssize_t count = recv(fd, buffer, capacity, 0);
    return count < 0 ? -errno : count;
}

void loadgen_stamp_arrivals(int fd) {
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
}

ssize_t loadgen_receive_stamped(int fd, void *buffer, size_t capacity, uint64_t *arrival) {
    union {
        char bytes[CMSG_SPACE(sizeof(struct timespec))];
        struct cmsghdr alignment;
    } control;
    struct iovec piece = {.iov_base = buffer, .iov_len = capacity};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t count = recvmsg(fd, &message, 0);
    if (count < 0) return -errno;
    struct cmsghdr *stamp = CMSG_FIRSTHDR(&message);
    if (stamp == NULL || stamp->cmsg_level != SOL_SOCKET || stamp->cmsg_type != SCM_TIMESTAMPNS) {
        *arrival = nanoseconds(CLOCK_MONOTONIC);
        return count;
    }
    // The kernel stamps by the wall clock.
    struct timespec came;
    memcpy(&came, CMSG_DATA(stamp), sizeof came);
    *arrival = (uint64_t)came.tv_sec * 1000000000u + (uint64_t)came.tv_nsec - wall_lead;
    return count;
}

void loadgen_sleep(uint64_t duration) {
    struct timespec wait = {.tv_sec = (time_t)(duration / 1000000000u), .tv_nsec = (long)(duration % 1000000000u)};
    nanosleep(&wait, NULL);
}

ssize_t loadgen_send(int fd, const void *bytes, size_t count) {
    ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
}

ssize_t loadgen_send_vector(int fd, const struct iovec *pieces, int count) {
    struct msghdr message = {.msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count};
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
}

uint64_t loadgen_raise_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return 1024;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

static volatile sig_atomic_t interrupted;

static void interrupt(int number) {
    (void)number;
    interrupted = 1;
}

void loadgen_catch_signals(void) {
    struct sigaction action = {.sa_handler = interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int loadgen_interrupted(void) { return interrupted; }
