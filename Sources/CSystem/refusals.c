#include "csystem.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <time.h>
/* Behind what it leans on. */
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <unistd.h>

int cs_calling_socket(int is_ipv6) {
    struct sockaddr_storage any;
    memset(&any, 0, sizeof any);
    any.ss_family = is_ipv6 ? AF_INET6 : AF_INET;
    int fd = socket(any.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    socklen_t length = is_ipv6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (bind(fd, (struct sockaddr *)&any, length) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

/* All datagrams to the first socket of the group, which is the one that was there before it had ears. */
static int give_all_to_the_first(int fd) {
    struct sock_filter code = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = {.len = 1, .filter = &code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program);
}

static int make_ear(int fd, int processor) {
    struct sockaddr_storage name;
    socklen_t length = sizeof name;
    int on = 1, only = 0;
    socklen_t size = sizeof only;
    if (getsockname(fd, (struct sockaddr *)&name, &length) < 0) return -errno;
    int ear = socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (ear < 0) return -errno;
    int failed = setsockopt(ear, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    if (name.ss_family == AF_INET6) {
        failed |= getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &size);
        failed |= setsockopt(ear, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
        failed |= setsockopt(ear, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
    }
    failed |= setsockopt(ear, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    failed |= setsockopt(ear, SOL_SOCKET, SO_INCOMING_CPU, &processor, sizeof processor);
    if (failed || bind(ear, (struct sockaddr *)&name, length) < 0 || (processor == 0 && give_all_to_the_first(fd) < 0)) {
        int error = errno;
        close(ear);
        return -error;
    }
    return ear;
}

int cs_ears(int fd, int *ears, int room) {
    /* Only now, when the port is the socket's own: with it from the start, others could have had the port already. */
    int on = 1, count = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) return 0;
    long processors = sysconf(_SC_NPROCESSORS_CONF);
    while (count < room && count < processors && (ears[count] = make_ear(fd, count)) >= 0) count++;
    return count;
}

static int is_refusal(const struct sock_extended_err *error) {
    if (error->ee_origin == SO_EE_ORIGIN_ICMP)
        return error->ee_type == ICMP_DEST_UNREACH && error->ee_code == ICMP_PORT_UNREACH;
    return error->ee_origin == SO_EE_ORIGIN_ICMP6 && error->ee_type == ICMP6_DST_UNREACH &&
           error->ee_code == ICMP6_DST_UNREACH_NOPORT;
}

int cs_next_refusal(int ear, cs_refusal *refusal) {
    for (;;) {
        union {
            char bytes[512];
            struct cmsghdr alignment;
        } control;
        struct sockaddr_storage to;
        struct iovec quoted = {.iov_base = refusal->quoted, .iov_len = sizeof refusal->quoted};
        struct msghdr message;
        memset(&to, 0, sizeof to);
        memset(&message, 0, sizeof message);
        message.msg_name = &to;
        message.msg_namelen = sizeof to;
        message.msg_iov = &quoted;
        message.msg_iovlen = 1;
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        ssize_t count = recvmsg(ear, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
        if (count < 0) {
            /* One that came while the last was taken leaves its mark on the socket alone, which would wake us for ever. */
            int mark;
            socklen_t size = sizeof mark;
            getsockopt(ear, SOL_SOCKET, SO_ERROR, &mark, &size);
            return 0;
        }
        for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
            int is_error = (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) ||
                           (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR);
            if (!is_error || !is_refusal((const struct sock_extended_err *)CMSG_DATA(part))) continue;
            cs_describe((const struct sockaddr *)&to, &refusal->peer);
            refusal->quoted_size = (size_t)count;
            return 1;
        }
    }
}
