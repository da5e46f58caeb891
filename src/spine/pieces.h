// pieces.h -- texts of an answer in the order they came, joined as long as the field is the
// same.
// Thread: that of who has it.
// SPDX-License-Identifier: MIT
#ifndef VLMD_PIECES_H
#define VLMD_PIECES_H

#include "base/buf.h"
#include "base/list.h"
#include "spine/live.h"

struct piece {
    struct list node;
    char field[LIVE_FIELD];
    struct buf text;
};

struct pieces {
    struct list head;
    size_t bytes;  // of all, with what each piece takes
    size_t most;
};

void pieces_init(struct pieces *p, size_t most_bytes);
void pieces_clear(struct pieces *p);
// Errors: E_TOOBIG: it does not fit; what is there stays.
MUST_USE int pieces_add(struct pieces *p, const char *field, const char *text,
                        size_t len);
// All of from, which is empty then, behind those of to.
void pieces_move(struct pieces *to, struct pieces *from);
// NULL: there is none.
struct piece *pieces_last(const struct pieces *p);

#endif
