// route_control.c -- pausing the work, and what models take of the memory.
// SPDX-License-Identifier: MIT
#include "admin_inside.h"

#include <cjson/cJSON.h>

static void on_done(void *arg, int err, const char *message)
{
    struct exchange *x = arg;
    if (answer_begin(x, err, message)) {
        json_object(&x->w, NULL);
        json_bool(&x->w, "done", true);
        json_object_end(&x->w);
        answer_end(x);
    }
}

// An empty body is an empty object.
static bool optional_object(struct exchange *x, const char *known, struct cJSON **out)
{
    struct buf *body = NULL;
    *out = NULL;
    bool is_empty = httpd_body(x->http, &body) == 0 && body->len == 0;
    return is_empty || body_object(x, known, out);
}

void route_pause(struct exchange *x)
{
    struct cJSON *o = NULL;
    int64_t until_ms = 0, minutes = 0;
    if (!optional_object(x, "until minutes", &o)) {
        return;
    }
    if (!body_time(x, o, "until", false, &until_ms)) {
        json_free(o);
        return;
    }
    minutes = json_get_int(o, "minutes", 0);
    bool is_bad = json_get(o, "minutes") && (minutes < 1 || minutes > 60 * 24 * 365);
    json_free(o);
    if (is_bad) {
        reply_error(x, 400, "minutes", "minutes is a number from 1");
        return;
    }
    until_ms = minutes ? loop_wall_ms() + minutes * 60000 : until_ms;
    exchange_hold(x);
    exchange_asked(x, vlmd_pause(x->admin->v, until_ms ? until_ms : VLMD_UNTIL_RESUMED,
                                 on_done, x));
}

void route_resume(struct exchange *x)
{
    exchange_hold(x);
    exchange_asked(x, vlmd_resume(x->admin->v, on_done, x));
}

static void free_object(void *o)
{
    json_free(o);
}

static void change_model(struct exchange *x,
                         int (*change)(vlmd *v, const char *backend, vlmd_done_fn *fn,
                                       void *arg))
{
    struct cJSON *o = NULL;
    const char *backend = NULL;
    if (!optional_object(x, "backend", &o)) {
        return;
    }
    x->state = o;  // backend is in it
    x->free_state = free_object;
    if (body_text(x, o, "backend", 512, &backend)) {
        exchange_hold(x);
        exchange_asked(x, change(x->admin->v, backend, on_done, x));
    }
}

void route_load(struct exchange *x)
{
    change_model(x, vlmd_model_load);
}

void route_unload(struct exchange *x)
{
    change_model(x, vlmd_model_unload);
}
