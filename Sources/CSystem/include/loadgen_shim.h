// What the load generator needs from the system and Swift cannot import: packed unions, macros, variadic calls.
// Every call that can fail returns a negative errno, so that nothing can overwrite errno before it is read.
#ifndef LOADGEN_SHIM_H
#define LOADGEN_SHIM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define LOADGEN_READABLE 0x001u
#define LOADGEN_WRITABLE 0x004u
#define LOADGEN_BROKEN 0x018u
#define LOADGEN_PEER_CLOSED 0x2000u

struct loadgen_event {
    uint64_t token;
    uint32_t events;
};

struct loadgen_address {
    struct sockaddr_storage storage;
    socklen_t length;
};

uint64_t loadgen_now_ns(void);
void loadgen_sleep(uint64_t nanoseconds);

int loadgen_poll_create(void);
int loadgen_poll_add(int poller, int fd, uint32_t events, uint64_t token);
int loadgen_poll_change(int poller, int fd, uint32_t events, uint64_t token);
int loadgen_poll_remove(int poller, int fd);
/// Waits for at most `nanoseconds`; returns how many events were written to `out`.
int loadgen_poll_wait(int poller, struct loadgen_event *out, int capacity, uint64_t nanoseconds);

int loadgen_resolve(const char *host, uint16_t port, struct loadgen_address *out);
/// Starts a connection on a non-blocking socket without Nagle's delay; returns the descriptor.
int loadgen_connect(const struct loadgen_address *address);
int loadgen_listen(const struct loadgen_address *address);
int loadgen_accept(int listener);
int loadgen_local_port(int fd);
/// The error that a connection attempt ended with: 0, or a negative errno.
int loadgen_connection_error(int fd);
/// Makes the next close send a reset instead of a FIN.
void loadgen_reset_on_close(int fd);

ssize_t loadgen_receive(int fd, void *buffer, size_t capacity);
/// Compares the machine's two clocks, for `loadgen_receive_stamped`; says by how many nanoseconds the wall clock has been
/// set since it was last called. To be called before that, and now and then.
int64_t loadgen_compare_clocks(void);
/// From here on the kernel notes when what is received came.
void loadgen_stamp_arrivals(int fd);
/// `arrival`: when the last of the bytes came to this machine, by `loadgen_now_ns`; now, where no stamp says it.
ssize_t loadgen_receive_stamped(int fd, void *buffer, size_t capacity, uint64_t *arrival);
ssize_t loadgen_send(int fd, const void *bytes, size_t count);
ssize_t loadgen_send_vector(int fd, const struct iovec *pieces, int count);

/// Raises the limit of open files to the hard limit; returns the limit now in force.
uint64_t loadgen_raise_file_limit(void);
/// From here on SIGINT and SIGTERM only set the flag that `loadgen_interrupted` reads; SIGPIPE is ignored.
void loadgen_catch_signals(void);
int loadgen_interrupted(void);

#endif
