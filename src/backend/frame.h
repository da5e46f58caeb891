// frame.h -- cuts a streamed answer into its frames: NDJSON lines or SSE events.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BACKEND_FRAME_H
#define VLMD_BACKEND_FRAME_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum frame_kind { FRAME_NDJSON, FRAME_SSE };

// data is one JSON text (or "[DONE]"), borrowed during the call, with a NUL behind it;
// event is the SSE event's name or "".  A negative return ends the feeding.
typedef int frame_fn(void *arg, const char *event, const char *data, size_t len);

struct framer {
    enum frame_kind kind;
    struct buf line;  // the line that has not ended yet
    struct buf data;  // SSE: data lines of the event that has not ended yet
    char event[32];
    bool has_data;
    int junk;     // SSE: lines that are no field of an event
    bool was_cr;  // SSE: the last byte ended a line, a line feed now is a part of it
};

// No frame may be longer than max_bytes.
void frame_init(struct framer *f, enum frame_kind kind, size_t max_bytes);
void frame_fini(struct framer *f);
// Any split of the bytes gives the same frames.  Errors: E_TOOBIG, E_NOMEM, and what fn
// returns.
MUST_USE int frame_feed(struct framer *f, const char *bytes, size_t len, frame_fn *fn,
                        void *arg);
// The end of the bytes also ends the last frame.
MUST_USE int frame_end(struct framer *f, frame_fn *fn, void *arg);

#endif
