// face_privacy.c -- what was decided and sent, as JSON.
// SPDX-License-Identifier: MIT
#include "face/face.h"

#include <string.h>

static const struct kind {
    enum vlmd_audit_by by;
    const char *key;
} kinds[] = {{VLMD_BY_VERDICT, "verdicts"},
             {VLMD_BY_CATEGORY, "categories"},
             {VLMD_BY_APP, "apps"},
             {VLMD_BY_DESTINATION, "destinations"}};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void write_kind(struct json_writer *w, const struct vlmd_audit_totals *t,
                       const struct kind *kind)
{
    json_array(w, kind->key);
    for (int i = 0; i < t->n_totals; i++) {
        const struct vlmd_audit_total *x = &t->totals[i];
        if (x->by != kind->by) {
            continue;
        }
        json_object(w, NULL);
        json_str(w, "name", x->name);
        json_int(w, "rows", x->rows);
        json_int(w, "findings", x->findings);
        json_int(w, "blocked", x->blocked);
        json_int(w, "masked", x->masked);
        json_int(w, "bytes_sent", x->bytes_sent);
        json_object_end(w);
    }
    json_array_end(w);
}

void face_audit_totals(struct json_writer *w, const struct vlmd_audit_totals *t)
{
    json_object(w, NULL);
    json_int(w, "rows", t->rows);
    json_int(w, "bytes_sent", t->bytes_sent);
    face_time(w, "first", t->first_ms);
    face_time(w, "last", t->last_ms);
    for (int i = 0; i < KINDS; i++) {
        write_kind(w, t, &kinds[i]);
    }
    json_object_end(w);
}

void face_audit_row(struct json_writer *w, const struct vlmd_audit_row *r)
{
    json_object(w, NULL);
    json_int(w, "seq", r->seq);
    face_time(w, "at", r->at_ms);
    json_str(w, "verdict", r->verdict);
    json_str(w, "stage", r->stage);
    json_int(w, "job", r->job);
    json_str(w, "correlation_id", r->correlation_id);
    face_text(w, "hash", r->hash);
    face_text(w, "sent_hash", r->sent_hash);
    json_str(w, "categories", r->categories);
    json_str(w, "rules", r->rules);
    json_str(w, "app", r->app);
    json_str(w, "destination", r->destination);
    json_int(w, "bytes_sent", r->bytes_sent);
    json_int(w, "n", r->n);
    face_time(w, "until", r->until_ms);
    json_str(w, "chain", r->chain);
    json_object_end(w);
}

void face_audit_check(struct json_writer *w, const struct vlmd_audit_check *k)
{
    bool is_whole = strcmp(k->fault, "sound") == 0;
    json_object(w, NULL);
    json_bool(w, "sound", is_whole);
    json_str(w, "fault", is_whole ? NULL : k->fault);
    json_str(w, "words", k->words);
    json_int(w, "bad_row", k->bad_seq);
    json_int(w, "rows", k->rows);
    json_int(w, "first_row", k->first_seq);
    json_int(w, "last_row", k->last_seq);
    json_int(w, "pruned", k->pruned);
    face_time(w, "pruned_until", k->pruned_until_ms);
    face_text(w, "head", k->head);
    if (k->has_expected) {
        json_int(w, "expected_row", k->expected_seq);
    } else {
        json_null(w, "expected_row");
    }
    json_object_end(w);
}
