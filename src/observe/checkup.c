// checkup.c -- rounds of checkups, and the public interface to them.
// SPDX-License-Identifier: MIT
#include "observe/checkup.h"

#include "api/call.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { POOL_THREADS = 4 };

const char *health_state_name(enum health_state s)
{
    static const char *const names[] = {"healthy", "degraded", "unhealthy", "disabled"};
    return names[s];
}

static double passed_ms(const struct health_round *r)
{
    return (double)(uv_hrtime() - r->began_ns) / 1e6;
}

// ---- the life of a round

static void free_round(struct health_round *r)
{
    if (r->ended) {
        r->ended(r);
    }
    for (int i = 0; i < r->n; i++) {
        buf_fini(&r->checkups[i].http.response);
    }
    free(r->checkups);
    free(r);
}

static void drop(struct health_round *r)
{
    if (--r->holds == 0) {
        free_round(r);
    }
}

static void on_pool_closed(void *arg)
{
    drop(arg);
}

static void on_timer_closed(struct timer *t)
{
    drop(container_of(t, struct health_round, timer));
}

// Told when the last has its state; what is still under way is waited for in silence.
static void maybe_told(struct health_round *r)
{
    if (r->untold > 0 || r->was_told) {
        return;
    }
    r->was_told = true;
    timer_close(&r->timer, on_timer_closed);
    pool_close(r->pool, on_pool_closed, r);
    r->told(r);
}

static void on_timeout(struct timer *t)
{
    struct health_round *r = container_of(t, struct health_round, timer);
    for (int i = 0; i < r->n; i++) {
        struct checkup *c = &r->checkups[i];
        if (!c->is_told) {
            checkup_tell(c, HEALTH_UNHEALTHY,
                         "look why it hangs, or raise health.timeout",
                         "no answer within %.0f s", (double)r->timeout_ms / 1000);
        }
    }
    maybe_told(r);
}

struct checkup *checkup_add(struct health_round *r, const char *kind, const char *fmt,
                            ...)
{
    if (r->n == HEALTH_MAX_CHECKUPS) {
        return NULL;
    }
    struct checkup *c = &r->checkups[r->n++];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c->name, sizeof(c->name), fmt, ap);
    va_end(ap);
    c->round = r;
    c->kind = kind;
    c->todo = "";
    c->response_ms = -1;
    r->untold++;
    return c;
}

void checkup_hold(struct checkup *c)
{
    c->round->holds++;
}

void checkup_drop(struct checkup *c)
{
    struct health_round *r = c->round;
    maybe_told(r);
    drop(r);
}

void checkup_tell(struct checkup *c, enum health_state state, const char *todo,
                  const char *fmt, ...)
{
    struct health_round *r = c->round;
    if (c->is_told) {
        return;
    }
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(c->words, sizeof(c->words), fmt, ap);
    va_end(ap);
    bool is_slow = state == HEALTH_HEALTHY && passed_ms(r) > (double)r->timeout_ms / 2 &&
                   c->response_ms >= 0;
    c->is_told = true;
    c->state = is_slow ? HEALTH_DEGRADED : state;
    c->todo = is_slow ? "look why it is slow" : todo;
    if (c->response_ms >= 0) {
        c->response_ms = passed_ms(r);
    }
    r->untold--;
}

static void on_nothing_to_wait_for(struct timer *t)
{
    maybe_told(container_of(t, struct health_round, timer));
}

int health_start(struct app *a, void (*told)(struct health_round *r),
                 void (*ended)(struct health_round *r), void *arg)
{
    struct health_round *r = mem_new(struct health_round);
    struct pool_config pool = {.name = "vlmd-health", .threads = POOL_THREADS};
    int rc = pool_open(&r->pool, &a->loop, &pool);
    if (rc) {
        free(r);
        return rc;
    }
    r->app = a;
    r->told = told;
    r->ended = ended;
    r->arg = arg;
    r->timeout_ms = a->config->health_timeout_ms;
    r->began_ns = uv_hrtime();
    r->checkups = mem_zero(sizeof(*r->checkups) * HEALTH_MAX_CHECKUPS);
    r->holds = 2;  // pool and timer
    timer_open(&r->timer, &a->loop);
    health_add_all(r);
    if (r->untold) {
        timer_start(&r->timer, r->timeout_ms, on_timeout);
    } else {
        timer_start(&r->timer, 1, on_nothing_to_wait_for);
    }
    return 0;
}

enum health_state health_worst(const struct health_round *r)
{
    enum health_state worst = HEALTH_HEALTHY;
    for (int i = 0; i < r->n; i++) {
        const struct checkup *c = &r->checkups[i];
        if (!c->is_hidden && c->state != HEALTH_DISABLED && c->state > worst) {
            worst = c->state;
        }
    }
    return worst;
}

// ---- the public interface

struct asking {
    struct vlmd *v;
    vlmd_health_fn *fn;
    void *arg;
};

static void count(struct vlmd_health *h, enum health_state s)
{
    h->n_healthy += s == HEALTH_HEALTHY;
    h->n_degraded += s == HEALTH_DEGRADED;
    h->n_unhealthy += s == HEALTH_UNHEALTHY;
    h->n_disabled += s == HEALTH_DISABLED;
}

static void on_told(struct health_round *r)
{
    struct asking *k = r->arg;
    struct vlmd *v = k->v;
    struct vlmd_health_check *checks = mem_zero(sizeof(*checks) * (size_t)(r->n + 1));
    int err = r->app->stop_seen ? E_CANCELED : 0;
    struct vlmd_health h = {
        .state = health_state_name(health_worst(r)),
        .checks = checks,
        .at_ms = loop_wall_ms(),
        .took_ms = passed_ms(r),
    };
    for (int i = 0; i < r->n; i++) {
        const struct checkup *c = &r->checkups[i];
        if (!c->is_hidden) {
            count(&h, c->state);
            checks[h.n_checks++] = (struct vlmd_health_check){
                .name = c->name,
                .kind = c->kind,
                .state = health_state_name(c->state),
                .response_ms = c->response_ms,
                .words = c->words,
                .todo = c->todo,
            };
        }
    }
    k->fn(k->arg, err, &h, err ? err_words(err) : "");
    free(checks);
    free(k);
    call_end(v);
}

int vlmd_health(vlmd *v, vlmd_health_fn *fn, void *arg)
{
    int rc = v->app.role == VLMD_WORKER ? call_check(v) : E_USAGE;
    if (rc) {
        return rc;
    }
    struct asking *k = mem_new(struct asking);
    *k = (struct asking){v, fn, arg};
    rc = health_start(&v->app, on_told, NULL, k);
    if (rc) {
        free(k);
        return rc;
    }
    call_begin(v);
    return 0;
}
