// settle.c -- the policy of "complete".
//
//   renamed in           parses to its end: at once
//   closed by a writer   with a tracker's metadata: at once; else quiet for settle_ms, and
//                        names of trackers that write twice for tracker_settle_ms
//   found by a scan      as if closed, judged by its times
//   made, never closed   a link, or a writer that still has it open: tracker_settle_ms
//   does not parse       waits up to give_up_ms after the last change, then a problem
// SPDX-License-Identifier: MIT
#include "ingest/settle.h"

enum { MAX_STEP_MS = 5000, MIN_POLL_SETTLE_MS = 500 };

void settle_touch(struct settle *s, int64_t now_ms)
{
    s->changed_at_ms = now_ms;
    s->step_ms = 0;
}

// How long ago did the file change last, by its own times?
static int64_t age_ms(const struct file_version *v, int64_t wall_ms)
{
    int64_t last_ns = v->mtime_ns > v->ctime_ns ? v->mtime_ns : v->ctime_ns;
    int64_t age = wall_ms - last_ns / 1000000;
    return age > 0 ? age : 0;
}

static void observe(struct settle *s, const struct look *k, const struct ingest_config *c,
                    int64_t now_ms, int64_t wall_ms)
{
    const struct file_version *v = &k->version;
    if (!s->was_seen && s->is_scanned) {
        // Another machine's clock is believed only about what is long past.
        int64_t age = age_ms(v, wall_ms);
        bool is_known = !s->is_polled || age >= c->give_up_ms;
        s->changed_at_ms = is_known ? now_ms - age : now_ms;
    } else if (s->was_seen &&
               (!version_is_same(&s->last, v) || s->last.ctime_ns != v->ctime_ns)) {
        settle_touch(s, now_ms);
    }
    s->was_seen = true;
    s->last = *v;
}

// How long must a complete file have been quiet?
static int64_t need_ms(const struct settle *s, const struct look *k,
                       const struct ingest_config *c)
{
    int64_t in_place_ms = s->is_tracker ? c->tracker_settle_ms : c->settle_ms;
    if (s->is_renamed) {
        return 0;
    }
    if (s->is_closed) {
        return k->has_tracker ? 0 : in_place_ms;
    }
    if (s->is_scanned) {
        int64_t scan_ms = k->has_tracker ? c->settle_ms : in_place_ms;
        return s->is_polled && scan_ms < MIN_POLL_SETTLE_MS ? MIN_POLL_SETTLE_MS
                                                            : scan_ms;
    }
    // A new name for old contents (a link) changes ctime alone.
    bool is_link = k->version.ctime_ns > k->version.mtime_ns;
    return is_link ? in_place_ms : c->tracker_settle_ms;
}

// How long before something that does not look right is called a problem?
static int64_t patience_ms(const struct settle *s, int code,
                           const struct ingest_config *c)
{
    bool is_written = s->is_closed || s->is_renamed || s->is_scanned;
    switch (code) {
    case E_NOT_FILE:
    case E_OUTSIDE:
    case E_TOOBIG: return 0;
    case E_ACCESS: return c->settle_ms;
    case E_FORMAT: return is_written ? c->settle_ms : c->give_up_ms;
    default: return c->give_up_ms;
    }
}

enum settle_verdict settle_judge(struct settle *s, const struct look *k,
                                 const struct ingest_config *c, int64_t now_ms,
                                 int64_t wall_ms, int64_t *again_ms)
{
    if (k->code == E_NOT_FOUND) {
        return SETTLE_FORGET;
    }
    observe(s, k, c, now_ms, wall_ms);
    int64_t quiet_ms = now_ms - s->changed_at_ms;
    int64_t need = k->code == 0 ? need_ms(s, k, c) : patience_ms(s, k->code, c);
    if (quiet_ms >= need) {
        return k->code == 0 ? SETTLE_TAKE : SETTLE_PROBLEM;
    }
    // Complete: look once more when it has been quiet long enough.  Else ever more rarely;
    // a close or rename comes as an event anyway.
    s->step_ms = s->step_ms ? s->step_ms * 2 : c->settle_ms;
    s->step_ms = s->step_ms > MAX_STEP_MS ? MAX_STEP_MS : s->step_ms;
    int64_t left = need - quiet_ms;
    *again_ms = now_ms + (k->code == 0 || left < s->step_ms ? left : s->step_ms);
    return SETTLE_WAIT;
}
