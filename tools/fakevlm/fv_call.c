// fv_call.c -- one request from its last byte to its log line.
// SPDX-License-Identifier: MIT
#include "fv_call.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "fv_control.h"
#include "fv_dialect.h"
#include "fv_keep.h"
#include "fv_play.h"

struct call *call_new(struct conn *conn)
{
    struct call *c = fv_alloc(sizeof *c);
    struct fake *f = conn->fake;
    c->fake = f;
    c->conn = conn;
    c->retry_after_s = -1;
    c->wall_ms = fake_wall_ms(f);
    c->began_ms = (int64_t)uv_now(f->loop);
    return c;
}

static void call_free(struct call *c)
{
    struct text *texts[] = {&c->url,
                            &c->body,
                            &c->header_name,
                            &c->headers.content_type,
                            &c->headers.authorization,
                            &c->headers.api_key,
                            &c->headers.content_encoding,
                            &c->headers.expect,
                            &c->headers.host,
                            &c->answer.content,
                            &c->answer.thinking};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        text_free(texts[i]);
    cJSON_Delete(c->json);
    free(c);
}

static void split_url(struct call *c)
{
    text_puts(&c->url, "");
    c->path = c->url.data;
    char *mark = strchr(c->path, '?');
    if (mark)
        *mark = 0;
    c->query = mark ? mark + 1 : c->path + strlen(c->path);
}

void call_start(struct call *c)
{
    struct fake *f = c->fake;
    split_url(c);
    c->is_control = !strncmp(c->path, "/__fake/", 8);
    conn_classify(c->conn, c->is_control);
    if (c->is_control) {
        control_handle(c);
        return;
    }
    f->stats.requests++;
    c->seq = ++f->calls_n;
    keep_body(f->opt.keep_folder, c->seq, &c->body);
    if (f->server.is_deaf)
        conn_reset(c->conn);
    else if (c->is_too_big)
        call_fail(c, &(struct failure){.what = FAIL_TOO_BIG});
    else if (!f->dialect->route(c))
        call_fail(c, &(struct failure){.what = FAIL_PATH});
}

bool call_is(const struct call *c, enum http_method method, const char *path)
{
    return c->method == method && !strcmp(c->path, path);
}

bool call_has_key(struct call *c)
{
    const char *key = c->fake->opt.api_key;
    const struct text *auth = &c->headers.authorization, *x = &c->headers.api_key;
    if (!key)
        return true;
    if (auth->len > 7 && !strncasecmp(auth->data, "Bearer ", 7) &&
        !strcmp(auth->data + 7, key))
        return true;
    if (kind_is_llama(c->fake->opt.kind) && x->len && !strcmp(x->data, key))
        return true;
    call_fail(c, &(struct failure){.what = FAIL_KEY});
    return false;
}

bool call_parse(struct call *c)
{
    const char *end = NULL;
    c->json = cJSON_ParseWithLengthOpts(c->body.data ? c->body.data : "", c->body.len,
                                        &end, false);
    while (end && c->body.data && end < c->body.data + c->body.len &&
           strchr(" \t\r\n", *end))
        end++;
    bool is_all = c->json && end == c->body.data + c->body.len;
    if (is_all && cJSON_IsObject(c->json))
        return true;
    call_fail(c, &(struct failure){.what = FAIL_JSON});
    return false;
}

// --- replies ---------------------------------------------------------------------------

static const char *reason_of(int status)
{
    switch (status) {
#define XX(num, name, text)                                                              \
    case num: return #text;
        HTTP_STATUS_MAP(XX)
#undef XX
    default: return "Status";
    }
}

static bool ends_connection(const struct call *c, int status)
{
    const struct dialect *d = c->fake->dialect;
    return c->must_close || !http_should_keep_alive(&c->conn->parser) ||
           (d->closes_on_error && status >= 400 && !c->is_control) ||
           (d->requests_max && c->conn->requests_n >= d->requests_max);
}

static void add_retry_after(const struct call *c, struct text *head)
{
    if (c->retry_after_s < 0)
        return;
    if (!c->has_retry_date) {
        text_printf(head, "Retry-After: %d\r\n", c->retry_after_s);
        return;
    }
    char date[64];
    time_t at = time(NULL) + c->retry_after_s;
    struct tm tm;
    gmtime_r(&at, &tm);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    text_printf(head, "Retry-After: %s\r\n", date);
}

void call_head(struct call *c, int status, const char *type, long len)
{
    struct script *s = &c->conn->script;
    struct text head = {0};
    bool is_last = ends_connection(c, status);
    s->is_chunked = len < 0 && !c->is_http10;
    is_last = is_last || (len < 0 && c->is_http10);
    c->status = status;
    text_printf(&head, "HTTP/1.1 %d %s\r\n%s", status, reason_of(status),
                c->is_control ? "" : c->fake->dialect->headers);
    if (type)
        text_printf(&head, "Content-Type: %s\r\n", type);
    if (s->is_chunked)
        text_puts(&head, "Transfer-Encoding: chunked\r\n");
    else if (len >= 0)
        text_printf(&head, "Content-Length: %ld\r\n", len);
    add_retry_after(c, &head);
    text_printf(&head, "Connection: %s\r\n\r\n", is_last ? "close" : "keep-alive");
    s->ending = is_last ? ENDING_CLOSE : ENDING_KEEP;
    script_raw(s, 0, head.data, head.len);
    text_free(&head);
}

void call_reply(struct call *c, int status, const char *type, const char *body,
                size_t len)
{
    call_head(c, status, type, (long)len);
    if (c->method != HTTP_HEAD)
        script_body(&c->conn->script, 0, body, len);
    conn_play(c->conn);
}

void call_reply_json(struct call *c, int status, struct text *body)
{
    call_reply(c, status, "application/json", body->data, body->len);
    text_free(body);
}

void call_fail(struct call *c, const struct failure *failure)
{
    struct text body = {0};
    if (failure->what == FAIL_BUSY && c->fake->opt.kind == KIND_LLAMA_SWAP)
        c->retry_after_s = 1;
    int status = c->fake->dialect->fail(c, failure, &body);
    const char *type =
        body.len && body.data[0] == '{' ? "application/json" : "text/plain";
    call_reply(c, status, body.len ? type : NULL, body.data, body.len);
    text_free(&body);
}

// --- chats -----------------------------------------------------------------------------

int count_words(const char *s)
{
    int n = 0;
    while (*(s += strspn(s, " \t\r\n"))) {
        n++;
        s += strcspn(s, " \t\r\n");
    }
    return n;
}

bool ask_picture(struct ask *a, const char *base64, size_t len, enum base64_rule rule)
{
    if (a->pictures_n == PICTURES_MAX)
        return false;
    a->pictures[a->pictures_n++] =
        (struct picture){.base64 = base64, .base64_len = len, .rule = rule, .bad_at = -1};
    return true;
}

static void on_decode_work(uv_work_t *work)
{
    struct call *c = work->data;
    for (int i = 0; i < c->ask.pictures_n; i++) {
        struct picture *p = &c->ask.pictures[i];
        struct text bytes = {0};
        p->bad_at = base64_decode(p->base64, p->base64_len, p->rule, &bytes);
        p->bytes_len = bytes.len;
        image_hash(bytes.data, bytes.len, p->hash);
        image_read(bytes.data, bytes.len, &p->info);
        keep_picture(c->fake->opt.keep_folder, p->hash, p->info.type, &bytes);
        text_free(&bytes);
    }
}

static void go_on_checked(struct call *c);

static void on_decode_done(uv_work_t *work, int status)
{
    struct call *c = work->data;
    c->is_working = false;
    if (!c->conn)
        call_finish(c, false);
    else if (status == 0)
        go_on_checked(c);
}

void call_chat(struct call *c, const struct writer *writer)
{
    c->is_chat = true;
    c->writer = writer;
    c->fake->stats.chat_requests++;
    c->fault = faults_next(&c->fake->faults);
    if (c->ask.pictures_n == 0) {
        go_on_checked(c);
        return;
    }
    c->is_working = true;
    c->work.data = c;
    int rc = uv_queue_work(c->fake->loop, &c->work, on_decode_work, on_decode_done);
    assert(rc == 0);
    (void)rc;
}

// Ollama 0.30.0 to 0.32.13 hand WebP to a decoder that has none; so does llama.cpp.
static bool reads_webp(const struct options *o)
{
    int major = 0, minor = 0, patch = 0;
    if (kind_is_llama(o->kind))
        return false;
    if (o->kind != KIND_OLLAMA)
        return true;
    sscanf(o->version, "%d.%d.%d", &major, &minor, &patch);
    int n = major * 1000000 + minor * 1000 + patch;
    return n < 30000 || n >= 32014;
}

// Pillow wants a JPEG to be whole; stb_image and Go's sniffing do not care.
static bool is_readable(const struct options *o, const struct image_info *info)
{
    bool is_pillow = o->kind == KIND_VLLM || o->kind == KIND_SGLANG;
    if (!info->is_decoded || (info->is_incomplete && is_pillow))
        return false;
    return info->type != IMAGE_WEBP || reads_webp(o);
}

// The first thing that is wrong with the pictures; false: nothing.
static bool find_picture_failure(const struct call *c, struct failure *out)
{
    for (int i = 0; i < c->ask.pictures_n; i++) {
        const struct picture *p = &c->ask.pictures[i];
        if (p->bad_at >= 0) {
            *out = (struct failure){.what = FAIL_BASE64, .at = p->bad_at};
            return true;
        }
    }
    if (c->ask.pictures_n && !c->ticket.model->has_vision) {
        *out = (struct failure){.what = FAIL_NO_VISION};
        return true;
    }
    for (int i = 0; i < c->ask.pictures_n; i++) {
        if (!is_readable(&c->fake->opt, &c->ask.pictures[i].info)) {
            *out = (struct failure){.what = FAIL_IMAGE};
            return true;
        }
    }
    return false;
}

static void count_tokens(struct call *c)
{
    const struct options *o = &c->fake->opt;
    struct answer *a = &c->answer;
    a->image_tokens = 0;
    for (int i = 0; i < c->ask.pictures_n && c->fault.fault != FAULT_DROP_IMAGE; i++)
        a->image_tokens += image_tokens(&c->ask.pictures[i].info, o->min_image_tokens);
    a->prompt_tokens = a->image_tokens + c->ask.prompt_words + 12;  // 12: the template's
}

static bool is_refused(const struct call *c)
{
    const struct options *o = &c->fake->opt;
    const struct queue *q = &c->fake->queue;
    const struct model *m = c->ticket.model;
    if (o->queue == 0)
        return false;
    switch (o->kind) {
    case KIND_OLLAMA: return m->state != MODEL_LOADED && q->waiting >= o->queue;
    case KIND_LLAMA_SWAP: return m->running + queue_waiting_for(q, m) >= o->queue;
    case KIND_OPENAI:
    case KIND_VLLM:
    case KIND_SGLANG:
        return m->running >= o->slots && queue_waiting_for(q, m) >= o->queue;
    case KIND_LMSTUDIO:
    case KIND_LLAMA_SERVER:
    case KIND_LLAMA_ROUTER:
    case KIND_COUNT: break;
    }
    return false;
}

static bool find_failure(struct call *c, struct failure *out)
{
    if (find_picture_failure(c, out))
        return true;
    count_tokens(c);
    int have = c->ask.ctx_tokens ? c->ask.ctx_tokens : c->fake->opt.ctx_tokens;
    if (c->answer.prompt_tokens > have) {
        *out = (struct failure){
            .what = FAIL_CONTEXT, .need = c->answer.prompt_tokens, .have = have};
        return true;
    }
    if (!is_refused(c))
        return false;
    c->fake->stats.refused++;
    *out = (struct failure){.what = FAIL_BUSY};
    return true;
}

// LM Studio says 200 before it looks at the prompt, when it streams.
static bool streams_failure(const struct call *c, enum fail what)
{
    return c->fake->opt.kind == KIND_LMSTUDIO &&
           (what == FAIL_CONTEXT || what == FAIL_NO_VISION);
}

static void on_slot(struct ticket *t);

static void go_on_checked(struct call *c)
{
    struct failure failure;
    for (int i = 0; i < c->ask.pictures_n; i++) {
        if (c->ask.pictures[i].bad_at < 0)
            stats_image(&c->fake->stats, c->ask.pictures[i].hash)->asked++;
    }
    if (find_failure(c, &failure)) {
        if (c->ask.wants_stream && streams_failure(c, failure.what))
            play_failure(c, &failure);
        else
            call_fail(c, &failure);
        return;
    }
    if (play_early_fault(c))
        return;
    c->ticket.on_ready = on_slot;
    c->ticket.ctx_tokens = c->ask.ctx_tokens;
    queue_enter(&c->fake->queue, &c->ticket);
    fake_tick(c->fake);
}

static struct call *call_of(struct ticket *t)
{
    return (struct call *)((char *)t - offsetof(struct call, ticket));
}

static void set_keep(struct call *c)
{
    if (c->ask.has_keep)
        model_keep(&c->fake->queue, c->ticket.model, c->ask.keep_ms,
                   fake_now_ms(c->fake));
}

static void on_slot(struct ticket *t)
{
    struct call *c = call_of(t);
    c->granted_ms = (int64_t)uv_now(c->fake->loop);
    c->answer.load_ms = t->has_loaded ? c->granted_ms - c->began_ms : 0;
    set_keep(c);
    play_answer(c);
}

static void on_load_ready(struct ticket *t)
{
    struct call *c = call_of(t);
    c->granted_ms = (int64_t)uv_now(c->fake->loop);
    c->answer.load_ms = t->has_loaded ? c->granted_ms - c->began_ms : 0;
    queue_leave(&c->fake->queue, t, fake_now_ms(c->fake));
    set_keep(c);
    c->on_loaded(c);
}

void call_load(struct call *c, struct model *m, void (*on_loaded)(struct call *c))
{
    c->on_loaded = on_loaded;
    c->ticket.model = m;
    c->ticket.is_load_only = true;
    c->ticket.ctx_tokens = c->ask.ctx_tokens;
    c->ticket.on_ready = on_load_ready;
    queue_enter(&c->fake->queue, &c->ticket);
    fake_tick(c->fake);
}

// --- the end ---------------------------------------------------------------------------

static void leave_queue(struct call *c)
{
    if (c->ticket.state == TICKET_OUT)
        return;
    queue_leave(&c->fake->queue, &c->ticket, fake_now_ms(c->fake));
    fake_tick(c->fake);
}

void call_played(struct call *c)
{
    // A stalled server keeps its slot.
    if (c->conn->script.ending != ENDING_STALL)
        leave_queue(c);
}

static void count(struct call *c, bool is_sent)
{
    struct stats *s = &c->fake->stats;
    if (!is_sent && !c->is_cut)
        s->cancelled++;
    if (!is_sent || !c->is_whole)
        return;
    s->answered++;
    for (int i = 0; i < c->ask.pictures_n; i++)
        stats_image(s, c->ask.pictures[i].hash)->answered++;
}

static void log_line(struct call *c, bool is_sent)
{
    struct text line = {0};
    int64_t now_ms = (int64_t)uv_now(c->fake->loop);
    text_printf(&line,
                "{\"at_ms\":%" PRId64 ",\"seq\":%" PRIu64 ",\"method\":\"%s\",\"path\":",
                c->wall_ms, c->seq, http_method_str(c->method));
    text_json(&line, c->path, strlen(c->path));
    if (c->is_chat) {
        text_puts(&line, ",\"model\":");
        text_json(&line, c->ticket.model->name, strlen(c->ticket.model->name));
        text_printf(&line, ",\"stream\":%s,\"fault\":\"%s\",\"hashes\":[",
                    c->ask.wants_stream ? "true" : "false", fault_name(c->fault.fault));
        for (int i = 0; i < c->ask.pictures_n; i++)
            text_printf(&line, "%s\"%s\"", i ? "," : "", c->ask.pictures[i].hash);
        text_printf(&line, "],\"prompt_tokens\":%d,\"completion_tokens\":%d",
                    c->answer.prompt_tokens, c->answer.completion_tokens);
        text_printf(&line, ",\"queued_ms\":%" PRId64,
                    (c->granted_ms ? c->granted_ms : now_ms) - c->began_ms);
    }
    if (c->bytes_out)
        text_printf(&line, ",\"first_byte_ms\":%" PRId64, c->first_byte_ms - c->began_ms);
    text_printf(&line,
                ",\"status\":%d,\"end\":\"%s\",\"total_ms\":%" PRId64
                ",\"bytes_in\":%zu,\"bytes_out\":%zu}\n",
                c->status,
                is_sent     ? "sent"
                : c->is_cut ? "cut"
                            : "gone",
                now_ms - c->began_ms, c->body.len, c->bytes_out);
    fwrite(line.data, 1, line.len, c->fake->log);
    text_free(&line);
}

void call_finish(struct call *c, bool is_sent)
{
    assert(!c->conn);
    leave_queue(c);
    if (c->is_working)
        return;  // comes back from on_decode_done
    if (c->is_chat)
        count(c, is_sent);
    if (c->fake->log && c->seq)
        log_line(c, is_sent);
    call_free(c);
}
