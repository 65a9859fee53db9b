#include "csystem.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/icmp6.h>
#include <string.h>
#include <time.h>
#include <linux/errqueue.h>
#include <unistd.h>

int cs_calling_socket(int is_ipv6, int *ears) {
    struct sockaddr_storage any;
    memset(&any, 0, sizeof any);
    any.ss_family = is_ipv6 ? AF_INET6 : AF_INET;
    int fd = socket(any.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int on = 1;
    int failed = is_ipv6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on)
                         : setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    socklen_t length = is_ipv6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (failed || bind(fd, (struct sockaddr *)&any, length) < 0 || (*ears = fcntl(fd, F_DUPFD_CLOEXEC, 0)) < 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd;
}

static int is_refusal(const struct sock_extended_err *error) {
    if (error->ee_origin == SO_EE_ORIGIN_ICMP)
        return error->ee_type == ICMP_DEST_UNREACH && error->ee_code == ICMP_PORT_UNREACH;
    return error->ee_origin == SO_EE_ORIGIN_ICMP6 && error->ee_type == ICMP6_DST_UNREACH &&
           error->ee_code == ICMP6_DST_UNREACH_NOPORT;
}

int cs_refusals(int fd) {
    int found = 0;
    for (;;) {
        /* Room for the error and the address of who sent it; of the datagram itself nothing is wanted. */
        union {
            char bytes[512];
            struct cmsghdr alignment;
        } control;
        struct msghdr message;
        memset(&message, 0, sizeof message);
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        if (recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return found;
        for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
            int is_error = (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) ||
                           (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR);
            if (is_error && is_refusal((const struct sock_extended_err *)CMSG_DATA(part))) found++;
        }
    }
}

void cs_block(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK); }
