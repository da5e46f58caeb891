// remedy.c -- what is changed before a picture is asked about again, for each way to fail.
//
//   context          a smaller picture
//   bad_image        a PNG, then a smaller one
//   truncated, empty twice the room for the answer, thinking switched off
//   schema, repetition, empty   from the second time: words instead of a form
//   model_crash      a smaller picture the second time, half a minute later
//   anything else    another seed
//
// Source: PROTOCOLS.md 8.2.
// SPDX-License-Identifier: MIT
#include "spine/remedy.h"

#include <stdio.h>
#include <string.h>

enum {
    MIN_TARGET_PX = 256,
    MIN_TARGET_TOKENS = 64,
    CRASHES_TO_SHRINK = 2,  // one alone may be chance
    TRIES_TO_FREE = 2,
};

// Into the attempt that just ended; what was noted before stays.
static void note(struct job *j, const char *words)
{
    if (j->n_attempts > 0) {
        char *out = j->attempt_text[j->n_attempts - 1].remedy;
        size_t n = strlen(out), size = sizeof(j->attempt_text[0].remedy);
        snprintf(out + n, size - n, "%s%s", n ? ", " : "", words);
    }
}

static bool shrink(struct job *j)
{
    if (j->target_tokens) {
        int smaller = j->target_tokens * 9 / 16;
        j->target_tokens = smaller >= MIN_TARGET_TOKENS ? smaller : j->target_tokens;
        return j->target_tokens == smaller;
    }
    int smaller = j->target_px * 3 / 4;
    j->target_px = smaller >= MIN_TARGET_PX ? smaller : j->target_px;
    return j->target_px == smaller;
}

static enum remedy take_smaller(struct job *j)
{
    char words[64];
    if (!shrink(j)) {
        return REMEDY_NONE;
    }
    snprintf(words, sizeof(words), "a smaller picture (%d %s)",
             j->target_tokens ? j->target_tokens : j->target_px,
             j->target_tokens ? "tokens" : "px");
    note(j, words);
    return REMEDY_PREPARE;
}

// Some servers can not read every JPEG; all read a PNG.
static enum remedy take_other_format(struct job *j)
{
    if (j->bad_images++ == 0) {
        j->as_png = true;
        note(j, "sent as PNG");
        return REMEDY_PREPARE;
    }
    return j->bad_images == 2 ? take_smaller(j) : REMEDY_NONE;
}

// A model that thinks may have used up all it was allowed to say.
static void allow_longer(struct job *j)
{
    j->cap_doublings++;
    note(j, "twice the length allowed");
    if (!j->no_thinking) {
        j->no_thinking = true;
        note(j, "thinking off");
    }
}

// A grammar can drive a small model into a loop or a corner; words are better than none.
static void free_form(struct job *j)
{
    if (j->tries >= TRIES_TO_FREE && !j->no_schema) {
        j->no_schema = true;
        note(j, "words instead of a form");
    }
}

enum remedy remedy_take(struct job *j, int err)
{
    if (err == E_CONTEXT) {
        return take_smaller(j);
    }
    if (err == E_BAD_IMAGE) {
        return take_other_format(j);
    }
    if (err == E_MODEL_CRASH) {
        return remedy_take_crash(j);
    }
    if (err == E_UNFINISHED || err == E_EMPTY) {
        allow_longer(j);
    }
    if (err == E_SCHEMA || err == E_REPETITION || err == E_EMPTY) {
        free_form(j);
    }
    return REMEDY_ASK;
}

enum remedy remedy_take_crash(struct job *j)
{
    bool is_time = ++j->crashes == CRASHES_TO_SHRINK;
    return is_time && take_smaller(j) == REMEDY_PREPARE ? REMEDY_PREPARE : REMEDY_ASK;
}

void remedy_forget(struct job *j)
{
    j->cap_doublings = 0;
    j->no_schema = j->no_thinking = false;
}
