// share.c -- see share.h.
//
// A share begins with its maker and ends when that has answered, or lives on without one as
// long as its answer is fresh.  There is at most one kept answer for each route: those that
// are kept have no parameters.
// SPDX-License-Identifier: MIT
#include "share.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 64 << 10 };

struct share {
    struct list node;         // admin.shares
    struct exchange *maker;   // NULL: it has answered
    struct list waiting;      // exchanges, by share_node
    struct buf key;           // path and parameters, each with its NUL
    int64_t changes, events;  // of the interface, when it began
    struct httpd_body *body;  // owned; NULL = none is kept
    int status;
    const char *type;
    int64_t until_ms;
};

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

// What is kept shows a moment anyway; what is under way is to show all that was told.
static bool is_good(const struct share *s, const struct admin *a, int64_t now_ms)
{
    if (s->changes != a->changes) {
        return false;
    }
    return s->maker
               ? s->maker->route->fresh_ms > SHARE_RUNNING || s->events == a->events_told
               : now_ms < s->until_ms;
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
    s->maker = x;
    s->changes = x->admin->changes;
    s->events = x->admin->events_told;
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
        reply_shared(x, s->status, s->type, s->body);
    }
    buf_fini(&key.text);
    return s != NULL;
}

bool share_is_wanted(const struct exchange *x)
{
    return x->http || (x->makes && !list_is_empty(&x->makes->waiting));
}

struct exchange *share_next(struct exchange *x)
{
    struct list *node = x->makes ? list_pop_front(&x->makes->waiting) : NULL;
    return node ? container_of(node, struct exchange, share_node) : NULL;
}

void share_made(struct exchange *x, int status, const char *type, struct httpd_body *body)
{
    struct share *s = x->makes;
    struct exchange *other;
    while ((other = share_next(x))) {
        reply_shared(other, status, type, body);
    }
    if (!s || x->route->fresh_ms <= SHARE_RUNNING) {
        share_leave(x);
        return;
    }
    x->makes = NULL;
    s->maker = NULL;
    s->body = httpd_body_hold(body);
    s->status = status;
    s->type = type;
    s->until_ms = loop_now_ms(vlmd_loop(x->admin->v)) + x->route->fresh_ms;
}

void share_leave(struct exchange *x)
{
    list_remove(&x->share_node);
    if (x->makes) {
        free_share(x->makes);
        x->makes = NULL;
    }
}

void share_free_all(struct admin *a)
{
    struct list *node, *tmp;
    list_each(node, tmp, &a->shares)
    {
        free_share(container_of(node, struct share, node));
    }
}
