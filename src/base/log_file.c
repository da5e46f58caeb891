// log_file.c -- one write per line, so that several processes may share a file.
// SPDX-License-Identifier: MIT
#include "base/log_file.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, LINE_BYTES = 5000, LOOK_EVERY_MS = 1000 };

static struct {
    char path[PATH_BYTES];
    int fd;
    bool as_json;
    dev_t device;
    ino_t inode;
    int64_t looked_ms;  // unix, like the lines
} file = {.fd = -1};
static _Atomic int wants_reopen;

static int open_at(const char *path, struct stat *st)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd >= 0 && fstat(fd, st) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

// The old one serves on when the new one can not be made.
static void reopen(void)
{
    struct stat st;
    int fd = open_at(file.path, &st);
    if (fd >= 0) {
        close(file.fd);
        file.fd = fd;
        file.device = st.st_dev;
        file.inode = st.st_ino;
    }
}

static bool was_moved(void)
{
    struct stat st;
    return stat(file.path, &st) != 0 || st.st_dev != file.device ||
           st.st_ino != file.inode;
}

// Under the log's lock.
static void on_line(void *arg, const struct log_line *line)
{
    char text[LINE_BYTES];
    (void)arg;
    bool is_due =
        line->at_ms - file.looked_ms >= LOOK_EVERY_MS || line->at_ms < file.looked_ms;
    if (atomic_exchange(&wants_reopen, 0)) {
        reopen();
    } else if (is_due && was_moved()) {
        reopen();
    }
    file.looked_ms = is_due ? line->at_ms : file.looked_ms;
    int n = log_format(line, file.as_json, text, sizeof(text) - 1);
    text[n++] = '\n';
    ssize_t written = write(file.fd, text, (size_t)n);
    (void)written;  // a full disk is told elsewhere; the log must not stop the work
}

int log_file_open(const char *path, bool as_json, struct err *e)
{
    struct stat st;
    if (strlen(path) >= sizeof(file.path)) {
        return err_set(e, E_TOOBIG, "log.file: the path is too long");
    }
    int fd = open_at(path, &st);
    if (fd < 0) {
        return err_set(e, err_from_errno(errno), "log.file: %.300s: %s (name another)",
                       path, strerror(errno));
    }
    log_file_close();
    memcpy(file.path, path, strlen(path) + 1);
    file.fd = fd;
    file.as_json = as_json;
    file.device = st.st_dev;
    file.inode = st.st_ino;
    file.looked_ms = 0;
    log_set_file_sink(on_line, NULL);
    return 0;
}

void log_file_close(void)
{
    log_set_file_sink(NULL, NULL);
    if (file.fd >= 0) {
        close(file.fd);
        file.fd = -1;
    }
}

void log_file_reopen(void)
{
    atomic_store(&wants_reopen, 1);
}
