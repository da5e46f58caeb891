// cli_search.c -- vlmd search and vlmd show.
// SPDX-License-Identifier: MIT
#include "cli.h"
#include "face/face.h"
#include "face/timefmt.h"
#include "out.h"
#include "record.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEARCH_LIMIT = 20, TEXT_BYTES = 4096 };

#define BOLD   "\x1b[1m"
#define YELLOW "\x1b[1;33m"
#define DIM    "\x1b[2m"
#define RESET  "\x1b[0m"

struct searching {
    struct cli *c;
    bool has_colour;
    bool is_done;
    int err;
    char message[400];
    int64_t n;
};

static void on_end(void *arg, int err, const char *message)
{
    struct searching *s = arg;
    s->is_done = true;
    s->err = err;
    snprintf(s->message, sizeof(s->message), "%s", message ? message : "");
}

// ---- hits

// Without the marks of hits.
static void strip_marks(const char *in, char *out, size_t size)
{
    size_t n = 0;
    for (; *in && n + 1 < size; in++) {
        if (*in != 2 && *in != 3) {
            out[n++] = *in;
        }
    }
    out[n] = 0;
}

static void print_safe(const char *s, size_t len)
{
    char raw[TEXT_BYTES], safe[TEXT_BYTES];
    snprintf(raw, sizeof(raw), "%.*s", (int)len, s);
    text_safe(raw, safe, sizeof(safe));
    out_text(safe);
}

static void print_marked(const char *s, bool has_colour)
{
    while (*s) {
        size_t len = strcspn(s, "\x02\x03");
        print_safe(s, len);
        s += len;
        if (*s) {
            out_text(!has_colour ? "" : *s == 2 ? YELLOW : RESET);
            s++;
        }
    }
}

// The summary with its hits marked, when the snippet is a part of it or goes on after it.
static bool print_summary(const struct vlmd_item *it, bool has_colour)
{
    char plain[TEXT_BYTES];
    strip_marks(it->snippet, plain, sizeof(plain));
    const char *at = *plain ? strstr(it->summary, plain) : NULL;
    size_t len = strlen(it->summary);
    if (at) {
        print_safe(it->summary, (size_t)(at - it->summary));
        print_marked(it->snippet, has_colour);
        print_safe(at + strlen(plain), strlen(at + strlen(plain)));
        return true;
    }
    if (len && strncmp(plain, it->summary, len) == 0) {
        print_marked(it->snippet, has_colour);
        return true;
    }
    print_safe(it->summary, len);
    return false;
}

static void print_found(const struct searching *s, const struct vlmd_item *it)
{
    char at[64], app[200], similar[200];
    bool colour = s->has_colour;
    time_local(face_taken_ms(it), at, sizeof(at));
    text_clip(*it->app ? it->app : it->seen_app, 30, app, sizeof(app));
    out_printf("%s%s%s%s%s  #%" PRId64 "%s", colour ? BOLD : "", at, *app ? "  " : "",
               app, colour ? RESET : "", it->id,
               it->is_degraded ? "  (text recognition)" : "");
    record_similar(it, similar, sizeof(similar));
    out_printf("%s%s\n  ", *similar ? "  " : "", similar);
    if (!it->has_description) {
        out_printf("(%s)", record_state(it));
    } else if (!print_summary(it, colour) && *it->snippet) {
        out_text("\n  ");
        print_marked(it->snippet, colour);
    }
    out_printf("\n  %s", colour ? DIM : "");
    print_safe(it->path, strlen(it->path));
    out_printf("%s\n", colour ? RESET : "");
}

static bool on_item(void *arg, const struct vlmd_item *it)
{
    struct searching *s = arg;
    s->n++;
    if (!cli_has(s->c, OPT_JSON)) {
        print_found(s, it);
        return out_error() == 0;
    }
    struct buf line = {.max_bytes = RECORD_MAX};
    if (record_json(it, &line) == 0) {
        out_bytes(line.data, line.len);
    }
    buf_fini(&line);
    return out_error() == 0;
}

// ---- search

static char *join(char **words, int n)
{
    size_t len = 1;
    for (int i = 0; i < n; i++) {
        len += strlen(words[i]) + 1;
    }
    char *text = calloc(1, len);
    for (int i = 0; text && i < n; i++) {
        strcat(strcat(text, i ? " " : ""), words[i]);
    }
    return text;
}

static int search(struct cli *c, const struct vlmd_query *q)
{
    struct searching s = {.c = c, .has_colour = term_colour()};
    int rc = cli_open(c, VLMD_CLIENT);
    if (rc) {
        return rc;
    }
    int err = vlmd_search(c->v, q, on_item, on_end, &s);
    rc = err ? cli_failed("search", err, "it was not accepted") : cli_wait(c, &s.is_done);
    if (rc == 0 && s.err) {
        rc = cli_failed("search", s.err, s.message);
    } else if (rc == 0 && s.n == 0 && !cli_has(c, OPT_QUIET)) {
        say("vlmd: nothing found");
    }
    cli_close(c);
    return rc;
}

int cli_run_search(struct cli *c)
{
    struct vlmd_query q;
    int rc = cli_filter(c, &q);
    if (rc) {
        return rc;
    }
    char *text = c->n_args ? join(c->args, c->n_args) : NULL;
    if (c->n_args && !text) {
        return cli_failed("search", VLMD_ERR_NOMEM, "not enough memory");
    }
    q.text = text;
    if (!cli_has_filter(&q)) {
        free(text);
        return cli_usage(c, "say what to look for");
    }
    if (!cli_has(c, OPT_LIMIT)) {
        q.limit = SEARCH_LIMIT;
    }
    if (q.text && !cli_has(c, OPT_ORDER)) {
        q.order = VLMD_BEST;
    }
    rc = search(c, &q);
    free(text);
    return rc;
}

// ---- show

struct showing {
    struct searching end;
    bool is_json;
    bool is_found;
    int64_t id;
    int64_t duplicate_of;
    int n_attempts;
    struct buf body;      // lines, or the members of the JSON object
    struct buf original;  // path of the picture this one is a duplicate of
    struct json_writer w;
};

static void field(struct buf *out, const char *name, const char *value)
{
    char safe[TEXT_BYTES];
    text_safe(value, safe, sizeof(safe));
    if (*safe && buf_printf(out, "%-12s %s\n", name, safe)) {
        return;
    }
}

static void field_time(struct buf *out, const char *name, int64_t at_ms)
{
    char at[64];
    time_local(at_ms, at, sizeof(at));
    field(out, name, at_ms ? at : "");
}

static void facts_privacy(struct buf *out, const struct vlmd_item *it)
{
    char text[TEXT_BYTES];
    int n = record_masks(it);
    if (n) {
        snprintf(text, sizeof(text), "%s, %d area%s painted over: %s", it->verdict, n,
                 n == 1 ? "" : "s", it->masks);
    } else {
        snprintf(text, sizeof(text), "%s", it->verdict);
    }
    field(out, "privacy", text);
}

static void facts(struct buf *out, const struct vlmd_item *it)
{
    char text[300], bytes[40];
    snprintf(text, sizeof(text), "#%" PRId64 ", %s", it->id, record_state(it));
    field(out, "picture", text);
    field(out, it->is_url ? "url" : "path", it->path);
    if (it->is_address_removed) {
        field(out, "",
              it->is_wanted ? "the whole one held a secret and was removed; it is "
                              "described anew when it is offered again"
                            : "the whole one held a secret and was removed");
    }
    field_time(out, "taken", it->taken_at_ms);
    field(out, "app", it->app);
    field(out, "window", it->window);
    field(out, "screen", it->screen);
    field(out, "page", it->page_url);
    if (it->width) {
        bytes_text(it->file_bytes, bytes, sizeof(bytes));
        snprintf(text, sizeof(text), "%d x %d, %s", it->width, it->height, bytes);
        field(out, "size", text);
    }
    if (it->sent_bytes) {
        bytes_text(it->sent_bytes, bytes, sizeof(bytes));
        snprintf(text, sizeof(text), "%d x %d, %s", it->sent_width, it->sent_height,
                 bytes);
        field(out, "sent", text);
    }
    facts_privacy(out, it);
    field(out, "hash", it->hash);
    record_similar(it, text, sizeof(text));
    field(out, "duplicates", text);
}

static void how(struct buf *out, const struct vlmd_item *it)
{
    char text[400];
    field(out, "model", it->model);
    field(out, "backend", it->backend);
    snprintf(text, sizeof(text), "%s%s%s", it->prompt, *it->tier ? ", tier " : "",
             it->tier);
    field(out, "prompt", text);
    if (it->fallback && *it->fallback) {
        snprintf(text, sizeof(text), "%s instead of tier %s: %s", it->fallback,
                 it->tier_asked, it->fallback_class);
        field(out, "fallback", text);
    }
    if (it->prompt_tokens >= 0 || it->completion_tokens >= 0) {
        snprintf(text, sizeof(text), "%" PRId64 " in, %" PRId64 " out",
                 it->prompt_tokens < 0 ? 0 : it->prompt_tokens,
                 it->completion_tokens < 0 ? 0 : it->completion_tokens);
        field(out, "tokens", text);
    }
    if (it->request_ms || it->prepare_ms) {
        snprintf(text, sizeof(text),
                 "queued %" PRId64 " ms, prepared %" PRId64 " ms, asked %" PRId64 " ms",
                 it->queued_ms, it->prepare_ms, it->request_ms);
        field(out, "time", text);
    }
}

static void described(struct buf *out, const struct vlmd_item *it)
{
    field(out, "summary", it->summary);
    field(out, "activity", it->activity);
    field(out, "seen app", it->seen_app);
    field(out, "details", it->details);
    field(out, "tags", strcmp(it->tags, "[]") == 0 ? "" : it->tags);
    field(out, "text", *it->text ? it->text : it->ocr_text);
}

static bool on_original(void *arg, const struct vlmd_item *it)
{
    struct showing *s = arg;
    buf_clear(&s->original);
    return buf_add_str(&s->original, it->path) == 0;
}

static bool on_shown(void *arg, const struct vlmd_item *it)
{
    struct showing *s = arg;
    struct buf why = {.max_bytes = RECORD_MAX};
    int rc = face_why(it, buf_str(&s->original), time_wall_ms(), &why);
    s->is_found = true;
    s->id = it->id;
    s->duplicate_of = it->duplicate_of;
    buf_clear(&s->body);
    if (s->is_json) {
        json_init(&s->w, &s->body);
        json_object(&s->w, NULL);
        face_item(&s->w, it);
        json_str(&s->w, "why", buf_str(&why));
        json_str(&s->w, "duplicate_path", s->original.len ? buf_str(&s->original) : NULL);
        json_array(&s->w, "history");
    } else {
        facts(&s->body, it);
        described(&s->body, it);
        how(&s->body, it);
        char safe[TEXT_BYTES];
        text_safe(buf_str(&why), safe, sizeof(safe));
        rc = rc ? rc : buf_printf(&s->body, "\n%s\n", safe);
    }
    buf_fini(&why);
    return false;
}

static void on_attempt(void *arg, const struct vlmd_attempt *a)
{
    struct showing *s = arg;
    char at[64], words[600], backend[200];
    s->n_attempts++;
    if (s->is_json) {
        face_attempt(&s->w, a);
        return;
    }
    time_local(a->at_ms, at, sizeof(at));
    text_safe(*a->message ? a->message : "answered", words, sizeof(words));
    text_safe(a->backend, backend, sizeof(backend));
    int rc = s->n_attempts == 1 ? buf_add_str(&s->body, "\nrequests\n") : 0;
    if (rc == 0 &&
        buf_printf(&s->body, "  %s  %s  %" PRId64 " ms  %s%s%s\n", at, backend,
                   a->request_ms, a->error_class, *a->error_class ? ": " : "", words)) {
        return;
    }
    if (rc == 0 && *a->remedy && buf_printf(&s->body, "    then: %s\n", a->remedy)) {
        return;
    }
}

static int ask(struct cli *c, struct showing *s, const struct vlmd_query *q,
               vlmd_item_fn *fn)
{
    s->end.is_done = false;
    int err = vlmd_search(c->v, q, fn, on_end, s);
    int rc = err ? cli_failed("show", err, "it was not accepted")
                 : cli_wait(c, &s->end.is_done);
    return rc || !s->end.err ? rc : cli_failed("show", s->end.err, s->end.message);
}

static int ask_all(struct cli *c, struct showing *s, const struct vlmd_query *q)
{
    int rc = ask(c, s, q, on_shown);
    if (rc || !s->is_found) {
        return rc;
    }
    if (s->duplicate_of) {
        // Once more with the original's path known: the words need it.
        const struct vlmd_query other = {.id = s->duplicate_of, .limit = 1};
        const struct vlmd_query same = {.id = s->id, .limit = 1};
        rc = ask(c, s, &other, on_original);
        rc = rc ? rc : ask(c, s, &same, on_shown);
    }
    s->end.is_done = false;
    int err = rc ? 0 : vlmd_history(c->v, s->id, on_attempt, on_end, s);
    if (err) {
        return cli_failed("show", err, "the history can not be read");
    }
    return rc ? rc : cli_wait(c, &s->end.is_done);
}

static void print_shown(struct showing *s)
{
    if (s->is_json) {
        json_array_end(&s->w);
        json_object_end(&s->w);
    }
    out_bytes(s->body.data, s->body.len);
    out_text(s->is_json ? "\n" : "");
}

int cli_run_show(struct cli *c)
{
    struct showing s = {.is_json = cli_has(c, OPT_JSON)};
    struct vlmd_query q = {.order = VLMD_NEWEST, .limit = 1};
    char path[PATH_MAX];
    s.end.c = c;
    if (c->n_args != 1) {
        return cli_usage(c, "name one picture by its ID or path");
    }
    int rc = cli_target(c, c->args[0], &q, path, sizeof(path));
    rc = rc ? rc : cli_open(c, VLMD_CLIENT);
    if (rc) {
        return rc;
    }
    s.body.max_bytes = RECORD_MAX;
    s.original.max_bytes = RECORD_MAX;
    rc = ask_all(c, &s, &q);
    if (rc == 0 && s.is_found) {
        print_shown(&s);
    } else if (rc == 0) {
        char safe[PATH_MAX];
        text_safe(c->args[0], safe, sizeof(safe));
        say("vlmd: %s: is not known to vlmd (have it described: vlmd batch FILE)", safe);
        rc = CLI_SOME_FAILED;
    }
    buf_fini(&s.body);
    buf_fini(&s.original);
    cli_close(c);
    return rc;
}
