// face_status.c -- what is going on, of this process and of the whole database, as JSON.
// SPDX-License-Identifier: MIT
#include "face/face.h"

#include <string.h>

static void write_backend(struct json_writer *w, const struct vlmd_backend_status *b)
{
    json_object(w, NULL);
    json_str(w, "name", b->name);
    json_str(w, "url", b->url);
    json_str(w, "kind", b->kind);
    json_str(w, "state", b->state);
    json_str(w, "reason", b->reason);
    json_str(w, "model", b->model);
    json_bool(w, "is_remote", b->is_remote);
    json_int(w, "in_flight", b->in_flight);
    json_int(w, "limit", b->limit);
    json_int(w, "answered", b->answered);
    json_int(w, "failed", b->failed);
    json_int(w, "next_probe_at_ms", b->next_probe_at_ms);
    json_double(w, "latency_ms", b->latency_ms);
    json_int(w, "priority", b->priority);
    json_str(w, "model_state", b->model_state);
    json_int(w, "unloads_at_ms", b->unloads_at_ms);
    json_int(w, "loads", b->loads);
    json_int(w, "load_failures", b->load_failures);
    json_int(w, "load_ms", b->load_ms);
    json_int(w, "verifies", b->verifies);
    json_int(w, "verify_failures", b->verify_failures);
    json_int(w, "verify_ms", b->verify_ms);
    json_int(w, "unloads", b->unloads);
    json_str(w, "breaker", b->breaker);
    json_int(w, "minute_requests", b->minute_requests);
    json_int(w, "minute_tokens", b->minute_tokens);
    json_int(w, "minute_requests_limit", b->minute_requests_limit);
    json_int(w, "minute_tokens_limit", b->minute_tokens_limit);
    json_int(w, "server_running", b->server_running);
    json_int(w, "server_waiting", b->server_waiting);
    json_double(w, "server_kv_pct", b->server_kv_pct);
    json_object_end(w);
}

static void write_latency(struct json_writer *w, const struct vlmd_latency *l)
{
    json_object(w, NULL);
    json_str(w, "stage", l->stage);
    json_int(w, "n", l->n);
    json_double(w, "p50_ms", l->p50_ms);
    json_double(w, "p90_ms", l->p90_ms);
    json_double(w, "p95_ms", l->p95_ms);
    json_double(w, "p99_ms", l->p99_ms);
    json_object_end(w);
}

static void write_database(struct json_writer *w, const struct vlmd_database_load *d)
{
    json_object(w, "database");
    json_int(w, "statements", d->statements);
    json_int(w, "slow", d->slow);
    json_int(w, "failed", d->failed);
    json_double(w, "p50_ms", d->p50_ms);
    json_double(w, "p95_ms", d->p95_ms);
    json_double(w, "p99_ms", d->p99_ms);
    json_double(w, "read_wait_p95_ms", d->read_wait_p95_ms);
    json_double(w, "write_wait_p95_ms", d->write_wait_p95_ms);
    json_int(w, "wal_bytes", d->wal_bytes);
    json_int(w, "checkpoints", d->checkpoints);
    json_object_end(w);
}

static void write_tiers(struct json_writer *w, const struct vlmd_stats *s)
{
    json_array(w, "tiers");
    for (int i = 0; i < VLMD_TIERS && s->tiers[i].tier; i++) {
        json_object(w, NULL);
        json_str(w, "tier", s->tiers[i].tier);
        json_int(w, "target_ms", s->tiers[i].target_ms);
        json_int(w, "answered", s->tiers[i].answered);
        json_int(w, "breached", s->tiers[i].breached);
        json_object_end(w);
    }
    json_array_end(w);
    json_object(w, "fallbacks");
    json_int(w, "backend", s->by_other_backend);
    json_int(w, "tier", s->by_smaller_tier);
    json_int(w, "ocr", s->by_ocr);
    json_int(w, "metadata", s->by_metadata);
    json_object_end(w);
}

// A pause without an end is -1: JSON has no number for it.
static int64_t until(int64_t at_ms)
{
    return at_ms == VLMD_UNTIL_RESUMED ? -1 : at_ms;
}

static void write_cache(struct json_writer *w, const char *key,
                        const struct vlmd_cache_stats *c)
{
    json_object(w, key);
    json_int(w, "hits", c->hits);
    json_int(w, "misses", c->misses);
    json_double(w, "hit_rate", c->hit_rate);
    json_int(w, "items", c->items);
    json_int(w, "bytes", c->bytes);
    json_int(w, "max_items", c->max_items);
    json_int(w, "max_bytes", c->max_bytes);
    json_int(w, "evictions", c->evictions);
    json_object_end(w);
}

static void write_pools(struct json_writer *w, const struct vlmd_stats *s)
{
    json_array(w, "pools");
    for (int i = 0; i < s->n_pools; i++) {
        const struct vlmd_pool_state *p = &s->pools[i];
        json_object(w, NULL);
        json_str(w, "name", p->name);
        json_int(w, "threads", p->threads);
        json_int(w, "queued", p->queued);
        json_int(w, "running", p->running);
        if (p->wait_p95_ms < 0) {
            json_null(w, "wait_p95_ms");
        } else {
            json_double(w, "wait_p95_ms", p->wait_p95_ms);
        }
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_pace(struct json_writer *w, const struct vlmd_stats *s)
{
    json_str(w, "pace", s->pace);
    json_str(w, "pace_because", s->pace_because);
    json_int(w, "paused_until_ms", until(s->paused_until_ms));
    json_str(w, "memory_pressure", s->memory_pressure);
    json_int(w, "pressure_raised", s->pressure_raised);
    json_int(w, "memory_used_pct", s->memory_used_pct);
    json_double(w, "memory_stall_pct", s->memory_stall_pct);
    json_int(w, "most_rss_bytes", s->most_rss_bytes);
    json_int(w, "rss_budget_bytes", s->rss_budget_bytes);
}

void face_stats(struct json_writer *w, const char *key, const struct vlmd_stats *s)
{
    json_object(w, key);
    json_bool(w, "is_paused", s->is_paused);
    json_str(w, "paused_because", s->paused_because);
    json_int(w, "claimed", s->claimed);
    json_int(w, "preparing", s->preparing);
    json_int(w, "waiting", s->waiting);
    json_int(w, "asking", s->asking);
    json_int(w, "saving", s->saving);
    json_int(w, "backing_off", s->backing_off);
    json_int(w, "answered", s->answered);
    json_int(w, "cached", s->cached);
    json_int(w, "duplicate", s->duplicate);
    json_int(w, "blocked", s->blocked);
    json_int(w, "skipped", s->skipped);
    json_int(w, "failed", s->failed);
    json_int(w, "requests", s->requests);
    json_int(w, "prompt_tokens", s->prompt_tokens);
    json_int(w, "completion_tokens", s->completion_tokens);
    json_int(w, "bytes_sent", s->bytes_sent);
    json_double(w, "images_per_s", s->images_per_s);
    json_int(w, "rss_bytes", s->rss_bytes);
    json_double(w, "cpu_pct", s->cpu_pct);
    json_int(w, "lag_p99_ms", s->lag_p99_ms);
    json_double(w, "errors_per_min", s->errors_per_min);
    json_int(w, "error_spikes", s->error_spikes);
    json_int(w, "alerts_firing", s->alerts_firing);
    json_int(w, "folders", s->folders);
    json_int(w, "polled_folders", s->polled_folders);
    json_int(w, "settling", s->settling);
    json_int(w, "masked", s->masked);
    write_pace(w, s);
    write_cache(w, "payload_cache", &s->payload_cache);
    write_cache(w, "result_cache", &s->result_cache);
    write_pools(w, s);
    json_array(w, "found");
    for (int i = 0; i < s->n_categories; i++) {
        json_object(w, NULL);
        json_str(w, "category", s->categories[i].category);
        json_int(w, "pictures", s->categories[i].pictures);
        json_int(w, "replaced", s->categories[i].replaced);
        json_object_end(w);
    }
    json_array_end(w);
    write_tiers(w, s);
    json_array(w, "backends");
    for (int i = 0; i < s->n_backends; i++) {
        write_backend(w, &s->backends[i]);
    }
    json_array_end(w);
    write_database(w, &s->database);
    json_array(w, "latencies");
    for (int i = 0; i < s->n_latencies; i++) {
        write_latency(w, &s->latencies[i]);
    }
    json_array_end(w);
    json_object_end(w);
}

static void write_counts(struct json_writer *w, const struct vlmd_status *s)
{
    json_int(w, "total", s->total);
    json_int(w, "queued", s->queued);
    json_int(w, "due", s->due);
    json_int(w, "running", s->leased);
    json_int(w, "ended", s->ended);
    json_int(w, "described", s->answered + s->cached + s->duplicate);
    json_int(w, "answered", s->answered);
    json_int(w, "cached", s->cached);
    json_int(w, "duplicate", s->duplicate);
    json_int(w, "blocked", s->blocked);
    json_int(w, "skipped", s->skipped);
    json_int(w, "failed", s->failed);
    json_int(w, "degraded", s->degraded);
    face_time(w, "oldest_queued_at", s->oldest_queued_ms);
    json_int(w, "day_total", s->day_total);
    json_int(w, "day_described", s->day_described);
    json_int(w, "prompt_tokens", s->prompt_tokens);
    json_int(w, "completion_tokens", s->completion_tokens);
    json_str(w, "database", s->database);
    json_int(w, "database_bytes", s->database_bytes);
    json_int(w, "paused_until_ms", until(s->paused_until_ms));
}

static void write_failures(struct json_writer *w, const struct vlmd_status *s)
{
    json_array(w, "failures");
    for (int i = 0; i < s->n_failures; i++) {
        json_object(w, NULL);
        json_str(w, "class", s->failures[i].error_class);
        json_int(w, "n", s->failures[i].n);
        json_str(w, "words", s->failures[i].words);
        json_str(w, "todo", s->failures[i].todo);
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_workers(struct json_writer *w, const struct vlmd_status *s)
{
    json_array(w, "workers");
    for (int i = 0; i < s->n_workers; i++) {
        const struct vlmd_worker *k = &s->workers[i];
        struct cJSON *parsed = json_parse(k->json, strlen(k->json));
        json_object(w, NULL);
        json_int(w, "pid", k->pid);
        face_time(w, "started_at", k->started_at_ms);
        face_time(w, "updated_at", k->updated_at_ms);
        if (parsed) {
            json_raw(w, "stats", k->json);
        } else {
            json_null(w, "stats");
        }
        json_object_end(w);
        json_free(parsed);
    }
    json_array_end(w);
}

void face_status_members(struct json_writer *w, const struct vlmd_status *s)
{
    write_counts(w, s);
    write_failures(w, s);
    write_workers(w, s);
}

void face_status(struct json_writer *w, const struct vlmd_status *s)
{
    json_object(w, NULL);
    face_status_members(w, s);
    json_object_end(w);
}
