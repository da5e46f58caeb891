// fv_call.h -- one request from its last byte to its log line.
//
//     received -> (route) --> reply
//                    '-----> chat: pictures decoded in the pool -> checked -> fault ->
//                            queue -> slot -> answer written as a script -> played
//
// A call belongs to its connection until the client goes; then only the pool has it.
// Thread: loop, except on_decode_work.
// SPDX-License-Identifier: MIT
#ifndef FV_CALL_H
#define FV_CALL_H

#include <cjson/cJSON.h>
#include <http_parser.h>
#include <uv.h>

#include "fv_faults.h"
#include "fv_image.h"
#include "fv_queue.h"
#include "fv_text.h"

#define PICTURES_MAX 16

struct conn;
struct fake;
struct writer;

// One picture of a request.
struct picture {
    const char *base64;  // borrowed: from call.json
    size_t base64_len;
    enum base64_rule rule;
    // out, written in the pool
    long bad_at;  // -1: base64 was fine
    size_t bytes_len;
    char hash[33];
    struct image_info info;
};

// What a chat asks for, whatever the protocol.
struct ask {
    const char *model_name;  // borrowed: from call.json, or a constant
    const cJSON *schema;     // borrowed: from call.json; NULL: none
    bool wants_stream, wants_usage, wants_json, wants_thinking;
    int max_tokens;  // 0: no limit
    int ctx_tokens;  // Ollama num_ctx; 0: the server's
    int prompt_words;
    bool has_keep;
    int64_t keep_ms;
    bool is_load_only;  // Ollama without a prompt
    struct picture pictures[PICTURES_MAX];
    int pictures_n;
};

// What the model says.
struct answer {
    struct text content, thinking;
    const char *finish;  // stop, length
    int prompt_tokens, image_tokens;
    int completion_tokens, thinking_tokens;
    int pieces;  // that it is streamed in
    int64_t load_ms, prompt_ms, eval_ms;
};

enum fail {
    FAIL_JSON,    // the body is no JSON
    FAIL_FIELD,   // a field is wrong: text says which
    FAIL_FORMAT,  // response_format or format
    FAIL_BASE64,  // at: offset
    FAIL_URL,     // not a usable data URL
    FAIL_IMAGE,   // bytes are no picture this server reads
    FAIL_NO_VISION,
    FAIL_CONTEXT,  // need, have
    FAIL_NO_MODEL,
    FAIL_KEY,
    FAIL_RATE,
    FAIL_QUOTA,
    FAIL_BUSY,
    FAIL_LOADING,
    FAIL_CRASH,
    FAIL_OOM,
    FAIL_PATH,
    FAIL_TOO_BIG,
    FAIL_CONTENT_TYPE,
    FAIL_WORDS,  // text, with the status at
    FAIL_COUNT
};

struct failure {
    enum fail what;
    const char *text;  // FAIL_FIELD, _FORMAT, _URL, _NO_MODEL, _WORDS; else NULL
    long at;
    int need, have;
};

struct header_text {
    struct text content_type, authorization, api_key, content_encoding, expect, host;
};

struct call {
    struct fake *fake;  // borrowed: for life
    struct conn *conn;  // borrowed: NULL once the client has gone
    enum http_method method;
    struct text url, body;
    char *path, *query;  // inside url
    struct header_text headers;
    struct text header_name;
    bool is_in_value;  // the parser is behind a header's name
    bool is_http10, is_too_big, must_close;

    cJSON *json;
    struct ask ask;
    const struct writer *writer;  // NULL: no chat
    struct fault_choice fault;
    struct answer answer;
    struct ticket ticket;
    uv_work_t work;
    bool is_chat, is_working, is_control;
    bool is_whole;  // out: a right answer stands in the script
    bool is_cut;    // out: the fake itself ends the connection early
    int status;
    int retry_after_s;  // < 0: none
    bool has_retry_date;
    void (*on_loaded)(struct call *c);  // for load-only tickets

    uint64_t seq;
    int64_t wall_ms, began_ms, granted_ms, first_byte_ms;  // all but the first uv_now
    size_t bytes_out;
};

// For the connection.
struct call *call_new(struct conn *conn);  // owned by the connection
void call_start(struct call *c);
// The script was played to its end: the slot is free again.
void call_played(struct call *c);
// Everything is written (or the peer went): counts, logs, frees.
void call_finish(struct call *c, bool is_sent);

// For the dialects.
void call_reply(struct call *c, int status, const char *type, const char *body,
                size_t len);
void call_reply_json(struct call *c, int status, struct text *body);  // frees body
void call_fail(struct call *c, const struct failure *failure);
bool call_is(const struct call *c, enum http_method method, const char *path);
// Parses the body; false when it was no JSON object and the call has been answered.
bool call_parse(struct call *c);
// Begins a chat whose ask is filled in.
void call_chat(struct call *c, const struct writer *writer);
// Waits until the model is loaded, then on_loaded.
void call_load(struct call *c, struct model *m, void (*on_loaded)(struct call *c));
// False, and answered with a 401, when a key is asked for and not there.
bool call_has_key(struct call *c);
// Headers up to the blank line; len < 0: chunked.
void call_head(struct call *c, int status, const char *type, long len);
// Adds a picture to the ask; false when there are too many.
bool ask_picture(struct ask *a, const char *base64, size_t len, enum base64_rule rule);
int count_words(const char *s);

#endif
