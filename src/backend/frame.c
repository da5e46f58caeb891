// frame.c -- incremental framing: bytes in, whole frames out, nothing unbounded between.
//
// Source: WHATWG HTML, 9.2.6 (event streams): lines end in LF, CR LF or CR, data lines are
// joined with LF, an empty line ends the event, a colon begins a comment.
// SPDX-License-Identifier: MIT
#include "backend/frame.h"

#include <string.h>

void frame_init(struct framer *f, enum frame_kind kind, size_t max_bytes)
{
    *f = (struct framer){.kind = kind};
    buf_init(&f->line, max_bytes);
    buf_init(&f->data, max_bytes);
}

void frame_fini(struct framer *f)
{
    buf_fini(&f->line);
    buf_fini(&f->data);
}

static int end_event(struct framer *f, frame_fn *fn, void *arg)
{
    int rc = 0;
    if (f->has_data) {
        rc = fn(arg, f->event, buf_str(&f->data), f->data.len);
    }
    buf_clear(&f->data);
    f->has_data = false;
    f->event[0] = 0;
    return rc;
}

static int add_data(struct framer *f, const char *value, size_t len)
{
    if (f->has_data) {
        int rc = buf_add(&f->data, "\n", 1);
        if (rc < 0) {
            return rc;
        }
    }
    f->has_data = true;
    return buf_add(&f->data, value, len);
}

// "name: value", one blank behind the colon belongs to neither.
static int sse_line(struct framer *f, const char *line, size_t len, frame_fn *fn,
                    void *arg)
{
    if (len == 0) {
        return end_event(f, fn, arg);
    }
    const char *colon = memchr(line, ':', len);
    size_t name_len = colon ? (size_t)(colon - line) : len;
    const char *value = colon ? colon + 1 : line + len;
    size_t value_len = (size_t)(line + len - value);
    if (value_len > 0 && *value == ' ') {
        value++;
        value_len--;
    }
    if (name_len == 4 && memcmp(line, "data", 4) == 0) {
        return add_data(f, value, value_len);
    }
    if (name_len == 5 && memcmp(line, "event", 5) == 0) {
        value_len = value_len < sizeof(f->event) ? value_len : sizeof(f->event) - 1;
        memcpy(f->event, value, value_len);
        f->event[value_len] = 0;
        return 0;
    }
    bool is_known = name_len == 0 || (name_len == 2 && memcmp(line, "id", 2) == 0) ||
                    (name_len == 5 && memcmp(line, "retry", 5) == 0);
    f->junk += !is_known;
    return 0;
}

static int end_line(struct framer *f, frame_fn *fn, void *arg)
{
    const char *line = buf_str(&f->line);
    size_t len = f->line.len;
    int rc = 0;
    if (len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
        line += 3;
        len -= 3;
    }
    if (f->kind == FRAME_SSE) {
        rc = sse_line(f, line, len, fn, arg);
    } else {
        while (len > 0 && strchr(" \t\r", line[len - 1])) {
            f->line.data[line + --len - buf_str(&f->line)] = 0;
        }
        rc = len > 0 ? fn(arg, "", line, len) : 0;
    }
    buf_clear(&f->line);
    return rc;
}

// Bytes up to the next line end.
static size_t run_len(const struct framer *f, const char *bytes, size_t len)
{
    const char *lf = memchr(bytes, '\n', len);
    size_t n = lf ? (size_t)(lf - bytes) : len;
    const char *cr = f->kind == FRAME_SSE ? memchr(bytes, '\r', n) : NULL;
    return cr ? (size_t)(cr - bytes) : n;
}

int frame_feed(struct framer *f, const char *bytes, size_t len, frame_fn *fn, void *arg)
{
    for (size_t i = 0; i < len;) {
        if (f->was_cr) {
            f->was_cr = false;
            if (bytes[i] == '\n') {
                i++;
                continue;
            }
        }
        size_t n = run_len(f, bytes + i, len - i);
        int rc = buf_add(&f->line, bytes + i, n);
        i += n;
        if (rc == 0 && i < len) {
            f->was_cr = bytes[i++] == '\r';
            rc = end_line(f, fn, arg);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

int frame_end(struct framer *f, frame_fn *fn, void *arg)
{
    int rc = f->line.len > 0 ? end_line(f, fn, arg) : 0;
    if (rc == 0 && f->kind == FRAME_SSE) {
        rc = end_event(f, fn, arg);
    }
    return rc;
}
