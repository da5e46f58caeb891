// fv_queue.h -- the models, their slots, and who waits for them.
//
// A ticket enters and waits until its model is loaded and has a free slot.  Nothing moves
// by itself: queue_tick does what is due and grants what can be granted.
//
//   absent --ticket or wanted--> loading --load_ms--> loaded --idle for keep_ms--> absent
//                                   |                    |
//                                   '-- loader left      '-- unloaded, place needed
//                                       --> absent           --> absent
//
// SPDX-License-Identifier: MIT
#ifndef FV_QUEUE_H
#define FV_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "fv_options.h"
#include "fv_stats.h"

#define QUEUE_NEVER INT64_MAX

enum model_state { MODEL_ABSENT, MODEL_LOADING, MODEL_LOADED };

struct model {
    char name[128];
    bool has_vision;
    enum model_state state;
    bool is_wanted;   // to be loaded without a ticket
    int running;      // slots in use
    int ctx_tokens;   // as loaded; 0: the default
    int64_t keep_ms;  // idle time before it goes; negative: for ever
    int64_t load_began_ms, load_done_ms, loaded_in_ms;
    int64_t expires_at_ms;  // meaningful while loaded and idle
    struct ticket *loader;  // borrowed: while loading; whose leaving ends the load
};

enum ticket_state { TICKET_OUT, TICKET_WAITING, TICKET_RUNNING };

// Owned by the caller and still while not TICKET_OUT.
struct ticket {
    struct model *model;
    enum ticket_state state;
    bool is_load_only;  // wants the model there, but no slot
    int ctx_tokens;     // another value than the loaded one reloads; 0: the default
    bool has_loaded;    // out: had to wait for a load
    void (*on_ready)(struct ticket *t);
    struct ticket *prev, *next;
};

struct queue {
    const struct options *opt;  // borrowed: for life; changes are seen at the next tick
    struct stats *stats;        // borrowed: for life
    struct model models[MODELS_MAX];
    int models_n;
    struct ticket *first, *last;
    int waiting;
    bool is_ticking, has_changed;
    bool is_held;  // set while several tickets leave together: nothing is granted
};

// Returns 0, or -1 when the list of models cannot be used.
int queue_init(struct queue *q, const struct options *opt, struct stats *stats);

// Knows "name" and "name:latest" as the same.  NULL when there is none.
struct model *queue_find_model(struct queue *q, const char *name);

void queue_enter(struct queue *q, struct ticket *t);
void queue_leave(struct queue *q, struct ticket *t, int64_t now_ms);
int queue_waiting_for(const struct queue *q, const struct model *m);

// A model that keeps for 0 ms goes at once when idle.
void model_keep(struct queue *q, struct model *m, int64_t keep_ms, int64_t now_ms);
void model_load(struct queue *q, struct model *m);
void model_unload(struct queue *q, struct model *m);

// Returns when it wants to be called again at the latest.
int64_t queue_tick(struct queue *q, int64_t now_ms);

#endif
