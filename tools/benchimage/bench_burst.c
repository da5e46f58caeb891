// bench_burst.c -- many pictures through the image pool, as the pipeline sends them.
// SPDX-License-Identifier: MIT
#include "bench_image.h"

#include "base/list.h"

#include <stdio.h>
#include <stdlib.h>

enum { IN_FLIGHT = 4, REST_MS = 10000 };

struct burst;

struct slot {
    struct image_req r;
    struct burst *burst;  // borrowed: as long as the slot
};

struct burst {
    struct loop loop;
    struct images *images;
    struct slot slots[IN_FLIGHT];
    const struct bench_file *files;  // borrowed
    int n_files;
    int n;
    int started;
    int running;
    int side;
    bool rests;
    double wall_ms;
    double cpu_ms;
    uv_timer_t rest;
};

static void on_closed(void *arg)
{
    (void)arg;
}

static void on_timer_closed(uv_handle_t *h)
{
    (void)h;
}

static void on_rested(uv_timer_t *t)
{
    struct burst *b = t->data;
    if (b->rests) {
        printf("  %.0f s later: RSS %ld kB\n", REST_MS / 1e3, bench_status_kb("VmRSS:"));
    }
    uv_close((uv_handle_t *)t, on_timer_closed);
    image_close(b->images, on_closed, NULL);
}

static void finish(struct burst *b)
{
    const double wall = bench_wall_ms() - b->wall_ms;
    const double cpu = bench_cpu_ms() - b->cpu_ms;
    printf("%d thread%s: %d pictures, %.1f/s, %.2f CPU-ms each, peak RSS %ld kB\n",
           image_threads(b->images), image_threads(b->images) > 1 ? "s" : "", b->n,
           b->n * 1e3 / wall, cpu / b->n, bench_status_kb("VmHWM:"));
    fflush(stdout);
    uv_timer_start(&b->rest, on_rested, b->rests ? REST_MS : 0, 0);
}

static void on_done(struct image_req *r, int err);

static void start(struct slot *s)
{
    struct burst *b = s->burst;
    if (b->started == b->n) {
        if (b->running == 0) {
            finish(b);
        }
        return;
    }
    const struct bench_file *f = &b->files[b->started++ % b->n_files];
    s->r = (struct image_req){.path = f->path, .target_px = b->side};
    b->running++;
    image_prepare(b->images, &s->r, on_done);
}

static void on_done(struct image_req *r, int err)
{
    struct slot *s = container_of(r, struct slot, r);
    if (err) {
        bench_die(r->path, r->err.msg);
    }
    s->burst->running--;
    image_req_fini(r);
    start(s);
}

void bench_burst(const struct bench_file *files, int n_files, int n, int threads,
                 int side, bool rests)
{
    struct burst b = {
        .files = files, .n_files = n_files, .n = n, .side = side, .rests = rests};
    const struct image_config c = {.threads = threads};
    if (loop_init(&b.loop) || image_open(&b.images, &b.loop, &c)) {
        bench_die("loop", "can not be started");
    }
    uv_timer_init(&b.loop.uv, &b.rest);
    b.rest.data = &b;
    b.wall_ms = bench_wall_ms();
    b.cpu_ms = bench_cpu_ms();
    for (int i = 0; i < IN_FLIGHT && i < n; i++) {
        b.slots[i].burst = &b;
        start(&b.slots[i]);
    }
    uv_run(&b.loop.uv, UV_RUN_DEFAULT);
    if (loop_fini(&b.loop)) {
        bench_die("loop", "is not closed");
    }
}
