// request_mill.c -- see request_mill.h.
//
// The handle and its interface are opened with the first bytes and stay open: what one
// request leaves behind is there for the next.  The client comes over the Unix socket, where
// this user needs no key.
// SPDX-License-Identifier: MIT
#include "admin/request_mill.h"

#include "admin/admin_inside.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_TURNS = 400, MAX_WAITS = 12, ANSWER_MAX = 4 << 20 };

static struct {
    char dir[64];
    vlmd *v;
    struct admin *admin;
} mill;

static void fail(const char *what, const char *words)
{
    fprintf(stderr, "request_mill: %s: %.2000s\n", what, words);
    abort();
}

static void open_mill(void)
{
    char db[100], socket_path[100];
    struct vlmd_error why;
    struct err e = {0};
    const char *tmp = getenv("TMPDIR");
    snprintf(mill.dir, sizeof(mill.dir), "%.40s/vlmd-mill-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(mill.dir)) {
        fail("no folder", strerror(errno));
    }
    snprintf(db, sizeof(db), "%s/vlmd.db", mill.dir);
    snprintf(socket_path, sizeof(socket_path), "%s/http.sock", mill.dir);
    const struct vlmd_setting settings[] = {
        {"db", db, "test"},
        {"backends", "http://127.0.0.1:9", "test"},  // nobody listens there
        {"ocr.when", "never", "test"},
        {"admin.listen", "off", "test"},
        {"admin.socket", socket_path, "test"},
        {"admin.rate", "0", "test"},
        {"admin.share", "100", "test"},
    };
    const struct vlmd_options o = {
        .role = VLMD_WORKER,
        .config_file = "",
        .settings = settings,
        .n_settings = sizeof(settings) / sizeof(settings[0]),
        .ignore_environment = true,
    };
    if (vlmd_open(&o, &mill.v, &why)) {
        fail("open", why.message);
    }
    if (vlmd_work(mill.v) || admin_open(&mill.admin, mill.v, NULL, NULL, &e)) {
        fail("open", e.msg);
    }
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void request_mill_close(void)
{
    if (mill.v) {
        admin_close(mill.admin);
        vlmd_close(mill.v);
        nftw(mill.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        mill.v = NULL;
    }
}

// false: nothing happened.
static bool turn(int fd, bool waits)
{
    struct pollfd p[2] = {{.fd = vlmd_fd(mill.v), .events = POLLIN},
                          {.fd = fd, .events = POLLIN}};
    int n = poll(p, 2, waits && vlmd_timeout_ms(mill.v) != 0 ? 2 : 0);
    vlmd_step(mill.v);
    return n > 0;
}

static int connect_mill(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof(a.sun_path), "%s/http.sock", mill.dir);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a))) {
        fail("connect", strerror(errno));
    }
    return fd;
}

static void write_all(int fd, const uint8_t *bytes, size_t len, size_t piece)
{
    for (int left = MAX_TURNS * 10; len > 0 && left > 0; left--) {
        ssize_t n = send(fd, bytes, len < piece ? len : piece, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) {
            break;  // the other side has said enough
        }
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
        turn(fd, false);
    }
    shutdown(fd, SHUT_WR);
}

static bool is_whole(const struct buf *b)
{
    const char *end = strstr(buf_str(b), "\r\n\r\n");
    const char *length = strstr(buf_str(b), "Content-Length: ");
    return end && length && length < end &&
           b->len >= (size_t)(end + 4 - buf_str(b)) + (size_t)atol(length + 16);
}

static void read_answer(int fd, struct buf *answer)
{
    int waits = 0;
    for (int i = 0; i < MAX_TURNS && waits < MAX_WAITS && !is_whole(answer); i++) {
        char bytes[16384];
        ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
        if (n == 0 || (n < 0 && errno != EAGAIN) ||
            (n > 0 && buf_add(answer, bytes, (size_t)n))) {
            return;
        }
        waits += !turn(fd, true);
    }
}

static int check(const struct buf *answer)
{
    if (answer->len == 0) {
        return 0;
    }
    if (strncmp(buf_str(answer), "HTTP/1.", 7) != 0) {
        fail("no HTTP", buf_str(answer));
    }
    int status = atoi(buf_str(answer) + 9);
    if (status < 100 || status > 599 || status == 500) {
        fail("status", buf_str(answer));
    }
    return status;
}

// A head for the route, before what the bytes say.
static int make(enum mill_kind kind, const uint8_t *bytes, size_t len, struct buf *out)
{
    const struct route *r = &admin_routes[len ? bytes[0] % n_admin_routes : 0];
    const char *rest = (const char *)bytes + (len > 0);
    char path[200];
    len -= len > 0;
    const char *hole = strstr(r->path, "{id}");
    snprintf(path, sizeof(path), "%.*s%s%s", (int)(hole ? hole - r->path : 190), r->path,
             hole ? "1" : "", hole ? hole + 4 : "");
    int rc = buf_printf(out, "%s %s", r->method, path);
    if (kind == MILL_QUERY) {
        rc = rc ? rc : buf_add_str(out, "?");
        rc = rc ? rc : buf_add(out, rest, len);
        len = 0;
    }
    rc = rc ? rc
            : buf_printf(out,
                         " HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
                         "Content-Type: application/json\r\n"
                         "Content-Length: %zu\r\n\r\n",
                         len);
    return rc ? rc : buf_add(out, rest, len);
}

int request_grind(const uint8_t *bytes, size_t len)
{
    struct buf request = {.max_bytes = 1 << 20}, answer = {.max_bytes = ANSWER_MAX};
    if (!mill.v) {
        open_mill();
    }
    if (len == 0) {
        return 0;
    }
    enum mill_kind kind = (enum mill_kind)(bytes[0] % MILL_KINDS);
    size_t piece = bytes[0] & 0x80 ? 1 + (size_t)(bytes[0] >> 2 & 0x1f) : SIZE_MAX;
    int rc = kind == MILL_RAW ? buf_add(&request, bytes + 1, len - 1)
                              : make(kind, bytes + 1, len - 1, &request);
    int status = 0;
    if (rc == 0) {
        int fd = connect_mill();
        write_all(fd, request.data, request.len, piece);
        read_answer(fd, &answer);
        close(fd);
        turn(-1, false);
        status = check(&answer);
    }
    buf_fini(&request);
    buf_fini(&answer);
    return status;
}

int request_routes(void)
{
    return n_admin_routes;
}
