// live.c -- holds back what may be the beginning of a secret.
// SPDX-License-Identifier: MIT
#include "spine/live.h"

#include <stdio.h>
#include <string.h>

void live_init(struct live *l)
{
    *l = (struct live){.has_ended = false};
    buf_init(&l->text, LIVE_MOST);
    buf_init(&l->told, 4 * LIVE_MOST);
}

void live_fini(struct live *l)
{
    buf_fini(&l->text);
    buf_fini(&l->told);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t';
}

// A key in lines is one secret up to its end, however long it is.
static size_t before_open_block(const char *text, size_t len)
{
    static const char begins[] = "-----BEGIN ", ends[] = "-----END ";
    const char *last = NULL;
    for (const char *at = text; (at = strstr(at, begins)); at++) {
        last = at;
    }
    bool is_open = last && !strstr(last, ends);
    size_t at = is_open ? (size_t)(last - text) : len;
    return at < len ? at : len;
}

// Up to a blank that is far enough behind the end.
static size_t safe_length(const char *text, size_t len)
{
    size_t n = len > LIVE_HOLD ? len - LIVE_HOLD : 0;
    n = before_open_block(text, n);
    while (n > 0 && !is_blank(text[n])) {
        n--;
    }
    return n;
}

static size_t common(const struct buf *a, const struct buf *b)
{
    const char *x = buf_str(a), *y = buf_str(b);
    size_t n = 0, most = a->len < b->len ? a->len : b->len;
    while (n < most && x[n] == y[n]) {
        n++;
    }
    // not in the middle of a character
    while (n > 0 && n < a->len && ((unsigned char)x[n] & 0xc0) == 0x80) {
        n--;
    }
    return n;
}

// What is told already must be how clean still begins.
static void tell_up_to(struct live *l, const struct live_ends *e, const struct buf *clean,
                       size_t len)
{
    bool is_same =
        len >= l->told.len && memcmp(buf_str(clean), buf_str(&l->told), l->told.len) == 0;
    if (!is_same) {
        l->has_ended = len < l->told.len ? l->has_ended : true;
        return;
    }
    const char *more = buf_str(clean) + l->told.len;
    size_t n = len - l->told.len;
    if (n > 0 && buf_add(&l->told, more, n) == 0) {
        e->tell(e->arg, l->field, buf_str(&l->told) + l->told.len - n, n);
    }
}

static void look(struct live *l, const struct live_ends *e)
{
    size_t n = safe_length(buf_str(&l->text), l->text.len);
    struct buf front, all, clean_front;
    l->looked = l->text.len;
    if (n == 0) {
        return;
    }
    buf_init(&front, LIVE_MOST);
    buf_init(&all, 4 * LIVE_MOST);
    buf_init(&clean_front, 4 * LIVE_MOST);
    int rc = buf_add(&front, buf_str(&l->text), n);
    rc = rc == 0 ? e->redact(e->arg, buf_str(&front), &clean_front) : rc;
    rc = rc == 0 ? e->redact(e->arg, buf_str(&l->text), &all) : rc;
    if (rc == 0) {
        tell_up_to(l, e, &all, common(&clean_front, &all));
    } else {
        l->has_ended = true;
    }
    buf_fini(&front);
    buf_fini(&all);
    buf_fini(&clean_front);
}

// All of the field is there.
static void end_field(struct live *l, const struct live_ends *e)
{
    struct buf all;
    if (!l->has_ended && l->text.len > 0) {
        buf_init(&all, 4 * LIVE_MOST);
        if (e->redact(e->arg, buf_str(&l->text), &all) == 0) {
            tell_up_to(l, e, &all, all.len);
        }
        buf_fini(&all);
    }
    buf_clear(&l->text);
    buf_clear(&l->told);
    l->looked = 0;
    l->has_ended = false;
}

void live_feed(struct live *l, const struct live_ends *e, const char *field,
               const char *text, size_t len)
{
    if (strncmp(l->field, field, sizeof(l->field) - 1) != 0) {
        end_field(l, e);
        snprintf(l->field, sizeof(l->field), "%s", field);
    }
    if (l->has_ended) {
        return;
    }
    if (buf_add(&l->text, text, len)) {
        l->has_ended = true;
        return;
    }
    if (l->text.len - l->looked >= LIVE_STEP) {
        look(l, e);
    }
}

void live_end(struct live *l, const struct live_ends *e)
{
    end_field(l, e);
}
