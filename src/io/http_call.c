// http_call.c -- options, callbacks and result of one transfer.
//
// The callbacks run inside curl: they store bytes, set fields and tell http.c, nothing
// else.  Phases: CONNECTING until curl is about to send, SENDING until the first body byte
// of the answer, RECEIVING to the end; each has its own deadline.
// SPDX-License-Identifier: MIT
#include "io/http_call.h"

#include "base/utf8.h"

#include <assert.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEFAULT_MAX_RESPONSE ((size_t)8 << 20)
#define NANOS_PER_MS         1000000

// llama-server, LM Studio and uvicorn close idle connections after 5 s; the big services
// behind TLS keep them for a minute or more.
#define IDLE_PLAIN_S 4L
#define IDLE_TLS_S   50L

int64_t call_clock_ms(void)
{
    return (int64_t)(uv_hrtime() / NANOS_PER_MS);
}

static void enter(struct http_call *call, enum call_phase phase)
{
    call->phase = phase;
    call->phase_ms = call_clock_ms();
    call->settings->on_deadline(call);
}

// --- callbacks, in the order they fire -----------------------------------------------

// Helper processes must not inherit a connection: it would stay open after our close, and
// the server would go on computing an answer nobody reads.
static curl_socket_t on_open_socket(void *arg, curlsocktype purpose,
                                    struct curl_sockaddr *a)
{
    (void)arg;
    (void)purpose;
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static int on_connected(void *arg, char *to_ip, char *from_ip, int to_port, int from_port)
{
    struct http_call *call = arg;
    (void)to_ip, (void)from_ip, (void)to_port, (void)from_port;
    call->req->connect_ms = call_clock_ms() - call->start_ms;
    enter(call, CALL_SENDING);
    return CURL_PREREQFUNC_OK;
}

static size_t on_read(char *out, size_t size, size_t count, void *arg)
{
    struct http_call *call = arg;
    size_t n = body_read(&call->req->body, call->sent, out, size * count);
    call->sent += n;
    if (call->phase == CALL_SENDING) {
        enter(call, CALL_SENDING);
    }
    return n;
}

static int on_seek(void *arg, curl_off_t offset, int origin)
{
    struct http_call *call = arg;
    if (origin != SEEK_SET || offset < 0 || (size_t)offset > call->body_len) {
        return CURL_SEEKFUNC_CANTSEEK;
    }
    call->sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

// An answer begins, or begins again after 100 Continue.
static void take_status(struct http_call *call, const char *line, size_t len)
{
    struct http_req *r = call->req;
    const char *blank = memchr(line, ' ', len);
    size_t left = blank ? (size_t)(line + len - blank) : 0;
    call->has_head = false;
    r->status = 0;
    for (size_t i = 1; i < left && i < 4 && blank[i] >= '0' && blank[i] <= '9'; i++) {
        r->status = r->status * 10 + (blank[i] - '0');
    }
    r->content_type[0] = 0;
    r->server[0] = 0;
    r->retry_after_ms = -1;
    r->rate_remaining = r->rate_reset_ms = -1;
    r->rate_tokens_remaining = r->rate_tokens_reset_ms = -1;
    r->cost[0] = 0;
    call->has_retry_ms = false;
}

static bool has_name(const char *line, size_t len, const char *name)
{
    size_t n = strlen(name);
    return len > n && strncasecmp(line, name, n) == 0 && line[n] == ':';
}

static void take_retry(struct http_call *call, const char *value, bool is_in_ms)
{
    struct http_req *r = call->req;
    if (!is_in_ms) {
        int64_t ms = http_retry_after_ms(value, loop_wall_ms());
        r->retry_after_ms = call->has_retry_ms ? r->retry_after_ms : ms;
        return;
    }
    int64_t ms = text_decimal(value, 1);
    call->has_retry_ms = ms >= 0;
    r->retry_after_ms = ms >= 0 ? ms : r->retry_after_ms;
}

static void take_rate(struct http_req *r, const char *line, size_t len, const char *value)
{
    if (has_name(line, len, "x-ratelimit-remaining-requests")) {
        r->rate_remaining = text_decimal(value, 1);
    } else if (has_name(line, len, "x-ratelimit-reset-requests")) {
        r->rate_reset_ms = http_duration_ms(value);
    } else if (has_name(line, len, "x-ratelimit-remaining-tokens")) {
        r->rate_tokens_remaining = text_decimal(value, 1);
    } else if (has_name(line, len, "x-ratelimit-reset-tokens")) {
        r->rate_tokens_reset_ms = http_duration_ms(value);
    }
}

static void take_header(struct http_call *call, const char *line, size_t len)
{
    struct http_req *r = call->req;
    const char *text = memchr(line, ':', len);
    const char *end = line + len;
    char value[64];
    if (!text) {
        return;
    }
    for (text++; text < end && (*text == ' ' || *text == '\t');) {
        text++;
    }
    while (end > text && (unsigned char)end[-1] <= ' ') {
        end--;
    }
    size_t n = (size_t)(end - text);
    if (has_name(line, len, "content-type")) {
        utf8_clean(text, n, r->content_type, sizeof(r->content_type));
    } else if (has_name(line, len, "server")) {
        utf8_clean(text, n, r->server, sizeof(r->server));
    } else if (has_name(line, len, "retry-after-ms")) {
        utf8_clean(text, n, value, sizeof(value));
        take_retry(call, value, true);
    } else if (has_name(line, len, "retry-after")) {
        utf8_clean(text, n, value, sizeof(value));
        take_retry(call, value, false);
    } else if (has_name(line, len, "x-litellm-response-cost")) {
        utf8_clean(text, n, r->cost, sizeof(r->cost));
    } else {
        utf8_clean(text, n, value, sizeof(value));
        take_rate(r, line, len, value);
    }
}

static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
    struct http_call *call = arg;
    size_t len = size * count;
    call->has_answer = true;
    if (len > 5 && memcmp(line, "HTTP/", 5) == 0) {
        take_status(call, line, len);
    } else if (line[0] == '\r' || line[0] == '\n') {
        call->has_head = call->req->status >= 200;
    } else {
        take_header(call, line, len);
    }
    return len;
}

static size_t on_write(char *data, size_t size, size_t count, void *arg)
{
    struct http_call *call = arg;
    struct http_req *r = call->req;
    size_t len = size * count;
    call->has_answer = true;
    if (call->is_paused) {
        return CURL_WRITEFUNC_PAUSE;
    }
    if (r->first_byte_ms < 0) {
        r->first_byte_ms = call_clock_ms() - call->start_ms;
    }
    enter(call, CALL_RECEIVING);
    call->err = buf_add(&r->response, data, len);
    if (call->err) {
        return 0;
    }
    call->settings->on_bytes(call);
    return len;
}

// --- setting up ----------------------------------------------------------------------

static int parse_url(CURLU *u, const char *url, bool *is_tls)
{
    char *scheme = NULL;
    CURLUcode uc = curl_url_set(u, CURLUPART_URL, url, 0);
    if (uc == CURLUE_OK) {
        uc = curl_url_get(u, CURLUPART_SCHEME, &scheme, 0);
    }
    if (uc) {
        return uc == CURLUE_OUT_OF_MEMORY ? E_NOMEM : E_USAGE;
    }
    *is_tls = strcasecmp(scheme, "https") == 0;
    int rc = *is_tls || strcasecmp(scheme, "http") == 0 ? 0 : E_USAGE;
    curl_free(scheme);
    return rc;
}

// A key read from a file with a line feed in it would smuggle in a second header.
static bool is_header(const char *h)
{
    const char *colon = strchr(h, ':');
    for (const char *s = h; *s; s++) {
        if (((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f) {
            return false;
        }
    }
    return colon && colon > h;
}

static int add_header(struct http_call *call, const char *header)
{
    struct curl_slist *more = curl_slist_append(call->headers, header);
    if (!more) {
        return E_NOMEM;
    }
    call->headers = more;
    return 0;
}

// "Expect:" keeps curl from waiting a second for servers that do not know 100-continue.
static int add_headers(struct http_call *call)
{
    int rc = add_header(call, "Expect:");
    for (int i = 0; rc == 0 && i < HTTP_MAX_HEADERS && call->req->headers[i]; i++) {
        const char *h = call->req->headers[i];
        rc = is_header(h) ? add_header(call, h) : E_USAGE;
    }
    return rc;
}

static unsigned set_method(struct http_call *call)
{
    CURL *e = call->easy;
    const char *method = call->req->method;
    unsigned bad = 0;
    if (call->body_len > 0 || strcmp(method, "POST") == 0) {
        bad |= curl_easy_setopt(e, CURLOPT_POST, 1L);
        bad |=
            curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
    } else if (strcmp(method, "HEAD") == 0) {
        bad |= curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    } else {
        bad |= curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
    }
    bad |= curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method);
    return bad;
}

static unsigned set_callbacks(struct http_call *call)
{
    CURL *e = call->easy;
    unsigned bad = 0;
    bad |= curl_easy_setopt(e, CURLOPT_PRIVATE, call);
    bad |= curl_easy_setopt(e, CURLOPT_ERRORBUFFER, call->words);
    bad |= curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    bad |= curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_connected);
    bad |= curl_easy_setopt(e, CURLOPT_PREREQDATA, call);
    bad |= curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read);
    bad |= curl_easy_setopt(e, CURLOPT_READDATA, call);
    bad |= curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_seek);
    bad |= curl_easy_setopt(e, CURLOPT_SEEKDATA, call);
    bad |= curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    bad |= curl_easy_setopt(e, CURLOPT_HEADERDATA, call);
    bad |= curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_write);
    bad |= curl_easy_setopt(e, CURLOPT_WRITEDATA, call);
    return bad;
}

// CAPATH, which Debian presets, makes OpenSSL parse 144 root certificates anew for each
// connection: 21 ms on the loop's thread.  Without it curl keeps the parsed bundle.
static unsigned set_trust(struct http_call *call)
{
    CURL *e = call->easy;
    unsigned bad = 0;
    if (call->settings->ca_file) {
        bad |= curl_easy_setopt(e, CURLOPT_CAINFO, call->settings->ca_file);
        bad |= curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    }
    bad |= curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
    bad |= curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
    return bad;
}

// Proxy and no-proxy are always set, so that curl does not look into the environment.
static unsigned set_route(struct http_call *call, bool is_tls)
{
    CURL *e = call->easy;
    struct http_req *r = call->req;
    bool is_direct = r->unix_socket || http_is_loopback(r->url) || !call->settings->proxy;
    unsigned bad = 0;
    bad |= curl_easy_setopt(e, CURLOPT_CURLU, call->url);
    bad |= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    bad |= curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    bad |= curl_easy_setopt(e, CURLOPT_PROXY, is_direct ? "" : call->settings->proxy);
    bad |= curl_easy_setopt(e, CURLOPT_NOPROXY, "");
    bad |= curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    bad |= curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, r->unix_socket);
    bad |= curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, is_tls ? IDLE_TLS_S : IDLE_PLAIN_S);
    return bad;
}

// HTTP/1.1 only: HTTP/2 with prior knowledge fails on reuse in curl 7.88, and behind TLS
// large bodies that share one connection wait for each other.
// QUICK_EXIT: else a cancel joins the resolver's thread, however long it takes.
static unsigned set_limits(struct http_call *call)
{
    CURL *e = call->easy;
    struct http_req *r = call->req;
    unsigned bad = 0;
    bad |= curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    bad |= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    bad |= curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    bad |= curl_easy_setopt(e, CURLOPT_USERAGENT, "vlmd");
    bad |= curl_easy_setopt(e, CURLOPT_HTTPHEADER, call->headers);
    bad |=
        curl_easy_setopt(e, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)r->response.max_bytes);
    if (r->timeouts.connect_ms > 0) {
        // Ours decides; curl needs it to share the time out between a host's addresses.
        bad |=
            curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)r->timeouts.connect_ms);
    }
    return bad;
}

static void clear_results(struct http_req *r)
{
    size_t max = r->max_response_bytes ? r->max_response_bytes : DEFAULT_MAX_RESPONSE;
    r->status = 0;
    buf_init(&r->response, max);
    r->content_type[0] = 0;
    r->server[0] = 0;
    r->retry_after_ms = -1;
    r->rate_remaining = r->rate_reset_ms = -1;
    r->rate_tokens_remaining = r->rate_tokens_reset_ms = -1;
    r->cost[0] = 0;
    r->error[0] = 0;
    r->is_reused = false;
    r->connect_ms = -1;
    r->first_byte_ms = -1;
    r->total_ms = 0;
    r->bytes_sent = 0;
}

static int prepare(struct http_call *call)
{
    bool is_tls = false;
    int rc = body_length(&call->req->body, &call->body_len);
    if (rc) {
        return rc;
    }
    call->url = curl_url();
    call->easy = curl_easy_init();
    if (!call->url || !call->easy) {
        return E_NOMEM;
    }
    rc = parse_url(call->url, call->req->url, &is_tls);
    if (rc == 0) {
        rc = add_headers(call);
    }
    if (rc) {
        return rc;
    }
    unsigned bad = set_method(call) | set_callbacks(call) | set_trust(call) |
                   set_route(call, is_tls) | set_limits(call);
    return bad ? E_NOMEM : 0;
}

int call_new(struct http_call **out, const struct call_settings *s, struct http_req *r)
{
    assert(r->method && r->url);
    struct http_call *call = calloc(1, sizeof(*call));
    if (!call) {
        return E_NOMEM;
    }
    call->settings = s;
    call->req = r;
    clear_results(r);
    int rc = prepare(call);
    if (rc) {
        call_free(call);
        return rc;
    }
    call->start_ms = call_clock_ms();
    call->phase_ms = call->start_ms;
    *out = call;
    return 0;
}

void call_free(struct http_call *call)
{
    if (call) {
        assert(!list_is_linked(&call->node) && !list_is_linked(&call->fresh));
        curl_easy_cleanup(call->easy);
        curl_slist_free_all(call->headers);
        curl_url_cleanup(call->url);
        free(call);
    }
}

// --- the end -------------------------------------------------------------------------

static bool was_kept(const struct http_call *call)
{
    long connects = 1;
    curl_easy_getinfo(call->easy, CURLINFO_NUM_CONNECTS, &connects);
    return connects == 0 && call->req->connect_ms >= 0;
}

static int64_t uploaded(const struct http_call *call)
{
    curl_off_t bytes = 0;
    curl_easy_getinfo(call->easy, CURLINFO_SIZE_UPLOAD_T, &bytes);
    return bytes;
}

// curl repeats a request by itself when a kept connection turns out to be closed (FIN);
// after a reset it does not, which hits one reuse in ten of servers that reset.
bool call_is_stale(const struct http_call *call, int code)
{
    bool is_cut =
        code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING;
    return is_cut && !call->err && !call->has_answer && !call->is_resent &&
           was_kept(call);
}

void call_rewind(struct http_call *call)
{
    curl_easy_setopt(call->easy, CURLOPT_FRESH_CONNECT, 1L);
    call->is_resent = true;
    call->sent = 0;
    call->words[0] = 0;
    call->req->connect_ms = -1;
    enter(call, CALL_CONNECTING);
}

// A server that refuses early (413, 401) closes without reading the rest of the body, so
// that the refusal arrives together with a reset.  The refusal is the news.
static bool is_early_refusal(const struct http_call *call, int code)
{
    bool is_cut = code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR;
    return is_cut && call->req->status >= 400 && call->has_head &&
           uploaded(call) < (int64_t)call->body_len;
}

int call_result(const struct http_call *call, int code)
{
    static const struct {
        int code;
        int err;
    } table[] = {
        {CURLE_OK, 0},
        {CURLE_OUT_OF_MEMORY, E_NOMEM},
        {CURLE_FILESIZE_EXCEEDED, E_TOOBIG},
        {CURLE_SEND_ERROR, E_NET_CUT},
        {CURLE_RECV_ERROR, E_NET_CUT},
        {CURLE_GOT_NOTHING, E_NET_CUT},
        {CURLE_PARTIAL_FILE, E_NET_CUT},
        {CURLE_UNSUPPORTED_PROTOCOL, E_GARBAGE},  // HTTP/0.9, that is: not HTTP
        {CURLE_WEIRD_SERVER_REPLY, E_GARBAGE},
        {CURLE_WRITE_ERROR, E_GARBAGE},  // not ours: a broken transfer coding
        {CURLE_BAD_CONTENT_ENCODING, E_GARBAGE},
    };
    if (call->err) {
        return call->err;
    }
    if (is_early_refusal(call, code)) {
        return 0;
    }
    if (code == CURLE_OK && !call->has_head) {
        return E_NET_CUT;  // curl takes a head without an end for a whole answer
    }
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].code == code) {
            bool is_before = table[i].err == E_NET_CUT && call->req->connect_ms < 0;
            return is_before ? E_NET : table[i].err;
        }
    }
    return E_NET;
}

static void nearest(int64_t since_ms, int64_t limit_ms, int what, int64_t *at_ms,
                    int *err)
{
    if (limit_ms > 0 && limit_ms < INT64_MAX - since_ms && since_ms + limit_ms < *at_ms) {
        *at_ms = since_ms + limit_ms;
        *err = what;
    }
}

// While a body is being sent, each piece that the server takes starts the wait for the
// first byte anew: it ends up counting from the end of sending, and a server that stops
// reading is noticed too.
void call_resume(struct http_call *call)
{
    call->wants_resume = false;
    call->is_paused = false;
    call->phase_ms = call_clock_ms();
    curl_easy_pause(call->easy, CURLPAUSE_CONT);
}

int64_t call_deadline(const struct http_call *call, int *err)
{
    const struct http_timeouts *t = &call->req->timeouts;
    int64_t at_ms = INT64_MAX;
    if (call->err) {
        *err = call->err;
        return 0;
    }
    nearest(call->start_ms, t->total_ms, E_TOTAL, &at_ms, err);
    switch (call->phase) {
    case CALL_CONNECTING:
        nearest(call->phase_ms, t->connect_ms, E_NET, &at_ms, err);
        break;
    case CALL_SENDING:
        nearest(call->phase_ms, t->first_byte_ms, E_FIRST_BYTE, &at_ms, err);
        break;
    case CALL_RECEIVING:
        if (!call->is_paused) {
            nearest(call->phase_ms, t->stall_ms, E_STALL, &at_ms, err);
        }
        break;
    }
    return at_ms;
}

static void put_words(struct http_call *call, int err)
{
    struct http_req *r = call->req;
    if (!call->err && call->words[0]) {
        utf8_clean(call->words, strlen(call->words), r->error, sizeof(r->error));
    } else if (err == E_NET && call->phase == CALL_CONNECTING) {
        snprintf(r->error, sizeof(r->error), "no connection within %lld ms",
                 (long long)r->timeouts.connect_ms);
    } else {
        snprintf(r->error, sizeof(r->error), "%s", err_words(err));
    }
}

void call_report(struct http_call *call, int err)
{
    struct http_req *r = call->req;
    r->total_ms = call_clock_ms() - call->start_ms;
    r->bytes_sent = uploaded(call);
    r->is_reused = was_kept(call);
    r->error[0] = 0;
    if (err) {
        put_words(call, err);
    }
}
