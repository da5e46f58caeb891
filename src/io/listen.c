// listen.c -- see listen.h.
// SPDX-License-Identifier: MIT
#include "io/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

// ---- addresses

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
    struct sockaddr_storage storage;
};

static bool parse_address(const char *host, int port, union address *out, socklen_t *len)
{
    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, host, &out->in.sin_addr) == 1) {
        out->in.sin_family = AF_INET;
        out->in.sin_port = htons((uint16_t)port);
        *len = sizeof(out->in);
        return true;
    }
    if (inet_pton(AF_INET6, host, &out->in6.sin6_addr) == 1) {
        out->in6.sin6_family = AF_INET6;
        out->in6.sin6_port = htons((uint16_t)port);
        *len = sizeof(out->in6);
        return true;
    }
    return false;
}

static bool own_address(int fd, union address *out)
{
    socklen_t len = sizeof(*out);
    memset(out, 0, sizeof(*out));
    return getsockname(fd, &out->any, &len) == 0;
}

bool listen_parse(const char *text, char *host, int host_size, int *port)
{
    const char *colon = strrchr(text, ':');
    const char *digits = colon ? colon + 1 : text;
    char *end = NULL;
    long n = strtol(digits, &end, 10);
    if (end == digits || *end || n < 0 || n > 65535 || *digits == '-' || *digits == '+') {
        return false;
    }
    int len = colon ? (int)(colon - text) : 0;
    bool has_brackets = len >= 2 && text[0] == '[' && text[len - 1] == ']';
    if (has_brackets) {
        text++;
        len -= 2;
    } else if (memchr(text, ':', (size_t)len)) {
        return false;  // IPv6 wants brackets
    }
    if (len == 0 || (len == 9 && memcmp(text, "localhost", 9) == 0)) {
        text = "127.0.0.1";
        len = 9;
    }
    snprintf(host, (size_t)host_size, "%.*s", len, text);
    *port = (int)n;
    union address a;
    socklen_t a_len;
    return parse_address(host, *port, &a, &a_len);
}

const char *listen_name(int fd, char *out, int size)
{
    union address a;
    char host[INET6_ADDRSTRLEN] = "";
    snprintf(out, (size_t)size, "?");
    if (!own_address(fd, &a)) {
        return out;
    }
    if (a.any.sa_family == AF_INET &&
        inet_ntop(AF_INET, &a.in.sin_addr, host, sizeof(host))) {
        snprintf(out, (size_t)size, "%s:%d", host, ntohs(a.in.sin_port));
    } else if (a.any.sa_family == AF_INET6 &&
               inet_ntop(AF_INET6, &a.in6.sin6_addr, host, sizeof(host))) {
        snprintf(out, (size_t)size, "[%s]:%d", host, ntohs(a.in6.sin6_port));
    } else if (a.any.sa_family == AF_UNIX) {
        snprintf(out, (size_t)size, "%s", a.un.sun_path);
    }
    return out;
}

int listen_port(int fd)
{
    union address a;
    if (!own_address(fd, &a)) {
        return 0;
    }
    return a.any.sa_family == AF_INET    ? ntohs(a.in.sin_port)
           : a.any.sa_family == AF_INET6 ? ntohs(a.in6.sin6_port)
                                         : 0;
}

bool listen_is_unix(int fd)
{
    union address a;
    return own_address(fd, &a) && a.any.sa_family == AF_UNIX;
}

bool listen_is_local(int fd)
{
    union address a;
    if (!own_address(fd, &a)) {
        return false;
    }
    return a.any.sa_family == AF_UNIX ||
           (a.any.sa_family == AF_INET && ntohl(a.in.sin_addr.s_addr) >> 24 == 127) ||
           (a.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a.in6.sin6_addr));
}

// ---- making them

static int fail(struct err *e, int errnum, const char *where)
{
    int code = errnum == EADDRINUSE                          ? E_BUSY
               : errnum == EACCES || errnum == EPERM         ? E_ACCESS
               : errnum == EADDRNOTAVAIL || errnum == EINVAL ? E_USAGE
                                                             : E_IO;
    return err_set(e, code, "%s: %s", where, strerror(errnum));
}

static int bind_and_listen(const union address *a, socklen_t len, const char *where,
                           int *out, struct err *e)
{
    int one = 1;
    int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return fail(e, errno, where);
    }
    if (a->any.sa_family != AF_UNIX) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    }
    if (a->any.sa_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    }
    // The mode of a socket file is that of the moment it is made: the umask belongs to the
    // whole process, so the folder protects it until chmod does.
    if (bind(fd, &a->any, len) ||
        (a->any.sa_family == AF_UNIX && chmod(a->un.sun_path, 0600)) ||
        listen(fd, LISTEN_BACKLOG)) {
        int errnum = errno;
        close(fd);
        return fail(e, errnum, where);
    }
    *out = fd;
    return 0;
}

int listen_tcp(const char *host, int port, int *fd, struct err *e)
{
    union address a;
    socklen_t len = 0;
    char where[128];
    snprintf(where, sizeof(where), "%s:%d", host, port);
    if (port < 0 || port > 65535 || !parse_address(host, port, &a, &len)) {
        return err_set(e, E_USAGE, "%s: is no address", where);
    }
    return bind_and_listen(&a, len, where, fd, e);
}

// A file of a process that was killed answers nobody.
static bool is_dead(const union address *a, socklen_t len)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool is_refused = fd >= 0 && connect(fd, &a->any, len) != 0 && errno == ECONNREFUSED;
    if (fd >= 0) {
        close(fd);
    }
    return is_refused;
}

int listen_unix(const char *path, int *fd, struct err *e)
{
    union address a = {.un = {.sun_family = AF_UNIX}};
    struct stat st;
    if (strlen(path) >= sizeof(a.un.sun_path)) {
        return err_set(e, E_USAGE, "%s: the path is too long for a socket (at most %zu)",
                       path, sizeof(a.un.sun_path) - 1);
    }
    strcpy(a.un.sun_path, path);
    if (lstat(path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode)) {
            return err_set(e, E_NOT_FILE, "%s: there is a file that is no socket", path);
        }
        if (!is_dead(&a, sizeof(a.un))) {
            return err_set(e, E_BUSY, "%s: another process listens there", path);
        }
        unlink(path);
    }
    return bind_and_listen(&a, sizeof(a.un), path, fd, e);
}

// ---- taking them over

static bool is_listening(int fd)
{
    int value = 0;
    socklen_t len = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) == 0 && value;
}

int listen_inherited(int *fds, int max)
{
    enum { FIRST = 3 };
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    int n = 0;
    if (!pid || !count || strtol(pid, NULL, 10) != (long)getpid()) {
        return 0;
    }
    long given = strtol(count, NULL, 10);
    for (int fd = FIRST; fd - FIRST < given && n < max; fd++) {
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0 || !is_listening(fd)) {
            continue;
        }
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        fds[n++] = fd;
    }
    return n;
}
