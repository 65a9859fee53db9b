/* Alone in its file: the kernel's description of TCP and the C library's cannot be read together. */
#include "csystem.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

int cs_transmission(int fd, uint64_t *segments, uint64_t *again) {
    struct tcp_info info;
    memset(&info, 0, sizeof info);
    socklen_t length = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0) return 0;
    /* An older kernel fills in less. */
    if (length < offsetof(struct tcp_info, tcpi_data_segs_out) + sizeof info.tcpi_data_segs_out) return 0;
    *segments = info.tcpi_data_segs_out;
    *again = info.tcpi_total_retrans;
    return 1;
}
