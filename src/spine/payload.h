// payload.h -- pictures that were made ready for a model, kept for the next time.
//
// Retries after an outage or a pause, another prompt, redo: the same version of a file with
// the same size and the same masks gives the same bytes, so they are not made again.  Nothing
// is decided here.  Whether a picture may be sent, and what has to be painted over, was
// decided before anybody asks; all of it stands in what is compared, byte for byte, so that
// a picture without masks can never be taken for one with them.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_PAYLOAD_H
#define VLMD_PAYLOAD_H

#include "base/beneath.h"
#include "base/lru.h"
#include "image/image.h"

struct payloads {
    struct lru lru;
    bool is_open;
};

// Errors: E_NOMEM, E_TOOBIG.
MUST_USE int payload_open(struct payloads *c, int64_t max_bytes, int max_items);
void payload_close(struct payloads *c);
// The in fields of r are set.  true: its out fields are filled as image_prepare would have
// filled them, jpeg is a copy.
bool payload_find(struct payloads *c, const struct file_version *version,
                  struct image_req *r);
// r was prepared from that version just now.
void payload_keep(struct payloads *c, const struct file_version *version,
                  const struct image_req *r, int64_t wall_ms);
// Another budget from now on; one that was opened with none stays without.
void payload_limit(struct payloads *c, int64_t max_bytes);
// 0 to 100 percent of the budget from now on.
void payload_resize(struct payloads *c, int share_pct);

#endif
