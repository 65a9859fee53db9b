#ifndef SLUICE_CSYSTEM_H
#define SLUICE_CSYSTEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Each call returns a result, or -errno: Swift may overwrite errno before it can be read. */

typedef struct {
    char text[64];   /* numeric address, no port */
    uint16_t port;
} cs_address;

/* A non-blocking listening socket with SO_REUSEPORT. `host` is numeric or a name; empty means every address. */
int cs_listen(const char *host, uint16_t port, int backlog, uint16_t *bound_port);

/* A non-blocking, no-delay socket of a peer, and the peer's address. `send_buffer` 0 leaves the kernel's choice. */
int cs_accept(int listener, int send_buffer, cs_address *peer);

/* Begins a non-blocking, no-delay connection; it is made, or has failed, when the socket can be written to. */
int cs_connect(const struct sockaddr *to, socklen_t length);

/* Two connected local sockets that do not block; 0, or -errno. */
int cs_pair(int fds[2]);

/* How `cs_connect` went: 0, or -errno. */
int cs_connect_result(int fd);

/* This side's address of a connected socket. */
void cs_local(int fd, cs_address *local);

/* A UDP socket at a port of the system's choice. */
int cs_calling_socket(int is_ipv6);

/* Sockets beside `fd`, at its port, which receive nothing but what ICMP says of datagrams that were sent from the port;
 * `fd` goes on receiving all datagrams. Returns how many there are: 0 where the system cannot do it. */
int cs_ears(int fd, int *ears, int room);

/* A datagram that was refused by the machine that it went to, for want of a process at the port. */
typedef struct {
    cs_address peer;
    uint8_t quoted[24]; /* its first bytes, as far as the answer quotes them */
    size_t quoted_size;
} cs_refusal;

/* The next that was not yet asked for: 1, or 0 where there is none. */
int cs_next_refusal(int ear, cs_refusal *refusal);

/* Data segments sent on a TCP connection, and how many of them again, modulo 2^32; 0 where it is none. */
int cs_transmission(int fd, uint64_t *segments, uint64_t *again);

/* The numeric form of an address. */
void cs_describe(const struct sockaddr *address, cs_address *described);

/* One vectored, non-blocking write that never raises SIGPIPE. */
ssize_t cs_writev(int fd, const struct iovec *vectors, int count);

ssize_t cs_read(int fd, void *buffer, size_t count);

void cs_close(int fd);
void cs_shutdown_write(int fd);

uint64_t cs_monotonic_ns(void);
int64_t cs_unix_us(void);
uint64_t cs_unix_ms(void);

/* CPU time of the calling thread. */
uint64_t cs_thread_cpu_ns(void);

/* Resident memory of this process in bytes. */
uint64_t cs_resident_bytes(void);

/* Lifts the limit of open files to what the system allows; returns it. */
uint64_t cs_raise_file_limit(void);

void cs_ignore_sigpipe(void);

void cs_name_thread(const char *name);

/* Writes everything, waiting as long as it takes: for logs, never for peers. */
ssize_t cs_write_all(int fd, const void *bytes, size_t count);

/* A program that runs, with this side's ends of its standard input, output and error, which do not block; -1 where one
   has been closed. */
typedef struct {
    pid_t pid;
    int input, output, errors;
} cs_child;

/* Starts the program at `path`, nicely, with at most `memory` bytes of address space; it can write no file, and is
   killed when the calling thread ends. Blocks until it runs. Returns its number, or -errno. */
pid_t cs_start_child(
    const char *path, char *const arguments[], char *const environment[], uint64_t memory, cs_child *child);

/* Waits until one of its ends is worth a try: a bit each, 1 for input, 2 for output, 4 for errors; 0 when there is none
   in time, or -errno. */
int cs_wait_for_child(const cs_child *child, int milliseconds);

ssize_t cs_write_pipe(int fd, const void *bytes, size_t count);
ssize_t cs_read_pipe(int fd, void *buffer, size_t count);

/* Kills whatever is left of it and of what it has started, and returns its status as of waitpid(2), or -errno. Its ends
   stay open. */
int cs_end_child(const cs_child *child);

#endif
