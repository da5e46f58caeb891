// child.h -- one helper process: its start, its socket, its end.
//
// The socket is our own pair under a uv_poll, not a uv pipe: libuv 1.44 writes to a pipe
// without MSG_NOSIGNAL, and a helper that dies half way through a page would take the
// host program with it by SIGPIPE.
// SPDX-License-Identifier: MIT
#ifndef VLMD_OCR_CHILD_H
#define VLMD_OCR_CHILD_H

#include "io/loop.h"
#include "ocr/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct child;

struct child_config {
    struct loop *loop;
    const char *program;   // borrowed: during start
    int64_t memory_bytes;  // address space limit, 0 = none
    void *arg;             // the owner's
    // A whole answer came, checked; see child_answer.  The child waits for its next page.
    void (*on_answer)(void *arg);
    // The process has ended and every handle is closed; the child is freed after this.
    // words: how it ended.  Comes exactly once for each child, never from inside a call.
    void (*on_gone)(void *arg, const char *words);
};

struct child_answer {
    struct wire_answer head;
    const struct wire_word *words;  // borrowed: during on_answer
    const char *text;
};

// Errors: E_OCR, with words.
MUST_USE int child_start(struct child **out, const struct child_config *c, struct err *e);
// Only when no page is under way.  luma is borrowed until on_answer, child_end, child_kill
// or on_gone.
void child_send(struct child *c, const struct wire_page *page, const uint8_t *luma);
void child_answer(const struct child *c, struct child_answer *out);
void child_end(struct child *c);   // asks it to go; what it still says is not heard
void child_kill(struct child *c);  // forces it

#endif
