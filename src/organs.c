// organs.c -- one thin function per organ call: no decision is made here.
// SPDX-License-Identifier: MIT
#include "organs.h"

static int64_t now_ms(void *ctx)
{
    struct app *a = ctx;
    return loop_now_ms(&a->loop);
}

static int64_t wall_ms(void *ctx)
{
    (void)ctx;
    return loop_wall_ms();
}

// xorshift64*, for jitter.  Source: S. Vigna, 2014.
uint32_t organs_random(void *app)
{
    struct app *a = app;
    uint64_t x = a->random_state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    a->random_state = x;
    return (uint32_t)((x * 0x2545f4914f6cdd1dull) >> 32);
}

static int fetch(void *ctx, struct http_req *r, void (*done)(struct http_req *, int))
{
    struct app *a = ctx;
    return http_send(a->http, r, done);
}

static const char *act_for(void *ctx, const char *cid)
{
    struct app *a = ctx;
    return loop_ask_as(&a->loop, cid);
}

static void fetch_cancel(void *ctx, struct http_req *r)
{
    struct app *a = ctx;
    http_cancel(a->http, r);
}

static void inspect(void *ctx, struct meta_req *r, void (*done)(struct meta_req *, int))
{
    struct app *a = ctx;
    r->ignores_beside = !a->config->reads_beside;
    meta_read(a->reader, r, done);
}

static void inspect_cancel(void *ctx, struct meta_req *r)
{
    struct app *a = ctx;
    pool_cancel(a->reader, &r->work);
}

static void prepare(void *ctx, struct image_req *r, void (*done)(struct image_req *, int))
{
    struct app *a = ctx;
    image_prepare(a->images, r, done);
}

static void prepare_cancel(void *ctx, struct image_req *r)
{
    struct app *a = ctx;
    image_cancel(a->images, r);
}

static void compare(void *ctx, struct store_similar *r,
                    void (*done)(struct store_similar *, int))
{
    struct app *a = ctx;
    store_similar(a->store, r, done);
}

static void compare_cancel(void *ctx, struct store_similar *r)
{
    struct app *a = ctx;
    store_cancel(a->store, &r->work);
}

static void recognise(void *ctx, struct ocr_req *r, void (*done)(struct ocr_req *, int))
{
    struct app *a = ctx;
    ocr_read(a->ocr, r, done);
}

static void recognise_cancel(void *ctx, struct ocr_req *r)
{
    struct app *a = ctx;
    ocr_cancel(a->ocr, r);
}

static void work(void *ctx, struct gate_work *w, void (*done)(struct gate_work *, int))
{
    struct app *a = ctx;
    gate_work_submit(w, a->reader, done);
}

static void work_cancel(void *ctx, struct gate_work *w)
{
    struct app *a = ctx;
    pool_cancel(a->reader, &w->work);
}

static int ask(void *ctx, struct ask *q, void (*done)(struct ask *, int))
{
    struct app *a = ctx;
    return dispatch_try(a->dispatch, q, done);
}

static void ask_cancel(void *ctx, struct ask *q)
{
    struct app *a = ctx;
    dispatch_cancel(a->dispatch, q);
}

static void ask_pause(void *ctx, struct ask *q, bool is_paused)
{
    struct app *a = ctx;
    dispatch_pause_answer(a->dispatch, q, is_paused);
}

static bool uses_stand_in(void *ctx)
{
    struct app *a = ctx;
    return dispatch_uses_stand_in(a->dispatch);
}

static bool expect(void *ctx, const struct ask *q, struct ask_expected *out)
{
    struct app *a = ctx;
    return dispatch_expect(a->dispatch, q, out);
}

static bool grid(void *ctx, int long_px, struct backend_grid *out)
{
    struct app *a = ctx;
    return dispatch_grid(a->dispatch, long_px, out);
}

static void record(void *ctx, struct store_audit_append *r,
                   void (*done)(struct store_audit_append *, int))
{
    struct app *a = ctx;
    store_audit_append(a->store, r, done);
}

static void save(void *ctx, struct store_save *r, void (*done)(struct store_save *, int))
{
    struct app *a = ctx;
    store_save(a->store, r, done);
}

static void release(void *ctx, struct store_release *r,
                    void (*done)(struct store_release *, int))
{
    struct app *a = ctx;
    store_release(a->store, r, done);
}

void organs_bind(struct app *a, struct pipeline_organs *out)
{
    *out = (struct pipeline_organs){
        .ctx = a,
        .now_ms = now_ms,
        .wall_ms = wall_ms,
        .random = organs_random,
        .act_for = act_for,
        .fetch = fetch,
        .fetch_cancel = fetch_cancel,
        .inspect = inspect,
        .inspect_cancel = inspect_cancel,
        .prepare = prepare,
        .prepare_cancel = prepare_cancel,
        .compare = compare,
        .compare_cancel = compare_cancel,
        .recognise = recognise,
        .recognise_cancel = recognise_cancel,
        .work = work,
        .work_cancel = work_cancel,
        .ask = ask,
        .ask_cancel = ask_cancel,
        .ask_pause = ask_pause,
        .uses_stand_in = uses_stand_in,
        .expect = expect,
        .grid = grid,
        .record = record,
        .save = save,
        .release = release,
    };
}
