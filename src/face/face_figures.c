// face_figures.c -- history, usage and the database's figures, as JSON.
// SPDX-License-Identifier: MIT
#include "face/face.h"

void face_point(struct json_writer *w, const char *key, const struct vlmd_point *p)
{
    json_object(w, key);
    face_time(w, "at", p->at_ms);
    json_int(w, "described", p->answered + p->cached + p->duplicate);
    json_int(w, "answered", p->answered);
    json_int(w, "cached", p->cached);
    json_int(w, "duplicate", p->duplicate);
    json_int(w, "blocked", p->blocked);
    json_int(w, "skipped", p->skipped);
    json_int(w, "failed", p->failed);
    json_int(w, "requests", p->requests);
    json_int(w, "request_errors", p->request_errors);
    json_int(w, "prompt_tokens", p->prompt_tokens);
    json_int(w, "completion_tokens", p->completion_tokens);
    json_int(w, "bytes_sent", p->bytes_sent);
    json_double(w, "cost", p->cost);
    json_int(w, "rss_bytes", p->rss_bytes);
    json_int(w, "queued", p->queued);
    json_int(w, "answers", p->answers);
    json_double(w, "p50_ms", p->p50_ms);
    json_double(w, "p95_ms", p->p95_ms);
    json_object_end(w);
}

void face_series(struct json_writer *w, const struct vlmd_series *s)
{
    json_object(w, NULL);
    face_point(w, "total", &s->total);
    json_array(w, "points");
    for (int i = 0; i < s->n_points; i++) {
        face_point(w, NULL, &s->points[i]);
    }
    json_array_end(w);
    json_object_end(w);
}

void face_usage(struct json_writer *w, const struct vlmd_usage *u)
{
    json_object(w, NULL);
    json_int(w, "day", u->day);
    json_str(w, "backend", u->backend);
    json_int(w, "requests", u->requests);
    json_int(w, "failed", u->failed);
    json_int(w, "prompt_tokens", u->prompt_tokens);
    json_int(w, "completion_tokens", u->completion_tokens);
    json_int(w, "bytes_sent", u->bytes_sent);
    json_double(w, "cost", u->cost);
    json_object_end(w);
}

// ---- the database

static void write_kind(struct json_writer *w, const struct vlmd_statement_kind *k)
{
    json_object(w, NULL);
    json_str(w, "kind", k->name);
    json_int(w, "n", k->n);
    json_int(w, "failed", k->failed);
    json_int(w, "slow", k->slow);
    json_double(w, "total_ms", k->total_ms);
    json_double(w, "max_ms", k->max_ms);
    json_double(w, "p50_ms", k->p50_ms);
    json_double(w, "p90_ms", k->p90_ms);
    json_double(w, "p95_ms", k->p95_ms);
    json_double(w, "p99_ms", k->p99_ms);
    json_object_end(w);
}

static void write_pool(struct json_writer *w, const char *key,
                       const struct vlmd_pool_load *p)
{
    json_object(w, key);
    json_int(w, "threads", p->threads);
    json_int(w, "queued", p->queued);
    json_int(w, "running", p->running);
    json_int(w, "n", p->n);
    json_double(w, "wait_p50_ms", p->wait_p50_ms);
    json_double(w, "wait_p95_ms", p->wait_p95_ms);
    json_double(w, "wait_p99_ms", p->wait_p99_ms);
    json_double(w, "wait_max_ms", p->wait_max_ms);
    json_object_end(w);
}

static void write_statements(struct json_writer *w, const struct vlmd_database_stats *s)
{
    json_array(w, "kinds");
    for (int i = 0; i < VLMD_STATEMENT_KINDS; i++) {
        write_kind(w, &s->kinds[i]);
    }
    json_array_end(w);
    json_array(w, "most_time");
    for (int i = 0; i < s->n_top; i++) {
        json_object(w, NULL);
        json_str(w, "sql", s->top[i].sql);
        json_int(w, "n", s->top[i].n);
        json_double(w, "total_ms", s->top[i].total_ms);
        json_double(w, "max_ms", s->top[i].max_ms);
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_slow(struct json_writer *w, const struct vlmd_database_stats *s)
{
    json_array(w, "slow_or_failed");
    for (int i = 0; i < s->n_slow; i++) {
        const struct vlmd_slow_statement *one = &s->slow[i];
        json_object(w, NULL);
        face_time(w, "at", one->at_ms);
        json_str(w, "sql", one->sql);
        json_double(w, "took_ms", one->took_ms);
        json_str(w, "error", one->error);
        json_str(w, "thread", one->thread);
        json_int(w, "job", one->job);
        json_str(w, "correlation_id", one->correlation_id);
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_tables(struct json_writer *w, const struct vlmd_database_stats *s)
{
    json_bool(w, "are_rows_estimated", s->are_rows_estimated);
    json_array(w, "tables");
    for (int i = 0; i < s->n_tables; i++) {
        const struct vlmd_table *t = &s->tables[i];
        json_object(w, NULL);
        json_str(w, "name", t->name);
        json_str(w, "index_of", t->index_of);
        json_int(w, "rows", t->rows);
        json_int(w, "bytes", t->bytes);
        json_object_end(w);
    }
    json_array_end(w);
}

void face_database(struct json_writer *w, const struct vlmd_database_stats *s)
{
    json_object(w, NULL);
    json_str(w, "path", s->path);
    json_int(w, "file_bytes", s->file_bytes);
    json_int(w, "wal_bytes", s->wal_bytes);
    json_int(w, "page_bytes", s->page_bytes);
    json_int(w, "pages", s->pages);
    json_int(w, "free_pages", s->free_pages);
    face_time(w, "counted_since", s->since_ms);
    json_int(w, "slow_ms", s->slow_ms);
    json_int(w, "slow_or_failed_ever", s->n_slow_ever);
    json_int(w, "commits", s->commits);
    json_int(w, "checkpoints", s->checkpoints);
    json_double(w, "checkpoint_ms", s->checkpoint_ms);
    write_pool(w, "read", &s->read);
    write_pool(w, "write", &s->write);
    write_statements(w, s);
    write_slow(w, s);
    write_tables(w, s);
    json_object_end(w);
}
