// stream.h -- collects one answer from its frames.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BACKEND_STREAM_H
#define VLMD_BACKEND_STREAM_H

#include "backend/driver.h"
#include "backend/utter.h"

struct stream {
    struct backend *b;        // borrowed: until done
    struct backend_ask *ask;  // borrowed: until done
    const struct driver *driver;
    struct framer framer;
    size_t fed;         // bytes of the response already framed
    const char *frame;  // the one being decoded
    size_t frame_len;
    struct buf content;
    struct words words;
    struct buf names;  // URL, NUL, header with the correlation id
    char finish[24];   // reason; "" = not told
    bool has_end;      // the protocol's last frame came
    int frames;
    int bad;                // frames that were no JSON
    int64_t prompt_tokens;  // -1 = not told
    int64_t completion_tokens;
    int64_t cost_nano;       // billionths of a dollar; -1 = not told
    struct err err;          // an error object was in the stream
    int64_t grace_until_ms;  // 0 = not in backend.graces
    bool was_enough;         // ended by us: everything had been said
    struct list node;        // in backend.graces
};

void stream_init(struct stream *s, struct backend *b, struct backend_ask *a);
void stream_fini(struct stream *s);
// New bytes are there.
void stream_feed(struct stream *s, const struct buf *response);
// No more bytes will come.  0: a whole answer's words are there, to be judged.  err is the
// transport's.  Errors: those of backend_classify, E_UNFINISHED, E_EMPTY, E_GARBAGE, err.
MUST_USE int stream_end(struct stream *s, const struct http_req *r, int err,
                        struct err *e);
// Nothing more is expected, but the server may not close.
bool stream_is_complete(const struct stream *s);

// For decoders.
void stream_text(struct stream *s, const char *text);      // NULL is allowed
void stream_finish(struct stream *s, const char *reason);  // NULL, "" are not told
void stream_tokens(struct stream *s, int64_t prompt,
                   int64_t completion);                           // < 1: not told
void stream_cost(struct stream *s, const struct cJSON *dollars);  // NULL is allowed
void stream_error(struct stream *s);  // the frame is or holds an error object

#endif
