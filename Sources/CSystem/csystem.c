#include "csystem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int listen_on(const struct addrinfo *info, int backlog, uint16_t *bound_port) {
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int on = 1, off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (info->ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    struct sockaddr_storage bound;
    socklen_t length = sizeof bound;
    if (bind(fd, info->ai_addr, info->ai_addrlen) < 0 || listen(fd, backlog) < 0 ||
        getsockname(fd, (struct sockaddr *)&bound, &length) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    *bound_port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                                   : ((struct sockaddr_in *)&bound)->sin_port);
    return fd;
}

int cs_listen(const char *host, uint16_t port, int backlog, uint16_t *bound_port) {
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *found = NULL;
    int everywhere = host[0] == '\0' || strcmp(host, "*") == 0;
    if (getaddrinfo(everywhere ? "::" : host, service, &hints, &found) != 0) {
        if (!everywhere) return -EADDRNOTAVAIL;
        found = NULL;
    }
    int fd = found ? listen_on(found, backlog, bound_port) : -EAFNOSUPPORT;
    if (found) freeaddrinfo(found);
    /* A machine without IPv6 still listens on every address that it has. */
    if (fd == -EAFNOSUPPORT && everywhere && getaddrinfo("0.0.0.0", service, &hints, &found) == 0) {
        fd = listen_on(found, backlog, bound_port);
        freeaddrinfo(found);
    }
    return fd;
}

int cs_accept(int listener, int send_buffer, cs_address *peer) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int fd = accept4(listener, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return -errno;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (send_buffer > 0) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    cs_describe((struct sockaddr *)&address, peer);
    return fd;
}

void cs_describe(const struct sockaddr *address, cs_address *described) {
    memset(described, 0, sizeof *described);
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
            inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], described->text, sizeof described->text);
        else
            inet_ntop(AF_INET6, &v6->sin6_addr, described->text, sizeof described->text);
        described->port = ntohs(v6->sin6_port);
    } else if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &v4->sin_addr, described->text, sizeof described->text);
        described->port = ntohs(v4->sin_port);
    }
}

void cs_local(int fd, cs_address *local) {
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    getsockname(fd, (struct sockaddr *)&address, &length);
    cs_describe((struct sockaddr *)&address, local);
}

int cs_connect(const struct sockaddr *to, socklen_t length) {
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, to, length) < 0 && errno != EINPROGRESS) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

int cs_pair(int fds[2]) {
    int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    return socketpair(AF_UNIX, type, 0, fds) < 0 ? -errno : 0;
}

int cs_connect_result(int fd) {
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return -errno;
    return -error;
}

/*
 * The calls of the media path go to the system itself: the library's own are places where a thread can be cancelled, which
 * no thread here ever is, and each prepares for that before and after. Sanitizers watch the library's.
 */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define directly(call, ...) call(__VA_ARGS__)
#else
#define directly(call, ...) syscall(SYS_##call, __VA_ARGS__)
#endif

ssize_t cs_writev(int fd, const struct iovec *vectors, int count) {
    const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    struct msghdr message = {.msg_iov = (struct iovec *)vectors, .msg_iovlen = (size_t)count};
    /* One vector is the rule, and the system reads it from registers instead of from two structures. */
    ssize_t sent = count == 1 ? directly(sendto, fd, vectors->iov_base, vectors->iov_len, flags, NULL, 0)
                              : directly(sendmsg, fd, &message, flags);
    return sent < 0 ? -errno : sent;
}

ssize_t cs_read(int fd, void *buffer, size_t count) {
    ssize_t got = directly(recvfrom, fd, buffer, count, MSG_DONTWAIT, NULL, NULL);
    return got < 0 ? -errno : got;
}

void cs_close(int fd) { close(fd); }
void cs_shutdown_write(int fd) { shutdown(fd, SHUT_WR); }

static uint64_t read_clock(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t cs_monotonic_ns(void) { return read_clock(CLOCK_MONOTONIC); }
int64_t cs_unix_us(void) { return (int64_t)(read_clock(CLOCK_REALTIME) / 1000u); }
uint64_t cs_unix_ms(void) { return read_clock(CLOCK_REALTIME) / 1000000u; }
uint64_t cs_thread_cpu_ns(void) { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

uint64_t cs_resident_bytes(void) {
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file) return 0;
    unsigned long size = 0, resident = 0;
    int fields = fscanf(file, "%lu %lu", &size, &resident);
    fclose(file);
    return fields == 2 ? (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

uint64_t cs_raise_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return 0;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

void cs_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

void cs_ignore_sigpipe(void) { signal(SIGPIPE, SIG_IGN); }

ssize_t cs_write_all(int fd, const void *bytes, size_t count) {
    size_t done = 0;
    while (done < count) {
        ssize_t written = write(fd, (const char *)bytes + done, count - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return -errno;
        done += (size_t)written;
    }
    return (ssize_t)done;
}
