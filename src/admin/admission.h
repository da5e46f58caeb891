// admission.h -- requests that are whole wait here for their turn.
//
// While pictures are being described requests may take a share of the processors only
// (turns.h); those over it are begun together, in the order they came.  One that waits
// costs nothing, and there are at most as many as connections.  What many of the last turn
// asked is asked once before the next one reads anything (share.h).  Private to admin/.
// SPDX-License-Identifier: MIT
#ifndef VLMD_ADMIN_ADMISSION_H
#define VLMD_ADMIN_ADMISSION_H

#include "base/list.h"
#include "io/timer.h"
#include "turns.h"

#include <stdbool.h>

struct admin;
struct exchange;

enum { ADMISSION_MOST_MS = 42 };  // from one turn to the next

struct admission {
    struct turns turns;
    struct turns_config config;
    struct turns_pace pace;
    struct list waiting;  // exchanges, by turn_node
    struct timer timer;   // until the next turn; not running: there is none to wait for
    bool is_ahead;        // something was asked for the next turn
    bool is_turn;         // who comes now is in time for it
    int n_begun;          // in it so far
    int64_t due_us;       // when the next turn should begin, monotonic
    int64_t began_us;     // the turn
    int64_t own_us;       // processor time of turns begun by the timer
    int64_t charged_us;   // of all that requests took, so far
};

void admission_open(struct admin *a);
// Begins what x asks for, now or at its turn.
void admission_enter(struct exchange *x);
void admission_leave(struct exchange *x);  // harmless when it does not wait
// No exchange waits any more.
void admission_close(struct admin *a, void (*on_closed)(struct timer *t));

#endif
