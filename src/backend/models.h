// models.h -- what a server has, and which of it to take.
// SPDX-License-Identifier: MIT
#ifndef VLMD_BACKEND_MODELS_H
#define VLMD_BACKEND_MODELS_H

#include "backend/backend.h"

enum { MAX_MODELS = 256, MODEL_NAME = 192 };

enum vision { VISION_UNKNOWN, VISION_NO, VISION_YES };

struct model_row {
    char name[MODEL_NAME];
    enum vision vision;
    bool is_loaded;
    bool is_remote;      // the server sends it on to another machine
    int64_t size_bytes;  // 0 = not told
    int slots;           // 0 = not told
    int n_ctx;           // 0 = not told
};

struct model_list {
    struct model_row rows[MAX_MODELS];
    int n;
};

// The row of that name, made when it is not there yet; NULL when the list is full or the
// name is empty or too long.
struct model_row *models_add(struct model_list *l, const char *name);
// By the names' rules: case ignored, "m" is "m:latest", a path and ".gguf" do not count.
// NULL when there is none.
struct model_row *models_find(struct model_list *l, const char *name);

// configured: "" = choose.  The configured model if it is there; else, of the local ones
// that are not known to be blind, in this order: loaded; known to see; the better family
// for screenshots by name; the smaller one.  Errors: E_MODEL_MISSING, E_NO_VISION.
MUST_USE int models_choose(struct model_list *l, const char *configured,
                           struct model_row **out, struct err *e);
// Copies the list to facts, vision models first, the chosen one before all.
void models_report(struct model_list *l, const struct model_row *chosen,
                   struct backend_facts *facts);

#endif
