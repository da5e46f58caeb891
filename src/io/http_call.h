// http_call.h -- private to io/http*.c: one request on its way through curl.
//
// The call owns what curl needs for one transfer and turns curl's callbacks into fields;
// http.c owns the multi handle, the timers and the lists.  No curl type stands here, so
// that curl/curl.h stays inside http*.c.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IO_HTTP_CALL_H
#define VLMD_IO_HTTP_CALL_H

#include "io/http.h"

struct curl_slist;

enum call_phase { CALL_CONNECTING, CALL_SENDING, CALL_RECEIVING };

// What every call of one struct http shares.
struct call_settings {
    const char *proxy;    // NULL = none
    const char *ca_file;  // NULL = curl's built-in default
    // From inside curl: only lists and timers may be touched.
    void (*on_bytes)(struct http_call *call);     // something was stored in the response
    void (*on_deadline)(struct http_call *call);  // call_deadline has another answer
};

struct http_call {
    const struct call_settings *settings;  // borrowed: as long as the call
    void *owner;                           // the struct http
    struct http_req *req;                  // borrowed: until done
    void *easy;                            // owned; CURL
    void *url;                             // owned; CURLU, so that checked = used
    struct curl_slist *headers;            // owned
    struct list node;                      // http.active, then http.ended
    struct list fresh;                     // http.fresh while on_data is due
    enum call_phase phase;
    int64_t start_ms;  // call_clock_ms
    int64_t phase_ms;  // of the phase's last progress
    size_t sent;       // body bytes given to curl
    size_t body_len;
    int err;          // found by us, not by curl; ends the call
    bool has_answer;  // a header line, at least
    bool has_head;    // the headers came to their end
    bool is_resent;
    bool has_retry_ms;
    bool is_paused;     // nothing is taken from curl
    bool wants_resume;  // at the next tick
    char words[256];    // curl's error buffer
};

int64_t call_clock_ms(void);  // monotonic, never cached
// Errors: E_USAGE, E_TOOBIG, E_NOMEM.
MUST_USE int call_new(struct http_call **out, const struct call_settings *s,
                      struct http_req *r);
void call_free(struct http_call *call);
// Back to the beginning, for a second attempt on a fresh connection.
void call_rewind(struct http_call *call);
// Nothing but a stale kept connection explains this end; code is a CURLcode.
bool call_is_stale(const struct http_call *call, int code);
// Inside neither curl nor a list's walk of its own: bytes may be stored at once.
void call_resume(struct http_call *call);
int call_result(const struct http_call *call, int code);  // E_* for a CURLcode
// The nearest deadline and the error it means; INT64_MAX = none.
int64_t call_deadline(const struct http_call *call, int *err);
// Writes the request's out fields.
void call_report(struct http_call *call, int err);

// http_body.c: bytes [at, at + room) of head + base64(image) + tail.
// Errors: E_TOOBIG.
MUST_USE int body_length(const struct http_body *b, size_t *len);
size_t body_read(const struct http_body *b, size_t at, char *out, size_t room);

// http_text.c: "12", "1.5" -> value * unit, rounded down; -1 = not a number.
int64_t text_decimal(const char *s, int64_t unit);

#endif
