// gate_work.h -- what a worker thread does for the gate: texts of any length are searched.
//
// A page of text, files beside a picture and a long answer would hold the loop up.  So a
// worker gets a gate of its own, with a copy of the policy and of what is known, teaches it
// the text, or has it clean one; what came out of that goes back to the job's gate on the
// loop.  What is decided stays a pure function of what was found.
//
//   gate_work_init -> ..._run (any thread) -> gate_take_...
// SPDX-License-Identifier: MIT
#ifndef VLMD_GATE_WORK_H
#define VLMD_GATE_WORK_H

#include "backend/backend.h"
#include "io/pool.h"
#include "spine/gate.h"

struct gate_work {
    void (*run)(
        struct gate_work *w);   // pool thread; touches only the request it is part of
    struct gate gate;           // what is known; what was found or cleaned
    int64_t took_us;            // out
    struct gate_config config;  // private from here on
    struct privacy_policy policy;
    struct pool_work work;
    void (*done)(struct gate_work *w, int err);
};

// Must not move afterwards.
void gate_work_init(struct gate_work *w, const struct gate *g,
                    void (*run)(struct gate_work *w));
void gate_work_fini(struct gate_work *w);
// Thread: loop; done as of a pool: once, later, with E_CANCELED when it was not run.
void gate_work_submit(struct gate_work *w, struct pool *p,
                      void (*done)(struct gate_work *w, int err));

// ---- screening: what stands on a picture, or beside it and in what is known of it

struct gate_screening {
    struct gate_work work;
    struct ocr_req read;  // owned: what OCR gave; or
    char *beside;         // owned; NULL = nothing
    bool is_beside_cut;   // more stands there
};

void gate_screen_page_run(struct gate_work *w);
void gate_screen_outside_run(struct gate_work *w);
void gate_screening_fini(struct gate_screening *s);
// As if g had learned it itself.  Thread: loop.
void gate_take_page(struct gate *g, struct gate_work *w);
void gate_take_beside(struct gate *g, const struct gate_work *w);

// ---- cleaning: what is kept

enum { GATE_TITLES = 2, GATE_MOST_WORDS = GATE_TITLES + 1 + STORE_MAX_ATTEMPTS };

struct gate_words {
    char *text;  // borrowed: until done
    size_t size;
};

struct gate_cleaning {
    struct gate_work work;
    struct answer answer;  // in and out; owned
    struct buf page;       // in and out; owned: what OCR read
    // In and out: what was known of the picture first (GATE_TITLES of them), then what is said
    // of it.
    struct gate_words words[GATE_MOST_WORDS];
    int n_words;
    bool is_title_clean;  // out: something in the first ones was replaced
};

// The answer as the model wrote it may hold in other letters (JSON escapes) what stands in its
// parts: it goes when anything in them was replaced.
void gate_clean_run(struct gate_work *w);
void gate_take_cleaned(struct gate *g, const struct gate_work *w);

#endif
