// route_images.c -- the pictures themselves, and small ones.
//
// Pixels go only to this machine: whoever asks from another one gets words.  The tag is the
// hash of the contents, so a browser that has it asks for nothing.
// SPDX-License-Identifier: MIT
#include "admin_inside.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct looking {
    int size_px;
    char tag[64];  // with its quotes; "" = there is no picture
};

static void on_picture(void *arg, int err, const struct vlmd_picture *p,
                       const char *message)
{
    struct exchange *x = arg;
    struct looking *l = x->state;
    if (err) {
        reply_failed(x, err == E_IO ? E_CUT : err, message);
        exchange_drop(x);
        return;
    }
    reply_begin(x);
    if (buf_add(&x->out, p->bytes, p->len)) {
        reply_error(x, 503, NULL, "not enough memory");
    } else {
        reply_header(x, "ETag", l->tag);
        reply_header(x, "Cache-Control", "private, no-cache");
        reply_header(x, "Content-Security-Policy", "default-src 'none'; sandbox");
        reply_header(x, "Content-Disposition", "inline");
        reply_bytes(x, 200, p->type, &x->out);
    }
    exchange_drop(x);
}

static bool on_item(void *arg, const struct vlmd_item *it)
{
    struct exchange *x = arg;
    struct looking *l = x->state;
    if (*it->hash && !it->is_url) {
        snprintf(l->tag, sizeof(l->tag), "\"%.32s-%d\"", it->hash, l->size_px);
    }
    return false;
}

static bool is_known(const struct exchange *x, const char *tag)
{
    const char *known = x->http ? httpd_header(x->http, "If-None-Match") : NULL;
    return known && strstr(known, tag);
}

static void on_found(void *arg, int err, const char *message)
{
    struct exchange *x = arg;
    struct looking *l = x->state;
    if (err) {
        reply_failed(x, err, message);
    } else if (!l->tag[0]) {
        reply_error(x, 404, NULL, "there is no file of #%" PRId64, x->id);
    } else if (is_known(x, l->tag)) {
        reply_header(x, "ETag", l->tag);
        reply_empty(x, 304);
    } else {
        int rc = vlmd_picture(x->admin->v, x->id, l->size_px, on_picture, x);
        if (rc == 0) {
            return;
        }
        reply_failed(x, rc, "");
    }
    exchange_drop(x);
}

static void look(struct exchange *x, int size_px)
{
    const struct vlmd_query q = {.id = x->id, .limit = 1};
    if (!httpd_is_local(x->http)) {
        reply_error(x, 403, NULL, "pictures are shown on their own machine only");
        return;
    }
    struct looking *l = mem_new(struct looking);
    l->size_px = size_px;
    x->state = l;
    x->free_state = free;
    exchange_hold(x);
    exchange_asked(x, vlmd_search(x->admin->v, &q, on_item, on_found, x));
}

void route_image(struct exchange *x)
{
    look(x, 0);
}

void route_thumb(struct exchange *x)
{
    static const int sizes[] = {160, 320, 640};
    int at;
    if (param_choice(x, "size", "160|320|640", 1, &at)) {
        look(x, sizes[at]);
    }
}
