// cli_batch.c -- vlmd batch: a set of pictures, a bar, a summary, an exit code.
//
// The library counts in the database, so the figures are right after a restart as well; in
// between two counts the events of this process are added.
// SPDX-License-Identifier: MIT
#include "cli.h"
#include "face/timefmt.h"
#include "openai_batch.h"
#include "out.h"
#include "progress.h"
#include "record.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    COUNT_EVERY_MS = 1000,
    DRAW_EVERY_MS = 200,
    LINE_EVERY_MS = 10000,
    MAX_SHOWN = 10
};
enum { MAX_CLASSES = 16 };

// A copy of what vlmd_status said; its own strings are gone after the callback.
struct counts {
    int64_t total, queued, leased, ended;
    int64_t answered, cached, duplicate, blocked, skipped, failed, degraded;
    int64_t prompt_tokens, completion_tokens;
    bool is_input_read;
    struct {
        char error_class[40];
        char words[120];
        char todo[160];
        int64_t n;
    } classes[MAX_CLASSES];
    int n_classes;
};

struct batch {
    struct cli *c;
    bool is_json, is_quiet, has_bar;
    bool is_asking, has_counts, is_over, is_out_gone, is_told;
    int count_error;
    struct counts counts;
    int64_t ended_since;  // events after the last count
    int64_t failed_since;
    int64_t problems;
    int shown;  // failures said so far
    char paused[300];  // why; "" = it is not
    int64_t started_ms, asked_at_ms, count_at_ms, draw_at_ms, line_at_ms;
};

// ---- counting

static void keep_failures(struct counts *k, const struct vlmd_status *s)
{
    k->n_classes = s->n_failures < MAX_CLASSES ? s->n_failures : MAX_CLASSES;
    for (int i = 0; i < k->n_classes; i++) {
        const struct vlmd_failures *f = &s->failures[i];
        text_safe(f->error_class, k->classes[i].error_class,
                  sizeof(k->classes[i].error_class));
        text_safe(f->words, k->classes[i].words, sizeof(k->classes[i].words));
        text_safe(f->todo, k->classes[i].todo, sizeof(k->classes[i].todo));
        k->classes[i].n = f->n;
    }
}

static void on_counted(void *arg, int err, const struct vlmd_status *s,
                       const char *message)
{
    struct batch *b = arg;
    (void)message;
    int64_t now_ms = time_mono_ms();
    b->is_asking = false;
    // Counting a large batch takes time from the work: at most a twentieth.
    int64_t rest_ms = (now_ms - b->asked_at_ms) * 20;
    b->count_at_ms = now_ms + (rest_ms > COUNT_EVERY_MS ? rest_ms : COUNT_EVERY_MS);
    b->count_error = err;
    if (err || !s) {
        return;
    }
    b->has_counts = true;
    b->ended_since = 0;
    b->failed_since = 0;
    b->counts = (struct counts){
        .total = s->total,
        .queued = s->queued,
        .leased = s->leased,
        .ended = s->ended,
        .answered = s->answered,
        .cached = s->cached,
        .duplicate = s->duplicate,
        .blocked = s->blocked,
        .skipped = s->skipped,
        .failed = s->failed,
        .degraded = s->degraded,
        .prompt_tokens = s->prompt_tokens,
        .completion_tokens = s->completion_tokens,
        .is_input_read = s->is_input_read,
    };
    keep_failures(&b->counts, s);
}

static void count(struct batch *b)
{
    if (!b->is_asking) {
        b->is_asking = true;
        b->asked_at_ms = time_mono_ms();
        int rc = vlmd_status(b->c->v, true, on_counted, b);
        if (rc) {
            b->is_asking = false;
            b->count_error = rc;
        }
    }
}

// ---- showing

static void draw(struct batch *b, int64_t now_ms)
{
    static struct vlmd_stats stats;
    char line[1024];
    vlmd_stats(b->c->v, &stats);
    const struct counts *k = &b->counts;
    int64_t done = k->ended + b->ended_since;
    struct progress p = {
        .done = done,
        .total = k->total > done ? k->total : done,
        .failed = k->failed + b->failed_since + b->problems,
        .is_total_known = k->is_input_read,
        .per_s = stats.images_per_s,
        .paused = stats.is_paused ? stats.paused_because : "",
    };
    if (b->has_bar) {
        progress_bar(&p, term_columns(STDERR_FILENO), line, sizeof(line));
        bar_show(line);
    } else if (now_ms >= b->line_at_ms) {
        progress_line(&p, line, sizeof(line));
        say("%s", line);
        b->line_at_ms = now_ms + LINE_EVERY_MS;
    }
}

static void on_time(struct batch *b)
{
    int64_t now_ms = time_mono_ms();
    // Without a bar the figures are only needed for the next line.
    bool is_wanted = b->has_bar || now_ms >= b->line_at_ms - COUNT_EVERY_MS;
    if (is_wanted && !b->is_quiet && now_ms >= b->count_at_ms) {
        count(b);
    }
    if (now_ms >= b->draw_at_ms && !b->is_quiet && b->has_counts) {
        draw(b, now_ms);
        b->draw_at_ms = now_ms + DRAW_EVERY_MS;
    }
}

static void say_problem(const char *path, const char *words, const char *todo)
{
    char where[PATH_MAX + 64], what[600], how[300];
    text_safe(path, where, sizeof(where));
    text_safe(words, what, sizeof(what));
    text_safe(todo, how, sizeof(how));
    say("vlmd: %s: %s%s%s%s", where, what, *how ? " (" : "", how, *how ? ")" : "");
}

// The first few by name; a hundred thousand lines of the same help nobody.
static void show_failure(struct batch *b, const struct vlmd_item *it)
{
    if (b->shown < MAX_SHOWN) {
        say_problem(it->path, it->reason, it->error_todo);
    } else if (b->shown == MAX_SHOWN) {
        say("vlmd: further failures are only counted (see `vlmd jobs list --outcome "
            "failed`)");
    }
    b->shown++;
}

static void on_job(struct batch *b, const struct vlmd_item *it)
{
    b->ended_since++;
    if (strcmp(it->outcome, "failed") == 0) {
        b->failed_since++;
        show_failure(b, it);
    }
    if (!b->is_json) {
        return;
    }
    struct buf line = {.max_bytes = RECORD_MAX};
    if (record_json(it, &line) == 0) {
        out_bytes(line.data, line.len);
        b->is_out_gone = out_flush() != 0;
    }
    buf_fini(&line);
}

static void tell(const struct batch *b, const char *before, const char *words)
{
    char safe[800];
    text_safe(words, safe, sizeof(safe));
    if (!b->is_quiet) {
        say("vlmd: %s%s", before, safe);
    }
}

static void on_event(void *arg, const struct vlmd_event *e)
{
    struct batch *b = arg;
    switch (e->type) {
    case VLMD_EVENT_JOB: on_job(b, e->item); break;
    case VLMD_EVENT_PROBLEM:
        b->problems++;
        say_problem(e->path, e->words, "");  // it has no row to be found by later
        break;
    case VLMD_EVENT_NOTICE: tell(b, "note: ", e->words); break;
    case VLMD_EVENT_PAUSED:
        text_safe(e->words, b->paused, sizeof(b->paused));
        if (!b->has_bar) {
            tell(b, "paused: ", e->words);
        }
        break;
    case VLMD_EVENT_RESUMED:
        b->paused[0] = 0;
        if (!b->has_bar) {
            tell(b, "going on", "");
        }
        break;
    case VLMD_EVENT_SCANNED: break;
    case VLMD_EVENT_BATCH: b->is_over = true; break;
    case VLMD_EVENT_ALERT: tell(b, "alert: ", e->words); break;
    }
}

// ---- the summary

static int64_t described(const struct counts *k)
{
    return k->answered + k->cached + k->duplicate;
}

static void summary_members(const struct batch *b, struct json_writer *w, int64_t ms)
{
    const struct counts *k = &b->counts;
    json_int(w, "total", k->total);
    json_int(w, "described", described(k));
    json_int(w, "answered", k->answered);
    json_int(w, "cached", k->cached);
    json_int(w, "duplicate", k->duplicate);
    json_int(w, "degraded", k->degraded);
    json_int(w, "blocked", k->blocked);
    json_int(w, "skipped", k->skipped);
    json_int(w, "failed", k->failed);
    json_int(w, "not_taken", b->problems);
    json_int(w, "queued", k->queued + k->leased);
    json_int(w, "prompt_tokens", k->prompt_tokens);
    json_int(w, "completion_tokens", k->completion_tokens);
    json_int(w, "elapsed_ms", ms);
    json_bool(w, "finished", b->is_over);
    json_array(w, "failures");
    for (int i = 0; i < k->n_classes; i++) {
        json_object(w, NULL);
        json_str(w, "class", k->classes[i].error_class);
        json_int(w, "n", k->classes[i].n);
        json_str(w, "words", k->classes[i].words);
        json_str(w, "todo", k->classes[i].todo);
        json_object_end(w);
    }
    json_array_end(w);
}

static void summary_json(const struct batch *b, int64_t ms)
{
    struct buf out = {.max_bytes = RECORD_MAX};
    struct json_writer w;
    json_init(&w, &out);
    json_object(&w, NULL);
    json_object(&w, "summary");
    summary_members(b, &w, ms);
    json_object_end(&w);
    json_object_end(&w);
    if (w.rc == 0) {
        out_bytes(out.data, out.len);
        out_text("\n");
    }
    buf_fini(&out);
}

static void part(int64_t n, const char *words)
{
    char text[32];
    if (n) {
        count_text(n, text, sizeof(text));
        out_printf(", %s %s", text, words);
    }
}

static void summary_text(const struct batch *b, int64_t ms)
{
    const struct counts *k = &b->counts;
    char total[32], n[32], clock[32];
    count_text(k->total, total, sizeof(total));
    count_text(described(k), n, sizeof(n));
    time_clock(ms, clock, sizeof(clock));
    out_printf("%s pictures: %s described", total, n);
    part(k->cached, "of them from the cache");
    part(k->duplicate, "of them the same as others");
    part(k->degraded, "of them by text recognition only");
    part(k->blocked, "blocked by a privacy rule");
    part(k->skipped, "skipped");
    part(k->failed, "failed");
    part(k->queued + k->leased, "still to do");
    part(b->problems, "inputs not taken");
    out_printf("; %s\n", clock);
    for (int i = 0; i < k->n_classes; i++) {
        out_printf("  %" PRId64 " %s: %s (%s)\n", k->classes[i].n,
                   k->classes[i].error_class, k->classes[i].words, k->classes[i].todo);
    }
}

static void summarise(const struct batch *b)
{
    int64_t ms = time_mono_ms() - b->started_ms;
    if (!b->has_counts) {
        return;
    }
    if (b->is_json) {
        summary_json(b, ms);
    } else if (!b->is_quiet) {
        summary_text(b, ms);
    }
    out_flush();
}

// ---- running

// The last figures; answered within a few turns even though the batch has ended.
static void count_once_more(struct batch *b)
{
    int turns = 2000;
    while (b->is_asking && turns-- > 0) {
        cli_turn(b->c, 5);
    }
    count(b);
    while (b->is_asking && turns-- > 0) {
        cli_turn(b->c, 5);
    }
}

static int exit_code(const struct batch *b, int ended)
{
    const struct counts *k = &b->counts;
    if (ended == VLMD_ERR_NO_BACKEND) {
        say("vlmd: batch: no backend can be asked%s%s (start one, name another with "
            "--backend URL, or --backend ocr; `vlmd doctor` looks closer; the same "
            "command "
            "continues)",
            *b->paused ? ": " : "", b->paused);
        return CLI_NO_BACKEND;
    }
    if (ended && ended != VLMD_ERR_CANCELED) {
        return cli_failed("batch", ended,
                          "the work ended early (see the log; the same "
                          "command continues)");
    }
    bool is_complete = b->is_over || (b->has_counts && k->is_input_read &&
                                      k->queued == 0 && k->leased == 0);
    if (!is_complete) {
        tell(b, "interrupted; the same command continues", "");
        return CLI_INTERRUPTED;
    }
    return k->failed || b->problems ? CLI_SOME_FAILED : CLI_DONE;
}

static void run(struct batch *b)
{
    int64_t every_ms = b->has_bar ? DRAW_EVERY_MS : COUNT_EVERY_MS;
    while (cli_turn(b->c, every_ms)) {
        on_time(b);
        if (b->is_out_gone) {
            vlmd_stop(b->c->v, VLMD_STOP_DRAIN);
        }
        if (cli_signals() && !b->is_told) {
            b->is_told = true;
            tell(b, "finishing what is under way; once more stops at once", "");
        }
    }
}

static int run_inputs(struct cli *c, const char *const *inputs, int n, bool has_summary)
{
    struct batch b = {.c = c, .started_ms = time_mono_ms()};
    struct vlmd_error error = {0};
    b.is_json = cli_has(c, OPT_JSON);
    b.is_quiet = cli_has(c, OPT_QUIET);
    b.has_bar = term_err() && !b.is_quiet && !(b.is_json && term_out());
    b.line_at_ms = b.started_ms + LINE_EVERY_MS;
    c->service_log_level = "warn";
    int rc = cli_open(c, VLMD_WORKER);
    if (rc) {
        return rc;
    }
    vlmd_subscription *s = vlmd_subscribe(c->v, on_event, &b);
    rc = vlmd_batch(c->v, inputs, n, &error);
    if (rc) {
        rc = cli_failed(NULL, rc, error.message);
        rc = rc == CLI_SOME_FAILED ? CLI_USAGE : rc;
    } else if (cli_is_page_asked() && (rc = cli_serve(c)) != 0) {
        vlmd_stop(c->v, VLMD_STOP_NOW);
    } else {
        run(&b);
        int ended = vlmd_run(c->v);
        count_once_more(&b);
        bar_hide();
        if (has_summary) {
            summarise(&b);
        }
        rc = exit_code(&b, ended);
    }
    vlmd_unsubscribe(s);
    cli_close(c);
    return rc;
}

// ---- requests in OpenAI's format

// What was done is written whatever the end was: the rest has its line as well.
static int answer_requests(struct cli *c, const struct openai_batch *b, int rc)
{
    const char *output = c->values[OPT_OUTPUT];
    bool is_stopped = rc != CLI_DONE && rc != CLI_SOME_FAILED;
    if (is_stopped) {
        return rc;  // the same command continues, and then answers
    }
    int opened = cli_open(c, VLMD_CLIENT);
    if (opened) {
        return opened;
    }
    int written = openai_write(b, c, output);
    cli_close(c);
    return written ? written : b->n_refused ? CLI_SOME_FAILED : rc;
}

static int run_requests(struct cli *c)
{
    struct openai_batch b;
    const char *output = c->values[OPT_OUTPUT];
    bool has_file = output && strcmp(output, "-") != 0;
    int rc = openai_read(&b, c->values[OPT_OPENAI_BATCH]);
    if (rc == 0 && b.has_words && !cli_has(c, OPT_QUIET)) {
        say("vlmd: note: pictures are asked about in vlmd's own words (see prompts.* in "
            "the configuration), not in those of the requests");
    }
    if (rc == 0) {
        const char *input = b.input;
        rc = run_inputs(c, &input, 1, has_file);
        rc = answer_requests(c, &b, rc);
    }
    openai_fini(&b);
    return rc;
}

int cli_run_batch(struct cli *c)
{
    bool has_requests = cli_has(c, OPT_OPENAI_BATCH);
    if (!has_requests && cli_has(c, OPT_OUTPUT)) {
        return cli_usage(c, "--output goes with --openai-batch (else see vlmd export)");
    }
    if (has_requests && (c->n_args > 0 || cli_has(c, OPT_JSON))) {
        return cli_usage(c, "--openai-batch goes with neither other pictures nor --json");
    }
    if (has_requests) {
        return run_requests(c);
    }
    if (c->n_args == 0) {
        return cli_usage(c, "name pictures, folders, patterns or URLs, or - for a list");
    }
    return run_inputs(c, (const char *const *)c->args, c->n_args, true);
}
