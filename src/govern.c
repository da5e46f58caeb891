// govern.c -- see govern.h.  No decision is made here.
// SPDX-License-Identifier: MIT
#include "govern.h"

#include "settings.h"

static void on_change(void *arg, const struct governor_state *s)
{
    struct app *a = arg;
    payload_resize(&a->payloads, s->cache_pct);
    dispatch_ease(a->dispatch, s->concurrency_pct);
    if (s->unloads_idle) {
        dispatch_press(a->dispatch);
    }
    if (a->schedule) {
        schedule_ease(a->schedule, s->mode, s->why, s->until_ms);
    }
}

// Claims may have waited for it.
static void on_look(void *arg)
{
    struct app *a = arg;
    const struct governor_state *s = governor_state(a->governor);
    if (s->unloads_idle) {
        dispatch_press(a->dispatch);  // one may have become idle since
    }
}

int govern_open(struct app *a, struct err *e)
{
    struct governor_config g;
    settings_governor(a, &g);
    const struct governor_events events = {a, on_change, on_look};
    (void)e;
    return governor_open(&a->governor, &a->loop, &g, &events);
}

static void on_governor_closed(void *arg)
{
    struct app *a = arg;
    a->governor = NULL;
    a->governor_closed(a->governor_closed_arg);
}

void govern_close(struct app *a, void (*on_closed)(void *arg), void *arg)
{
    a->governor_closed = on_closed;
    a->governor_closed_arg = arg;
    governor_close(a->governor, on_governor_closed, a);
}

int64_t govern_tick(void *arg, int64_t now_ms, bool has_work)
{
    struct app *a = arg;
    const struct governor_work w = {
        .has_work = has_work,
        .asked_here = dispatch_asking_here(a->dispatch),
        .holds_model = dispatch_holds_model(a->dispatch),
    };
    return governor_tick(a->governor, &w, now_ms);
}

bool govern_may_begin(void *arg)
{
    const struct app *a = arg;
    return governor_is_known(a->governor, loop_now_ms(&a->loop));
}

void govern_tell(const struct app *a, struct vlmd_stats *out)
{
    const struct governor_state *s = governor_state(a->governor);
    bool is_held = out->is_paused;
    out->pace = s->mode == YIELD_NOT ? "normal" : yield_mode_name(s->mode);
    out->pace_because = s->why;
    out->paused_until_ms = is_held ? schedule_paused_until_ms(a->schedule) : 0;
    out->memory_pressure = pressure_name(s->pressure);
    out->pressure_raised = s->pressure_raised;
    out->memory_used_pct = s->used_pct;
    out->memory_stall_pct = s->some_pct;
    out->most_rss_bytes = s->most_rss_bytes;
    out->rss_budget_bytes = a->config->pressure.rss_bytes;
}
