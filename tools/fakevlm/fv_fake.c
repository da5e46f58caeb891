// fv_fake.c -- opens and closes the parts, and keeps the clock.
// SPDX-License-Identifier: MIT
#include "fv_fake.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fv_dialect.h"

static const struct dialect *const dialects[KIND_COUNT] = {
    [KIND_OLLAMA] = &dialect_ollama,
    [KIND_OPENAI] = &dialect_openai,
    [KIND_VLLM] = &dialect_vllm,
    [KIND_SGLANG] = &dialect_sglang,
    [KIND_LMSTUDIO] = &dialect_lmstudio,
    [KIND_LLAMA_SERVER] = &dialect_llama_server,
    [KIND_LLAMA_ROUTER] = &dialect_llama_router,
    [KIND_LLAMA_SWAP] = &dialect_llama_swap,
};

int64_t fake_now_ms(const struct fake *f)
{
    return (int64_t)uv_now(f->loop) + f->clock_skew_ms;
}

int64_t fake_wall_ms(const struct fake *f)
{
    uv_timeval64_t now;
    uv_gettimeofday(&now);
    return now.tv_sec * 1000 + now.tv_usec / 1000 + f->clock_skew_ms;
}

bool fake_is_ready(const struct fake *f)
{
    return f->opt.kind != KIND_VLLM || f->queue.models[0].state == MODEL_LOADED;
}

static void on_tick(uv_timer_t *timer)
{
    fake_tick(timer->data);
}

void fake_tick(struct fake *f)
{
    if (f->queue.is_ticking || f->queue.is_held)
        return;
    int64_t now_ms = fake_now_ms(f);
    int64_t next_ms = queue_tick(&f->queue, now_ms);
    if (uv_is_closing((uv_handle_t *)&f->tick))
        return;
    server_check_ready(&f->server);
    if (next_ms == QUEUE_NEVER)
        uv_timer_stop(&f->tick);
    else
        uv_timer_start(&f->tick, on_tick,
                       next_ms > now_ms ? (uint64_t)(next_ms - now_ms) : 0, 0);
}

static int add_faults(struct fake *f)
{
    char why[160];
    f->faults.seed = f->opt.seed;
    for (int i = 0; i < f->opt.faults_n; i++) {
        if (faults_add(&f->faults, f->opt.faults[i], why, sizeof why)) {
            fprintf(stderr, "fakevlm: %s\n", why);
            return -1;
        }
    }
    return 0;
}

static int open_log(struct fake *f)
{
    if (!f->opt.log_file)
        return 0;
    f->log = fopen(f->opt.log_file, "ae");
    if (!f->log) {
        fprintf(stderr, "fakevlm: %s: %s\n", f->opt.log_file, strerror(errno));
        return -1;
    }
    setvbuf(f->log, NULL, _IOLBF, 0);
    return 0;
}

int fake_open(struct fake *f, uv_loop_t *loop, const struct options *opt)
{
    *f = (struct fake){.loop = loop, .opt = *opt, .dialect = dialects[opt->kind]};
    if (add_faults(f) || open_log(f))
        return -1;
    if (queue_init(&f->queue, &f->opt, &f->stats)) {
        fprintf(stderr, "fakevlm: bad list of models: '%s'\n", opt->models);
        return -1;
    }
    uv_timer_init(loop, &f->tick);
    f->tick.data = f;
    batch_open(&f->batch, loop, &f->opt, &f->stats);
    int rc = server_open(&f->server, f);
    if (rc) {
        fprintf(stderr, "fakevlm: cannot listen on %s:%d: %s\n", opt->host, opt->port,
                uv_strerror(rc));
        uv_close((uv_handle_t *)&f->tick, NULL);
        batch_close(&f->batch);
        return -1;
    }
    fake_tick(f);
    return 0;
}

void fake_close(struct fake *f)
{
    uv_close((uv_handle_t *)&f->tick, NULL);
    batch_close(&f->batch);
    server_close(&f->server);
}

void fake_fini(struct fake *f)
{
    assert(f->stats.running == 0 && !f->queue.first && !f->server.first);
    stats_free(&f->stats);
    if (f->log)
        fclose(f->log);
    f->log = NULL;
}
