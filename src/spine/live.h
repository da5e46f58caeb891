// live.h -- an answer while it comes, told to who listens, with nothing in it that would not be
// kept.
//
// A secret is known only when enough of it, and of the words around it, is there.  So the end
// of a text is held back: it is told up to a blank that lies HOLD bytes behind, and only as far
// as the redacted texts with and without what came after agree.  What has been told can not be
// taken back; a text whose redacted form changes before that point is told no further.
// SPDX-License-Identifier: MIT
#ifndef VLMD_LIVE_H
#define VLMD_LIVE_H

#include "base/buf.h"

#include <stdbool.h>

enum { LIVE_HOLD = 256, LIVE_STEP = 48, LIVE_MOST = 32 << 10, LIVE_FIELD = 32 };

struct live {
    char field[LIVE_FIELD];
    struct buf text;  // of the field, as the model wrote it
    size_t looked;    // its length when it was last looked at
    struct buf told;  // redacted, what was told
    bool has_ended;   // no more of this field is told
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
               const char *text, size_t len);
// The answer was a good one: the rest.  Otherwise live_fini drops it.
void live_end(struct live *l, const struct live_ends *e);

#endif
