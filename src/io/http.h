// http.h -- HTTP requests over libcurl's multi interface on the loop.
//
// http and https only, no redirects (a screenshot must not be sent where it was not
// addressed), no proxy unless configured, no signals.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IO_HTTP_H
#define VLMD_IO_HTTP_H

#include "base/buf.h"
#include "base/list.h"
#include "io/loop.h"

#include <stdbool.h>

struct http;

struct http_config {
    int max_connections;  // kept open at most; 0 = 1024
    const char *proxy;    // NULL or "" = none; borrowed: during open
    const char *ca_file;  // NULL = the system's
};

// head + base64(image) + tail; the base64 is produced while sending, the image is held
// once.  All borrowed: until done.
struct http_body {
    const char *head;
    size_t head_len;
    const uint8_t *image;
    size_t image_len;
    const char *tail;
    size_t tail_len;
};

// 0 = none.
struct http_timeouts {
    int64_t connect_ms;
    int64_t first_byte_ms;  // from the request's end of sending to the first body byte
    int64_t stall_ms;       // between two body bytes
    int64_t total_ms;
};

enum { HTTP_MAX_HEADERS = 8 };

struct http_req {
    // in; set before http_send, borrowed until done
    const char *method;  // "GET", "POST"
    const char *url;
    const char *headers[HTTP_MAX_HEADERS];  // "Name: value", NULL ends
    const char *unix_socket;                // path, or NULL
    struct http_body body;
    struct http_timeouts timeouts;
    size_t max_response_bytes;  // 0 = 8 MiB
    // After new body bytes were stored in response; may be NULL.  Loop thread, outside
    // curl.  May call http_cancel.
    void (*on_data)(struct http_req *r);
    void *arg;  // the owner's
    // out; valid in done
    int status;           // 0 = no response line came
    struct buf response;  // owned by the caller after done: buf_fini
    char content_type[96];
    char server[64];         // the Server: header
    int64_t retry_after_ms;  // retry-after-ms, Retry-After (seconds or date); -1 = none
    int64_t rate_remaining;  // x-ratelimit-remaining-requests; -1 = none
    int64_t rate_tokens_remaining;  // x-ratelimit-remaining-tokens; -1 = none
    int64_t rate_tokens_reset_ms;   // x-ratelimit-reset-tokens, from now; -1 = none
    char cost[24];  // x-litellm-response-cost: dollars, as it is written; "" = none
    int64_t rate_reset_ms;  // x-ratelimit-reset-requests, from now; -1 = none
    char error[256];        // words when err is not 0
    bool is_reused;         // sent on a kept connection
    int64_t connect_ms;     // -1 = did not get that far
    int64_t first_byte_ms;  // from start to the first body byte; -1 = none came
    int64_t total_ms;
    int64_t bytes_sent;
    void (*done)(struct http_req *r, int err);  // private from here on
    struct http_call *call;
};

MUST_USE int http_open(struct http **out, struct loop *l, const struct http_config *c);
// done's err: 0 = a whole response with any status; E_NET connect, DNS, TLS or refused;
// E_NET_CUT closed or reset after it was connected; E_FIRST_BYTE, E_STALL, E_TOTAL;
// E_TOOBIG response over its maximum; E_GARBAGE not HTTP; E_NOMEM; E_CANCELED.  A request
// that failed on a kept connection before any byte of answer is sent once more on a fresh
// one, unseen.  An error status that comes before the body was sent is a whole response.
// Errors: E_USAGE (no valid URL, scheme is not http or https, header without a name or
// with control characters), E_TOOBIG (a part of the body is over 256 MiB), E_NOMEM,
// E_CANCELED (h is closing); done does not come then.
MUST_USE int http_send(struct http *h, struct http_req *r,
                       void (*done)(struct http_req *r, int err));
// The answer is read no further until http_resume: the server feels it, and no more than a
// socket's buffers is held.  The time between two bytes does not run meanwhile, the total
// does.  Both may be called from on_data.
void http_pause(struct http *h, struct http_req *r);
void http_resume(struct http *h, struct http_req *r);
void http_cancel(struct http *h, struct http_req *r);  // done comes with E_CANCELED
// Cancels what is under way; on_closed when every socket and handle is gone.
void http_close(struct http *h, void (*on_closed)(void *arg), void *arg);
int http_in_flight(const struct http *h);

// Is the URL's host this machine (loopback address, localhost, Unix socket)?
bool http_is_loopback(const char *url);
// Retry-After value (seconds or an HTTP date, RFC 9110 10.2.3) -> ms from now, or -1.
int64_t http_retry_after_ms(const char *value, int64_t wall_ms);
// Duration as x-ratelimit-reset-requests has it: "1h2m3.5s", "6ms", or seconds -> ms, or -1.
int64_t http_duration_ms(const char *value);

#endif
