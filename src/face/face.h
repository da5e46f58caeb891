// face.h -- the structs of vlmd.h as JSON: the command line and the HTTP interface say the same.
//
// Writers put one object at the place where w stands; where it has members of its own around
// it the function says so.  Thread: any.
// SPDX-License-Identifier: MIT
#ifndef VLMD_FACE_H
#define VLMD_FACE_H

#include "base/buf.h"
#include "base/json.h"
#include "vlmd.h"
#include "vlmd_figures.h"
#include "vlmd_privacy.h"

enum { FACE_MAX = 64 << 20 };  // of one picture, in bytes

// The members of a picture's object, without the braces, so that a caller may add to it.
void face_item(struct json_writer *w, const struct vlmd_item *it);
// Summary and details as one text.
MUST_USE int face_description(const struct vlmd_item *it, struct buf *out);
// When it was taken, else when it was queued.
int64_t face_taken_ms(const struct vlmd_item *it);
// Why the picture is (not) described, in sentences.  original: path of duplicate_of or "".
MUST_USE int face_why(const struct vlmd_item *it, const char *original, int64_t now_ms,
                      struct buf *out);
// A text, null for "".
void face_text(struct json_writer *w, const char *key, const char *text);
// A time in ISO 8601, null for 0.
void face_time(struct json_writer *w, const char *key, int64_t at_ms);

void face_attempt(struct json_writer *w, const struct vlmd_attempt *a);
// The members without the braces.
void face_status_members(struct json_writer *w, const struct vlmd_status *s);
void face_status(struct json_writer *w, const struct vlmd_status *s);
void face_stats(struct json_writer *w, const char *key, const struct vlmd_stats *s);
void face_point(struct json_writer *w, const char *key, const struct vlmd_point *p);
void face_series(struct json_writer *w, const struct vlmd_series *s);
void face_usage(struct json_writer *w, const struct vlmd_usage *u);
void face_database(struct json_writer *w, const struct vlmd_database_stats *s);
void face_audit_totals(struct json_writer *w, const struct vlmd_audit_totals *t);
void face_audit_row(struct json_writer *w, const struct vlmd_audit_row *r);
void face_audit_check(struct json_writer *w, const struct vlmd_audit_check *k);
void face_model(struct json_writer *w, const struct vlmd_model *m);
void face_key(struct json_writer *w, const struct vlmd_key *k);
void face_event(struct json_writer *w, const struct vlmd_event *e);
const char *face_event_name(enum vlmd_event_type type);

#endif
