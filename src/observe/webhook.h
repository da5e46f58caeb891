// webhook.h -- sends small JSON bodies to one address, one after the other, and tries again.
//
// Never in anybody's way: what does not fit the queue is dropped and counted, and the address
// stands in no message.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_WEBHOOK_H
#define VLMD_WEBHOOK_H

#include "guard/guard.h"
#include "io/http.h"
#include "io/timer.h"

enum { WEBHOOK_QUEUE = 32 };

struct webhook {
    int64_t sent, failed, dropped;
    const char *what;  // is sent, for the log
    struct loop *loop;  // private from here on
    struct http *http;
    const char *url;
    const struct retry_config *retry;
    uint32_t (*random)(void *arg);
    void *arg;
    char *queue[WEBHOOK_QUEUE];  // owned bodies; the first is being sent
    int n;
    int attempts;  // of the first
    struct http_req req;
    bool is_sending, is_closing;
    struct timer timer;
    struct closer closer;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

// url and retry are borrowed: as long as the webhook.
void webhook_open(struct webhook *w, struct loop *l, struct http *h, const char *url,
                  const struct retry_config *retry, uint32_t (*random)(void *arg),
                  void *arg);
// From now on; url is borrowed as that of webhook_open.
void webhook_aim(struct webhook *w, const char *url);
// Takes a copy of body.  When the queue is full the oldest that waits is dropped.
void webhook_post(struct webhook *w, const char *body);
bool webhook_is_busy(const struct webhook *w);
// What is not sent yet is not sent any more.
void webhook_close(struct webhook *w, void (*on_closed)(void *arg), void *arg);

#endif
