// share.c -- see share.h.
//
// A share begins with its maker and ends when that has answered, or lives on without one as
// long as its answer is fresh.  There is at most one kept answer for each route without
// parameters, and one that was asked ahead.
// SPDX-License-Identifier: MIT
#include "share.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_MAX = 64 << 10,
    KEPT_MS = 100,  // of what was asked ahead
    MANY = 8        // who get one answer: the next turn's may be asked ahead
};

struct share {
    struct list node;  // admin.shares
    const struct route *route;
    struct exchange *maker;         // NULL: it has answered
    bool is_ahead;                  // kept until the end of the turn, at least
    int n_given;                    // to others than its maker; if strict, in this turn
    struct list waiting;            // exchanges, by share_node
    struct buf key;                 // path and parameters, each with its NUL
    int64_t changes, events, told;  // of the interface, when it began
    struct httpd_body *body;        // owned; NULL = none is kept
    int status;
    const char *type;
    int64_t until_ms;
};

// It is over: many got it, so many will ask the same again.
static void note_hot(struct admin *a, struct share *s)
{
    struct share_hot *hot = &a->hot;
    if (s->n_given >= MANY && s->n_given > hot->n) {
        hot->route = s->route;
        hot->n = s->n_given;
        buf_take(&hot->key, &s->key);
    }
}

static void free_share(struct share *s)
{
    assert(list_is_empty(&s->waiting));
    list_remove(&s->node);
    buf_fini(&s->key);
    httpd_body_drop(s->body);
    free(s);
}

struct key {
    struct buf text;
    int rc;
};

static bool add_param(void *arg, const char *name, const char *value)
{
    struct key *k = arg;
    k->rc = k->rc ? k->rc : buf_add(&k->text, name, strlen(name) + 1);
    k->rc = k->rc ? k->rc : buf_add(&k->text, value, strlen(value) + 1);
    return k->rc == 0;
}

static int make_key(const struct exchange *x, struct key *k)
{
    *k = (struct key){.text = {.max_bytes = KEY_MAX}};
    if (add_param(k, httpd_path(x->http), "")) {
        httpd_params(x->http, add_param, k);
    }
    return k->rc;
}

// /health shows a moment anyway; the others are to show all that was told.
static bool is_strict(const struct share *s)
{
    return s->route->fresh_ms <= SHARE_RUNNING;
}

static bool is_good(const struct share *s, const struct admin *a, int64_t now_ms)
{
    if (s->changes != a->changes || (is_strict(s) && s->events != a->events_told)) {
        return false;
    }
    return s->maker || (now_ms < s->until_ms && (!is_strict(s) || s->told == a->told));
}

static struct share *find(struct admin *a, const struct buf *key, int64_t now_ms)
{
    struct list *node, *tmp;
    list_each(node, tmp, &a->shares)
    {
        struct share *s = container_of(node, struct share, node);
        bool is_same =
            s->key.len == key->len && memcmp(s->key.data, key->data, key->len) == 0;
        if (is_same && is_good(s, a, now_ms)) {
            return s;
        }
        if (is_same && !s->maker) {
            free_share(s);  // out of date: another will take its place
        }
    }
    return NULL;
}

static void begin(struct exchange *x, struct buf *key)
{
    struct share *s = mem_new(struct share);
    s->route = x->route;
    s->maker = x;
    s->is_ahead = x->is_ahead;
    s->changes = x->admin->changes;
    s->events = x->admin->events_told;
    s->told = x->admin->told;
    list_init(&s->waiting);
    buf_take(&s->key, key);
    list_push_back(&x->admin->shares, &s->node);
    x->makes = s;
}

bool share_ask(struct exchange *x)
{
    struct admin *a = x->admin;
    struct key key;
    if (x->route->fresh_ms == SHARE_NEVER || make_key(x, &key)) {
        return false;
    }
    struct share *s = find(a, &key.text, loop_now_ms(vlmd_loop(a->v)));
    if (!s) {
        begin(x, &key.text);
    } else if (s->maker) {
        list_push_back(&s->waiting, &x->share_node);
    } else {
        s->n_given++;
        x->is_copy = true;
        reply_shared(x, s->status, s->type, s->body);
    }
    buf_fini(&key.text);
    return s != NULL;
}

bool share_is_wanted(const struct exchange *x)
{
    return x->http || (x->is_ahead && !x->admin->is_closing) ||
           (x->makes && !list_is_empty(&x->makes->waiting));
}

struct exchange *share_next(struct exchange *x)
{
    struct list *node = x->makes ? list_pop_front(&x->makes->waiting) : NULL;
    if (node) {
        x->makes->n_given++;
    }
    return node ? container_of(node, struct exchange, share_node) : NULL;
}

void share_made(struct exchange *x, int status, const char *type, struct httpd_body *body)
{
    struct share *s = x->makes;
    struct exchange *other;
    while ((other = share_next(x))) {
        other->is_copy = true;
        reply_shared(other, status, type, body);
    }
    bool is_in_time = s && s->is_ahead && x->admin->admission.is_ahead;
    if (!s || (is_strict(s) && !is_in_time)) {
        share_leave(x);
        return;
    }
    x->makes = NULL;
    s->maker = NULL;
    s->body = httpd_body_hold(body);
    s->status = status;
    s->type = type;
    s->until_ms = loop_now_ms(vlmd_loop(x->admin->v)) +
                  (is_strict(s) ? KEPT_MS : x->route->fresh_ms);
}

void share_leave(struct exchange *x)
{
    list_remove(&x->share_node);
    if (x->makes) {
        note_hot(x->admin, x->makes);
        free_share(x->makes);
        x->makes = NULL;
    }
}

// ---- ahead of a turn

struct exchange *share_ahead(struct admin *a)
{
    struct share_hot *hot = &a->hot;
    if (!hot->route) {
        return NULL;
    }
    struct exchange *x = exchange_new_ahead(a, hot->route);
    begin(x, &hot->key);
    *hot = (struct share_hot){0};
    return x;
}

// What would be out of date in the next turn is better made anew before it than in it.
static bool is_over(const struct share *s, const struct admin *a, int64_t now_ms)
{
    bool is_wanted = s->n_given || !is_strict(s);
    return !is_wanted || !is_good(s, a, now_ms) ||
           s->until_ms <= now_ms + ADMISSION_MOST_MS;
}

void share_end_turn(struct admin *a)
{
    int64_t now_ms = loop_now_ms(vlmd_loop(a->v));
    struct list *node, *tmp;
    list_each(node, tmp, &a->shares)
    {
        struct share *s = container_of(node, struct share, node);
        if (!s->maker && is_over(s, a, now_ms)) {
            note_hot(a, s);
            free_share(s);
        } else if (!s->maker && is_strict(s)) {
            s->n_given = 0;
        }
    }
}

const char *share_param(const struct exchange *x, const char *name)
{
    const struct buf *key = x->makes ? &x->makes->key : NULL;
    for (size_t at = 0; key && at < key->len;) {
        const char *has = (const char *)key->data + at;
        const char *value = has + strlen(has) + 1;
        if (strcmp(has, name) == 0) {
            return value;
        }
        at += strlen(has) + strlen(value) + 2;
    }
    return NULL;
}

void share_free_all(struct admin *a)
{
    buf_fini(&a->hot.key);
    struct list *node, *tmp;
    list_each(node, tmp, &a->shares)
    {
        free_share(container_of(node, struct share, node));
    }
}
