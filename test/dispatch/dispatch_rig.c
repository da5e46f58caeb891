// dispatch_rig.c -- dispatch with fake backends behind it, asked by hand.
// SPDX-License-Identifier: MIT
#include "dispatch/dispatch_rig.h"

#include <stdio.h>
#include <string.h>

static struct rig *the_rig;

static void on_capacity(void *arg)
{
    ((struct rig *)arg)->capacities++;
}

static void on_state(void *arg)
{
    ((struct rig *)arg)->states++;
}

static void on_model(void *arg)
{
    ((struct rig *)arg)->models++;
}

static void on_notice(void *arg, const char *words)
{
    assert_non_null(strstr(words, "OCR"));
    ((struct rig *)arg)->notices++;
}

struct dispatch_events events_of(struct rig *r)
{
    return (struct dispatch_events){.arg = r,
                                    .on_capacity = on_capacity,
                                    .on_state = on_state,
                                    .on_model_ready = on_model,
                                    .on_notice = on_notice};
}

void rig_on_asked(struct ask *a, int err)
{
    the_rig->ended[a - the_rig->asks] = err + 1000;
}

enum ask_pass rig_may_send(struct ask *a, const char *backend, bool is_remote, char *why,
                           size_t size)
{
    (void)a;
    (void)backend;
    snprintf(why, size, "rule");
    bool may = !the_rig->refuses_all && !(is_remote && the_rig->refuses_remote);
    return may ? the_rig->pass : ASK_REFUSED;
}

void open_with(struct rig *r, int n, bool is_search, bool has_ocr)
{
    static char names[FB_MAX][16];
    fb_reset();
    memset(r, 0, sizeof(*r));
    r->pass = ASK_ALLOWED;
    the_rig = r;
    for (int i = 0; i < n; i++) {
        snprintf(names[i], sizeof(names[i]), "b%d", i);
        r->backends[i].name = r->backends[i].url = names[i];
    }
    r->config = (struct dispatch_config){
        .backends = r->backends,
        .n_backends = n,
        .is_search = is_search,
        .stand_in_after_ms = 30000,
        .terms = r->terms,
        .retry_pct = 100,
    };
    breaker_config_default(&r->config.breaker);
    life_config_default(&r->config.life);
    struct dispatch_events e = events_of(r);
    struct ocr *ocr = has_ocr ? (struct ocr *)r : NULL;
    assert_int_equal(dispatch_open(&r->d, NULL, NULL, ocr, &r->config, &e), 0);
    dispatch_tick(r->d, fb_now_ms);
}

void open_again(struct rig *r, bool has_ocr)
{
    close_rig(r);
    fb_reset();
    r->is_closed = false;
    struct dispatch_events e = events_of(r);
    struct ocr *ocr = has_ocr ? (struct ocr *)r : NULL;
    assert_int_equal(dispatch_open(&r->d, NULL, NULL, ocr, &r->config, &e), 0);
    dispatch_tick(r->d, fb_now_ms);
}

int64_t pass_ms(struct rig *r, int64_t ms)
{
    fb_now_ms += ms;
    return dispatch_tick(r->d, fb_now_ms);
}

int ask(struct rig *r)
{
    assert_true(r->n_asks < MAX_ASKS);
    struct ask *a = &r->asks[r->n_asks];
    memset(a, 0, sizeof(*a));
    a->may_send = rig_may_send;
    a->app = "app";
    a->window = "";
    a->luma = r->luma;
    a->cap_doublings = r->cap_doublings;
    a->is_retry = r->is_retry;
    int rc = dispatch_try(r->d, a, rig_on_asked);
    r->n_asks += rc == 0;
    return rc;
}

void rig_on_closed(void *arg)
{
    ((struct rig *)arg)->is_closed = true;
}

void close_rig(struct rig *r)
{
    dispatch_close(r->d, rig_on_closed, r);
    for (int i = 0; i < fb_n; i++) {
        if (fb[i].probe) {
            fb_end_probe(i, E_CANCELED);
        }
        if (fb[i].load) {
            fb_end_load(i, E_CANCELED);
        }
        if (fb[i].feedback) {
            fb_end_feedback(i, E_CANCELED, -1, -1, -1);
        }
    }
    assert_true(r->is_closed);
    for (int i = 0; i < r->n_asks; i++) {
        ask_fini(&r->asks[i]);
    }
}

struct vlmd_backend_status status_of(struct rig *r, int i)
{
    struct vlmd_backend_status s[VLMD_MAX_BACKENDS];
    assert_true(dispatch_status(r->d, s, VLMD_MAX_BACKENDS) > i);
    return s[i];
}

void make_ready(struct rig *r, int n)
{
    open_with(r, n, false, false);
    dispatch_serve(r->d, STAND_IN_NEVER);
    for (int i = 0; i < n; i++) {
        fb_end_probe(i, 0);
    }
}
