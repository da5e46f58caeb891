// route_events.c -- server-sent events, and those who wait for a job's end.
//
// Ids are "RUN-NUMBER": of another run of vlmd nothing is known any more, which the client
// is told.  A client whose buffer is full is disconnected: it comes back with the last id
// it saw.  Timers run only while somebody listens or waits.
// Source: WHATWG HTML, 9.2 (event streams).
// SPDX-License-Identifier: MIT
#include "events.h"

#include "base/log.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEPT_EVENTS = 512,
    KEPT_BYTES = 1 << 20,
    CLIENT_BYTES = 256 << 10,
    HEARTBEAT_MS = 15000,
    PROGRESS_MS = 1000,
    PROGRESS = VLMD_EVENT_ALERT + 1  // a type of ours
};

struct kept {
    struct list node;
    int64_t number;
    unsigned type;
    size_t len;
    char text[];
};

struct client {
    struct list node;  // hub.clients
    struct exchange *x;
    unsigned types;  // bit per event type
};

struct events_hub {
    struct admin *admin;
    struct list kept;
    int n_kept;
    size_t kept_bytes;
    int64_t last_number;
    struct list clients;
    int n_clients;
    struct list waiters;
    struct timer heartbeat, progress, patience;
    bool has_news;  // for progress
    int closing;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

static int64_t now_ms(const struct events_hub *h)
{
    return loop_now_ms(vlmd_loop(h->admin->v));
}

// ---- sending

static void push(struct client *c, const char *text, size_t len)
{
    if (httpd_send(c->x->http, text, len)) {
        log_info("admin", "correlation=%s an event client was too slow",
                 c->x->correlation);
        httpd_drop(c->x->http);
        c->types = 0;
    }
}

static void push_all(struct events_hub *h, unsigned type, const char *text, size_t len)
{
    struct list *node, *tmp;
    list_each(node, tmp, &h->clients)
    {
        struct client *c = container_of(node, struct client, node);
        if (c->types & 1u << type) {
            push(c, text, len);
        }
    }
}

static const char *name_of(unsigned type)
{
    return type == PROGRESS ? "progress" : face_event_name((enum vlmd_event_type)type);
}

// "event: ...", the id unless it is 0, and the data on one line: JSON has no line feeds.
static int frame(const struct events_hub *h, unsigned type, int64_t number,
                 const struct buf *data, struct buf *out)
{
    int rc = buf_printf(out, "event: %s\n", name_of(type));
    if (rc == 0 && number) {
        rc = buf_printf(out, "id: %" PRIx64 "-%" PRId64 "\n", h->admin->started_ms,
                        number);
    }
    rc = rc ? rc : buf_add_str(out, "data: ");
    rc = rc ? rc : buf_add(out, data->data, data->len);
    return rc ? rc : buf_add_str(out, "\n\n");
}

// ---- progress

static void on_progress(struct timer *t)
{
    struct events_hub *h = container_of(t, struct events_hub, progress);
    struct vlmd_stats stats;
    struct buf data = {.max_bytes = CLIENT_BYTES}, text = {.max_bytes = CLIENT_BYTES};
    struct json_writer w;
    if (!h->n_clients || !h->has_news) {
        return;
    }
    h->has_news = false;
    vlmd_stats(h->admin->v, &stats);
    json_init(&w, &data);
    json_object(&w, NULL);
    json_str(&w, "type", "progress");
    face_time(&w, "at", loop_wall_ms());
    json_null(&w, "item");
    json_null(&w, "path");
    json_null(&w, "error_class");
    json_null(&w, "words");
    json_int(&w, "n", 0);
    face_stats(&w, "stats", &stats);
    json_object_end(&w);
    if (w.rc == 0 && frame(h, PROGRESS, 0, &data, &text) == 0) {
        push_all(h, PROGRESS, buf_str(&text), text.len);
    }
    buf_fini(&data);
    buf_fini(&text);
}

static void note_news(struct events_hub *h)
{
    h->has_news = true;
    if (h->n_clients && !timer_is_started(&h->progress)) {
        timer_start(&h->progress, PROGRESS_MS, on_progress);
    }
}

// ---- events

static void forget_oldest(struct events_hub *h)
{
    struct kept *k = container_of(list_pop_front(&h->kept), struct kept, node);
    h->n_kept--;
    h->kept_bytes -= k->len;
    free(k);
}

static void keep(struct events_hub *h, unsigned type, const struct buf *text)
{
    struct kept *k = text->len < KEPT_BYTES ? malloc(sizeof(*k) + text->len) : NULL;
    if (!k) {
        return;
    }
    *k = (struct kept){.number = h->last_number, .type = type, .len = text->len};
    memcpy(k->text, text->data, text->len);
    list_push_back(&h->kept, &k->node);
    h->n_kept++;
    h->kept_bytes += k->len;
    while (h->n_kept > KEPT_EVENTS || h->kept_bytes > KEPT_BYTES) {
        forget_oldest(h);
    }
}

static void end_waiters(struct events_hub *h, const struct vlmd_event *e)
{
    struct list *node, *tmp;
    list_each(node, tmp, &h->waiters)
    {
        struct waiter *w = container_of(node, struct waiter, node);
        if (w->id == e->item->id || (e->n && w->id == e->n)) {
            list_remove(&w->node);
            w->on_ended(w, e->item);
        }
    }
}

static void on_event(void *arg, const struct vlmd_event *e)
{
    struct events_hub *h = arg;
    struct buf data = {.max_bytes = FACE_MAX}, text = {.max_bytes = FACE_MAX};
    struct json_writer w;
    json_init(&w, &data);
    face_event(&w, e);
    h->last_number++;
    if (w.rc == 0 && frame(h, e->type, h->last_number, &data, &text) == 0) {
        keep(h, e->type, &text);
        push_all(h, e->type, buf_str(&text), text.len);
    }
    buf_fini(&data);
    buf_fini(&text);
    note_news(h);
    h->admin->events_told += h->n_clients > 0 || !list_is_empty(&h->waiters);
    if (e->item) {
        end_waiters(h, e);
    }
}

// ---- clients

static void on_heartbeat(struct timer *t)
{
    struct events_hub *h = container_of(t, struct events_hub, heartbeat);
    struct list *node, *tmp;
    list_each(node, tmp, &h->clients)
    {
        push(container_of(node, struct client, node), ":\n\n", 3);
    }
    if (h->n_clients) {
        timer_start(&h->heartbeat, HEARTBEAT_MS, on_heartbeat);
    }
}

static void on_client_gone(struct exchange *x)
{
    struct client *c = x->state;
    struct events_hub *h = x->admin->events;
    list_remove(&c->node);
    h->n_clients--;
    if (h->n_clients == 0) {
        timer_stop(&h->heartbeat);
        timer_stop(&h->progress);
    }
}

static void tell_missed(struct events_hub *h, struct client *c)
{
    const struct vlmd_event missed = {
        .type = VLMD_EVENT_NOTICE,
        .at_ms = loop_wall_ms(),
        .path = "",
        .error_class = "",
        .words = "events were missed: load again what is shown",
    };
    struct buf data = {.max_bytes = CLIENT_BYTES}, text = {.max_bytes = CLIENT_BYTES};
    struct json_writer w;
    json_init(&w, &data);
    face_event(&w, &missed);
    if (w.rc == 0 && frame(h, VLMD_EVENT_NOTICE, h->last_number, &data, &text) == 0) {
        push(c, buf_str(&text), text.len);
    }
    buf_fini(&data);
    buf_fini(&text);
}

// What came since the id that the client saw last.
static void replay(struct events_hub *h, struct client *c)
{
    const char *last = httpd_header(c->x->http, "Last-Event-ID");
    int64_t run = 0, number = 0;
    if (!last || !*last) {
        return;
    }
    bool is_ours = sscanf(last, "%" SCNx64 "-%" SCNd64, &run, &number) == 2 &&
                   run == h->admin->started_ms && number <= h->last_number;
    int64_t first =
        h->n_kept ? list_first(&h->kept, struct kept, node)->number : h->last_number + 1;
    if (!is_ours || number + 1 < first) {
        tell_missed(h, c);
        return;
    }
    for (struct list *node = h->kept.next; node != &h->kept; node = node->next) {
        const struct kept *k = container_of(node, struct kept, node);
        if (k->number > number && c->types & 1u << k->type) {
            push(c, k->text, k->len);
        }
    }
}

static bool parse_types(struct exchange *x, unsigned *out)
{
    const char *s = httpd_param(x->http, "types");
    *out = s && *s ? 0 : ~0u;
    while (s && *s) {
        size_t n = strcspn(s, ",");
        bool is_known = false;
        for (unsigned t = 0; t <= PROGRESS; t++) {
            if (strlen(name_of(t)) == n && strncmp(s, name_of(t), n) == 0) {
                *out |= 1u << t;
                is_known = true;
            }
        }
        if (!is_known) {
            reply_error(x, 400, "types", "\"%.*s\" is no type of event", (int)n, s);
            return false;
        }
        s += n;
        s += *s == ',';
    }
    return true;
}

void route_events(struct exchange *x)
{
    struct admin *a = x->admin;
    struct events_hub *h = a->events;
    unsigned types;
    if (!parse_types(x, &types)) {
        return;
    }
    if (h->n_clients >= a->config->max_event_clients) {
        reply_header(x, "Retry-After", "30");
        reply_error(x, 503, NULL, "%d clients listen already (admin.max_event_clients)",
                    h->n_clients);
        return;
    }
    struct client *c = mem_new(struct client);
    *c = (struct client){.x = x, .types = types};
    x->state = c;
    x->free_state = free;
    x->on_gone = on_client_gone;
    reply_header(x, "Cache-Control", "no-store");
    reply_header(x, "Content-Type", "text/event-stream");
    reply_headers(x);
    a->requests++;
    x->is_answered = true;
    httpd_stream(x->http, 200, CLIENT_BYTES);
    list_push_back(&h->clients, &c->node);
    h->n_clients++;
    push(c, "retry: 3000\n\n", 13);
    replay(h, c);
    if (!timer_is_started(&h->heartbeat)) {
        timer_start(&h->heartbeat, HEARTBEAT_MS, on_heartbeat);
    }
    note_news(h);
}

int events_clients(const struct events_hub *h)
{
    return h->n_clients;
}

// ---- waiting

static void on_patience(struct timer *t);

static void arm_patience(struct events_hub *h)
{
    int64_t first = INT64_MAX;
    for (struct list *node = h->waiters.next; node != &h->waiters; node = node->next) {
        int64_t at = container_of(node, struct waiter, node)->deadline_ms;
        first = at < first ? at : first;
    }
    if (first != INT64_MAX) {
        timer_start(&h->patience, first - now_ms(h), on_patience);
    }
}

static void on_patience(struct timer *t)
{
    struct events_hub *h = container_of(t, struct events_hub, patience);
    struct list *node, *tmp;
    list_each(node, tmp, &h->waiters)
    {
        struct waiter *w = container_of(node, struct waiter, node);
        if (w->deadline_ms <= now_ms(h)) {
            list_remove(&w->node);
            w->on_ended(w, NULL);
        }
    }
    arm_patience(h);
}

void events_wait(struct events_hub *h, struct waiter *w, int64_t id, int64_t ms)
{
    w->id = id;
    w->deadline_ms = now_ms(h) + ms;
    list_push_back(&h->waiters, &w->node);
    arm_patience(h);
}

void events_wait_stop(struct waiter *w)
{
    list_remove(&w->node);
}

// ---- opening and closing

struct events_hub *events_open(struct admin *a)
{
    struct loop *l = vlmd_loop(a->v);
    struct events_hub *h = mem_new(struct events_hub);
    h->admin = a;
    list_init(&h->kept);
    list_init(&h->clients);
    list_init(&h->waiters);
    timer_open(&h->heartbeat, l);
    timer_open(&h->progress, l);
    timer_open(&h->patience, l);
    a->subscription = vlmd_subscribe(a->v, on_event, h);
    return h;
}

static void drop(struct events_hub *h)
{
    void (*on_closed)(void *arg) = h->on_closed;
    void *arg = h->closed_arg;
    if (--h->closing == 0) {
        free(h);
        on_closed(arg);
    }
}

static void on_heartbeat_closed(struct timer *t)
{
    drop(container_of(t, struct events_hub, heartbeat));
}

static void on_progress_closed(struct timer *t)
{
    drop(container_of(t, struct events_hub, progress));
}

static void on_patience_closed(struct timer *t)
{
    drop(container_of(t, struct events_hub, patience));
}

void events_close(struct events_hub *h, void (*on_closed)(void *arg), void *arg)
{
    h->on_closed = on_closed;
    h->closed_arg = arg;
    h->closing = 3;
    while (h->n_kept) {
        forget_oldest(h);
    }
    timer_close(&h->heartbeat, on_heartbeat_closed);
    timer_close(&h->progress, on_progress_closed);
    timer_close(&h->patience, on_patience_closed);
}
