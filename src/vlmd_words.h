// vlmd_words.h -- descriptions while the model still writes them.
//
// Off unless asked for.  What the privacy rules would replace in what is kept is replaced
// here, too: the end of a text is held back until what could follow can not change that, so
// words come some 250 letters late, and the end of a text all at once.  Words of a request that
// fails are words of nothing: what counts is VLMD_EVENT_JOB.
// SPDX-License-Identifier: MIT
#ifndef VLMD_WORDS_H
#define VLMD_WORDS_H

#include "vlmd.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vlmd_words {
    int64_t id;  // of the picture
    const char *path;
    const char *field;  // "summary", "details", ...; "" = an answer without fields
    const char *text;   // more of it, whole UTF-8 characters; "" = a request begins, anew
};

// false: enough for now; the answer is read no further, and the server feels it, until
// vlmd_resume_words.  The time limit of the whole answer goes on.  Text that was read already
// may still come.
typedef bool vlmd_words_fn(void *arg, const struct vlmd_words *w);

// One listener per handle; fn NULL = no longer.  Requests under way are not told.
VLMD_API void vlmd_listen_words(vlmd *v, vlmd_words_fn *fn, void *arg);
VLMD_API void vlmd_resume_words(vlmd *v, int64_t id);

#ifdef __cplusplus
}
#endif

#endif
