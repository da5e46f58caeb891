// status.c -- snapshots of a worker, kept where other processes can read them.
// SPDX-License-Identifier: MIT
#include "observe/status.h"

#include "base/json.h"
#include "base/log.h"
#include "face/face.h"
#include "govern.h"
#include "observe/meters.h"
#include "observe/monitor.h"
#include "store/stats.h"

#include <math.h>

enum { PUBLISH_EVERY_MS = 2000, MAX_STATUS_BYTES = 64 * 1024 };

#define RATE_WINDOW_MS 60000.0

// ---- images per second: an exponentially decaying count

static double decayed(const struct app_rate *r, int64_t now_ms)
{
    return r->weight * exp(-(double)(now_ms - r->at_ms) / RATE_WINDOW_MS);
}

void status_count(struct app *a)
{
    struct app_rate *r = &a->rate;
    int64_t now = loop_now_ms(&a->loop);
    if (r->since_ms == 0) {
        r->since_ms = now;
    }
    r->weight = decayed(r, now) + 1;
    r->at_ms = now;
}

// In the first minute the window is as long as the time that has passed.
static double images_per_s(const struct app *a)
{
    const struct app_rate *r = &a->rate;
    int64_t now = loop_now_ms(&a->loop);
    double age = (double)(now - r->since_ms);
    if (r->since_ms == 0 || age < 1000) {
        return 0;
    }
    double window = RATE_WINDOW_MS * (1 - exp(-age / RATE_WINDOW_MS));
    return decayed(r, now) / window * 1000;
}

// ---- snapshot

static void count_states(const struct app *a, struct vlmd_stats *out)
{
    const int *n = a->pipeline.jobs.count;
    out->claimed = a->pipeline.jobs.total;
    out->preparing = n[JOB_CLAIMED] + n[JOB_FETCHING] + n[JOB_INSPECTING] +
                     n[JOB_PREPARING] + n[JOB_COMPARING] + n[JOB_RECOGNISING] +
                     n[JOB_SCREENING];
    out->waiting = n[JOB_WAITING];
    out->asking = n[JOB_ASKING];
    out->saving = n[JOB_SAVING];
    out->backing_off = n[JOB_BACKOFF];
}

static double rate_of(int64_t hits, int64_t misses)
{
    return hits + misses > 0 ? (double)hits / (double)(hits + misses) : 0;
}

static void tell_caches(const struct app *a, struct vlmd_stats *out)
{
    const struct pipeline_totals *t = &a->pipeline.totals;
    struct lru_stats s;
    lru_stats(&a->payloads.lru, &s);
    out->payload_cache = (struct vlmd_cache_stats){
        .hits = s.hits,
        .misses = s.misses,
        .hit_rate = rate_of(s.hits, s.misses),
        .items = s.items,
        .bytes = s.bytes,
        .max_items = s.max_items,
        .max_bytes = s.max_bytes,
        .evictions = s.evictions,
    };
    out->result_cache = (struct vlmd_cache_stats){
        .hits = t->result_hits,
        .misses = t->result_misses,
        .hit_rate = rate_of(t->result_hits, t->result_misses),
    };
}

static void count_totals(const struct app *a, struct vlmd_stats *out)
{
    const struct pipeline_totals *t = &a->pipeline.totals;
    out->answered = t->by_outcome[STORE_ANSWERED];
    out->cached = t->by_outcome[STORE_CACHED];
    out->duplicate = t->by_outcome[STORE_DUPLICATE];
    out->blocked = t->by_outcome[STORE_BLOCKED];
    out->skipped = t->by_outcome[STORE_SKIPPED];
    out->failed = t->by_outcome[STORE_FAILED];
    out->requests = t->requests;
    out->prompt_tokens = t->prompt_tokens;
    out->completion_tokens = t->completion_tokens;
    out->bytes_sent = t->bytes_sent;
    out->masked = t->masked;
    _Static_assert((int)PRIVACY_CATEGORIES <= (int)VLMD_MAX_CATEGORIES, "all have room");
    for (int i = 0; i < PRIVACY_CATEGORIES; i++) {
        if (t->found[i] || t->cleaned[i]) {
            out->categories[out->n_categories++] = (struct vlmd_category_stats){
                privacy_category_name((enum privacy_category)i), t->found[i],
                t->cleaned[i]};
        }
    }
}

static void add_pool(struct vlmd_stats *out, const char *name,
                     const struct store_pool_stats *p)
{
    out->pools[out->n_pools++] =
        (struct vlmd_pool_state){.name = name,
                                 .threads = p->threads,
                                 .queued = p->queued,
                                 .running = p->running,
                                 .wait_p95_ms = (double)p->wait_p95_us / 1000};
}

static void load_images(const struct app *a, struct vlmd_stats *out)
{
    struct vlmd_pool_state *p = &out->pools[out->n_pools++];
    *p = (struct vlmd_pool_state){
        .name = "image", .threads = image_threads(a->images), .wait_p95_ms = -1};
    image_load(a->images, &p->queued, &p->running);
}

static void load_database(const struct app *a, struct vlmd_stats *out)
{
    struct store_load l;
    store_load(a->store, &l);
    add_pool(out, "read", &l.read);
    add_pool(out, "write", &l.write);
    out->database = (struct vlmd_database_load){
        .statements = l.statements,
        .slow = l.slow,
        .failed = l.failed,
        .p50_ms = (double)l.p50_us / 1000,
        .p95_ms = (double)l.p95_us / 1000,
        .p99_ms = (double)l.p99_us / 1000,
        .read_wait_p95_ms = (double)l.read.wait_p95_us / 1000,
        .write_wait_p95_ms = (double)l.write.wait_p95_us / 1000,
        .wal_bytes = l.wal_bytes,
        .checkpoints = l.checkpoints,
    };
}

static void count_tiers(const struct app *a, struct vlmd_stats *out)
{
    const struct pipeline_totals *t = &a->pipeline.totals;
    _Static_assert((int)TIERS == (int)VLMD_TIERS, "one for each");
    for (int i = 0; i < TIERS; i++) {
        out->tiers[i] = (struct vlmd_tier_stats){
            .tier = tier_name((enum tier_depth)i),
            .target_ms = a->pipeline.config.tiers[i].target_ms,
            .answered = t->tier_answered[i],
            .breached = t->tier_breached[i],
        };
    }
    out->by_other_backend = t->fallbacks[FALLBACK_BACKEND];
    out->by_smaller_tier = t->fallbacks[FALLBACK_TIER];
    out->by_ocr = t->fallbacks[FALLBACK_OCR];
    out->by_metadata = t->fallbacks[FALLBACK_METADATA];
}

void status_snapshot(struct app *a, struct vlmd_stats *out)
{
    *out = (struct vlmd_stats){.paused_because = "",
                               .pace = "normal",
                               .pace_because = "",
                               .memory_pressure = "normal",
                               .memory_stall_pct = -1};
    if (!a->schedule) {
        return;  // a client, or it is being closed
    }
    out->paused_because = schedule_paused_because(a->schedule);
    out->is_paused = out->paused_because[0] != 0;
    govern_tell(a, out);
    tell_caches(a, out);
    count_states(a, out);
    count_totals(a, out);
    count_tiers(a, out);
    out->images_per_s = images_per_s(a);
    monitor_usage(a, out);
    if (a->watcher) {
        struct watcher_stats w;
        watcher_stats(a->watcher, &w);
        out->folders = w.folders;
        out->polled_folders = w.polled_folders;
        out->settling = w.settling;
    }
    load_images(a, out);
    load_database(a, out);
    out->n_latencies = meters_latencies(a->meters, out->latencies, VLMD_MAX_LATENCIES);
    out->n_backends = dispatch_status(a->dispatch, out->backends, VLMD_MAX_BACKENDS);
}

// ---- publishing

static void on_published(struct store_publish *r, int err)
{
    struct app *a = container_of(r, struct app, publish);
    if (err) {
        log_debug("status", "publish class=%s %s", err_name(err), r->err.msg);
    }
    buf_fini(&a->published);
    a->is_publishing = false;
}

static void on_beat(uv_timer_t *t)
{
    status_publish(t->data);
}

// The last of several changes must not be lost: it is published when the time has come.
static bool waits(struct app *a)
{
    int64_t since = loop_now_ms(&a->loop) - a->published_ms;
    bool is_soon = a->is_publishing || (a->published_ms && since < PUBLISH_EVERY_MS);
    if (is_soon && !uv_is_active((uv_handle_t *)&a->beat)) {
        int64_t wait =
            since < PUBLISH_EVERY_MS ? PUBLISH_EVERY_MS - since : PUBLISH_EVERY_MS;
        uv_timer_start(&a->beat, on_beat, (uint64_t)wait, 0);
    }
    return is_soon;
}

void status_publish(struct app *a)
{
    int64_t now = loop_now_ms(&a->loop);
    if (a->is_finished || !a->is_working || waits(a)) {
        return;
    }
    struct vlmd_stats s;
    struct json_writer w;
    status_snapshot(a, &s);
    buf_init(&a->published, MAX_STATUS_BYTES);
    json_init(&w, &a->published);
    face_stats(&w, NULL, &s);
    if (w.rc) {
        buf_fini(&a->published);
        return;
    }
    a->is_publishing = true;
    a->published_ms = now;
    a->publish = (struct store_publish){.status = buf_str(&a->published)};
    store_publish(a->store, &a->publish, on_published);
}
