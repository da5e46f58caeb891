// json.h -- writing JSON into a buf; careful reading through cJSON.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BASE_JSON_H
#define VLMD_BASE_JSON_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;

// A writer puts the commas.  The first error stays in rc and makes later calls do nothing.
// Depth is at most 32.  Keys may be NULL inside arrays and for the root.
struct json_writer {
    struct buf *out;  // borrowed: as long as the writer
    int rc;
    int depth;
    uint32_t has_items;  // bit per depth
};

void json_init(struct json_writer *w, struct buf *out);
void json_object(struct json_writer *w, const char *key);
void json_object_end(struct json_writer *w);
void json_array(struct json_writer *w, const char *key);
void json_array_end(struct json_writer *w);
// Invalid UTF-8 becomes U+FFFD; NULL becomes null.
void json_str(struct json_writer *w, const char *key, const char *value);
void json_strn(struct json_writer *w, const char *key, const char *value, size_t len);
void json_int(struct json_writer *w, const char *key, int64_t value);
void json_double(struct json_writer *w, const char *key, double value);
void json_bool(struct json_writer *w, const char *key, bool value);
void json_null(struct json_writer *w, const char *key);
void json_raw(struct json_writer *w, const char *key, const char *json);  // valid JSON text

// Parses exactly len bytes (nothing but white space may follow the value), nested at most
// 64 deep.  NULL on any error.  Free with json_free.
MUST_USE struct cJSON *json_parse(const char *text, size_t len);
void json_free(struct cJSON *root);
// Member look-ups that accept NULL and the wrong type.
struct cJSON *json_get(const struct cJSON *object, const char *key);
const char *json_get_str(const struct cJSON *object, const char *key);  // or NULL
int64_t json_get_int(const struct cJSON *object, const char *key, int64_t fallback);
bool json_get_bool(const struct cJSON *object, const char *key, bool fallback);

#endif
