// ocr.c -- the queue of pages and the helper processes that read them.
//
//   ocr_read -> queue -> slot (child busy) -> finished -> done
//                  \------- cancel, refusal -----^
//
// Everything that ends goes through `finished` and is delivered by the timer, so that done
// never comes from inside a call.  The one timer also holds the pages' deadlines, the idle
// helpers' TTL and the grace of those that were asked to go; it is armed only when one of
// these is due.
// SPDX-License-Identifier: MIT
#include "ocr/ocr.h"

#include "base/log.h"
#include "base/mem.h"
#include "ocr/child.h"
#include "ocr/locate.h"
#include "ocr/shelf.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_PROCESSES = 64,
    GRACE_MS = 2000,  // from "please go" to the kill
};

enum slot_state {
    SLOT_EMPTY,
    SLOT_IDLE,     // due: the TTL
    SLOT_BUSY,     // due: the page's deadline
    SLOT_LEAVING,  // due: the kill
    SLOT_KILLED,   // its end is on the way
};

struct slot {
    struct ocr *owner;
    struct child *child;  // owned by itself until on_gone
    enum slot_state state;
    struct ocr_req *req;  // SLOT_BUSY only
    int64_t due_ms;
    int64_t started_ms;  // of the page
    int pages;
};

struct ocr {
    struct loop *loop;
    struct ocr_config config;
    struct list queue;
    struct list finished;
    uv_timer_t timer;
    bool is_delivering;
    bool is_closing;
    void (*on_closed)(void *arg);
    void *closed_arg;
    struct shelf shelf;
    int processes;        // slots that are not empty
    struct slot slots[];  // config.processes
};

static void on_timer(uv_timer_t *timer);
static void on_answer(void *arg);
static void on_gone(void *arg, const char *words);

void ocr_config_default(struct ocr_config *c)
{
    *c = (struct ocr_config){
        .language = "eng",
        .processes = 1,
        .page_timeout_ms = 30000,
        .ttl_ms = 60000,
        .recycle_pages = 200,
        .memory_bytes = INT64_C(1) << 30,
    };
}

int ocr_open(struct ocr **out, struct loop *l, const struct ocr_config *c)
{
    assert(c->processes >= 1 && c->processes <= MAX_PROCESSES && c->recycle_pages >= 1);
    assert(c->page_timeout_ms > 0 && c->ttl_ms >= 0 && c->language);
    size_t slots = (size_t)c->processes * sizeof(struct slot);
    struct ocr *o = mem_zero(sizeof(*o) + slots);
    o->loop = l;
    o->config = *c;
    list_init(&o->queue);
    list_init(&o->finished);
    shelf_init(&o->shelf);
    for (int i = 0; i < c->processes; i++) {
        o->slots[i].owner = o;
    }
    int rc = uv_timer_init(&l->uv, &o->timer);
    if (rc) {
        free(o);
        return err_from_errno(-rc);
    }
    *out = o;
    return 0;
}

static int64_t next_due(const struct ocr *o)
{
    if (!list_is_empty(&o->finished)) {
        return 0;
    }
    int64_t due = INT64_MAX;
    for (int i = 0; i < o->config.processes; i++) {
        const struct slot *s = &o->slots[i];
        if (s->state != SLOT_EMPTY && s->state != SLOT_KILLED && s->due_ms < due) {
            due = s->due_ms;
        }
    }
    return due;
}

// Called last by everything that changes a due time or ends something.
static void arm(struct ocr *o)
{
    int64_t due = next_due(o);
    if (due == INT64_MAX) {
        uv_timer_stop(&o->timer);
        return;
    }
    int64_t wait = due - loop_now_ms(o->loop);
    uv_timer_start(&o->timer, on_timer, wait > 0 ? (uint64_t)wait : 0, 0);
}

// r is in no list and no slot.  Keeps words that are there already.
static void finish(struct ocr *o, struct ocr_req *r, int err, const char *words)
{
    if (err && !r->err.msg[0]) {
        err_set(&r->err, err, "ocr: %s", words);
    }
    r->err.code = err;
    list_push_back(&o->finished, &r->node);
}

static struct ocr_req *take_req(struct slot *s)
{
    struct ocr_req *r = s->req;
    s->req = NULL;
    if (r) {
        r->elapsed_ms = loop_now_ms(s->owner->loop) - s->started_ms;
    }
    return r;
}

static void kill_slot(struct slot *s)
{
    s->state = SLOT_KILLED;
    child_kill(s->child);
}

// Idle helpers go by themselves at the end of their socket.
static void end_slot(struct slot *s)
{
    s->state = SLOT_LEAVING;
    s->due_ms = loop_now_ms(s->owner->loop) + GRACE_MS;
    child_end(s->child);
}

static int start_child(struct slot *s, struct err *e)
{
    char program[PATH_MAX];
    const struct ocr_config *config = &s->owner->config;
    int rc = locate_helper(config->helper, program, sizeof(program), e);
    if (rc) {
        return rc;
    }
    struct child_config c = {
        .loop = s->owner->loop,
        .program = program,
        .memory_bytes = config->memory_bytes,
        .arg = s,
        .on_answer = on_answer,
        .on_gone = on_gone,
    };
    rc = child_start(&s->child, &c, e);
    if (rc) {
        return rc;
    }
    log_debug("ocr", "helper started program=\"%s\"", program);
    s->state = SLOT_IDLE;
    s->pages = 0;
    s->owner->processes++;
    return 0;
}

static void fill_page(const struct ocr *o, const struct ocr_req *r, struct wire_page *p)
{
    *p = (struct wire_page){
        .magic = WIRE_PAGE_MAGIC,
        // A negative side becomes one that is too long.
        .width = (uint32_t)r->width,
        .height = (uint32_t)r->height,
    };
    snprintf(p->language, sizeof(p->language), "%s", o->config.language);
}

static void send_page(struct slot *s, struct ocr_req *r)
{
    struct wire_page page;
    int64_t now_ms = loop_now_ms(s->owner->loop);
    fill_page(s->owner, r, &page);
    s->state = SLOT_BUSY;
    s->req = r;
    s->started_ms = now_ms;
    s->due_ms = now_ms + s->owner->config.page_timeout_ms;
    s->pages++;
    child_send(s->child, &page, r->luma);
}

static struct slot *find_slot(struct ocr *o, enum slot_state state)
{
    for (int i = 0; i < o->config.processes; i++) {
        if (o->slots[i].state == state) {
            return &o->slots[i];
        }
    }
    return NULL;
}

// Gives waiting pages to idle helpers, and starts helpers while there is room.
static void pump(struct ocr *o)
{
    while (!list_is_empty(&o->queue)) {
        struct slot *s = find_slot(o, SLOT_IDLE);
        bool is_new = !s;
        if (is_new) {
            s = find_slot(o, SLOT_EMPTY);
        }
        if (!s) {
            break;
        }
        struct ocr_req *r = list_first(&o->queue, struct ocr_req, node);
        list_remove(&r->node);
        if (is_new && start_child(s, &r->err)) {
            finish(o, r, E_OCR, "the helper can not be started");
        } else {
            send_page(s, r);
        }
    }
    arm(o);
}

static int check_req(const struct ocr *o, struct ocr_req *r)
{
    struct wire_page page;
    fill_page(o, r, &page);
    if (wire_page_check(&page)) {
        return err_set(&r->err, E_TOOBIG,
                       "ocr: a page of %d x %d px is outside the limits (1 to %d px a "
                       "side, %d million in all)",
                       r->width, r->height, WIRE_MAX_SIDE, WIRE_MAX_PIXELS / 1000000);
    }
    if (strlen(o->config.language) >= WIRE_LANGUAGE_BYTES ||
        !wire_is_language(page.language)) {
        return err_set(&r->err, E_OCR,
                       "ocr.language: \"%s\" is not a list of languages (write it as eng "
                       "or eng+deu)",
                       o->config.language);
    }
    return 0;
}

void ocr_read(struct ocr *o, struct ocr_req *r, void (*done)(struct ocr_req *r, int err))
{
    assert(done && r->luma && !uv_is_closing((uv_handle_t *)&o->timer));
    r->owner = o;
    r->done = done;
    r->err = (struct err){0};
    buf_init(&r->text, WIRE_MAX_TEXT_BYTES);
    r->words = NULL;
    r->n_words = 0;
    r->page_len = 0;
    r->mean_confidence = 0;
    r->elapsed_ms = 0;
    int rc = o->is_closing ? E_CANCELED : check_req(o, r);
    if (rc) {
        finish(o, r, rc, err_words(rc));
    } else if (shelf_find(&o->shelf, r)) {
        finish(o, r, 0, "");
    } else {
        list_push_back(&o->queue, &r->node);
    }
    pump(o);
}

static struct slot *slot_of(struct ocr *o, const struct ocr_req *r)
{
    for (int i = 0; i < o->config.processes; i++) {
        if (o->slots[i].req == r) {
            return &o->slots[i];
        }
    }
    return NULL;
}

// A helper can not be told to drop a page: it goes, and the next page gets a new one.
void ocr_cancel(struct ocr *o, struct ocr_req *r)
{
    assert(r->owner == o);
    struct slot *s = slot_of(o, r);
    assert(s || list_is_linked(&r->node));
    if (s) {
        take_req(s);
        kill_slot(s);
    }
    list_remove(&r->node);
    r->err.msg[0] = 0;
    finish(o, r, E_CANCELED, err_words(E_CANCELED));
    arm(o);
}

void ocr_drop_second(struct ocr_req *r)
{
    while (r->n_words > 0 && r->words[r->n_words - 1].offset >= r->page_len) {
        r->n_words--;
    }
    if (r->text.len > r->page_len) {
        r->text.len = r->page_len;
        r->text.data[r->page_len] = 0;
    }
}

void ocr_req_fini(struct ocr_req *r)
{
    buf_fini(&r->text);
    free(r->words);
    r->words = NULL;
    r->n_words = 0;
}

bool ocr_is_available(struct ocr *o, struct err *e)
{
    char program[PATH_MAX];
    return locate_helper(o->config.helper, program, sizeof(program), e) == 0;
}

int ocr_processes(const struct ocr *o)
{
    return o->processes;
}

int ocr_reading(const struct ocr *o)
{
    int n = 0;
    for (int i = 0; i < o->config.processes; i++) {
        n += o->slots[i].state == SLOT_BUSY;
    }
    return n;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct ocr *o = container_of((uv_timer_t *)handle, struct ocr, timer);
    void (*on_closed)(void *arg) = o->on_closed;
    void *arg = o->closed_arg;
    shelf_fini(&o->shelf);
    free(o);
    on_closed(arg);
}

static void close_when_empty(struct ocr *o)
{
    if (o->is_closing && !o->is_delivering && o->processes == 0 &&
        list_is_empty(&o->finished)) {
        uv_close((uv_handle_t *)&o->timer, on_timer_closed);
    }
}

static void cancel_all(struct ocr *o)
{
    while (!list_is_empty(&o->queue)) {
        ocr_cancel(o, list_first(&o->queue, struct ocr_req, node));
    }
    for (int i = 0; i < o->config.processes; i++) {
        struct slot *s = &o->slots[i];
        if (s->req) {
            ocr_cancel(o, s->req);
        } else if (s->state == SLOT_IDLE) {
            end_slot(s);
        }
    }
}

void ocr_close(struct ocr *o, void (*on_closed)(void *arg), void *arg)
{
    assert(!o->is_closing && on_closed);
    o->is_closing = true;
    o->on_closed = on_closed;
    o->closed_arg = arg;
    cancel_all(o);
    arm(o);
    close_when_empty(o);
}

// "deu fra" -> "install tesseract-ocr-deu, tesseract-ocr-fra"; Debian writes chi_sim with
// a dash.
static void name_packages(const char *missing, char *out, size_t size)
{
    size_t n = 0;
    out[0] = 0;
    while (*missing && n < size) {
        size_t len = strcspn(missing, " ");
        n += (size_t)snprintf(out + n, size - n, "%stesseract-ocr-%.*s", n ? ", " : "",
                              (int)len, missing);
        missing += len + (missing[len] == ' ');
    }
    for (char *c = out; *c; c++) {
        *c = *c == '_' ? '-' : *c;
    }
}

static int refuse(struct ocr_req *r, enum wire_status status, const char *text)
{
    char packages[256];
    switch (status) {
    case WIRE_NO_LANGUAGE:
        name_packages(text, packages, sizeof(packages));
        return err_set(&r->err, E_OCR, "ocr.language: no data for %s (install %s)", text,
                       packages);
    case WIRE_TOO_LONG:
        return err_set(&r->err, E_TOOBIG, "ocr: the page holds more text than %d MiB",
                       WIRE_MAX_TEXT_BYTES >> 20);
    case WIRE_NO_MEMORY:
        return err_set(
            &r->err, E_OCR,
            "ocr: the page of %d x %d px needs more memory than the helper may "
            "have (raise ocr.memory_bytes)",
            r->width, r->height);
    case WIRE_FAILED:
    case WIRE_OK:
    case WIRE_STATUSES: break;
    }
    return err_set(&r->err, E_OCR, "ocr: Tesseract can not read this page of %d x %d px",
                   r->width, r->height);
}

static int copy_words(struct ocr_req *r, const struct child_answer *a)
{
    if (a->head.words == 0) {
        return 0;
    }
    r->words = calloc(a->head.words, sizeof(*r->words));
    if (!r->words) {
        return E_NOMEM;
    }
    for (uint32_t i = 0; i < a->head.words; i++) {
        const struct wire_word *w = &a->words[i];
        r->words[i] = (struct ocr_word){
            .left = w->left,
            .top = w->top,
            .width = w->width,
            .height = w->height,
            .confidence = (int)w->confidence,
            .offset = w->offset,
            .len = w->len,
        };
    }
    r->n_words = (int)a->head.words;
    return 0;
}

static int take_answer(struct ocr_req *r, const struct child_answer *a)
{
    int rc = buf_add(&r->text, a->text, a->head.text_len);
    if (rc) {
        return rc;
    }
    if (a->head.status != WIRE_OK) {
        rc = refuse(r, (enum wire_status)a->head.status, buf_str(&r->text));
        buf_clear(&r->text);
        return rc;
    }
    r->page_len = a->head.page_len;
    r->mean_confidence = (int)a->head.mean_confidence;
    return copy_words(r, a);
}

static void on_answer(void *arg)
{
    struct slot *s = arg;
    struct ocr *o = s->owner;
    struct child_answer a;
    child_answer(s->child, &a);
    struct ocr_req *r = take_req(s);
    int rc = take_answer(r, &a);
    log_debug("ocr", "page width=%d height=%d words=%d confidence=%d ms=%lld err=%s",
              r->width, r->height, r->n_words, r->mean_confidence,
              (long long)r->elapsed_ms, rc ? err_name(rc) : "none");
    if (rc == 0) {
        shelf_keep(&o->shelf, r);
    }
    finish(o, r, rc, err_words(rc));
    s->state = SLOT_IDLE;
    s->due_ms = loop_now_ms(o->loop) + o->config.ttl_ms;
    if (s->pages >= o->config.recycle_pages) {
        end_slot(s);
    }
    pump(o);
}

// The helper died: by itself, or because it broke the protocol, or as we wished.
static void on_gone(void *arg, const char *words)
{
    struct slot *s = arg;
    struct ocr *o = s->owner;
    struct ocr_req *r = take_req(s);
    if (r) {
        log_warn("ocr", "helper failed page=%dx%d why=\"%s\"", r->width, r->height,
                 words);
        err_set(&r->err, E_OCR, "ocr: vlmd-ocr failed: %s", words);
        finish(o, r, E_OCR, words);
    }
    log_debug("ocr", "helper ended pages=%d", s->pages);
    s->child = NULL;
    s->state = SLOT_EMPTY;
    o->processes--;
    pump(o);
    close_when_empty(o);
}

static void time_out(struct slot *s)
{
    struct ocr *o = s->owner;
    struct ocr_req *r = take_req(s);
    log_warn("ocr", "page timed out page=%dx%d after_ms=%lld", r->width, r->height,
             (long long)o->config.page_timeout_ms);
    err_set(&r->err, E_OCR,
            "ocr: a page of %d x %d px took longer than %lld ms (raise ocr.page_timeout)",
            r->width, r->height, (long long)o->config.page_timeout_ms);
    finish(o, r, E_OCR, "");
    kill_slot(s);
}

static void tick_slot(struct slot *s)
{
    switch (s->state) {
    case SLOT_IDLE: end_slot(s); break;
    case SLOT_BUSY: time_out(s); break;
    case SLOT_LEAVING: kill_slot(s); break;
    case SLOT_EMPTY:
    case SLOT_KILLED: break;
    }
}

// done may do anything, also close us; what ends meanwhile is delivered at the next turn.
static void deliver(struct ocr *o)
{
    struct list now;
    list_init(&now);
    o->is_delivering = true;
    list_splice_back(&now, &o->finished);
    while (!list_is_empty(&now)) {
        struct ocr_req *r = container_of(list_pop_front(&now), struct ocr_req, node);
        r->done(r, r->err.code);
    }
    o->is_delivering = false;
}

static void on_timer(uv_timer_t *timer)
{
    struct ocr *o = container_of(timer, struct ocr, timer);
    int64_t now_ms = loop_now_ms(o->loop);
    for (int i = 0; i < o->config.processes; i++) {
        if (o->slots[i].due_ms <= now_ms) {
            tick_slot(&o->slots[i]);
        }
    }
    deliver(o);
    arm(o);
    close_when_empty(o);
}
