// config_command.c -- runs the command that says a key, as password managers want it.
//
// Runs before the loop exists, so it may wait, never longer than COMMAND_MS; a configuration
// that is read again runs none (config_load_again).  What the command prints goes nowhere but
// into the key.
// SPDX-License-Identifier: MIT
#include "config/config_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMAND_MS = 30000 };

extern char **environ;

// In a group of its own, so that what it starts can be ended with it.
static pid_t spawn(const char *command, int out_fd)
{
    char *const argv[] = {"sh", "-c", (char *)(uintptr_t)command, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    pid_t pid = -1;
    if (posix_spawn_file_actions_init(&files)) {
        return -1;
    }
    int rc = posix_spawnattr_init(&attr);
    if (rc == 0) {
        posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
        posix_spawnattr_setpgroup(&attr, 0);
        rc = posix_spawn_file_actions_adddup2(&files, out_fd, 1);
        rc = rc ? rc : posix_spawn(&pid, "/bin/sh", &files, &attr, argv, environ);
        posix_spawnattr_destroy(&attr);
    }
    posix_spawn_file_actions_destroy(&files);
    errno = rc;
    return rc ? -1 : pid;
}

static int64_t monotonic_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// Up to the end of the output or size bytes; -1 = took too long.
static ssize_t read_all(int fd, char *out, size_t size)
{
    const int64_t until_ms = monotonic_ms() + COMMAND_MS;
    size_t n = 0;
    while (n < size) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left_ms = until_ms - monotonic_ms();
        int rc = left_ms > 0 ? poll(&p, 1, (int)left_ms) : 0;
        if (rc == 0) {
            return -1;
        }
        ssize_t got = rc > 0 ? read(fd, out + n, size - n) : -1;
        if (got == 0) {
            break;
        }
        if (got < 0 && errno != EINTR) {
            return -1;
        }
        n += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)n;
}

static const char *end_of(pid_t pid, bool is_late)
{
    int status = 0;
    if (is_late) {
        kill(-pid, SIGKILL);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (is_late) {
        return "took over 30 s";
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? NULL : "failed";
}

const char *config_run_command(const char *command, char *out, size_t size)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0) {
        return strerror(errno);
    }
    pid_t pid = spawn(command, fds[1]);
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        return strerror(errno);
    }
    ssize_t n = read_all(fds[0], out, size - 1);
    close(fds[0]);
    const char *why = end_of(pid, n < 0);
    out[n < 0 ? 0 : n] = 0;
    out[strcspn(out, "\r\n")] = 0;
    return why ? why : *out ? NULL : "says nothing";
}
