// grid.c -- how large a picture is sent, in whole patches of the model.
//
// A picture that has the size the server would choose is not scaled by the server, whose
// scalers are poor (llama.cpp: two taps, no filter).  Source: PROTOCOLS.md 9.2, 1.9.
// SPDX-License-Identifier: MIT
#include "backend/backend.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    OLLAMA_LEAST = 1024,  // it enlarges smaller ones to that, which costs the same
    GEMMA4_PX = 48,
    GEMMA4_MOST = 280,  // its usual budget
    WORDS = 700,        // question, form and template
    SPARE = 256,
    LEAST = 64,
};

// Ollama from 0.30 starts these with --image-min-tokens 1024.
static bool is_enlarged(const struct backend_facts *f)
{
    int major = 0, minor = 0;
    if (f->kind != BACKEND_OLLAMA || sscanf(f->version, "%d.%d", &major, &minor) != 2 ||
        (major == 0 && minor < 30)) {
        return false;
    }
    return strcasestr(f->model, "qwen2.5vl") || strcasestr(f->model, "qwen2.5-vl") ||
           strcasestr(f->model, "qwen2-vl") || strcasestr(f->model, "qwen3-vl") ||
           strcasestr(f->model, "qwen3vl");
}

static int64_t most_tokens(const struct backend_facts *f, int max_tokens)
{
    int64_t most = f->patch_px == GEMMA4_PX ? GEMMA4_MOST : INT32_MAX;
    if (f->max_image_px > 0) {
        int64_t cells = f->max_image_px / ((int64_t)f->patch_px * f->patch_px);
        most = cells < most ? cells : most;
    }
    if (f->n_ctx > 0) {
        int64_t left = (int64_t)f->n_ctx - WORDS - max_tokens - SPARE;
        most = left < most ? left : most;
    }
    return most > LEAST ? most : LEAST;
}

bool backend_grid(const struct backend_facts *f, int long_px, int max_tokens,
                  struct backend_grid *out)
{
    *out = (struct backend_grid){0};
    if (f->patch_px < 1 || long_px < 1) {
        return false;
    }
    int64_t columns = long_px / f->patch_px;
    int64_t tokens = columns * columns * 9 / 16;
    if (is_enlarged(f) && tokens < OLLAMA_LEAST) {
        tokens = OLLAMA_LEAST;
    }
    int64_t most = most_tokens(f, max_tokens);
    tokens = tokens < LEAST ? LEAST : tokens;
    *out = (struct backend_grid){f->patch_px, (int)(tokens < most ? tokens : most)};
    return true;
}
