// multipart.c -- see multipart.h.
// SPDX-License-Identifier: MIT
#include "multipart.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

// The value of name=VALUE or name="VALUE" among the parameters of a header.
static bool find_value(const char *s, size_t len, const char *name, char *out,
                       size_t size)
{
    size_t n = strlen(name);
    for (size_t i = 0; i + n + 1 < len; i++) {
        bool is_start = i == 0 || s[i - 1] == ';' || s[i - 1] == ' ' || s[i - 1] == '\t';
        if (!is_start || strncasecmp(s + i, name, n) != 0 || s[i + n] != '=') {
            continue;
        }
        i += n + 1;
        bool is_quoted = s[i] == '"';
        i += is_quoted;
        size_t at = 0;
        while (i < len && (is_quoted ? s[i] != '"' : s[i] != ';' && s[i] != ' ')) {
            if (at + 1 >= size || !s[i]) {
                return false;
            }
            out[at++] = s[i++];
        }
        out[at] = 0;
        return !is_quoted || (i < len && s[i] == '"');
    }
    return false;
}

static const char *find(const char *at, const char *end, const char *what, size_t len)
{
    return (const char *)memmem(at, (size_t)(end - at), what, len);
}

int multipart_begin(struct multipart *m, const char *type, const char *body, size_t len)
{
    char boundary[MULTIPART_BOUNDARY];
    *m = (struct multipart){.at = body, .end = body + len};
    if (!find_value(type, strlen(type), "boundary", boundary, sizeof(boundary)) ||
        !boundary[0]) {
        return E_FORMAT;
    }
    m->boundary_len =
        (size_t)snprintf(m->boundary, sizeof(m->boundary), "--%s", boundary);
    const char *first = find(m->at, m->end, m->boundary, m->boundary_len);
    if (!first || (first != body && first[-1] != '\n')) {
        return E_FORMAT;
    }
    m->at = first + m->boundary_len;
    return 0;
}

// Lines of the part's head until the empty one; at most 4 KiB.
static int read_head(struct multipart *m, struct multipart_part *out)
{
    static const char disposition[] = "content-disposition:";
    char file[512];
    bool has_name = false;
    for (int lines = 0; lines < 16; lines++) {
        const char *end = find(m->at, m->end, "\r\n", 2);
        if (!end || end - m->at > 1024) {
            return E_FORMAT;
        }
        const char *line = m->at;
        size_t len = (size_t)(end - line), n = sizeof(disposition) - 1;
        m->at = end + 2;
        if (len == 0) {
            return has_name ? 0 : E_FORMAT;
        }
        if (len > n && strncasecmp(line, disposition, n) == 0) {
            has_name =
                find_value(line + n, len - n, "name", out->name, sizeof(out->name));
            out->is_file = find_value(line + n, len - n, "filename", file, sizeof(file));
        }
    }
    return E_FORMAT;
}

int multipart_next(struct multipart *m, struct multipart_part *out)
{
    *out = (struct multipart_part){0};
    if (m->end - m->at >= 2 && memcmp(m->at, "--", 2) == 0) {
        return 0;
    }
    if (m->end - m->at < 2 || memcmp(m->at, "\r\n", 2) != 0) {
        return E_FORMAT;
    }
    if (m->n_parts++ == MULTIPART_MAX_PARTS) {
        return E_TOOBIG;
    }
    m->at += 2;
    int rc = read_head(m, out);
    if (rc) {
        return rc;
    }
    // The line feed before a boundary belongs to it.
    const char *at = m->at;
    for (;;) {
        const char *next = find(at, m->end, m->boundary, m->boundary_len);
        if (!next) {
            return E_FORMAT;
        }
        if (next - m->at >= 2 && memcmp(next - 2, "\r\n", 2) == 0) {
            out->data = m->at;
            out->len = (size_t)(next - 2 - m->at);
            m->at = next + m->boundary_len;
            return 1;
        }
        at = next + 1;
    }
}
