// words_out.c -- the listener of answers that are still coming.
// SPDX-License-Identifier: MIT
#include "api/call.h"
#include "vlmd_words.h"

static bool on_words(void *arg, const struct job *j, const char *address,
                     const char *field, const char *text)
{
    struct app *a = arg;
    const struct vlmd_words w = {
        .id = j->row.id, .path = address, .field = field, .text = text};
    return !a->words_fn || a->words_fn(a->words_arg, &w);
}

void vlmd_listen_words(vlmd *v, vlmd_words_fn *fn, void *arg)
{
    struct app *a = &v->app;
    a->words_fn = fn;
    a->words_arg = arg;
    a->pipeline.events.on_words = fn ? on_words : NULL;
}

void vlmd_resume_words(vlmd *v, int64_t id)
{
    if (v->app.schedule) {
        pipeline_resume_answer(&v->app.pipeline, id);
    }
}
