// cli_fixture.c -- see cli_fixture.h.
// SPDX-License-Identifier: MIT
#include "cli_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 20000 };

static char dir[256];
static int n_files;

int cli_fixture_setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/vlmd-cli-XXXXXX");
    assert_non_null(mkdtemp(dir));
    return chdir(dir);
}

static int on_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

int cli_fixture_teardown(void **state)
{
    (void)state;
    return chdir("/") || nftw(dir, on_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static int on_count(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)path;
    (void)st;
    (void)ftw;
    n_files += flag == FTW_F;
    return 0;
}

int cli_files(void)
{
    n_files = 0;
    nftw(dir, on_count, 8, FTW_PHYS);
    return n_files;
}

const char *cli_dir(void)
{
    return dir;
}

static const char *path_of(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof(path), "%s%s%s", *name == '/' ? "" : dir,
             *name == '/' ? "" : "/", name);
    return path;
}

void cli_write(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "we");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

const char *cli_read(const char *name)
{
    static char text[RAN_BYTES];
    FILE *f = fopen(path_of(name), "re");
    size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
    text[n] = 0;
    if (f) {
        fclose(f);
    }
    return text;
}

bool cli_exists(const char *name)
{
    struct stat st;
    return lstat(path_of(name), &st) == 0;
}

const char *cli_log(void)
{
    return cli_read("fake.log");
}

// ---- running

static void write_script(const char *script)
{
    char *text = strdup(script);
    for (char *p = text; *p; p++) {
        *p = *p == '\'' ? '"' : *p;
    }
    cli_write("fake.json", text);
    free(text);
    unlink(path_of("fake.log"));
}

static void exec_cli(const char *const *args)
{
    char fake[512], log[512], home[512];
    snprintf(fake, sizeof(fake), "FAKE_VLMD=%s/fake.json", dir);
    snprintf(log, sizeof(log), "FAKE_VLMD_LOG=%s/fake.log", dir);
    snprintf(home, sizeof(home), "HOME=%s", dir);
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM_FOR_CLI");
    char term_text[64];
    snprintf(term_text, sizeof(term_text), "TERM=%s", term ? term : "xterm");
    char *env[] = {fake,      log,
                   home,      (char *)(uintptr_t) "TZ=UTC",
                   term_text, no_color ? (char *)(uintptr_t) "NO_COLOR=1" : NULL,
                   NULL};
    const char *argv[32] = {"vlmd"};
    for (int i = 0; args[i] && i < 30; i++) {
        argv[i + 1] = args[i];
    }
    execve(FAKE_CLI, (char *const *)(uintptr_t)argv, env);
    _exit(127);
}

static struct ran *start(const char *script, bool has_reader, const char *const *args)
{
    int out[2], err[2];
    struct ran *r = calloc(1, sizeof(*r));
    write_script(script);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    if (!has_reader) {
        close(out[0]);
        out[0] = -1;
    }
    r->pid = fork();
    if (r->pid == 0) {
        int nothing = open("/dev/null", O_RDONLY);
        dup2(nothing, 0);
        dup2(out[1], 1);
        dup2(err[1], 2);
        exec_cli(args);
    }
    close(out[1]);
    close(err[1]);
    r->out_fd = out[0];
    r->err_fd = err[0];
    return r;
}

struct ran *cli_start(const char *script, const char *const *args)
{
    return start(script, true, args);
}

struct ran *cli_run_unread(const char *script, const char *const *args)
{
    struct ran *r = start(script, false, args);
    cli_finish(r);
    return r;
}

struct ran *cli_start_pty(const char *script, int columns, const char *const *args)
{
    struct ran *r = calloc(1, sizeof(*r));
    struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};
    write_script(script);
    r->err_fd = -1;
    r->pid = forkpty(&r->out_fd, NULL, NULL, &size);
    if (r->pid == 0) {
        exec_cli(args);
    }
    return r;
}

static void drain(int *fd, char *text, size_t *len)
{
    ssize_t n = read(*fd, text + *len, RAN_BYTES - 1 - *len);
    if (n > 0) {
        *len += (size_t)n;
        text[*len] = 0;
    } else if (n == 0 || errno != EINTR) {
        close(*fd);  // a terminal whose program is gone says EIO
        *fd = -1;
    }
}

// False when nothing more can come.
static bool read_some(struct ran *r)
{
    struct pollfd p[2] = {{.fd = r->out_fd, .events = POLLIN},
                          {.fd = r->err_fd, .events = POLLIN}};
    if (r->out_fd < 0 && r->err_fd < 0) {
        return false;
    }
    if (poll(p, 2, PATIENCE_MS) <= 0) {
        kill(r->pid, SIGKILL);
        fail_msg("nothing came; out:\n%s\nerr:\n%s", r->out, r->err);
    }
    if (p[0].revents) {
        drain(&r->out_fd, r->out, &r->out_len);
    }
    if (p[1].revents) {
        drain(&r->err_fd, r->err, &r->err_len);
    }
    return true;
}

void cli_wait_for(struct ran *r, const char *text)
{
    while (!strstr(r->out, text) && !strstr(r->err, text)) {
        if (!read_some(r)) {
            fail_msg("\"%s\" did not come; out:\n%s\nerr:\n%s", text, r->out, r->err);
        }
    }
}

void cli_finish(struct ran *r)
{
    int status;
    while (read_some(r)) {
    }
    assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
    r->code = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

void cli_free(struct ran *r)
{
    if (r->out_fd >= 0) {
        close(r->out_fd);
    }
    if (r->err_fd >= 0) {
        close(r->err_fd);
    }
    free(r);
}

struct ran *cli_run(const char *script, const char *const *args)
{
    struct ran *r = cli_start(script, args);
    cli_finish(r);
    return r;
}

void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part)) {
        fail_msg("expected \"%s\" in:\n%s", part, text);
    }
}

void assert_has_not(const char *text, const char *part)
{
    if (strstr(text, part)) {
        fail_msg("did not expect \"%s\" in:\n%s", part, text);
    }
}
