// out.c -- see out.h.
//
// Standard output is written with write(2) from an own buffer: stdio forgets which error it
// met, and a closed pipe (| head) must be told from a full disk.
// SPDX-License-Identifier: MIT
#include "out.h"

#include "base/utf8.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { OUT_BYTES = 64 << 10, BAR_BYTES = 1024 };

static struct {
    int fd;
    int error;
    size_t len;
    char bytes[OUT_BYTES];
} out;

// The log may speak from any thread while the bar is drawn.
static pthread_mutex_t err_lock = PTHREAD_MUTEX_INITIALIZER;
static char bar[BAR_BYTES];
static bool is_bar_drawn;

void out_init(void)
{
    out.fd = STDOUT_FILENO;
    out.len = 0;
    out.error = 0;
}

void out_fini(void)
{
    out_flush();
    bar_hide();
}

void out_to(int fd)
{
    out_flush();
    out.fd = fd;
    out.error = 0;
}

int out_flush(void)
{
    size_t at = 0;
    while (at < out.len && out.error == 0) {
        ssize_t n = write(out.fd, out.bytes + at, out.len - at);
        if (n < 0 && errno != EINTR) {
            out.error = errno;
        }
        at += n > 0 ? (size_t)n : 0;
    }
    out.len = 0;
    return out.error;
}

int out_error(void)
{
    return out.error;
}

void out_bytes(const void *data, size_t len)
{
    const char *p = data;
    while (len && out.error == 0) {
        if (out.len == OUT_BYTES) {
            out_flush();
        }
        size_t n = len < OUT_BYTES - out.len ? len : OUT_BYTES - out.len;
        memcpy(out.bytes + out.len, p, n);
        out.len += n;
        p += n;
        len -= n;
    }
}

void out_text(const char *s)
{
    out_bytes(s, strlen(s));
}

void out_printf(const char *fmt, ...)
{
    char small[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(small, sizeof(small), fmt, ap);
    va_end(ap);
    if (n < (int)sizeof(small)) {
        out_bytes(small, n > 0 ? (size_t)n : 0);
        return;
    }
    char *large = NULL;
    va_start(ap, fmt);
    n = vasprintf(&large, fmt, ap);
    va_end(ap);
    if (n >= 0) {
        out_bytes(large, (size_t)n);
        free(large);
    }
}

// ---- messages and the bar

static void wipe_bar(void)
{
    if (is_bar_drawn) {
        fputs("\r\x1b[K", stderr);
        is_bar_drawn = false;
    }
}

static void draw_bar(void)
{
    if (bar[0]) {
        fprintf(stderr, "\r%s\x1b[K", bar);
        is_bar_drawn = true;
    }
}

void say(const char *fmt, ...)
{
    va_list ap;
    pthread_mutex_lock(&err_lock);
    wipe_bar();
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    draw_bar();
    fflush(stderr);
    pthread_mutex_unlock(&err_lock);
}

void bar_show(const char *line)
{
    pthread_mutex_lock(&err_lock);
    snprintf(bar, sizeof(bar), "%s", line);
    draw_bar();
    fflush(stderr);
    pthread_mutex_unlock(&err_lock);
}

void bar_hide(void)
{
    pthread_mutex_lock(&err_lock);
    wipe_bar();
    bar[0] = 0;
    fflush(stderr);
    pthread_mutex_unlock(&err_lock);
}

// ---- the terminal

static bool is_dumb(void)
{
    const char *term = getenv("TERM");
    return term && strcmp(term, "dumb") == 0;
}

bool term_out(void)
{
    return isatty(STDOUT_FILENO);
}

bool term_err(void)
{
    return isatty(STDERR_FILENO) && !is_dumb();
}

bool term_colour(void)
{
    const char *no = getenv("NO_COLOR");
    return term_out() && !(no && *no) && !is_dumb();
}

int term_columns(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }
    const char *columns = getenv("COLUMNS");
    int n = columns ? atoi(columns) : 0;
    return n > 0 && n < 10000 ? n : 80;
}

// ---- text

// C1 controls (U+0080 to U+009F) are commands to some terminals, like those below 0x20.
static void drop_c1(char *s)
{
    for (; *s; s++) {
        if ((unsigned char)s[0] == 0xc2 && (unsigned char)s[1] >= 0x80 &&
            (unsigned char)s[1] < 0xa0) {
            s[0] = ' ';
            s[1] = ' ';
        }
    }
}

void text_safe(const char *s, char *to, size_t size)
{
    utf8_clean(s ? s : "", s ? strlen(s) : 0, to, size);
    drop_c1(to);
}

void text_clip(const char *s, int columns, char *to, size_t size)
{
    text_safe(s, to, size);
    if (utf8_columns(to) <= columns) {
        return;
    }
    size_t len = strlen(to);
    while (len > 0 && (len + 4 > size || utf8_columns(to) > columns - 1)) {
        len--;
        while (len > 0 && ((unsigned char)to[len] & 0xc0) == 0x80) {
            len--;
        }
        to[len] = 0;
    }
    if (columns > 0 && len + 4 <= size) {
        memcpy(to + len, "\xe2\x80\xa6", 4);
    }
}
