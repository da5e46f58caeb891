// live.h -- an answer while it comes, told to who listens, with nothing in it that would not be
// kept.
//
// A secret is known only when enough of it, and of the words around it, is there.  So the end
// of a text is held back: it is told up to a blank that lies HOLD bytes behind, and only as far
// as the redacted texts with and without what came after agree.  What has been told can not be
// taken back; a text whose redacted form changes before that point is told no further.
//
// A look redacts twice what is held, so it is not taken for every piece that comes, and what
// was told long ago is forgotten but for KEEP bytes of context: however long an answer gets,
// however fast it comes, what is done for it is bounded.
// Thread: that of a worker (telling.c).
// SPDX-License-Identifier: MIT
#ifndef VLMD_LIVE_H
#define VLMD_LIVE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    LIVE_HOLD = 256,
    LIVE_STEP = 48,         // bytes from one look to the next, at least
    LIVE_PAUSE_MS = 50,     // the same, unless the window is full
    LIVE_KEEP = 1024,       // bytes before what was told last
    LIVE_WINDOW = 4 << 10,  // held at once; a text that needs more is told no further
    LIVE_MOST = 32 << 10,   // of a field
    LIVE_FIELD = 32
};

struct live {
    char field[LIVE_FIELD];
    size_t fed;         // bytes of the field
    struct buf text;    // of the field, as the model wrote it, but for what is forgotten
    size_t looked;      // its length when it was last looked at
    size_t safe;        // of it, what was told or would have been
    int64_t looked_ms;  // monotonic
    struct buf told;    // redacted, what was told of text
    bool has_ended;     // no more of this field is told
};

// Redacts text; out is the whole of it, changed or not.  Not 0: nothing may be told.
typedef int live_redact_fn(void *arg, const char *text, struct buf *out);
typedef void live_tell_fn(void *arg, const char *field, const char *text, size_t len);

struct live_ends {
    void *arg;
    live_redact_fn *redact;
    live_tell_fn *tell;
};

void live_init(struct live *l);
void live_fini(struct live *l);
// A piece of a field; another field ends the one before, which is then told whole.
void live_feed(struct live *l, const struct live_ends *e, const char *field,
               const char *text, size_t len, int64_t now_ms);
// The answer was a good one: the rest.  Otherwise live_fini drops it.
void live_end(struct live *l, const struct live_ends *e);

#endif
