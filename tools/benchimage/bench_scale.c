// bench_scale.c -- how many times the pictures of one thread several threads make.
//
// One thread and all of them take turns, round by round, so that what else the machine
// does falls on both.  Each turn is measured while its pool is full: from when some are
// prepared until as many more are done as make a turn, with new ones following to the end.
// CPU time per picture tells contention (it grows with the threads) from a machine that is
// busy elsewhere (it does not).  A machine whose processors are not all its own does not give
// several threads so many times what it gives one: how many times, a loop that touches no
// memory tells, in the same rounds; and the host, how much of them it gave to others.
// SPDX-License-Identifier: MIT
#include "bench_image.h"

#include "base/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    IN_FLIGHT_EACH = 2,
    MOST_IN_FLIGHT = 128,
    WARM_UP_EACH = 4,
    LEAST_IN_A_TURN = 24,
    LEAST_EACH = 4,  // in a turn: fewer end in bursts, and their time says nothing
};

struct scale;

struct slot {
    struct image_req r;
    struct scale *scale;  // borrowed: as long as the slot
};

// One pool's results.
struct lane {
    struct images *images;
    int threads;
    double *wall_ms;  // owned: one per round
    double *cpu_ms;
    double spins;      // of all rounds: what bench_spin gave
    double stolen_ms;  // of all rounds, of all processors
};

struct scale {
    struct loop loop;
    struct lane lanes[2];  // one thread; several
    struct slot slots[MOST_IN_FLIGHT];
    const struct bench_file *files;  // borrowed
    int n_files;
    int side;
    int rounds;
    int in_a_turn;  // pictures; a multiple of n_files
    // the turn
    int round;
    struct lane *lane;
    int started;
    int ended;
    int running;
    double from_wall_ms;
    double from_cpu_ms;
    double from_stolen_ms;
};

// What the host took of this machine's processors so far ("steal" of proc(5)).
static double stolen_ms(void)
{
    long long ticks[8] = {0};
    FILE *f = fopen("/proc/stat", "r");
    if (f) {
        (void)!fscanf(f, "cpu %lld %lld %lld %lld %lld %lld %lld %lld", &ticks[0],
                      &ticks[1], &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6],
                      &ticks[7]);
        fclose(f);
    }
    return (double)ticks[7] * 1e3 / (double)sysconf(_SC_CLK_TCK);
}

static double sum(const double *v, int n)
{
    double all = 0;
    for (int i = 0; i < n; i++) {
        all += v[i];
    }
    return all;
}

static double stolen_percent(const struct lane *lane, int rounds)
{
    return 100 * lane->stolen_ms / sum(lane->wall_ms, rounds) /
           (double)sysconf(_SC_NPROCESSORS_ONLN);
}

static void on_closed(void *arg)
{
    (void)arg;
}

static void on_done(struct image_req *r, int err);

static void start(struct slot *s)
{
    struct scale *b = s->scale;
    const struct bench_file *f = &b->files[b->started++ % b->n_files];
    s->r = (struct image_req){.path = f->path, .target_px = b->side};
    b->running++;
    image_prepare(b->lane->images, &s->r, on_done);
}

static void start_turn(struct scale *b, struct lane *lane)
{
    const int most = IN_FLIGHT_EACH * lane->threads;
    b->lane = lane;
    lane->spins += bench_spin(lane->threads);
    b->started = b->ended = 0;
    for (int i = 0; i < most && i < MOST_IN_FLIGHT; i++) {
        b->slots[i].scale = b;
        start(&b->slots[i]);
    }
}

static void end_turn(struct scale *b)
{
    if (b->lane == &b->lanes[0]) {
        start_turn(b, &b->lanes[1]);
    } else if (++b->round < b->rounds) {
        start_turn(b, &b->lanes[0]);
    } else {
        image_close(b->lanes[0].images, on_closed, NULL);
        image_close(b->lanes[1].images, on_closed, NULL);
    }
}

static void on_done(struct image_req *r, int err)
{
    struct slot *s = container_of(r, struct slot, r);
    struct scale *b = s->scale;
    const int first = WARM_UP_EACH * b->lane->threads, last = first + b->in_a_turn;
    if (err) {
        bench_die(r->path, r->err.msg);
    }
    image_req_fini(r);
    b->running--;
    b->ended++;
    if (b->ended == first) {
        b->from_wall_ms = bench_wall_ms();
        b->from_cpu_ms = bench_cpu_ms();
        b->from_stolen_ms = stolen_ms();
    } else if (b->ended == last) {
        b->lane->wall_ms[b->round] = bench_wall_ms() - b->from_wall_ms;
        b->lane->cpu_ms[b->round] = bench_cpu_ms() - b->from_cpu_ms;
        b->lane->stolen_ms += stolen_ms() - b->from_stolen_ms;
    }
    if (b->ended < last) {
        start(s);
    } else if (b->running == 0) {
        end_turn(b);
    }
}

static void open_lane(struct scale *b, struct lane *lane, int threads)
{
    const struct image_config c = {.threads = threads};
    lane->wall_ms = calloc((size_t)b->rounds, sizeof(*lane->wall_ms));
    lane->cpu_ms = calloc((size_t)b->rounds, sizeof(*lane->cpu_ms));
    if (!lane->wall_ms || !lane->cpu_ms || image_open(&lane->images, &b->loop, &c)) {
        bench_die("pool", "can not be started");
    }
    lane->threads = image_threads(lane->images);
}

static void print(struct scale *b)
{
    struct lane *one = &b->lanes[0], *all = &b->lanes[1];
    double *ratio = calloc((size_t)b->rounds, sizeof(*ratio));
    if (!ratio) {
        bench_die("ratios", "no memory");
    }
    for (int i = 0; i < b->rounds; i++) {
        ratio[i] = one->wall_ms[i] / all->wall_ms[i];
    }
    const double stolen_one = stolen_percent(one, b->rounds);
    const double stolen_all = stolen_percent(all, b->rounds);
    const double together = sum(one->wall_ms, b->rounds) / sum(all->wall_ms, b->rounds);
    const double mid = bench_median(ratio, b->rounds);  // sorts
    const double cpu_one = bench_median(one->cpu_ms, b->rounds) / b->in_a_turn;
    const double cpu_all = bench_median(all->cpu_ms, b->rounds) / b->in_a_turn;
    printf("%d threads make %.2f times the pictures of 1 (%d rounds in turn together; "
           "median %.2f, %.2f to %.2f); a loop that touches no memory %.2f times\n"
           "CPU-ms each %.2f and %.2f, %.2f times; the host took %.1f and %.1f %% of the "
           "processors\n",
           all->threads, together, b->rounds, mid, ratio[0], ratio[b->rounds - 1],
           all->spins / one->spins, cpu_one, cpu_all, cpu_all / cpu_one, stolen_one,
           stolen_all);
    free(ratio);
}

void bench_scale(const struct bench_file *files, int n_files, int threads, int side,
                 int rounds)
{
    struct scale b = {.files = files, .n_files = n_files, .side = side, .rounds = rounds};
    while (b.in_a_turn < LEAST_IN_A_TURN || b.in_a_turn < LEAST_EACH * threads) {
        b.in_a_turn += n_files;
    }
    if (loop_init(&b.loop)) {
        bench_die("loop", "can not be started");
    }
    open_lane(&b, &b.lanes[0], 1);
    open_lane(&b, &b.lanes[1], threads);
    start_turn(&b, &b.lanes[0]);
    uv_run(&b.loop.uv, UV_RUN_DEFAULT);
    if (loop_fini(&b.loop)) {
        bench_die("loop", "is not closed");
    }
    print(&b);
    for (int i = 0; i < 2; i++) {
        free(b.lanes[i].wall_ms);
        free(b.lanes[i].cpu_ms);
    }
}
