// test_grid.c -- sizes in whole patches of the model.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "backend/backend.h"

#include <stdio.h>

static void sizes_fit_the_model(void **state)
{
    (void)state;
    static const struct {
        enum backend_kind kind;
        const char *version, *model;
        int n_ctx;
        int64_t max_px;
        int long_px, max_tokens;
        int patch_px, tokens;  // 0 = not known
    } rows[] = {
        {BACKEND_VLLM, "", "qwen2.5-vl-7b", 0, 0, 768, 500, 28, 410},
        {BACKEND_VLLM, "", "qwen2.5-vl-7b", 0, 0, 1280, 500, 28, 1139},
        {BACKEND_VLLM, "", "qwen3-vl-8b", 0, 0, 1280, 500, 32, 900},
        {BACKEND_OLLAMA, "0.33.0", "qwen2.5vl:7b", 0, 0, 768, 500, 28, 1024},
        {BACKEND_OLLAMA, "0.33.0", "qwen2.5vl:7b", 0, 0, 1280, 500, 28, 1139},
        {BACKEND_OLLAMA, "0.12.0", "qwen2.5vl:7b", 0, 0, 768, 500, 28, 410},
        {BACKEND_OLLAMA, "", "qwen2.5vl:7b", 0, 0, 768, 500, 28, 410},
        {BACKEND_OLLAMA, "0.33.0", "mistral-small3.1", 0, 0, 768, 500, 28, 410},
        {BACKEND_OLLAMA, "0.33.0", "gemma4:12b", 0, 0, 1280, 500, 48, 280},
        {BACKEND_LLAMA_SERVER, "", "gemma-4-12b", 0, 0, 768, 500, 48, 144},
        // a small context leaves less
        {BACKEND_LLAMA_SERVER, "", "qwen2.5-vl-7b", 2048, 0, 1280, 500, 28, 592},
        {BACKEND_LLAMA_SERVER, "", "qwen2.5-vl-7b", 1024, 0, 1280, 500, 28, 64},
        {BACKEND_LMSTUDIO, "", "qwen2.5-vl-7b", 0, 28 * 28 * 300, 1280, 500, 28, 300},
        {BACKEND_VLLM, "", "qwen2.5-vl-7b", 0, 0, 64, 500, 28, 64},
        {BACKEND_VLLM, "", "llava", 0, 0, 768, 500, 0, 0},
        {BACKEND_VLLM, "", "", 0, 0, 768, 500, 0, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct backend_facts f = {.kind = rows[i].kind,
                                  .n_ctx = rows[i].n_ctx,
                                  .max_image_px = rows[i].max_px,
                                  .patch_px = backend_patch_px(rows[i].model)};
        struct backend_grid g;
        snprintf(f.version, sizeof(f.version), "%s", rows[i].version);
        snprintf(f.model, sizeof(f.model), "%s", rows[i].model);
        bool is_known = backend_grid(&f, rows[i].long_px, rows[i].max_tokens, &g);
        if (is_known != (rows[i].patch_px > 0) || g.patch_px != rows[i].patch_px ||
            g.tokens != rows[i].tokens) {
            fail_msg("row %zu: %d px, %d tokens", i, g.patch_px, g.tokens);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(sizes_fit_the_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
