// child.c -- spawns vlmd-ocr, feeds it a page, reads the answer, collects its end.
//
//   start -> (send -> sending -> reading -> on_answer)* -> end|kill|crash -> on_gone
//
// The end of the process (exit callback) is the one place where a child goes away; an end
// of file, a broken rule or a kill only make sure that it comes.  Freed when both handles
// are closed.
// SPDX-License-Identifier: MIT
#include "ocr/child.h"

#include "base/list.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

// What the helper wrote to its stderr is kept in memory of this size; the kernel refuses
// more.
#define STDERR_BYTES 4096
#define MAX_ENV      32

struct child {
    struct child_config config;
    struct closer closer;
    uv_process_t process;
    uv_poll_t poll;
    int fd;         // our end of the socket; -1 = closed
    int stderr_fd;  // -1 = not kept
    bool is_busy;   // a page is under way
    bool has_exited;
    // The page that is being sent.
    struct wire_page page;
    const uint8_t *luma;  // borrowed; NULL = nothing left to send
    size_t luma_bytes;
    size_t sent;  // of page and luma together
    // The answer that is being read.
    struct wire_answer head;
    uint8_t *body;  // owned; words, then text
    size_t got;     // of head and body together
    char words[256];
};

static void on_ended(uv_process_t *process, int64_t status, int signal);
static void on_ready(uv_poll_t *poll, int status, int events);

// The host's environment may hold keys that a picture reader has no business with.
static bool is_passed_on(const char *variable)
{
    static const char *const names[] = {
        "PATH=",
        "HOME=",
        "TMPDIR=",
        "LANG=",
        "LC_ALL=",
        "LC_CTYPE=",
        "LD_LIBRARY_PATH=",
        "TESSDATA_PREFIX=",
        "ASAN_OPTIONS=",
        "TSAN_OPTIONS=",
        "LLVM_PROFILE_FILE=",
        "UBSAN_OPTIONS=",
        "LSAN_OPTIONS=",
        "GCOV_PREFIX=",
        "GCOV_PREFIX_STRIP=",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strncmp(variable, names[i], strlen(names[i])) == 0) {
            return true;
        }
    }
    return false;
}

// OpenMP in Tesseract burns three times the CPU and takes five times as long as one
// thread; it reads the limit when the library is loaded, so it must be in place before.
static void fill_env(char **env)
{
    extern char **environ;
    int n = 0;
    env[n++] = "OMP_THREAD_LIMIT=1";
    for (char **v = environ; v && *v && n < MAX_ENV - 1; v++) {
        if (is_passed_on(*v)) {
            env[n++] = *v;
        }
    }
    env[n] = NULL;
}

static int open_stderr(void)
{
    int fd = memfd_create("vlmd-ocr", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && (ftruncate(fd, STDERR_BYTES) || fcntl(fd, F_ADD_SEALS, F_SEAL_GROW))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int spawn(struct child *c, int theirs)
{
    char memory[24];
    char *args[] = {(char *)c->config.program, "--memory", memory, NULL};
    char *env[MAX_ENV];
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_INHERIT_FD, .data.fd = theirs},
        {.flags = UV_INHERIT_FD, .data.fd = theirs},
        {.flags = UV_IGNORE},
    };
    if (c->stderr_fd >= 0) {
        stdio[2] =
            (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = c->stderr_fd};
    }
    snprintf(memory, sizeof(memory), "%lld", (long long)c->config.memory_bytes);
    fill_env(env);
    uv_process_options_t options = {
        .exit_cb = on_ended,
        .file = c->config.program,
        .args = args,
        .env = env,
        .stdio = stdio,
        .stdio_count = 3,
    };
    return uv_spawn(&c->config.loop->uv, &c->process, &options);
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

static void on_closed(struct closer *closer)
{
    struct child *c = container_of(closer, struct child, closer);
    if (c->config.on_gone) {
        c->config.on_gone(c->config.arg, c->words);
    }
    close_fd(&c->stderr_fd);
    free(c->body);
    free(c);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct child *c = container_of((uv_poll_t *)handle, struct child, poll);
    close_fd(&c->fd);
    closer_drop(&c->closer);
}

static void on_process_closed(uv_handle_t *handle)
{
    struct child *c = container_of((uv_process_t *)handle, struct child, process);
    closer_drop(&c->closer);
}

static void close_poll(struct child *c)
{
    if (!uv_is_closing((uv_handle_t *)&c->poll)) {
        uv_close((uv_handle_t *)&c->poll, on_poll_closed);
    }
}

static void listen_to(struct child *c)
{
    int events = UV_READABLE | (c->luma ? UV_WRITABLE : 0);
    int rc = uv_poll_start(&c->poll, events, on_ready);
    assert(rc == 0);
    (void)rc;
}

// Gives back what a failed start has taken.  The handles that were initialised close in
// the background, without on_gone.
static int give_up(struct child *c, int uv_rc, struct err *e)
{
    err_set(e, E_OCR, "%s: can not be started: %s", c->config.program,
            uv_strerror(uv_rc));
    c->config.on_gone = NULL;
    if (c->closer.holds) {
        close_poll(c);
        return E_OCR;
    }
    close_fd(&c->fd);
    close_fd(&c->stderr_fd);
    free(c);
    return E_OCR;
}

int child_start(struct child **out, const struct child_config *config, struct err *e)
{
    int pair[2];
    struct child *c = mem_new(struct child);
    c->config = *config;
    c->closer.on_closed = on_closed;
    c->fd = -1;
    c->stderr_fd = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
        return give_up(c, -errno, e);
    }
    c->fd = pair[0];
    c->stderr_fd = open_stderr();
    int rc = uv_poll_init(&c->config.loop->uv, &c->poll, c->fd);
    if (rc == 0) {
        closer_hold(&c->closer);
        rc = spawn(c, pair[1]);
        // After a failed spawn, too, the process is a handle that has to be closed.
        closer_hold(&c->closer);
        if (rc) {
            uv_close((uv_handle_t *)&c->process, on_process_closed);
        }
    }
    close(pair[1]);
    if (rc) {
        return give_up(c, rc, e);
    }
    listen_to(c);
    *out = c;
    return 0;
}

void child_send(struct child *c, const struct wire_page *page, const uint8_t *luma)
{
    assert(!c->is_busy);
    c->is_busy = true;
    c->page = *page;
    c->luma = luma;
    c->luma_bytes = (size_t)page->width * page->height;
    c->sent = 0;
    c->got = 0;
    if (c->fd >= 0 && !uv_is_closing((uv_handle_t *)&c->poll)) {
        listen_to(c);
    }
}

void child_answer(const struct child *c, struct child_answer *out)
{
    size_t words_bytes = c->head.words * sizeof(struct wire_word);
    out->head = c->head;
    out->words = (const struct wire_word *)(const void *)c->body;
    out->text = (const char *)c->body + words_bytes;
}

// The helper ends at the end of file.
void child_end(struct child *c)
{
    c->luma = NULL;
    close_poll(c);
}

void child_kill(struct child *c)
{
    child_end(c);
    if (!c->has_exited) {
        uv_process_kill(&c->process, SIGKILL);
    }
}

// The first reason is the one to tell.
static void blame(struct child *c, const char *words)
{
    if (!c->words[0]) {
        snprintf(c->words, sizeof(c->words), "%s", words);
    }
    child_kill(c);
}

// One write for each turn of the loop, so that a big page does not hold up the others.
static void send_some(struct child *c)
{
    size_t head = c->sent < sizeof(c->page) ? sizeof(c->page) - c->sent : 0;
    size_t from = c->sent + head - sizeof(c->page);
    struct iovec parts[2] = {
        {.iov_base = (char *)&c->page + sizeof(c->page) - head, .iov_len = head},
        {.iov_base = (uint8_t *)c->luma + from, .iov_len = c->luma_bytes - from},
    };
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t n = sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) {
        c->sent += (size_t)n;
    }
    // A broken socket is left to the reader: it may still hold an answer.
    bool is_broken = n < 0 && errno != EAGAIN && errno != EINTR;
    if (is_broken || c->sent == sizeof(c->page) + c->luma_bytes) {
        c->luma = NULL;
        listen_to(c);
    }
}

static void take_head(struct child *c)
{
    if (wire_answer_check(&c->head)) {
        blame(c, "its answer breaks the protocol");
        return;
    }
    free(c->body);
    // One byte more, because an empty answer is an answer, too.
    c->body = malloc(wire_body_bytes(&c->head) + 1);
    if (!c->body) {
        blame(c, "no memory for its answer");
    }
}

static void end_answer(struct child *c)
{
    struct child_answer a;
    child_answer(c, &a);
    if (wire_body_check(&a.head, &c->page, a.words, a.text)) {
        blame(c, "its answer breaks the protocol");
        return;
    }
    c->is_busy = false;
    c->got = 0;
    c->config.on_answer(c->config.arg);
}

static size_t room(const struct child *c, uint8_t **at)
{
    if (c->got < sizeof(c->head)) {
        *at = (uint8_t *)&c->head + c->got;
        return sizeof(c->head) - c->got;
    }
    *at = c->body + (c->got - sizeof(c->head));
    return sizeof(c->head) + wire_body_bytes(&c->head) - c->got;
}

// n bytes were put where room() said.
static void take_some(struct child *c, size_t n)
{
    c->got += n;
    if (!c->is_busy || c->luma) {
        blame(c, "it speaks without being asked");
        return;
    }
    if (c->got == sizeof(c->head)) {
        take_head(c);
    }
    if (c->got >= sizeof(c->head) && !uv_is_closing((uv_handle_t *)&c->poll) &&
        c->got == sizeof(c->head) + wire_body_bytes(&c->head)) {
        end_answer(c);
    }
}

// Returns false when there is nothing more to come for now.
static bool read_some(struct child *c)
{
    uint8_t *at;
    size_t space = room(c, &at);
    ssize_t n = recv(c->fd, at, space, MSG_DONTWAIT);
    if (n > 0) {
        take_some(c, (size_t)n);
        return c->is_busy && !uv_is_closing((uv_handle_t *)&c->poll);
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        // It has closed its side: dead already, or of no more use.
        child_kill(c);
    }
    return false;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct child *c = container_of(poll, struct child, poll);
    // A negative status is a dead socket: recv says so.
    if (status < 0 || (events & UV_READABLE)) {
        while (read_some(c)) {
        }
    }
    if (!uv_is_closing((uv_handle_t *)poll) && c->luma && (events & UV_WRITABLE)) {
        send_some(c);
    }
}

// The end of what it wrote to stderr, in one line.
static void last_line(struct child *c, char *out, size_t size)
{
    char text[STDERR_BYTES];
    ssize_t n = c->stderr_fd < 0 ? 0 : pread(c->stderr_fd, text, sizeof(text), 0);
    size_t end = n > 0 ? strnlen(text, (size_t)n) : 0;
    while (end > 0 && (text[end - 1] == '\n' || text[end - 1] == '\r')) {
        end--;
    }
    size_t start = end;
    while (start > 0 && text[start - 1] != '\n') {
        start--;
    }
    utf8_clean(text + start, end - start, out, size);
}

static void describe_end(struct child *c, int64_t status, int signal)
{
    char line[160];
    last_line(c, line, sizeof(line));
    if (signal) {
        snprintf(c->words, sizeof(c->words), "it was ended by signal %d (%s)", signal,
                 strsignal(signal));
    } else {
        snprintf(c->words, sizeof(c->words), "it ended with code %lld%s%s",
                 (long long)status, line[0] ? ": " : "", line);
    }
}

// What it had said before it died is still in the socket.
static void on_ended(uv_process_t *process, int64_t status, int signal)
{
    struct child *c = container_of(process, struct child, process);
    c->has_exited = true;
    while (c->is_busy && !c->luma && !uv_is_closing((uv_handle_t *)&c->poll) &&
           read_some(c)) {
    }
    if (!c->words[0]) {
        describe_end(c, status, signal);
    }
    close_poll(c);
    uv_close((uv_handle_t *)process, on_process_closed);
}
