// life.c -- the model's state machine: one function per state.
//
// A server with its own time to live unloads by itself; nothing is sent to it then, others
// may be using the model.  From ABSENT the server is looked at before anything is loaded:
// another process may have loaded it meanwhile.
// SPDX-License-Identifier: MIT
#include "guard/life.h"

#include <assert.h>

enum {
    TTL_MS = 600000,
    TEMPORARY_TTL_MS = 300000,
    OOM_WAIT_MS = 120000,  // whoever holds the memory does not give it back in a second
    OOM_WAIT_CAP_MS = 1800000,
    SERVER_SLACK_MS =
        5000,  // its clock began at the end of the answer, ours a little later
};

void life_config_default(struct life_config *c)
{
    *c =
        (struct life_config){.ttl_ms = TTL_MS, .preloads = true, .unloads_at_exit = true};
}

int64_t life_temporary_ttl_ms(void)
{
    return TEMPORARY_TTL_MS;
}

static enum life_deed become(struct life *l, enum life_state to, enum life_reason reason,
                             enum life_deed deed, int64_t now_ms)
{
    l->since_ms = to == l->state ? l->since_ms : now_ms;
    l->state = to;
    l->reason = reason;
    l->is_loaded = false;
    l->is_wanted = false;
    l->idle_ms = to == LIFE_READY ? now_ms : l->idle_ms;
    return deed;
}

// Out of an answer of the server: it is there, or the request that says so is the load.
static enum life_deed become_ready(struct life *l, enum life_reason reason,
                                   int64_t now_ms)
{
    l->ooms = 0;
    return become(l, l->in_flight > 0 ? LIFE_BUSY : LIFE_READY, reason, LIFE_NOTHING,
                  now_ms);
}

static enum life_deed become_absent(struct life *l, enum life_reason reason,
                                    int64_t now_ms)
{
    l->is_ours = l->is_ours && reason == LIFE_BY_SERVER;  // a line that was cut, perhaps
    return become(l, LIFE_ABSENT, reason, LIFE_NOTHING, now_ms);
}

static enum life_deed unload(struct life *l, enum life_reason reason, int64_t now_ms)
{
    return become(l, LIFE_UNLOADING, reason, LIFE_UNLOAD, now_ms);
}

static bool is_idle(const struct life *l)
{
    return l->state == LIFE_READY && l->in_flight == 0 && l->n_waiting == 0;
}

// ---- one function per state

static enum life_deed when_absent(struct life *l, const struct life_config *c,
                                  enum life_event event, int64_t now_ms)
{
    switch (event) {
    case LIFE_TAKEN_RESIDENT: return become_ready(l, LIFE_FOUND, now_ms);
    case LIFE_TAKEN_ABSENT:
        return c->preloads || l->n_waiting > 0
                   ? become(l, LIFE_LOADING, LIFE_BY_US, LIFE_LOAD, now_ms)
                   : LIFE_NOTHING;
    case LIFE_WANTED: return become(l, LIFE_LOADING, LIFE_BY_US, LIFE_VERIFY, now_ms);
    case LIFE_BEGAN:
    case LIFE_ENDED:
    case LIFE_LOADED:
    case LIFE_LOAD_FAILED:
    case LIFE_VERIFIED:
    case LIFE_MISSING:
    case LIFE_DROPPED:
    case LIFE_UNLOADED:
    case LIFE_UNLOAD_FAILED:
    case LIFE_TICK:
    case LIFE_SHORT_OF_MEMORY:
    case LIFE_LET_GO:
    case LIFE_EXIT:
    case LIFE_SERVER_GONE: return LIFE_NOTHING;
    }
    return LIFE_NOTHING;
}

// Looked at before the load: it may be there.  After it: it must be.
static enum life_deed when_loading(struct life *l, enum life_event event, int64_t now_ms)
{
    switch (event) {
    case LIFE_VERIFIED:
        return become_ready(l, l->is_ours ? LIFE_BY_US : LIFE_FOUND, now_ms);
    case LIFE_LOADED:
        l->is_loaded = true;
        l->is_ours = true;
        return LIFE_VERIFY;
    case LIFE_MISSING:
        if (!l->is_loaded) {
            return LIFE_LOAD;
        }
        l->is_ours = false;
        return become(l, LIFE_FAILED, LIFE_BY_ERROR, LIFE_NOTHING, now_ms);
    case LIFE_LOAD_FAILED:
        l->is_ours = false;
        return become(l, LIFE_FAILED, LIFE_BY_ERROR, LIFE_NOTHING, now_ms);
    case LIFE_SERVER_GONE: return become_absent(l, LIFE_BY_SERVER, now_ms);
    case LIFE_TAKEN_RESIDENT:  // still under way
    case LIFE_TAKEN_ABSENT:
    case LIFE_WANTED:
    case LIFE_BEGAN:
    case LIFE_ENDED:
    case LIFE_DROPPED:
    case LIFE_UNLOADED:
    case LIFE_UNLOAD_FAILED:
    case LIFE_TICK:
    case LIFE_SHORT_OF_MEMORY:
    case LIFE_LET_GO:
    case LIFE_EXIT: return LIFE_NOTHING;
    }
    return LIFE_NOTHING;
}

static enum life_deed on_time(struct life *l, const struct life_config *c,
                              const struct life_server *s, int64_t now_ms)
{
    if (life_due_ms(l, c, s) > now_ms) {
        return LIFE_NOTHING;
    }
    return s->has_ttl ? become_absent(l, LIFE_BY_TTL, now_ms)
                      : unload(l, LIFE_BY_TTL, now_ms);
}

static enum life_deed when_ready(struct life *l, const struct life_config *c,
                                 const struct life_server *s, enum life_event event,
                                 int64_t now_ms)
{
    bool may_unload = s->can_unload && is_idle(l);
    switch (event) {
    case LIFE_BEGAN: return become(l, LIFE_BUSY, l->reason, LIFE_NOTHING, now_ms);
    case LIFE_ENDED: l->idle_ms = now_ms; return LIFE_NOTHING;
    case LIFE_MISSING:
    case LIFE_DROPPED:
        l->is_ours = false;
        return become(l, LIFE_LOADING, LIFE_BY_SERVER, LIFE_LOAD, now_ms);
    case LIFE_TICK: return on_time(l, c, s, now_ms);
    case LIFE_SHORT_OF_MEMORY:
        return may_unload && l->is_ours && s->is_local
                   ? unload(l, LIFE_BY_PRESSURE, now_ms)
                   : LIFE_NOTHING;
    case LIFE_LET_GO:
        return may_unload ? unload(l, LIFE_BY_PERSON, now_ms) : LIFE_NOTHING;
    case LIFE_EXIT:
        return s->can_unload && l->is_ours && c->unloads_at_exit && l->in_flight == 0
                   ? unload(l, LIFE_BY_EXIT, now_ms)
                   : LIFE_NOTHING;
    case LIFE_SERVER_GONE: return become_absent(l, LIFE_BY_SERVER, now_ms);
    case LIFE_TAKEN_RESIDENT:
    case LIFE_TAKEN_ABSENT:
    case LIFE_WANTED:
    case LIFE_LOADED:
    case LIFE_LOAD_FAILED:
    case LIFE_VERIFIED:
    case LIFE_UNLOADED:
    case LIFE_UNLOAD_FAILED: return LIFE_NOTHING;
    }
    return LIFE_NOTHING;
}

static enum life_deed when_busy(struct life *l, enum life_event event, int64_t now_ms)
{
    switch (event) {
    case LIFE_ENDED:
        return l->in_flight == 0 ? become(l, LIFE_READY, l->reason, LIFE_NOTHING, now_ms)
                                 : LIFE_NOTHING;
    case LIFE_MISSING:
    case LIFE_DROPPED:
        l->is_ours = false;
        return become(l, LIFE_LOADING, LIFE_BY_SERVER, LIFE_LOAD, now_ms);
    case LIFE_SERVER_GONE: return become_absent(l, LIFE_BY_SERVER, now_ms);
    case LIFE_BEGAN:
    case LIFE_TAKEN_RESIDENT:
    case LIFE_TAKEN_ABSENT:
    case LIFE_WANTED:
    case LIFE_LOADED:
    case LIFE_LOAD_FAILED:
    case LIFE_VERIFIED:
    case LIFE_UNLOADED:
    case LIFE_UNLOAD_FAILED:
    case LIFE_TICK:
    case LIFE_SHORT_OF_MEMORY:
    case LIFE_LET_GO:
    case LIFE_EXIT: return LIFE_NOTHING;
    }
    return LIFE_NOTHING;
}

static enum life_deed when_unloading(struct life *l, enum life_event event,
                                     int64_t now_ms)
{
    bool is_wanted = (l->is_wanted || l->n_waiting > 0) && l->reason != LIFE_BY_EXIT;
    switch (event) {
    case LIFE_WANTED: l->is_wanted = true; return LIFE_NOTHING;
    case LIFE_UNLOADED:
        become_absent(l, l->reason, now_ms);
        return is_wanted ? become(l, LIFE_LOADING, LIFE_BY_US, LIFE_LOAD, now_ms)
                         : LIFE_NOTHING;
    case LIFE_UNLOAD_FAILED:  // it is still there; once more after the time to live
        return become_ready(l, LIFE_BY_ERROR, now_ms);
    case LIFE_SERVER_GONE: return become_absent(l, LIFE_BY_SERVER, now_ms);
    case LIFE_TAKEN_RESIDENT:
    case LIFE_TAKEN_ABSENT:
    case LIFE_BEGAN:
    case LIFE_ENDED:
    case LIFE_LOADED:
    case LIFE_LOAD_FAILED:
    case LIFE_VERIFIED:
    case LIFE_MISSING:
    case LIFE_DROPPED:
    case LIFE_TICK:
    case LIFE_SHORT_OF_MEMORY:
    case LIFE_LET_GO:
    case LIFE_EXIT: return LIFE_NOTHING;
    }
    return LIFE_NOTHING;
}

enum life_deed life_next(struct life *l, const struct life_config *c,
                         const struct life_server *s, enum life_event event,
                         int64_t now_ms)
{
    l->in_flight += event == LIFE_BEGAN;
    l->in_flight -= event == LIFE_ENDED;
    assert(l->in_flight >= 0);
    switch (l->state) {
    case LIFE_FAILED:  // after its back-off like one that was never there
    case LIFE_ABSENT: return when_absent(l, c, event, now_ms);
    case LIFE_LOADING: return when_loading(l, event, now_ms);
    case LIFE_READY: return when_ready(l, c, s, event, now_ms);
    case LIFE_BUSY: return when_busy(l, event, now_ms);
    case LIFE_UNLOADING: return when_unloading(l, event, now_ms);
    }
    return LIFE_NOTHING;
}

int64_t life_due_ms(const struct life *l, const struct life_config *c,
                    const struct life_server *s)
{
    int64_t ttl = l->ttl_ms > 0 ? l->ttl_ms : c->ttl_ms;
    bool is_due_ever = s->has_ttl || (s->can_unload && l->is_ours);
    if (!is_idle(l) || ttl <= 0 || !is_due_ever) {
        return INT64_MAX;
    }
    return l->idle_ms + ttl + (s->has_ttl ? SERVER_SLACK_MS : 0);
}

bool life_may_let_go(const struct life *l)
{
    return is_idle(l);
}

int64_t life_load_wait_ms(struct life *l, bool is_oom)
{
    if (!is_oom) {
        return 0;
    }
    int64_t wait = OOM_WAIT_MS;
    for (int i = 0; i < l->ooms && wait < OOM_WAIT_CAP_MS; i++) {
        wait *= 2;
    }
    l->ooms++;
    return wait < OOM_WAIT_CAP_MS ? wait : OOM_WAIT_CAP_MS;
}

const char *life_state_name(enum life_state s)
{
    switch (s) {
    case LIFE_ABSENT: return "absent";
    case LIFE_LOADING: return "loading";
    case LIFE_READY: return "ready";
    case LIFE_BUSY: return "busy";
    case LIFE_UNLOADING: return "unloading";
    case LIFE_FAILED: return "failed";
    }
    return "";
}

const char *life_reason_words(enum life_reason r)
{
    switch (r) {
    case LIFE_AT_FIRST: return "not asked for yet";
    case LIFE_FOUND: return "it was loaded already";
    case LIFE_BY_US: return "loaded for the pictures that wait";
    case LIFE_BY_TTL: return "nothing was asked for its time to live";
    case LIFE_BY_PRESSURE: return "memory is short";
    case LIFE_BY_PERSON: return "unloaded as you asked";
    case LIFE_BY_EXIT: return "vlmd ends";
    case LIFE_BY_SERVER: return "the server had dropped it";
    case LIFE_BY_ERROR: return "the last try failed";
    }
    return "";
}
