// gate.h -- the privacy gate: what is known about one picture, and where it may go.
//
// One gate per picture: in the job on its way, or in an examination (`vlmd privacy
// preview`).  It learns metadata, then text; it is asked before the file is opened and before
// each send, for each destination anew; it cleans what the model said; and whatever was
// decided becomes rows of the audit, which are saved together with the job's end.
//
//   gate_init -> gate_is_denied -> gate_is_excluded -> gate_learn_meta
//             -> gate_learn_text | gate_lack_text -> gate_may_send -> gate_note_sent
//             -> gate_clean... -> gate_audit
//
// No I/O, no clock.  Never keeps a text of the picture, its title or its address.
// Thread: loop; texts whose length comes from outside are learned and cleaned by a worker
// thread, which has a gate of its own for it (gate_work.h).
// SPDX-License-Identifier: MIT
#ifndef VLMD_GATE_H
#define VLMD_GATE_H

#include "base/buf.h"
#include "image/image.h"
#include "ingest/ingest.h"
#include "ocr/ocr.h"
#include "privacy/find.h"
#include "privacy/privacy.h"
#include "store/store.h"

#include <stdatomic.h>

// Borrowed: as long as any gate.
struct gate_config {
    const struct privacy_rules *rules;
    const struct privacy_policy *policy;
    const struct privacy_finder *finder;
    // Categories, as bits, that are not for the database either (gate_kept_back of policy).
    // Other threads, whom a new policy would surprise, go by it.  NULL: policy is asked.
    const atomic_uint *kept_back;
};

enum { GATE_WORDS = 256, GATE_NAME = 96 };

// Where a picture may be sent: a backend.
struct gate_destination {
    const char *name;  // borrowed: during the call
    bool is_remote;    // pictures leave this machine
};

// One thing that was decided or done.
struct gate_note {
    int64_t at_ms;         // unix
    const char *stage;     // constant: "meta", "text", "send", "answer"
    const char *verdict;   // constant: "allow", "safe", "mask", "block", "redact"
    char categories[192];  // what was found: "card=2 email=1"
    char rule[160];
    char destination[GATE_NAME + 8];  // "gpu-box remote"
    uint8_t sent_hash[IMAGE_HASH_BYTES];
    int64_t bytes_sent;
};

struct gate {
    const struct gate_config *config;
    // what is known
    const char *path;                // borrowed: as long as the gate
    const struct ingest_meta *meta;  // borrowed: as long as the gate
    int64_t written_ms;  // unix, of the file; stands in for the time it was taken at
    bool has_lost_meta;  // title and address were known once, and are not any more
    struct privacy_counts found;
    struct privacy_counts outside;  // of it, what does not stand on the picture
    struct privacy_counts beside;   // of that, what stands in files beside it
    bool is_text_known;
    bool is_text_lacking;  // it was tried, and can not be had
    // what follows from it
    struct image_box *masks;  // owned; to be painted over
    int n_masks;
    bool has_lost_place;  // something stands somewhere in the picture, nobody knows where
    bool is_masked;       // the prepared picture has the masks
    bool wants_text;      // a destination may take it only when its text is known
    // what was done
    char app[128];  // as the audit tells it
    // The remote destination that the audit knows of, with the picture in the form it has now.
    char recorded[GATE_NAME];
    struct gate_note record;   // gate_fill_record's
    struct gate_note *notes;   // owned
    int n_notes, notes_cap;
    bool has_verdict;
    enum privacy_action strictest;    // of all that was decided
    int cleaned[PRIVACY_CATEGORIES];  // replaced in what is kept
    struct gate_note cleaning;        // gate_audit's
};

// written_ms: 0 = not known.  Copies nothing.
void gate_init(struct gate *g, const struct gate_config *c, const char *path,
               const struct ingest_meta *meta, int64_t written_ms);
void gate_fini(struct gate *g);

// ---- learning

// Before the file is opened: does what is known already forbid it?  words gets the reason,
// and so does the audit.
bool gate_is_denied(struct gate *g, int64_t wall_ms, char *words, size_t size);
// All metadata is known: the rules decide.
bool gate_is_excluded(struct gate *g, int64_t wall_ms, char *words, size_t size);
// What stands in files beside the picture; NULL: nothing.  is_cut: that is not all of it.
// Before gate_learn_meta.
void gate_learn_beside(struct gate *g, const char *text, bool is_cut);
// What stands in title, address and path.
void gate_learn_meta(struct gate *g);
// What stands on the picture, as OCR read it in full size.
void gate_learn_text(struct gate *g, const struct ocr_req *read);
void gate_lack_text(struct gate *g);
// The picture has become another one.
void gate_forget_text(struct gate *g);
// The picture was prepared with so many of the masks (all or none).
void gate_note_prepared(struct gate *g, int n_masks);

// ---- asking

// Has the text to be read whatever the destination is?
bool gate_needs_text(const struct gate *g);
// Is there something to paint over that is not yet?
bool gate_must_mask(const struct gate *g);

struct gate_pass {
    bool may;
    bool is_unknown;       // it may, once the audit knows: gate_fill_record
    bool is_safe;          // ask with the prompt that quotes nothing
    char why[GATE_WORDS];  // when it may not
};
// The whole judgement, anew for each destination.  Sets wants_text where only the text is
// missing.
struct gate_pass gate_may_send(struct gate *g, const struct gate_destination *to);
// What the policy says to one kind of destination.
struct privacy_verdict gate_judge(const struct gate *g, bool is_remote);

// ---- the audit

// What is about to go to that other machine.  row's strings are borrowed: until the next call.
void gate_fill_record(struct gate *g, const char *name, int64_t wall_ms,
                      struct store_audit_row *row);
void gate_note_recorded(struct gate *g, const char *name);
void gate_note_sent(struct gate *g, const struct gate_destination *to,
                    const uint8_t sent_hash[IMAGE_HASH_BYTES], int64_t bytes,
                    int64_t wall_ms);
// Nobody may have it.
void gate_note_blocked(struct gate *g, int64_t wall_ms);
// Rows of all notes, and one of the cleaning when something was cleaned; rows has room for
// gate_rows(g).  Strings are borrowed: as long as the gate is not changed.
int gate_rows(const struct gate *g);
int gate_audit(struct gate *g, int64_t wall_ms, struct store_audit_row *rows);
const char *gate_verdict(const struct gate *g);  // the strictest; "" = none yet
// "x,y,w,h;..." of what was painted over.  Owns: the caller, free(); NULL = nothing was.
char *gate_masks_text(const struct gate *g);

// ---- cleaning: what is not for this machine's models to see is not for its database to keep

// Replaces *text (owned by the caller) where something of that kind stands in it.  Text that
// can not be cleaned becomes "".
void gate_clean(struct gate *g, char **text);
// The same for JSON, which stays JSON: an empty list where it would not.
void gate_clean_json(struct gate *g, char **text);
void gate_clean_buf(struct gate *g, struct buf *text);
// In place; what no longer fits is cut.
void gate_clean_array(struct gate *g, char *text, size_t size);
// The same for what the rules may be asked about again: a text that was cut stays as long as it
// was, since that tells it was.
void gate_clean_title(struct gate *g, char *text, size_t size);
// Of a message that is told but not kept: cleaned, and counted nowhere.
void gate_clean_message(const struct gate *g, char *text, size_t size);
// What may be told of a text while the rest of it still comes; counted nowhere.
MUST_USE int gate_redact(const struct gate *g, const char *text, struct buf *out);
int gate_cleaned(const struct gate *g);  // how many were replaced so far

// What is not for this machine's models to see is not for its database to keep.
unsigned gate_kept_back(const struct privacy_policy *p);

// A path or URL with placeholders for what opens something, stands for a person, or is of that
// kind; false: there is none.  config: a gate_config.  This is store_config.redact.
// Thread: any.
bool gate_redact_address(void *config, const char *address, struct buf *out);
// Title, address, program and screen of a picture that is offered, in place: without what the
// local column keeps back.  config: a gate_config.  Thread: any.
void gate_clean_meta(void *config, struct ingest_meta *m);
// Words of a server, in place: without what the same set holds.  Long ones are cut after that,
// as their end may be the half of something.  config: a gate_config.  Thread: any.
void gate_clean_words(void *config, char *words, size_t size);

#endif
