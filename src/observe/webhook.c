// webhook.c -- a bounded queue in front of one request at a time.
//
//   post -> send -> on_sent -> (wait) -> send   the same body again
//                          '-> the next
// SPDX-License-Identifier: MIT
#include "observe/webhook.h"

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { CONNECT_MS = 5000, TOTAL_MS = 10000, MAX_REPLY = 64 << 10 };

static void send_first(struct webhook *w);

static void drop_first(struct webhook *w)
{
    free(w->queue[0]);
    w->n--;
    memmove(&w->queue[0], &w->queue[1], sizeof(w->queue[0]) * (size_t)w->n);
    w->attempts = 0;
}

static void give_up(struct webhook *w, int status, const char *words)
{
    w->failed++;
    log_warn("webhook", "%s could not be sent after %d attempts: status=%d %s", w->what,
             w->attempts, status, words);
    drop_first(w);
}

static void on_retry(struct timer *t)
{
    send_first(container_of(t, struct webhook, timer));
}

// Nobody there, too many, or a fault of the other side: worth another try.
static bool may_pass(int err, int status)
{
    return err ? err != E_USAGE : status == 429 || status >= 500;
}

static void follow(struct webhook *w, int err, int status, int64_t retry_after_ms,
                   const char *words)
{
    bool is_good = err == 0 && status >= 200 && status < 300;
    if (is_good) {
        w->sent++;
        drop_first(w);
    } else if (may_pass(err, status) && retry_may_again(w->retry, w->attempts)) {
        timer_start(
            &w->timer,
            1 + retry_delay_ms(w->retry, w->attempts, retry_after_ms, w->random(w->arg)),
            on_retry);
        return;
    } else {
        give_up(w, status, words);
    }
    if (w->n > 0) {
        timer_start(&w->timer, 1, on_retry);
    }
}

// An answer that is longer than anybody reads is one.
static void on_sent(struct http_req *r, int err)
{
    struct webhook *w = container_of(r, struct webhook, req);
    buf_fini(&r->response);
    w->is_sending = false;
    if (!w->is_closing) {
        bool is_answer = err == E_TOOBIG && r->status;
        follow(w, is_answer ? 0 : err, r->status, r->retry_after_ms,
               err && !is_answer ? err_words(err) : "");
    }
    closer_drop(&w->closer);
}

static void send_first(struct webhook *w)
{
    w->attempts++;
    w->req = (struct http_req){
        .method = "POST",
        .url = w->url,
        .headers = {"Content-Type: application/json"},
        .body = {.head = w->queue[0], .head_len = strlen(w->queue[0])},
        .timeouts = {.connect_ms = CONNECT_MS, .total_ms = TOTAL_MS},
        .max_response_bytes = MAX_REPLY,
    };
    int rc = http_send(w->http, &w->req, on_sent);
    if (rc) {
        follow(w, rc, 0, -1, err_words(rc));
        return;
    }
    w->is_sending = true;
    closer_hold(&w->closer);
}

void webhook_aim(struct webhook *w, const char *url)
{
    w->url = url;
}

void webhook_post(struct webhook *w, const char *body)
{
    if (w->is_closing) {
        return;
    }
    if (w->n == WEBHOOK_QUEUE) {
        free(w->queue[1]);  // the first is on its way
        w->n--;
        memmove(&w->queue[1], &w->queue[2], sizeof(w->queue[0]) * (size_t)(w->n - 1));
        w->dropped++;
    }
    w->queue[w->n++] = mem_dup(body);
    if (w->n == 1) {
        timer_start(&w->timer, 1, on_retry);
    }
}

bool webhook_is_busy(const struct webhook *w)
{
    return w->n > 0;
}

void webhook_open(struct webhook *w, struct loop *l, struct http *h, const char *url,
                  const struct retry_config *retry, uint32_t (*random)(void *arg),
                  void *arg)
{
    *w = (struct webhook){.loop = l,
                          .http = h,
                          .url = url,
                          .retry = retry,
                          .random = random,
                          .arg = arg,
                          .what = "an alert"};
    timer_open(&w->timer, l);
    closer_hold(&w->closer);
}

static void on_timer_closed(struct timer *t)
{
    closer_drop(&container_of(t, struct webhook, timer)->closer);
}

static void on_all_closed(struct closer *c)
{
    struct webhook *w = container_of(c, struct webhook, closer);
    while (w->n > 0) {
        drop_first(w);
    }
    w->on_closed(w->closed_arg);
}

void webhook_close(struct webhook *w, void (*on_closed)(void *arg), void *arg)
{
    w->is_closing = true;
    w->on_closed = on_closed;
    w->closed_arg = arg;
    w->closer.on_closed = on_all_closed;
    if (w->is_sending) {
        http_cancel(w->http, &w->req);
    }
    timer_close(&w->timer, on_timer_closed);
}
