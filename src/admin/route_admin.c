// route_admin.c -- status, configuration, models, database.
// SPDX-License-Identifier: MIT
#include "admin_inside.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static void on_status(void *arg, int err, const struct vlmd_status *s,
                      const char *message)
{
    struct exchange *x = arg;
    if (answer_begin(x, err, message)) {
        face_status(&x->w, s);
        answer_end(x);
    }
}

void route_status(struct exchange *x)
{
    exchange_hold(x);
    exchange_asked(x, vlmd_status(x->admin->v, false, on_status, x));
}

void route_stats(struct exchange *x)
{
    struct vlmd_stats s;
    vlmd_stats(x->admin->v, &s);
    reply_begin(x);
    face_stats(&x->w, NULL, &s);
    reply_json(x, 200);
}

// ---- configuration

static void on_key(void *arg, const struct vlmd_key *key)
{
    face_key(arg, key);
}

void route_config(struct exchange *x)
{
    reply_begin(x);
    json_object(&x->w, NULL);
    json_array(&x->w, "keys");
    vlmd_config_each(x->admin->v, on_key, &x->w);
    json_array_end(&x->w);
    json_object_end(&x->w);
    reply_json(x, 200);
}

static void on_problem(void *arg, bool is_error, const char *where, const char *words)
{
    struct json_writer *w = arg;
    json_object(w, NULL);
    json_str(w, "severity", is_error ? "error" : "warning");
    json_str(w, "where", where);
    json_str(w, "message", words);
    json_object_end(w);
}

void route_config_validate(struct exchange *x)
{
    struct buf *body = NULL;
    if (httpd_body(x->http, &body) || !body->len || memchr(body->data, 0, body->len)) {
        reply_error(x, 400, NULL, "the body is a configuration in YAML or JSON");
        return;
    }
    const struct vlmd_options options = {
        .role = VLMD_CLIENT, .config_text = buf_str(body), .ignore_environment = true};
    reply_begin(x);
    json_object(&x->w, NULL);
    json_array(&x->w, "problems");
    int rc = vlmd_config_check(&options, NULL, on_problem, &x->w);
    json_array_end(&x->w);
    json_bool(&x->w, "valid", rc == 0);
    json_object_end(&x->w);
    reply_json(x, 200);
}

// Changes and problems come mixed: each is written to its own text first.
struct reloading {
    struct exchange *x;
    struct buf changes, problems;
    struct json_writer change, problem;
};

static void free_reloading(void *state)
{
    struct reloading *r = state;
    buf_fini(&r->changes);
    buf_fini(&r->problems);
    free(r);
}

static void on_change(void *arg, const char *key, const char *before, const char *after,
                      bool is_applied)
{
    struct json_writer *w = &((struct reloading *)arg)->change;
    json_object(w, NULL);
    json_str(w, "key", key);
    json_str(w, "before", before);
    json_str(w, "after", after);
    json_bool(w, "applied", is_applied);
    json_object_end(w);
}

static void on_reload_problem(void *arg, bool is_error, const char *where,
                              const char *words)
{
    on_problem(&((struct reloading *)arg)->problem, is_error, where, words);
}

static void on_reloaded(void *arg, int err, const char *message)
{
    struct reloading *r = arg;
    struct exchange *x = r->x;
    json_array_end(&r->change);
    json_array_end(&r->problem);
    if (err && err != VLMD_ERR_CONFIG) {
        reply_failed(x, err, message);
    } else if (r->change.rc || r->problem.rc) {
        reply_error(x, 500, NULL, "the answer is too large");
    } else {
        reply_begin(x);
        json_object(&x->w, NULL);
        json_bool(&x->w, "reloaded", err == 0);
        json_raw(&x->w, "changes", buf_str(&r->changes));
        json_raw(&x->w, "problems", buf_str(&r->problems));
        json_object_end(&x->w);
        reply_json(x, err ? 409 : 200);
    }
    exchange_drop(x);
}

void route_config_reload(struct exchange *x)
{
    struct reloading *r = mem_new(struct reloading);
    r->x = x;
    buf_init(&r->changes, ADMIN_BODY_MAX);
    buf_init(&r->problems, ADMIN_BODY_MAX);
    json_init(&r->change, &r->changes);
    json_init(&r->problem, &r->problems);
    json_array(&r->change, NULL);
    json_array(&r->problem, NULL);
    x->state = r;
    x->free_state = free_reloading;
    exchange_hold(x);
    exchange_asked(
        x, vlmd_config_reload(x->admin->v, on_change, on_reload_problem, on_reloaded, r));
}

// ---- models

static void on_model(void *arg, const struct vlmd_model *m)
{
    struct exchange *x = arg;
    face_model(&x->w, m);
}

static void on_models_end(void *arg, int err, const char *message)
{
    struct exchange *x = arg;
    list_end(x, err, message);
}

void route_models(struct exchange *x)
{
    reply_begin(x);
    json_object(&x->w, NULL);
    json_array(&x->w, "models");
    exchange_hold(x);
    exchange_asked(x, vlmd_models(x->admin->v, on_model, on_models_end, x));
}
