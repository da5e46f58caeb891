// door.c -- how other threads, and signal handlers, reach the loop: what they post runs there,
// and a stop is followed.
// SPDX-License-Identifier: MIT
#include "door.h"

#include "base/log.h"
#include "base/mem.h"
#include "intake.h"

#include <stdlib.h>

static void run_posts(struct app *a)
{
    struct list taken;
    list_init(&taken);
    uv_mutex_lock(&a->post_lock);
    list_splice_back(&taken, &a->posts);
    uv_mutex_unlock(&a->post_lock);
    struct list *node;
    while ((node = list_pop_front(&taken))) {
        struct app_post *p = container_of(node, struct app_post, node);
        p->fn(p->arg);
        free(p);
    }
}

static void on_grace(uv_timer_t *t)
{
    struct app *a = t->data;
    log_info("app", "the grace period is over: cancelling what is being asked");
    schedule_stop(a->schedule, true);
}

static void follow_stop(struct app *a)
{
    int asked = atomic_load(&a->stop_asked);
    if (asked <= a->stop_seen) {
        return;
    }
    a->stop_seen = asked;
    if (a->role == VLMD_CLIENT) {
        a->is_finished = true;
        return;
    }
    if (!a->schedule) {
        return;  // told while it is being closed
    }
    bool is_now = asked == 1 + VLMD_STOP_NOW;
    if (!a->inputs_closing) {
        intake_end(a);
    }
    schedule_stop(a->schedule, is_now);
    if (!is_now && !a->is_batch) {
        uv_timer_start(&a->grace, on_grace, (uint64_t)a->config->grace_ms, 0);
    }
}

static void on_wake(struct waker *wake)
{
    struct app *a = container_of(wake, struct app, wake);
    run_posts(a);
    follow_stop(a);
}

int app_post(struct app *a, void (*fn)(void *arg), void *arg)
{
    struct app_post *p = mem_new(struct app_post);
    p->fn = fn;
    p->arg = arg;
    uv_mutex_lock(&a->post_lock);
    bool is_open = a->takes_posts;
    if (is_open) {
        list_push_back(&a->posts, &p->node);
        // With the lock held: without it the door might be closed before.
        waker_send(&a->wake);
    }
    uv_mutex_unlock(&a->post_lock);
    if (!is_open) {
        free(p);
        return E_CANCELED;
    }
    return 0;
}

void app_stop(struct app *a, enum vlmd_stop_how how)
{
    int want = 1 + (int)how;
    int had = atomic_load(&a->stop_asked);
    while (had < want && !atomic_compare_exchange_weak(&a->stop_asked, &had, want)) {
    }
    waker_send(&a->wake);
}

int door_open(struct app *a)
{
    list_init(&a->posts);
    if (uv_mutex_init(&a->post_lock)) {
        return E_NOMEM;
    }
    if (waker_open(&a->wake, &a->loop, on_wake)) {
        uv_mutex_destroy(&a->post_lock);
        return E_NOMEM;
    }
    closer_hold(&a->closer);
    uv_timer_init(&a->loop.uv, &a->grace);
    closer_hold(&a->closer);
    uv_timer_init(&a->loop.uv, &a->patience);
    closer_hold(&a->closer);
    uv_timer_init(&a->loop.uv, &a->beat);
    closer_hold(&a->closer);
    uv_timer_init(&a->loop.uv, &a->turn);
    closer_hold(&a->closer);
    a->grace.data = a->patience.data = a->beat.data = a->turn.data = a;
    a->takes_posts = true;
    return 0;
}

static void on_closed(struct closer *c)
{
    struct app *a = container_of(c, struct app, closer);
    uv_mutex_destroy(&a->post_lock);
    a->door_closed(a);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct app *a = handle->data;
    closer_drop(&a->closer);
}

static void on_wake_closed(struct waker *wake)
{
    struct app *a = container_of(wake, struct app, wake);
    closer_drop(&a->closer);
}

void door_lock(struct app *a)
{
    uv_mutex_lock(&a->post_lock);
    a->takes_posts = false;
    uv_mutex_unlock(&a->post_lock);
    run_posts(a);
}

void door_close(struct app *a, void (*closed)(void *arg))
{
    a->door_closed = closed;
    a->closer.on_closed = on_closed;
    waker_close(&a->wake, on_wake_closed);
    uv_close((uv_handle_t *)&a->grace, on_handle_closed);
    uv_close((uv_handle_t *)&a->patience, on_handle_closed);
    uv_close((uv_handle_t *)&a->beat, on_handle_closed);
    uv_close((uv_handle_t *)&a->turn, on_handle_closed);
}
