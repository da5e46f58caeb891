// words.c -- words, "phrases", -without, and the last word as a beginning.
// SPDX-License-Identifier: MIT
#include "store/words.h"

#include <string.h>

// A shorter beginning fits a large part of all words, and the index gathers all their hits
// before it gives the first.
enum { PREFIX_MIN_BYTES = 3 };

struct token {
    const char *at;
    size_t len;
    bool is_phrase, is_without, is_prefix;
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool next_token(const char **at, struct token *t)
{
    const char *s = *at;
    while (is_space(*s)) {
        s++;
    }
    memset(t, 0, sizeof(*t));
    if (!*s) {
        return false;
    }
    if (*s == '-' && s[1] && !is_space(s[1])) {
        t->is_without = true;
        s++;
    }
    t->is_phrase = *s == '"';
    t->at = s += t->is_phrase;
    while (*s && (t->is_phrase ? *s != '"' : !is_space(*s) && *s != '"')) {
        s++;
    }
    t->len = (size_t)(s - t->at);
    *at = s + (t->is_phrase && *s == '"');
    if (!t->is_phrase && t->len > 1 && t->at[t->len - 1] == '*') {
        t->is_prefix = true;
        t->len--;
    }
    return true;
}

static int add_quoted(struct buf *out, const char *text, size_t len)
{
    int rc = buf_add(out, "\"", 1);
    for (size_t i = 0; !rc && i < len; i++) {
        rc = buf_add(out, text[i] == '"' ? "\"\"" : &text[i], text[i] == '"' ? 2 : 1);
    }
    return rc ? rc : buf_add(out, "\"", 1);
}

static int add_token(struct words *w, const struct token *t, bool is_last)
{
    struct buf *out = t->is_without ? &w->without : &w->with;
    int rc = out->len ? buf_add_str(out, t->is_without ? " OR " : " ") : 0;
    rc = rc ? rc : add_quoted(out, t->at, t->len);
    w->ends_open = is_last && !t->is_prefix && !t->is_phrase && !t->is_without &&
                   t->len >= PREFIX_MIN_BYTES;
    return rc || !(t->is_prefix || w->ends_open) ? rc : buf_add(out, "*", 1);
}

static bool is_end(const char *s)
{
    while (is_space(*s)) {
        s++;
    }
    return !*s;
}

int words_parse(const char *typed, struct words *w, struct err *e)
{
    struct token t;
    int n = 0, rc = 0;
    w->ends_open = false;
    buf_init(&w->with, 4 * WORDS_BYTES_MAX);
    buf_init(&w->without, 4 * WORDS_BYTES_MAX);
    if (strlen(typed) > WORDS_BYTES_MAX) {
        return err_set(e, E_USAGE, "the search text is longer than %d bytes",
                       WORDS_BYTES_MAX);
    }
    while (!rc && next_token(&typed, &t)) {
        if (++n > WORDS_MAX) {
            return err_set(e, E_USAGE, "the search text has more than %d words",
                           WORDS_MAX);
        }
        rc = add_token(w, &t, is_end(typed));
    }
    return rc;
}

void words_close(struct words *w)
{
    if (w->ends_open) {
        w->with.data[--w->with.len] = 0;
        w->ends_open = false;
    }
}

int words_add_column(struct words *w, const char *column, const char *text)
{
    int rc = w->with.len ? buf_add(&w->with, " ", 1) : 0;
    rc = rc ? rc : buf_add_str(&w->with, column);
    rc = rc ? rc : buf_add_str(&w->with, " : ");
    return rc ? rc : add_quoted(&w->with, text, strlen(text));
}

void words_fini(struct words *w)
{
    buf_fini(&w->with);
    buf_fini(&w->without);
}

bool words_is_indexed(const char *text)
{
    for (; *text; text++) {
        if ((*text >= '0' && *text <= '9') ||
            ((*text | 32) >= 'a' && (*text | 32) <= 'z')) {
            return true;
        }
    }
    return false;
}
