// bench_spin.c -- what the machine itself gives to several threads.
// SPDX-License-Identifier: MIT
#include "bench_image.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

enum { SPIN_MS = 100, MOST_THREADS = 64, STEPS = 4096 };

struct spinner {
    pthread_t thread;
    const atomic_bool *is_over;  // borrowed: of bench_spin
    uint64_t turns;
    uint64_t state;
};

// xorshift64 (Marsaglia, "Xorshift RNGs", 2003): nothing can be left out or done at once.
static void *spin(void *arg)
{
    struct spinner *s = arg;
    uint64_t x = 88172645463325252u, turns = 0;
    while (!atomic_load_explicit(s->is_over, memory_order_relaxed)) {
        for (int i = 0; i < STEPS; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
        }
        turns++;
    }
    s->turns = turns;
    s->state = x;
    return NULL;
}

double bench_spin(int threads)
{
    struct spinner spinners[MOST_THREADS] = {{0}};
    atomic_bool is_over = false;
    const int n = threads < MOST_THREADS ? threads : MOST_THREADS;
    const double from = bench_wall_ms();
    for (int i = 0; i < n; i++) {
        spinners[i].is_over = &is_over;
        if (pthread_create(&spinners[i].thread, NULL, spin, &spinners[i])) {
            bench_die("thread", "can not be started");
        }
    }
    nanosleep(&(struct timespec){.tv_nsec = SPIN_MS * 1000000}, NULL);
    atomic_store(&is_over, true);
    double turns = 0;
    for (int i = 0; i < n; i++) {
        pthread_join(spinners[i].thread, NULL);
        turns += (double)spinners[i].turns;
    }
    return turns / (bench_wall_ms() - from);
}
