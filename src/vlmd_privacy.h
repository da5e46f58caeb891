// vlmd_privacy.h -- what would be done with a picture, what was done, and forgetting.
//
// Part of vlmd.h's interface, with its rules, in a header of its own.
// SPDX-License-Identifier: MIT
#ifndef VLMD_PRIVACY_H
#define VLMD_PRIVACY_H

#include "vlmd.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- what would be done

// What would be done with a picture, or with a text as if it stood on one.
struct vlmd_examine_input {
    const char *path;  // absolute, of a picture; or NULL
    const char *text;  // instead of path
    const char *app;   // these are taken over what the file says
    const char *window;
    const char *page_url;
    const char *screen;
    int64_t taken_at_ms;
    bool wants_png;  // also what would be sent, as PNG
};
struct vlmd_found {
    const char *category;  // "card"
    const char *words;     // "payment card number"
    int inside;            // in the picture's text
    int outside;           // in title, address and path
};
struct vlmd_verdict {
    const char *action;  // "allow", "safe", "mask", "block"
    const char *reason;  // names rules, categories and counts, never text
};
struct vlmd_box {
    int x, y, width, height;  // pixels of the picture
};
struct vlmd_examination {
    const char *app, *window;  // as judged
    const char *rule;          // that excludes it: nothing else is known then; "" = none does
    const char *reason;
    bool is_text_known;        // its text was read
    const char *text_problem;  // why it was not
    const struct vlmd_found *found;
    int n_found;
    struct vlmd_verdict local, remote;  // models on this machine, and on others
    int width, height;                  // of the picture; 0 = a text was given
    const struct vlmd_box *masks;       // what is painted over
    int n_masks;
    int sent_width, sent_height;
    // What would be sent, byte for byte if the model is named in the configuration: to other
    // machines if they get pictures, else to models on this one.
    const void *jpeg;
    size_t jpeg_bytes;
    const void *png;  // the same pixels; NULL = not asked for
    size_t png_bytes;
    const char *clean;  // text: as it would be kept
};
typedef void vlmd_examine_fn(void *arg, int err, const struct vlmd_examination *x,
                             const char *message);
// Reads the picture's text whatever the configuration says.  Nothing is sent or kept.
VLMD_API int vlmd_examine(vlmd *v, const struct vlmd_examine_input *in,
                          vlmd_examine_fn *fn, void *arg);

struct vlmd_rule {
    const char *list;     // "privacy.exclude_apps", "built in"
    const char *pattern;  // as it was written, or what it is about
    const char *origin;   // "vlmd.yaml:12", "built in"
    const char *words;    // built in: what it covers
    const char *field;    // "program", "window title", ...
    bool is_allow;
    bool is_match;  // it names the picture that was asked about
};
typedef void vlmd_rule_fn(void *arg, const struct vlmd_rule *rule);
// Calls fn for each rule, in the order in which they are asked, before it returns.  in: which
// of them name this, or NULL.
VLMD_API void vlmd_rules(vlmd *v, const struct vlmd_examine_input *in, vlmd_rule_fn *fn,
                         void *arg);

// ---- the audit: what was decided and sent

// One decision, or what was done with what is known.  It holds no text of the screen.
struct vlmd_audit_row {
    int64_t seq;
    int64_t at_ms;
    int64_t job;                // 0 = none
    const char *correlation_id;
    const char *hash;           // of the picture, as in vlmd_item; "" = not known
    const char *sent_hash;      // "" = nothing was sent
    const char *verdict;        // allow, safe, mask, block, redact, forget, prune
    const char *stage;          // meta, text, send, answer, ...; "" = of no picture
    const char *categories;     // what was found, with counts: "card=2 email=1"
    const char *rules;          // names
    const char *app;
    const char *destination;    // backend, and "local" or "remote"; "" = none
    int64_t bytes_sent;
    int64_t n;                  // forget: items; prune: rows
    int64_t until_ms;           // prune: when the last of these was written
    const char *chain;          // SHA-256 over this row and the chain value before; hex
};
struct vlmd_audit_query {
    int64_t since_ms, until_ms;  // 0 = no bound
    enum vlmd_order order;       // VLMD_NEWEST or VLMD_OLDEST
    int64_t limit;               // 0 = all
    int64_t after_seq, after_ms; // go on after this row in the order
};
// Return false to stop.
typedef bool vlmd_audit_fn(void *arg, const struct vlmd_audit_row *row);
VLMD_API int vlmd_audit(vlmd *v, const struct vlmd_audit_query *q, vlmd_audit_fn *on_row,
                        vlmd_end_fn *on_end, void *arg);

enum vlmd_audit_by {
    VLMD_BY_VERDICT,
    VLMD_BY_CATEGORY,
    VLMD_BY_APP,
    VLMD_BY_DESTINATION
};
struct vlmd_audit_total {
    enum vlmd_audit_by by;
    const char *name;         // "" = rows without one
    int64_t rows;
    int64_t findings;         // of this category, else of all
    int64_t blocked, masked;  // of rows
    int64_t bytes_sent;
};
struct vlmd_audit_totals {
    const struct vlmd_audit_total *totals;  // by kind, most rows first
    int n_totals;
    int64_t rows, bytes_sent;
    int64_t first_ms, last_ms;  // 0 = there are none
};
typedef void vlmd_audit_totals_fn(void *arg, int err, const struct vlmd_audit_totals *t,
                                  const char *message);
// order and limit of q do not count.
VLMD_API int vlmd_audit_totals(vlmd *v, const struct vlmd_audit_query *q,
                               vlmd_audit_totals_fn *fn, void *arg);

struct vlmd_audit_check {
    const char *fault;  // "sound", "altered", "removed", "cut", "added", "unknown"
    const char *words;  // what that means here
    int64_t bad_seq;    // row; 0 = sound or unknown
    int64_t rows;       // sound ones
    int64_t first_seq, last_seq;
    int64_t pruned;           // rows before first_seq, removed when their time was up
    int64_t pruned_until_ms;  // when the last of these was written; 0 = none
    const char *head;         // chain value of the last row, to be noted; "" = not reached
    bool has_expected;        // the expected value is that of expected_seq
    int64_t expected_seq;
};
typedef void vlmd_audit_check_fn(void *arg, int err, const struct vlmd_audit_check *c,
                                 const char *message);
// Computes the whole chain anew.  Whoever can write the file can also make a new chain; only
// a value noted elsewhere finds that.  expected: one that was head once, or NULL.
VLMD_API int vlmd_audit_verify(vlmd *v, const char *expected, vlmd_audit_check_fn *fn,
                               void *arg);

// ---- forgetting

// What was removed, or would be: items, and others that are described anew because their
// description was made from one of these.  is_clean: nothing of it is left in the database's
// files; false while another process still reads an old state of them.
struct vlmd_forgotten {
    int64_t items;
    int64_t requeued;
    bool is_clean;
};
typedef void vlmd_forget_fn(void *arg, int err, const struct vlmd_forgotten *f,
                            const char *message);
// Removes everything known about items, their words in the search index and every trace in
// the database's files; pictures are never touched, and one that lies in a watched folder is
// new to vlmd the next time that is read.  Only id, path, app, since_ms and until_ms of q,
// at least one (VLMD_ERR_USAGE).  The audit says how many, never which.
VLMD_API int vlmd_forget(vlmd *v, const struct vlmd_query *q, bool is_trial,
                         vlmd_forget_fn *fn, void *arg);

#ifdef __cplusplus
}
#endif

#endif
