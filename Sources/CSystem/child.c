/* Starting a program. By vfork, because a fork copies the page tables of a process that may hold gigabytes, while all of
   its threads stand still; glibc's posix_spawn does the same, but can neither bind a child's life to ours nor limit it.

   Between vfork and execve the child runs in our memory, on our stack: it makes system calls alone, and writes nothing.
   What it has failed at it says over a pipe, which a program that is started closes: some tools make a fork of a vfork.
   All signals are blocked meanwhile, so that no handler of ours runs in it. */
#include "csystem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How much a child gives way to the rest of the machine. */
enum { CHILD_NICE = 10 };

static void limit(int what, rlim_t value) {
    struct rlimit both = {value, value};
    setrlimit(what, &both);
}

/* Never returns but for a failure. */
static int become(
    const char *path, char *const arguments[], char *const environment[], const int ends[3], int report, pid_t parent,
    uint64_t memory) {
    /* First of all, before it gives way to others: until then what other threads close stays open for their peers. */
    for (int end = 0; end < 3; end++)
        if (dup2(ends[end], end) < 0) return errno;
#ifdef SYS_close_range
    if (report > 3) syscall(SYS_close_range, 3, report - 1, 0);
    syscall(SYS_close_range, report + 1, ~0u, 0);
#endif
    struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++) sigaction(number, &standard, NULL);
    /* It dies with the thread that started it, which waits for it. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    /* A group of its own: what it starts goes when it does. */
    setpgid(0, 0);
    setpriority(PRIO_PROCESS, 0, CHILD_NICE);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_AS, memory);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(path, arguments, environment);
    return errno;
}

/* A pipe whose ends are not the standard ones: those are overwritten in the child. */
static int make_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    for (int i = 0; i < 2; i++) {
        if (ends[i] > 2) continue;
        int higher = fcntl(ends[i], F_DUPFD_CLOEXEC, 3);
        int error = errno;
        close(ends[i]);
        ends[i] = higher;
        if (higher >= 0) continue;
        close(ends[!i]);
        return -error;
    }
    return 0;
}

static pid_t start(
    const char *path, char *const arguments[], char *const environment[], const int ends[3], uint64_t memory) {
    int report[2];
    int failure = make_pipe(report);
    if (failure) return failure;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    pid_t child = vfork();
    if (child == 0) {
        int error = become(path, arguments, environment, ends, report[1], parent, memory);
        if (write(report[1], &error, sizeof error) < 0) _exit(126);
        _exit(127);
    }
    if (child < 0) failure = -errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    int error = 0;
    ssize_t said = 0;
    /* Over at once: the child has become the program, or is gone. */
    if (child > 0) while ((said = read(report[0], &error, sizeof error)) < 0 && errno == EINTR) {}
    if (said == sizeof error) {
        failure = -error;
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
    }
    close(report[0]);
    return failure ? failure : child;
}

pid_t cs_start_child(
    const char *path, char *const arguments[], char *const environment[], uint64_t memory, cs_child *child) {
    int pipes[3][2];
    for (int i = 0; i < 3; i++) {
        int error = make_pipe(pipes[i]);
        if (error == 0) continue;
        while (i-- > 0) {
            close(pipes[i][0]);
            close(pipes[i][1]);
        }
        return error;
    }
    const int theirs[3] = {pipes[0][0], pipes[1][1], pipes[2][1]};
    const int ours[3] = {pipes[0][1], pipes[1][0], pipes[2][0]};
    pid_t pid = start(path, arguments, environment, theirs, memory);
    for (int i = 0; i < 3; i++) {
        close(theirs[i]);
        if (pid < 0) close(ours[i]);
        else fcntl(ours[i], F_SETFL, O_NONBLOCK);
    }
    if (pid < 0) return pid;
    *child = (cs_child){.pid = pid, .input = ours[0], .output = ours[1], .errors = ours[2]};
    return pid;
}

int cs_wait_for_child(const cs_child *child, int milliseconds) {
    struct pollfd watched[3] = {
        {.fd = child->input, .events = POLLOUT},
        {.fd = child->output, .events = POLLIN},
        {.fd = child->errors, .events = POLLIN},
    };
    int ready = poll(watched, 3, milliseconds);
    if (ready < 0) return errno == EINTR ? 0 : -errno;
    int which = 0;
    for (int i = 0; i < 3; i++)
        if (watched[i].revents) which |= 1 << i;
    return which;
}

ssize_t cs_write_pipe(int fd, const void *bytes, size_t count) {
    ssize_t written = write(fd, bytes, count);
    return written < 0 ? -errno : written;
}

ssize_t cs_read_pipe(int fd, void *buffer, size_t count) {
    ssize_t got = read(fd, buffer, count);
    return got < 0 ? -errno : got;
}

int cs_end_child(const cs_child *child) {
    kill(-child->pid, SIGKILL);
    int status = 0;
    while (waitpid(child->pid, &status, 0) < 0)
        if (errno != EINTR) return -errno;
    return status;
}
