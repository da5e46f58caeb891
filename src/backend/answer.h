// answer.h -- the form an answer has to have, and the parts that read and judge it.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BACKEND_ANSWER_H
#define VLMD_BACKEND_ANSWER_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

struct cJSON;

// Raised whenever ANSWER_SCHEMA, ANSWER_FORM or ANSWER_PLAIN_FORM change.
#define ANSWER_FORM_VERSION "1"
// For the server's grammar.  Strict as OpenAI wants it: every property required, nothing
// else allowed; no lengths, because large ones break llama.cpp's grammar parser.
extern const char answer_schema[];
// For the model, behind the prompt.
extern const char answer_form[];
extern const char answer_plain_form[];

// ---- answer_json.c

enum json_find {
    JSON_FOUND,
    JSON_NONE,  // no object in it: plain words
    JSON_CUT,   // an object begins and does not end
    JSON_BAD,   // an object, but no JSON
    JSON_ALIEN  // JSON, but with none of our fields
};

// Finds the answer's object in a model's words: repairs what models do to JSON (fences,
// words around it, a lost first or last bracket, trailing commas, bad escapes).  *out is
// owned by the caller (json_free) when the result is JSON_FOUND, else NULL.  is_closed:
// brackets were missing at the end and were added.
enum json_find answer_find_json(const char *text, size_t len, struct cJSON **out,
                                bool *is_closed);
// Member by name, case ignored.
struct cJSON *answer_field(const struct cJSON *object, const char *name);

// ---- answer_loop.c

// The text's end is one piece again and again: a model that fell into a loop.
bool loop_at_end(const char *text, size_t len);
// Prose that repeats itself: a loop at the end, or mostly the same sentences or the same
// groups of words.
bool loop_in_prose(const char *text);
// Copied text may repeat (tables, logs): only a huge loop counts.
bool loop_in_copy(const char *text);

#endif
