// fake_server.c -- see fake_server.h.
// SPDX-License-Identifier: MIT
#include "fake_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct fake {
    pid_t pid;
    int port;
} fake;

static void run_fake(int out_fd, char **argv)
{
    dup2(out_fd, 1);
    execv(FAKEVLM, argv);
    _exit(127);
}

// The banner says the port, and that it listens.
static int read_port(int fd)
{
    char text[512];
    size_t n = 0;
    ssize_t got = 0;
    while (n < sizeof(text) - 1 && !memchr(text, '\n', n) &&
           (got = read(fd, text + n, sizeof(text) - 1 - n)) > 0) {
        n += (size_t)got;
    }
    text[n] = 0;
    const char *at = strstr(text, "127.0.0.1:");
    assert_non_null(at);
    return atoi(at + strlen("127.0.0.1:"));
}

// flags are separated by blanks.
void fake_start(const char *kind, const char *flags)
{
    char copy[512];
    char *argv[32] = {"fakevlm", "--listen", "127.0.0.1:0",          "--latency-ms",
                      "2",       "--kind",   (char *)(uintptr_t)kind};
    int n = 7;
    int fds[2];
    snprintf(copy, sizeof(copy), "%s", flags);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
        assert_true(n < 31);
        argv[n++] = word;
    }
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    fake.pid = fork();
    assert_true(fake.pid >= 0);
    if (fake.pid == 0) {
        run_fake(fds[1], argv);
    }
    close(fds[1]);
    fake.port = read_port(fds[0]);
    close(fds[0]);
}

void fake_stop(void)
{
    int status = 0;
    if (fake.pid > 0) {
        kill(fake.pid, SIGKILL);
        waitpid(fake.pid, &status, 0);
        fake.pid = 0;
    }
}

int fake_port(void)
{
    return fake.port;
}

void fake_control(const char *path, const char *json)
{
    char text[2048];
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)fake.port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    int n = snprintf(text, sizeof(text),
                     "POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                     "Content-Length: %zu\r\n\r\n%s",
                     path, strlen(json), json);
    assert_true(n > 0 && n < (int)sizeof(text));
    assert_int_equal(write(fd, text, (size_t)n), n);
    ssize_t got = read(fd, text, sizeof(text) - 1);
    assert_true(got > 12);
    text[got] = 0;
    if (strncmp(text + 9, "200", 3) != 0) {
        fail_msg("%s: %s", json, text);
    }
    close(fd);
}
