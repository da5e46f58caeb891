// pictures.h -- pictures for people to look at: the file itself, and small ones of it.
// SPDX-License-Identifier: MIT
#ifndef VLMD_PICTURES_H
#define VLMD_PICTURES_H

#include "base/list.h"
#include "base/lru.h"

enum { PICTURES_AT_A_TIME = 2, PICTURES_MOST_WAITING = 256, PICTURES_CACHE = 16 << 20 };

// Part of an app.
struct pictures {
    struct lru small;     // struct small, by hash and size
    struct list waiting;  // struct asked
    int n_waiting, n_running;
    bool is_open;
};

void pictures_open(struct pictures *p);
void pictures_close(struct pictures *p);

#endif
