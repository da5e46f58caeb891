// live.c -- holds back what may be the beginning of a secret.
// SPDX-License-Identifier: MIT
#include "spine/live.h"

#include <stdio.h>
#include <string.h>

void live_init(struct live *l)
{
    *l = (struct live){.looked_ms = INT64_MIN / 2};
    buf_init(&l->text, LIVE_WINDOW);
    buf_init(&l->told, 4 * LIVE_WINDOW);
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

static void drop_front(struct buf *b, size_t n)
{
    memmove(b->data, b->data + n, b->len - n + 1);  // with its NUL
    b->len -= n;
}

// Text before a blank goes when what it was told as is the same without what follows, and what
// follows the same without it.
static void forget(struct live *l, const struct live_ends *e)
{
    const char *text = buf_str(&l->text), *told = buf_str(&l->told);
    struct buf front, clean_front, clean_rest;
    size_t cut = l->safe - LIVE_KEEP;
    while (cut > 0 && !is_blank(text[cut])) {
        cut--;
    }
    if (cut == 0) {
        return;
    }
    buf_init(&front, LIVE_WINDOW);
    buf_init(&clean_front, 4 * LIVE_WINDOW);
    buf_init(&clean_rest, 4 * LIVE_WINDOW);
    int rc = buf_add(&front, text, cut);
    rc = rc == 0 ? e->redact(e->arg, buf_str(&front), &clean_front) : rc;
    rc = rc == 0 ? e->redact(e->arg, text + cut, &clean_rest) : rc;
    const size_t n = clean_front.len;
    bool is_same = rc == 0 && n <= l->told.len && l->told.len - n <= clean_rest.len &&
                   memcmp(told, buf_str(&clean_front), n) == 0 &&
                   memcmp(told + n, buf_str(&clean_rest), l->told.len - n) == 0;
    if (is_same && l->told.len > 0) {
        drop_front(&l->text, cut);
        drop_front(&l->told, n);
        l->safe -= cut;
        l->looked -= cut;
    }
    buf_fini(&front);
    buf_fini(&clean_front);
    buf_fini(&clean_rest);
}

static void look(struct live *l, const struct live_ends *e)
{
    size_t n = safe_length(buf_str(&l->text), l->text.len);
    struct buf front, all, clean_front;
    l->looked = l->text.len;
    if (n <= l->safe) {
        return;
    }
    l->safe = n;
    buf_init(&front, LIVE_WINDOW);
    buf_init(&all, 4 * LIVE_WINDOW);
    buf_init(&clean_front, 4 * LIVE_WINDOW);
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
    if (!l->has_ended && l->safe > 2 * LIVE_KEEP) {
        forget(l, e);
    }
}

// All of the field is there.
static void end_field(struct live *l, const struct live_ends *e)
{
    struct buf all;
    if (!l->has_ended && l->text.len > 0) {
        buf_init(&all, 4 * LIVE_WINDOW);
        if (e->redact(e->arg, buf_str(&l->text), &all) == 0) {
            tell_up_to(l, e, &all, all.len);
        }
        buf_fini(&all);
    }
    buf_clear(&l->text);
    buf_clear(&l->told);
    l->fed = l->looked = l->safe = 0;
    l->has_ended = false;
}

// As much of a piece as fits.
static size_t take(struct live *l, const char *text, size_t len)
{
    const size_t room = LIVE_WINDOW - l->text.len, n = len < room ? len : room;
    l->has_ended |= buf_add(&l->text, text, n) != 0;
    return n;
}

void live_feed(struct live *l, const struct live_ends *e, const char *field,
               const char *text, size_t len, int64_t now_ms)
{
    if (strncmp(l->field, field, sizeof(l->field) - 1) != 0) {
        end_field(l, e);
        snprintf(l->field, sizeof(l->field), "%s", field);
    }
    l->fed += len;
    l->has_ended |= l->fed > LIVE_MOST;
    while (len > 0 && !l->has_ended) {
        const size_t n = take(l, text, len);
        text += n;
        len -= n;
        bool is_full = l->text.len == LIVE_WINDOW;
        bool is_due = l->text.len - l->looked >= LIVE_STEP &&
                      now_ms - l->looked_ms >= LIVE_PAUSE_MS;
        if (is_full || is_due) {
            l->looked_ms = now_ms;
            look(l, e);
        }
        l->has_ended |= l->text.len == LIVE_WINDOW;  // nothing could be forgotten
    }
}

void live_end(struct live *l, const struct live_ends *e)
{
    end_field(l, e);
}
