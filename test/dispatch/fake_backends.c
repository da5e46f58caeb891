// fake_backends.c -- see fake_backends.h.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "dispatch/fake_backends.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_backend fb[FB_MAX];
int fb_n;
int64_t fb_now_ms;
int fb_latency_per_ask;
struct rate_told fb_told;
int fb_max_tokens = 500;
bool fb_has_no_helper;
struct ocr_req *fb_page;

struct backend {
    int index;
    struct backend_config config;
};

void fb_reset(void)
{
    memset(fb, 0, sizeof(fb));
    fb_n = 0;
    fb_now_ms = 100000;
    fb_latency_per_ask = 0;
    fb_told = (struct rate_told){-1, -1};
    fb_page = NULL;
    fb_has_no_helper = false;
    for (int i = 0; i < FB_MAX; i++) {
        fb[i].facts.kind = BACKEND_OLLAMA;
        fb[i].facts.is_loaded = true;
        fb[i].facts.has_vision = fb[i].facts.is_vision_sure = true;
        snprintf(fb[i].facts.model, sizeof(fb[i].facts.model), "model%d", i);
    }
}

int64_t loop_now_ms(const struct loop *l)
{
    (void)l;
    return fb_now_ms;
}

int64_t loop_wall_ms(void)
{
    return 1700000000000 + fb_now_ms;
}

int backend_new(struct backend **out, struct loop *l, struct http *h,
                const struct backend_config *c)
{
    (void)l;
    (void)h;
    assert_true(fb_n < FB_MAX);
    struct backend *b = mem_new(struct backend);
    b->index = fb_n++;
    b->config = *c;
    b->config.max_tokens = fb_max_tokens;
    *out = b;
    return 0;
}

void backend_free(struct backend *b)
{
    if (b) {
        assert_null(fb[b->index].probe);
        assert_null(fb[b->index].load);
        assert_null(fb[b->index].verify);
        assert_null(fb[b->index].unload);
        assert_null(fb[b->index].feedback);
        assert_int_equal(fb[b->index].n_asks, 0);
    }
    free(b);
}

const struct backend_facts *backend_facts(const struct backend *b)
{
    return &fb[b->index].facts;
}

void backend_set_keep_alive(struct backend *b, int keep_alive_s)
{
    b->config.keep_alive_s = keep_alive_s;
}

const struct backend_config *backend_config(const struct backend *b)
{
    return &b->config;
}

const char *backend_kind_name(enum backend_kind k)
{
    return k == BACKEND_OLLAMA ? "ollama" : "other";
}

void backend_params(const struct backend *b, char *out, size_t size)
{
    snprintf(out, size, "p%d", b->index);
}

void backend_probe(struct backend *b, struct backend_call *c,
                   void (*done)(struct backend_call *c, int err))
{
    struct fake_backend *f = &fb[b->index];
    assert_null(f->probe);
    c->done = done;
    c->owner = b;
    c->retry_after_ms = -1;
    f->probe = c;
    f->probes++;
}

void backend_load(struct backend *b, struct backend_call *c,
                  void (*done)(struct backend_call *c, int err))
{
    struct fake_backend *f = &fb[b->index];
    assert_null(f->load);
    c->done = done;
    c->owner = b;
    c->retry_after_ms = -1;
    f->load = c;
    f->loads++;
}

void backend_verify(struct backend *b, struct backend_call *c,
                    void (*done)(struct backend_call *c, int err))
{
    struct fake_backend *f = &fb[b->index];
    assert_null(f->verify);
    c->done = done;
    c->owner = b;
    c->retry_after_ms = -1;
    f->verify = c;
    f->verifies++;
}

void backend_look(struct backend *b, struct backend_call *c,
                  void (*done)(struct backend_call *c, int err))
{
    struct fake_backend *f = &fb[b->index];
    assert_null(f->look);
    c->done = done;
    c->owner = b;
    c->retry_after_ms = -1;
    f->look = c;
    f->looks++;
}

void backend_feedback_ask(struct backend *b, struct backend_call *c,
                          void (*done)(struct backend_call *c, int err))
{
    struct fake_backend *f = &fb[b->index];
    assert_null(f->feedback);
    c->done = done;
    c->owner = b;
    f->feedback = c;
    f->feedbacks++;
}

void backend_ask_pause(struct backend *b, struct backend_ask *a, bool is_paused)
{
    (void)a;
    fb[b->index].pauses += is_paused ? 1 : -1;
}

bool backend_grid(const struct backend_facts *f, int long_px, int max_tokens,
                  struct backend_grid *out)
{
    *out = (struct backend_grid){f->patch_px, long_px + max_tokens};
    return f->patch_px > 0;
}

bool backend_take_note(struct backend *b, char *out, size_t size)
{
    (void)b;
    snprintf(out, size, "%s", "");
    return false;
}

void backend_recall_sight(struct backend *b, const char *model, const char *version,
                          bool sees)
{
    assert_string_equal(model, fb[b->index].facts.model);
    assert_string_equal(version, fb[b->index].facts.version);
    fb[b->index].recalled = sees ? 1 : -1;
}

void backend_unload(struct backend *b, struct backend_call *c,
                    void (*done)(struct backend_call *c, int err))
{
    struct fake_backend *f = &fb[b->index];
    assert_null(f->unload);
    assert_int_equal(f->n_asks, 0);
    c->done = done;
    c->owner = b;
    c->retry_after_ms = -1;
    f->unload = c;
    f->unloads++;
}

void backend_cancel(struct backend *b, struct backend_call *c)
{
    (void)c;
    fb[b->index].cancels++;
}

void backend_ask(struct backend *b, struct backend_ask *a,
                 void (*done)(struct backend_ask *a, int err))
{
    struct fake_backend *f = &fb[b->index];
    a->done = done;
    f->asks[f->n_asks++] = a;
    f->asked++;
}

void backend_ask_cancel(struct backend *b, struct backend_ask *a)
{
    (void)a;
    fb[b->index].cancels++;
}

void backend_ask_fini(struct backend_ask *a)
{
    answer_fini(&a->answer);
}

void answer_fini(struct answer *a)
{
    free(a->summary);
    free(a->app);
    free(a->tags);
    free(a->text);
    free(a->raw);
    *a = (struct answer){0};
}

void prompt_pick(const struct prompt_config *c, const char *app, const char *window,
                 struct prompt *out)
{
    (void)c;
    (void)app;
    (void)window;
    snprintf(out->version, sizeof(out->version), "default/1");
}

void prompt_add_tier(struct prompt *p, const char *tier, const char *rule)
{
    size_t n = strlen(p->version);
    p->rule = rule;
    snprintf(p->version + n, sizeof(p->version) - n, "+%s", tier);
}

void prompt_pick_safe(const struct prompt_config *c, const char *app, const char *window,
                      struct prompt *out)
{
    (void)c;
    (void)app;
    (void)window;
    snprintf(out->version, sizeof(out->version), "default/1s");
}

void ocr_read(struct ocr *o, struct ocr_req *r, void (*done)(struct ocr_req *r, int err))
{
    (void)o;
    buf_init(&r->text, 1 << 16);
    r->done = done;
    fb_page = r;
}

bool ocr_is_available(struct ocr *o, struct err *e)
{
    (void)o;
    if (fb_has_no_helper) {
        err_set(e, E_OCR, "no helper in the test");
    }
    return !fb_has_no_helper;
}

void ocr_cancel(struct ocr *o, struct ocr_req *r)
{
    (void)o;
    (void)r;
}

void ocr_drop_second(struct ocr_req *r)
{
    (void)r;
}

void ocr_req_fini(struct ocr_req *r)
{
    buf_fini(&r->text);
}

void fb_end_probe(int i, int err)
{
    struct backend_call *c = fb[i].probe;
    assert_non_null(c);
    fb[i].probe = NULL;
    c->done(c, err);
}

void fb_end_load(int i, int err)
{
    struct backend_call *c = fb[i].load;
    assert_non_null(c);
    fb[i].load = NULL;
    c->done(c, err);
    if (err == 0 && fb[i].verify && !fb[i].holds_verify) {
        fb_end_verify(i, 0, BACKEND_RESIDENT);
    }
}

void fb_end_verify(int i, int err, enum backend_residence r)
{
    struct backend_call *c = fb[i].verify;
    assert_non_null(c);
    fb[i].verify = NULL;
    c->residence = r;
    c->expires_at_ms = fb[i].expires_at_ms ? fb[i].expires_at_ms : -1;
    c->done(c, err);
}

void fb_end_look(int i, int err)
{
    struct backend_call *c = fb[i].look;
    assert_non_null(c);
    fb[i].look = NULL;
    fb[i].facts.is_vision_sure = err == 0;
    c->done(c, err);
}

void fb_end_feedback(int i, int err, int running, int waiting, double kv_share)
{
    struct backend_call *c = fb[i].feedback;
    assert_non_null(c);
    fb[i].feedback = NULL;
    c->feedback = (struct backend_feedback){running, waiting, -1, kv_share};
    c->done(c, err);
}

void fb_end_unload(int i, int err)
{
    struct backend_call *c = fb[i].unload;
    assert_non_null(c);
    fb[i].unload = NULL;
    c->done(c, err);
}

void fb_end_ask_with(int i, int err, int64_t retry_after_ms)
{
    struct fake_backend *f = &fb[i];
    assert_true(f->n_asks > 0);
    struct backend_ask *a = f->asks[0];
    memmove(&f->asks[0], &f->asks[1], sizeof(f->asks[0]) * (size_t)(--f->n_asks));
    a->call.retry_after_ms = retry_after_ms;
    a->prompt_tokens = 400;
    a->cost_nano = -1;
    a->rate_remaining = fb_told.remaining;
    a->rate_reset_ms = fb_told.reset_ms;
    a->request_ms = fb_latency_per_ask ? fb_latency_per_ask * (f->n_asks + 1) : 50;
    if (err == 0) {
        a->answer.summary = mem_dup("seen");
    }
    a->done(a, err);
}

void fb_end_ask(int i, int err)
{
    fb_end_ask_with(i, err, -1);
}

void fb_end_page(int err)
{
    struct ocr_req *r = fb_page;
    assert_non_null(r);
    fb_page = NULL;
    r->done(r, err);
}
