// http.c -- curl's multi interface on the uv loop: sockets, timers, lists, closing.
//
//   send -> active --(curl: DONE)-----------------------> done, or once more (stale)
//           active --(deadline)-----------> ended -tick-> done
//           active --(cancel, close)------> ended -tick-> done
//
// Rules that keep curl and uv apart: curl is never entered from its own callbacks, they
// only store bytes, link lists and start timers; after each entry settle() hands out what
// they stored.  One timer serves the deadlines of all requests: it is set to the earliest
// one ever asked for, and when it fires everything is looked at once.
// SPDX-License-Identifier: MIT
#include "io/http.h"

#include "base/log.h"
#include "base/mem.h"
#include "io/http_call.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <unistd.h>

#define DEFAULT_CONNECTIONS 1024
// A tick that comes this late means that the loop was held up: what arrived meanwhile
// lies unread in the sockets and must be read before anyone is declared dead.
#define LATE_MS 20
// Reads of 16 kB that empty the largest receive buffer, and some.
#define MAX_ERRORS 1000

static const char system_bundle[] = "/etc/ssl/certs/ca-certificates.crt";

struct http {
    CURLM *multi;  // owned
    struct call_settings settings;
    char *proxy;    // owned
    char *ca_file;  // owned
    struct loop *loop;
    uv_timer_t curl_timer;
    uv_timer_t deadline_timer;
    int64_t armed_at_ms;  // INT64_MAX = not
    bool is_late;
    bool is_closing;
    int in_flight;
    struct list active;
    struct list fresh;  // have bytes that on_data was not told of
    struct list ended;  // have call->err, wait for the tick
    struct list sockets;
    struct closer closer;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

// A socket curl wants watched.  Owns: itself, until its close callback.
struct watch {
    uv_poll_t poll;
    curl_socket_t fd;
    int events;
    int errors;  // one after the other
    struct http *http;
    struct list node;
};

static void on_tick(uv_timer_t *timer);
static void on_curl_timer(uv_timer_t *timer);
static void on_poll(uv_poll_t *poll, int status, int events);

// --- deadlines -----------------------------------------------------------------------

// At least 1 ms: libuv 1.44 fires a timer of 0 again and again without polling between.
static void arm(struct http *h, int64_t at_ms)
{
    if (at_ms >= h->armed_at_ms) {
        return;
    }
    int64_t wait_ms = at_ms - call_clock_ms();
    h->armed_at_ms = at_ms;
    uv_timer_start(&h->deadline_timer, on_tick, wait_ms > 1 ? (uint64_t)wait_ms : 1, 0);
}

static void disarm(struct http *h)
{
    h->armed_at_ms = INT64_MAX;
    h->is_late = false;
    uv_timer_stop(&h->deadline_timer);
}

static void on_deadline(struct http_call *call)
{
    int err = 0;
    arm(call->owner, call_deadline(call, &err));
}

static void on_bytes(struct http_call *call)
{
    struct http *h = call->owner;
    if (call->req->on_data && !list_is_linked(&call->fresh)) {
        list_push_back(&h->fresh, &call->fresh);
    }
}

// --- the end of a call ---------------------------------------------------------------

static void detach(struct http *h, struct http_call *call)
{
    curl_multi_remove_handle(h->multi, call->easy);
    list_remove(&call->node);
    list_remove(&call->fresh);
}

// The call is in no list and not in curl.  done may free the request, start others, and
// close h, which however stays until its handles are closed.
static void finish(struct http *h, struct http_call *call, int err)
{
    struct http_req *r = call->req;
    call_report(call, err);
    call_free(call);
    r->call = NULL;
    h->in_flight--;
    if (h->in_flight == 0 && !h->is_closing) {
        disarm(h);
    }
    r->done(r, err);
}

static void end_later(struct http *h, struct http_call *call, int err)
{
    detach(h, call);
    call->err = err;
    list_push_back(&h->ended, &call->node);
    arm(h, 0);
}

static void on_transfer_done(struct http *h, struct http_call *call, CURLcode code)
{
    detach(h, call);
    if (call_is_stale(call, code)) {
        log_debug("http", "kept connection was stale, sending again code=%d", (int)code);
        list_push_back(&h->active, &call->node);
        call_rewind(call);
        if (curl_multi_add_handle(h->multi, call->easy) == CURLM_OK) {
            return;
        }
        list_remove(&call->node);
        call->err = E_NOMEM;
    }
    finish(h, call, call_result(call, code));
}

// NULL for a handle that curl made for its own use.
static struct http_call *call_of(CURL *easy)
{
    char *call = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
    return (struct http_call *)(void *)call;
}

// After each time curl has run.
static void settle(struct http *h)
{
    struct list *node;
    while ((node = list_pop_front(&h->fresh))) {
        struct http_req *r = container_of(node, struct http_call, fresh)->req;
        r->on_data(r);
    }
    CURLMsg *m;
    int left = 0;
    while ((m = curl_multi_info_read(h->multi, &left))) {
        on_transfer_done(h, call_of(m->easy_handle), m->data.result);
    }
}

// --- curl's sockets and timer --------------------------------------------------------

static void on_watch_closed(uv_handle_t *handle)
{
    struct watch *w = container_of(handle, struct watch, poll);
    struct http *h = w->http;
    free(w);
    closer_drop(&h->closer);
}

static void close_watch(struct watch *w)
{
    list_remove(&w->node);
    uv_close((uv_handle_t *)&w->poll, on_watch_closed);
}

// A poll whose init failed was never a handle.
static struct watch *open_watch(struct http *h, curl_socket_t fd)
{
    struct watch *w = calloc(1, sizeof(*w));
    if (!w || uv_poll_init_socket(&h->loop->uv, &w->poll, fd)) {
        free(w);
        return NULL;
    }
    w->fd = fd;
    w->http = h;
    list_push_back(&h->sockets, &w->node);
    closer_hold(&h->closer);
    curl_multi_assign(h->multi, fd, w);
    return w;
}

static bool start_watch(struct watch *w, int what)
{
    w->events = (what & CURL_POLL_IN ? UV_READABLE : 0) |
                (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return uv_poll_start(&w->poll, w->events, on_poll) == 0;
}

// Answering -1 would kill the whole multi handle; only this call has to end.
static void fail_from_inside(struct http *h, CURL *easy)
{
    struct http_call *call = call_of(easy);
    if (call) {
        call->err = E_NOMEM;
        arm(h, 0);
    }
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct http *h = arg;
    struct watch *w = socket_arg;
    if (what == CURL_POLL_REMOVE) {
        if (w) {
            curl_multi_assign(h->multi, fd, NULL);
            close_watch(w);
        }
        return 0;
    }
    w = w ? w : open_watch(h, fd);
    if (!w || !start_watch(w, what)) {
        fail_from_inside(h, easy);
    }
    return 0;
}

// A reset shows as an error (uv says UV_EBADF), but the server's last words may still lie
// in the socket: an early 413, the rest of an answer.  CURL_CSELECT_ERR alone would make
// curl give up unread; with IN it reads first and finds the reset behind.  The limit is
// for a transfer that does not want to read.
static int error_events(const struct watch *w)
{
    return w->errors < MAX_ERRORS ? CURL_CSELECT_IN | CURL_CSELECT_ERR : CURL_CSELECT_ERR;
}

// Writable means: look for an answer, then write.  A server that refuses early hangs up at
// once, and the failing write would hide the refusal.
static int plain_events(int events)
{
    return (events ? CURL_CSELECT_IN : 0) | (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
}

// uv stops a poll that had an error.
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *w = container_of(poll, struct watch, poll);
    struct http *h = w->http;
    int what = status < 0 ? error_events(w) : plain_events(events);
    int running = 0;
    w->errors = status < 0 ? w->errors + 1 : 0;
    curl_multi_socket_action(h->multi, w->fd, what, &running);
    if (status < 0 && list_is_linked(&w->node)) {
        uv_poll_start(&w->poll, w->events, on_poll);
    }
    settle(h);
}

static int on_timeout_change(CURLM *multi, long timeout_ms, void *arg)
{
    struct http *h = arg;
    (void)multi;
    if (timeout_ms < 0) {
        uv_timer_stop(&h->curl_timer);
    } else {
        uv_timer_start(&h->curl_timer, on_curl_timer, (uint64_t)timeout_ms, 0);
    }
    return 0;
}

static void on_curl_timer(uv_timer_t *timer)
{
    struct http *h = container_of(timer, struct http, curl_timer);
    int running = 0;
    curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    settle(h);
}

// --- opening and closing -------------------------------------------------------------

static void free_http(struct http *h)
{
    if (h->multi) {
        curl_multi_cleanup(h->multi);
    }
    free(h->proxy);
    free(h->ca_file);
    free(h);
    curl_global_cleanup();
}

static int set_multi(struct http *h, const struct http_config *c)
{
    long kept = c->max_connections > 0 ? c->max_connections : DEFAULT_CONNECTIONS;
    unsigned bad = 0;
    h->multi = curl_multi_init();
    if (!h->multi) {
        return E_NOMEM;
    }
    bad |= (unsigned)curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    bad |= (unsigned)curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    bad |=
        (unsigned)curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timeout_change);
    bad |= (unsigned)curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    bad |= (unsigned)curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, kept);
    return bad ? E_BUG : 0;
}

static void set_settings(struct http *h, const struct http_config *c)
{
    bool has_file = c->ca_file && c->ca_file[0];
    if (has_file || access(system_bundle, R_OK) == 0) {
        h->ca_file = mem_dup(has_file ? c->ca_file : system_bundle);
    }
    if (c->proxy && c->proxy[0]) {
        h->proxy = mem_dup(c->proxy);
    }
    h->settings = (struct call_settings){
        .proxy = h->proxy,
        .ca_file = h->ca_file,
        .on_bytes = on_bytes,
        .on_deadline = on_deadline,
    };
}

static void on_last_closed(struct closer *closer)
{
    struct http *h = container_of(closer, struct http, closer);
    void (*on_closed)(void *arg) = h->on_closed;
    void *arg = h->closed_arg;
    free_http(h);
    on_closed(arg);
}

// The timers come last: a failure before them leaves no handle in the loop.
int http_open(struct http **out, struct loop *l, const struct http_config *c)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
        return E_NOMEM;
    }
    struct http *h = mem_new(struct http);
    int rc = set_multi(h, c);
    if (rc) {
        free_http(h);
        return rc;
    }
    set_settings(h, c);
    h->loop = l;
    h->armed_at_ms = INT64_MAX;
    list_init(&h->active);
    list_init(&h->fresh);
    list_init(&h->ended);
    list_init(&h->sockets);
    h->closer.on_closed = on_last_closed;
    uv_timer_init(&l->uv, &h->curl_timer);
    uv_timer_init(&l->uv, &h->deadline_timer);
    closer_hold(&h->closer);
    closer_hold(&h->closer);
    *out = h;
    return 0;
}

static void on_curl_timer_closed(uv_handle_t *handle)
{
    closer_drop(&container_of(handle, struct http, curl_timer)->closer);
}

static void on_deadline_timer_closed(uv_handle_t *handle)
{
    closer_drop(&container_of(handle, struct http, deadline_timer)->closer);
}

// Nothing is in flight.  The callbacks go first: curl_multi_cleanup would still use them.
static void tear_down(struct http *h)
{
    struct list *node, *tmp;
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, NULL);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, NULL);
    list_each(node, tmp, &h->sockets)
    {
        close_watch(container_of(node, struct watch, node));
    }
    curl_multi_cleanup(h->multi);
    h->multi = NULL;
    uv_close((uv_handle_t *)&h->curl_timer, on_curl_timer_closed);
    uv_close((uv_handle_t *)&h->deadline_timer, on_deadline_timer_closed);
}

// What was held back comes now, through the same door as everything.
static void resume_paused(struct http *h)
{
    struct list *node, *tmp;
    bool has_any = false;
    list_each(node, tmp, &h->active)
    {
        struct http_call *call = container_of(node, struct http_call, node);
        if (call->wants_resume) {
            call_resume(call);
            has_any = true;
        }
    }
    if (has_any) {
        settle(h);
    }
}

static int64_t end_overdue(struct http *h)
{
    int64_t now_ms = call_clock_ms();
    int64_t next_ms = INT64_MAX;
    struct list *node, *tmp;
    list_each(node, tmp, &h->active)
    {
        struct http_call *call = container_of(node, struct http_call, node);
        int err = 0;
        int64_t at_ms = call_deadline(call, &err);
        if (at_ms <= now_ms) {
            end_later(h, call, err);
        } else if (at_ms < next_ms) {
            next_ms = at_ms;
        }
    }
    return next_ms;
}

// Takes the calls that have ended by now, not those that their done ends: the loop gets
// its turn between.
static void on_tick(uv_timer_t *timer)
{
    struct http *h = container_of(timer, struct http, deadline_timer);
    bool is_on_time = h->armed_at_ms == 0 || call_clock_ms() - h->armed_at_ms < LATE_MS;
    if (!is_on_time && !h->is_late) {
        h->is_late = true;
        uv_timer_start(timer, on_tick, 1, 0);
        return;
    }
    disarm(h);
    resume_paused(h);
    int64_t next_ms = end_overdue(h);
    struct list batch;
    list_init(&batch);
    list_splice_back(&batch, &h->ended);
    disarm(h);
    arm(h, next_ms);
    struct list *node;
    while ((node = list_pop_front(&batch))) {
        struct http_call *call = container_of(node, struct http_call, node);
        finish(h, call, call->err);
    }
    if (h->is_closing && h->in_flight == 0) {
        tear_down(h);
    }
}

void http_close(struct http *h, void (*on_closed)(void *arg), void *arg)
{
    assert(!h->is_closing && on_closed);
    h->is_closing = true;
    h->on_closed = on_closed;
    h->closed_arg = arg;
    struct list *node, *tmp;
    list_each(node, tmp, &h->active)
    {
        end_later(h, container_of(node, struct http_call, node), E_CANCELED);
    }
    arm(h, 0);
}

// --- requests ------------------------------------------------------------------------

int http_send(struct http *h, struct http_req *r,
              void (*done)(struct http_req *r, int err))
{
    struct http_call *call = NULL;
    if (h->is_closing) {
        return E_CANCELED;
    }
    int rc = call_new(&call, &h->settings, r);
    if (rc) {
        return rc;
    }
    call->owner = h;
    if (curl_multi_add_handle(h->multi, call->easy)) {
        call_free(call);
        return E_NOMEM;
    }
    r->done = done;
    r->call = call;
    h->in_flight++;
    list_push_back(&h->active, &call->node);
    on_deadline(call);
    return 0;
}

// A call that waits in `ended` keeps the reason it has.
void http_pause(struct http *h, struct http_req *r)
{
    (void)h;
    if (r->call) {
        r->call->is_paused = true;
        r->call->wants_resume = false;
    }
}

void http_resume(struct http *h, struct http_req *r)
{
    if (r->call && r->call->is_paused) {
        r->call->wants_resume = true;
        arm(h, 0);
    }
}

void http_cancel(struct http *h, struct http_req *r)
{
    if (r->call && !r->call->err) {
        end_later(h, r->call, E_CANCELED);
    }
}

int http_in_flight(const struct http *h)
{
    return h->in_flight;
}
