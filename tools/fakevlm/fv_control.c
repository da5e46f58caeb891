// fv_control.c -- the control endpoint under /__fake/.
// SPDX-License-Identifier: MIT
#include "fv_control.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fv_dialect.h"

static void refuse(struct call *c, int status, const char *why)
{
    struct text body = {0};
    text_puts(&body, "{\"error\":");
    text_json(&body, why, strlen(why));
    text_puts(&body, "}");
    call_reply_json(c, status, &body);
}

static void say_ok(struct call *c)
{
    struct text body = {0};
    text_puts(&body, "{\"ok\":true}");
    call_reply_json(c, 200, &body);
}

static void add_models(const struct queue *q, struct text *out)
{
    static const char *const states[] = {"absent", "loading", "loaded"};
    text_puts(out, ",\"models\":{");
    for (int i = 0; i < q->models_n; i++) {
        const struct model *m = &q->models[i];
        text_puts(out, i ? "," : "");
        text_json(out, m->name, strlen(m->name));
        text_printf(out, ":{\"state\":\"%s\",\"running\":%d,\"keep_ms\":%" PRId64 "}",
                    states[m->state], m->running, m->keep_ms);
    }
    text_puts(out, "}");
}

static void reply_stats(struct call *c)
{
    const struct fake *f = c->fake;
    struct text body = {0};
    const char *comma = "";
    text_puts(&body, "{");
    stats_add_counters(&f->stats, &body);
    text_printf(&body, ",\"waiting\":%d", f->queue.waiting);
    add_models(&f->queue, &body);
    text_puts(&body, ",\"faults\":{");
    for (int i = 0; i < FAULT_COUNT; i++) {
        if (!f->faults.applied[i])
            continue;
        text_printf(&body, "%s\"%s\":%" PRId64, comma, fault_name((enum fault)i),
                    f->faults.applied[i]);
        comma = ",";
    }
    text_puts(&body, "},\"images\":");
    stats_add_images(&f->stats, &body);
    text_puts(&body, "}");
    call_reply_json(c, 200, &body);
}

static void reply_images(struct call *c)
{
    struct text body = {0};
    stats_add_images(&c->fake->stats, &body);
    call_reply_json(c, 200, &body);
}

static void reset(struct call *c)
{
    struct fake *f = c->fake;
    stats_reset(&f->stats);
    memset(f->faults.applied, 0, sizeof f->faults.applied);
    f->faults.requests_n = 0;
    say_ok(c);
}

static void replace_faults(struct call *c)
{
    struct faults *now = &c->fake->faults, next = *now;
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(c->json, "faults"), *item;
    char why[160];
    faults_clear(&next);
    if (!cJSON_IsArray(list)) {
        refuse(c, 400, "needs {\"faults\":[\"NAME...\"]}");
        return;
    }
    cJSON_ArrayForEach(item, list)
    {
        const char *spec = cJSON_GetStringValue(item);
        if (faults_add(&next, spec ? spec : "", why, sizeof why)) {
            refuse(c, 400, why);
            return;
        }
    }
    *now = next;
    say_ok(c);
}

// --- config ----------------------------------------------------------------------------

static void set_loaded(struct fake *f, const cJSON *v)
{
    for (int i = 0; i < f->queue.models_n; i++) {
        struct model *m = &f->queue.models[i];
        if (cJSON_IsTrue(v) && m->state == MODEL_ABSENT)
            model_load(&f->queue, m);
        else if (cJSON_IsFalse(v))
            model_unload(&f->queue, m);
    }
}

static void set_down(struct fake *f, const cJSON *v)
{
    if (cJSON_IsFalse(v)) {
        server_up(&f->server);
    } else if (cJSON_IsString(v) && !strcmp(v->valuestring, "deaf")) {
        f->server.is_deaf = true;
        server_reset_all(&f->server);
    } else if (cJSON_IsTrue(v)) {
        server_down(&f->server, 0);
    }
}

static void set_down_ms(struct fake *f, const cJSON *v)
{
    server_down(&f->server, (int64_t)v->valuedouble);
}

static void advance(struct fake *f, const cJSON *v)
{
    f->clock_skew_ms += (int64_t)v->valuedouble;
}

static void set_kill(struct fake *f, const cJSON *v)
{
    if (cJSON_IsTrue(v))
        server_reset_all(&f->server);
}

static void set_sigma(struct fake *f, const cJSON *v)
{
    f->opt.latency_sigma = v->valuedouble;
}

static void set_seed(struct fake *f, const cJSON *v)
{
    f->opt.seed = f->faults.seed = (uint64_t)v->valuedouble;
}

static void set_thinking(struct fake *f, const cJSON *v)
{
    f->opt.is_thinking = cJSON_IsTrue(v);
}

static bool set_say(struct fake *f, const cJSON *v)
{
    return cJSON_IsString(v) && options_say(&f->opt, v->valuestring);
}

static bool set_words(struct fake *f, const cJSON *v)
{
    const char *s = cJSON_GetStringValue(v);
    return s && snprintf(f->opt.words, sizeof f->opt.words, "%s", s) <
                    (int)sizeof f->opt.words;
}

struct setting {
    const char *name;
    int64_t *ms;  // one of these three
    int *number;
    void (*apply)(struct fake *f, const cJSON *v);
    int min;
};

static bool apply_setting(struct fake *f, const struct setting *s, const cJSON *v)
{
    if (s->apply) {
        bool wants_number = s->min >= 0;
        if (wants_number && (!cJSON_IsNumber(v) || v->valuedouble < s->min))
            return false;
        s->apply(f, v);
        return true;
    }
    if (!cJSON_IsNumber(v) || v->valuedouble < s->min || v->valuedouble > 1e9)
        return false;
    if (s->ms)
        *s->ms = (int64_t)v->valuedouble;
    else
        *s->number = v->valueint;
    return true;
}

// False when the name is unknown or the value of the wrong kind.
static bool configure(struct fake *f, const cJSON *v)
{
    struct options *o = &f->opt;
    const struct setting settings[] = {
        {"latency_ms", &o->latency_ms, NULL, NULL, 0},
        {"latency_sigma", NULL, NULL, set_sigma, 0},
        {"first_byte_ms", &o->first_byte_ms, NULL, NULL, 0},
        {"load_ms", &o->load_ms, NULL, NULL, 0},
        {"idle_close_ms", &o->idle_close_ms, NULL, NULL, 0},
        {"slots", NULL, &o->slots, NULL, 1},
        {"queue", NULL, &o->queue, NULL, 0},
        {"tokens", NULL, &o->tokens, NULL, 1},
        {"ctx", NULL, &o->ctx_tokens, NULL, 1},
        {"max_loaded", NULL, &o->max_loaded, NULL, 1},
        {"min_image_tokens", NULL, &o->min_image_tokens, NULL, 0},
        {"seed", NULL, NULL, set_seed, 0},
        {"thinking", NULL, NULL, set_thinking, -1},
        {"loaded", NULL, NULL, set_loaded, -1},
        {"down", NULL, NULL, set_down, -1},
        {"down_ms", NULL, NULL, set_down_ms, 0},
        {"kill", NULL, NULL, set_kill, -1},
        {"advance_ms", NULL, NULL, advance, 0},
    };
    if (!strcmp(v->string, "say"))
        return set_say(f, v);
    if (!strcmp(v->string, "words"))
        return set_words(f, v);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        if (!strcmp(settings[i].name, v->string))
            return apply_setting(f, &settings[i], v);
    }
    return false;
}

static void change_config(struct call *c)
{
    const cJSON *v;
    cJSON_ArrayForEach(v, c->json)
    {
        if (configure(c->fake, v))
            continue;
        char why[128];
        snprintf(why, sizeof why, "no such setting, or a bad value: %.64s", v->string);
        refuse(c, 400, why);
        return;
    }
    fake_tick(c->fake);
    say_ok(c);
}

// ---------------------------------------------------------------------------------------

static bool parse(struct call *c)
{
    c->json = cJSON_ParseWithLength(c->body.data ? c->body.data : "", c->body.len);
    if (cJSON_IsObject(c->json))
        return true;
    refuse(c, 400, "the body is no JSON object");
    return false;
}

void control_handle(struct call *c)
{
    if (call_is(c, HTTP_GET, "/__fake/stats"))
        reply_stats(c);
    else if (call_is(c, HTTP_GET, "/__fake/images"))
        reply_images(c);
    else if (call_is(c, HTTP_POST, "/__fake/reset"))
        reset(c);
    else if (!call_is(c, HTTP_POST, "/__fake/faults") &&
             !call_is(c, HTTP_POST, "/__fake/config"))
        refuse(c, 404, "try stats, images, reset, faults or config");
    else if (!parse(c))
        return;
    else if (!strcmp(c->path, "/__fake/faults"))
        replace_faults(c);
    else
        change_config(c);
}
