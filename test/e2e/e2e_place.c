// e2e_place.c -- temp folders, processes and their output.
//
// fork and exec instead of posix_spawn: the child asks to die with the test, so that a
// crashed or timed out test leaves nothing running.
// SPDX-License-Identifier: MIT
#include "e2e_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATHS = 32, MAX_ENV = 40, MAX_PROCS = 32, TAIL_BYTES = 3000 };

int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool is_full_scale(void)
{
    const char *full = getenv("VLMD_E2E_FULL");
    return full && *full && strcmp(full, "0") != 0;
}

void e2e_filter(void)
{
    const char *only = getenv("VLMD_E2E_ONLY");
    if (only && *only) {
        cmocka_set_test_filter(only);
    }
}

uint32_t any_number(uint32_t below)
{
    static uint64_t x;
    if (x == 0) {
        const char *seed = getenv("VLMD_E2E_SEED");
        x = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
        x = x ? x : 1;
        print_message("VLMD_E2E_SEED=%llu\n", (unsigned long long)x);
        x *= 0x9e3779b97f4a7c15u;
    }
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    return (uint32_t)((x * 0x2545f4914f6cdd1du) >> 33) % below;
}

// ---- folders and files

const char *place_path(const struct place *p, const char *fmt, ...)
{
    static char buffers[PATHS][4300];
    static unsigned next;
    char *out = buffers[next++ % PATHS];
    int n = snprintf(out, sizeof(buffers[0]), "%s/", p->dir);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(out + n, sizeof(buffers[0]) - (size_t)n, fmt, ap);
    va_end(ap);
    return out;
}

void make_folder(const char *path)
{
    if (mkdir(path, 0755) && errno != EEXIST) {
        fail_msg("mkdir %s: %s", path, strerror(errno));
    }
}

void write_bytes(const char *path, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, data, len) != (ssize_t)len) {
        fail_msg("%s: %s", path, strerror(errno));
    }
    close(fd);
}

void write_text(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

char *read_text(const char *path)
{
    FILE *f = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;
    if (!f) {
        fail_msg("%s: %s", path, strerror(errno));
    }
    if (getdelim(&text, &size, 0, f) < 0) {
        free(text);
        text = strdup("");
    }
    fclose(f);
    return text;
}

bool is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

void place_config(const struct place *p, const char *yaml)
{
    make_folder(place_path(p, "config/vlmd"));
    write_text(place_path(p, "config/vlmd/vlmd.yaml"), yaml);
}

void place_make(struct place *p)
{
    static const char *const folders[] = {"home", "config", "data", "run", "in"};
    const char *tmp = getenv("TMPDIR");
    *p = (struct place){0};
    snprintf(p->dir, sizeof(p->dir), "%.90s/vlmd-e2e-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(p->dir));
    chmod(p->dir, 0755);  // for the tests that run as somebody else
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        make_folder(place_path(p, "%s", folders[i]));
    }
    chmod(place_path(p, "run"), 0700);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path) && errno != ENOENT;
}

// Folders that a test made unreadable can not be walked otherwise.
static int open_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    if (kind == FTW_DNR || kind == FTW_D) {
        chmod(path, 0755);
    }
    return 0;
}

void place_remove(struct place *p)
{
    while (p->procs) {
        struct proc *first = p->procs;
        proc_kill(first);
        proc_free(p, first);
    }
    if (getenv("VLMD_E2E_KEEP")) {
        print_message("kept: %s\n", p->dir);
        return;
    }
    nftw(p->dir, open_one, 16, FTW_PHYS);
    nftw(p->dir, remove_one, 16, FTW_PHYS | FTW_DEPTH);
}

int place_setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    place_make(p);
    *state = p;
    return 0;
}

int place_teardown(void **state)
{
    struct place *p = *state;
    place_remove(p);
    free(p);
    return 0;
}

// ---- starting

static int add_env(char **env, int n, const char *name, const char *value)
{
    char *entry = NULL;
    assert_true(n < MAX_ENV);
    assert_true(asprintf(&entry, "%s=%s", name, value) > 0);
    env[n] = entry;
    return n + 1;
}

static bool says(const char *const *more, const char *name)
{
    for (; more && *more; more++) {
        if (strncmp(*more, name, strlen(name)) == 0) {
            return true;
        }
    }
    return false;
}

// A world of its own: nothing of the person who runs the tests.
static void fill_env(const struct place *p, const char *const *more, char **env)
{
    static const char *const kept[] = {"UBSAN_OPTIONS",     "TSAN_OPTIONS",
                                       "LSAN_OPTIONS",      "GCOV_PREFIX",
                                       "GCOV_PREFIX_STRIP", "TESSDATA_PREFIX"};
    char asan[512];
    const char *given = getenv("ASAN_OPTIONS");
    int n = 0;
    snprintf(asan, sizeof(asan), "%.400s%sexitcode=99", given ? given : "",
             given && *given ? ":" : "");
    n = add_env(env, n, "HOME", place_path(p, "home"));
    n = add_env(env, n, "XDG_CONFIG_HOME", place_path(p, "config"));
    n = add_env(env, n, "XDG_DATA_HOME", place_path(p, "data"));
    n = add_env(env, n, "XDG_RUNTIME_DIR", place_path(p, "run"));
    n = add_env(env, n, "TMPDIR", p->dir);
    n = add_env(env, n, "PATH", "/usr/bin:/bin");
    n = add_env(env, n, "LANG", "C.UTF-8");
    n = add_env(env, n, "ASAN_OPTIONS", asan);
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (getenv(kept[i])) {
            n = add_env(env, n, kept[i], getenv(kept[i]));
        }
    }
    // Tests run side by side: who wants the page says on which port.
    n = says(more, "VLMD_ADMIN_LISTEN=") ? n
                                         : add_env(env, n, "VLMD_ADMIN_LISTEN", "off");
    n = says(more, "VLMD_ADMIN_SOCKET=") ? n
                                         : add_env(env, n, "VLMD_ADMIN_SOCKET", "off");
    for (; more && *more; more++) {
        assert_true(n < MAX_ENV);
        env[n++] = strdup(*more);
    }
    env[n] = NULL;
}

struct pipes {
    int in[2], out[2], err[2];
};

static void become(const struct spawn *how, const struct pipes *pipes)
{
    dup2(pipes->in[0], STDIN_FILENO);
    dup2(pipes->out[1], STDOUT_FILENO);
    dup2(pipes->err[1], STDERR_FILENO);
    for (int sig = 1; sig < 32; sig++) {
        signal(sig, SIG_DFL);
    }
    if (how->max_file_bytes) {
        struct rlimit most = {(rlim_t)how->max_file_bytes, (rlim_t)how->max_file_bytes};
        setrlimit(RLIMIT_FSIZE, &most);
        signal(SIGXFSZ, SIG_IGN);  // stays ignored over exec: write fails with EFBIG
    }
    if (how->cwd && chdir(how->cwd)) {
        _exit(126);
    }
    if (how->uid && (setgroups(0, NULL) || setgid(how->uid) || setuid(how->uid))) {
        _exit(125);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

// The process id is known only now, after the fork.
static void hand_over(const struct spawn *how, char **env)
{
    enum { FIRST = 3, APART = 100 };
    static char pid[40], count[40];
    if (!how->n_sockets) {
        return;
    }
    for (int i = 0; i < how->n_sockets; i++) {
        dup2(how->sockets[i], APART + i);
    }
    for (int i = 0; i < how->n_sockets; i++) {
        dup2(APART + i, FIRST + i);
        close(APART + i);
    }
    snprintf(pid, sizeof(pid), "LISTEN_PID=%d", (int)getpid());
    snprintf(count, sizeof(count), "LISTEN_FDS=%d", how->n_sockets);
    while (*env) {
        env++;
    }
    env[0] = pid;
    env[1] = count;
    env[2] = NULL;
}

static void said_init(struct said *s, int fd)
{
    *s = (struct said){.fd = fd, .cap = 4096};
    s->text = calloc(1, s->cap);
    assert_non_null(s->text);
    fcntl(fd, F_SETFL, O_NONBLOCK);
}

struct proc *proc_start(struct place *place, const char *const *argv,
                        const struct spawn *how)
{
    static const struct spawn usual;
    struct pipes pipes;
    char *env[MAX_ENV + 3];  // two more: hand_over
    struct proc *p = calloc(1, sizeof(*p));
    how = how ? how : &usual;
    fill_env(place, how->env, env);
    assert_int_equal(pipe2(pipes.in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(pipes.out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(pipes.err, O_CLOEXEC), 0);
    p->pid = fork();
    assert_true(p->pid >= 0);
    if (p->pid == 0) {
        become(how, &pipes);
        hand_over(how, env);
        execve(argv[0], (char *const *)argv, env);
        _exit(127);
    }
    close(pipes.in[0]);
    close(pipes.out[1]);
    close(pipes.err[1]);
    p->in_fd = pipes.in[1];
    if (!how->has_input) {
        close(p->in_fd);
        p->in_fd = -1;
    }
    said_init(&p->out, pipes.out[0]);
    said_init(&p->err, pipes.err[0]);
    p->pid_fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
    assert_true(p->pid_fd >= 0);
    p->place = place;
    p->next = place->procs;
    place->procs = p;
    for (int i = 0; env[i]; i++) {
        free(env[i]);
    }
    return p;
}

// ---- what it says

static bool said_read(struct said *s)
{
    if (s->fd < 0) {
        return false;
    }
    if (s->cap - s->len < 65536) {
        s->cap = s->cap * 2 + 131072;
        s->text = realloc(s->text, s->cap);
        assert_non_null(s->text);
    }
    ssize_t n = read(s->fd, s->text + s->len, s->cap - s->len - 1);
    if (n > 0) {
        s->len += (size_t)n;
        s->text[s->len] = 0;
        return true;
    }
    if (n == 0) {
        close(s->fd);
        s->fd = -1;
    }
    return false;
}

void proc_read(struct proc *p)
{
    while (said_read(&p->out)) {
    }
    while (said_read(&p->err)) {
    }
}

void place_read(struct place *place)
{
    for (struct proc *p = place->procs; p; p = p->next) {
        proc_read(p);
    }
}

static const char *tail(const struct said *s)
{
    return s->len > TAIL_BYTES ? s->text + s->len - TAIL_BYTES : s->text;
}

static void give_up(struct proc *p, const char *what, const char *text)
{
    proc_read(p);
    print_error("--- standard output\n%s\n--- standard error\n%s\n---\n", tail(&p->out),
                tail(&p->err));
    if (!p->has_ended) {
        kill(p->pid, SIGKILL);
    }
    fail_msg("%s%s%s", what, text ? ": " : "", text ? text : "");
}

// Until one of the processes says something, this one ended, or so much time has passed.
// All are read: one with a full pipe would stand still, and the others with it.
static void wait_a_bit(struct proc *p, int64_t ms)
{
    struct pollfd fds[1 + 2 * MAX_PROCS] = {{.fd = p->pid_fd, .events = POLLIN}};
    nfds_t n = 1;
    for (struct proc *q = p->place->procs; q; q = q->next) {
        assert_true(n < 2 * MAX_PROCS);
        fds[n++] = (struct pollfd){.fd = q->out.fd, .events = POLLIN};
        fds[n++] = (struct pollfd){.fd = q->err.fd, .events = POLLIN};
    }
    poll(fds, n, ms > 0 ? (int)ms : 0);
    place_read(p->place);
}

static bool has_ended(struct proc *p)
{
    if (!p->has_ended && wait4(p->pid, &p->status, WNOHANG, &p->usage) == p->pid) {
        p->has_ended = true;
    }
    return p->has_ended;
}

bool proc_ends_within(struct proc *p, int64_t ms)
{
    int64_t until = now_ms() + ms;
    while (!has_ended(p)) {
        int64_t left = until - now_ms();
        if (left <= 0) {
            return false;
        }
        wait_a_bit(p, left);
    }
    proc_read(p);
    return true;
}

void proc_await(struct proc *p, struct said *said, const char *text)
{
    int64_t until = now_ms() + E2E_PATIENCE_MS;
    for (;;) {
        bool is_over = has_ended(p);
        proc_read(p);
        char *at = strstr(said->text + said->mark, text);
        if (at) {
            said->mark = (size_t)(at - said->text) + strlen(text);
            return;
        }
        if (is_over) {
            give_up(p, "it ended and did not say", text);
        }
        if (now_ms() >= until) {
            give_up(p, "it did not say", text);
        }
        wait_a_bit(p, until - now_ms());
    }
}

int proc_end(struct proc *p)
{
    if (!proc_ends_within(p, E2E_PATIENCE_MS)) {
        give_up(p, "it did not end", NULL);
    }
    if (strstr(p->err.text, "Sanitizer") || strstr(p->err.text, "runtime error:")) {
        give_up(p, "a sanitizer complains", NULL);
    }
    return WIFEXITED(p->status) ? WEXITSTATUS(p->status) : 128 + WTERMSIG(p->status);
}

void proc_expect(struct proc *p, int exit_code)
{
    int got = proc_end(p);
    if (got != exit_code) {
        char words[64];
        snprintf(words, sizeof(words), "%d instead of %d", got, exit_code);
        give_up(p, "exit code", words);
    }
}

void proc_signal(struct proc *p, int sig)
{
    assert_false(p->has_ended);
    assert_int_equal(kill(p->pid, sig), 0);
}

void proc_kill(struct proc *p)
{
    if (!p->has_ended) {
        kill(p->pid, SIGKILL);
        wait4(p->pid, &p->status, 0, &p->usage);
        p->has_ended = true;
    }
    proc_read(p);
}

void proc_free(struct place *place, struct proc *p)
{
    for (struct proc **at = &place->procs; *at; at = &(*at)->next) {
        if (*at == p) {
            *at = p->next;
            break;
        }
    }
    if (p->in_fd >= 0) {
        close(p->in_fd);
    }
    if (p->out.fd >= 0) {
        close(p->out.fd);
    }
    if (p->err.fd >= 0) {
        close(p->err.fd);
    }
    close(p->pid_fd);
    free(p->out.text);
    free(p->err.text);
    free(p);
}
