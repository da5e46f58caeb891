// caps.c -- formats, largest picture, patch grid and thinking switch of each kind.
//
// Source: PROTOCOLS.md 8.3 (formats, thinking), 1.7 (WebP in Ollama), 2.4 (LM Studio's limit).
// SPDX-License-Identifier: MIT
#include "backend/caps.h"

#include <stdio.h>
#include <string.h>

enum { LMSTUDIO_MAX_PX = 5120 * 5120 };

static const char plain[] = "jpeg,png", with_webp[] = "jpeg,png,webp";

// From 0.32.14 Ollama turns WebP into PNG for its llama-server.
static bool ollama_takes_webp(const char *version)
{
    int major = 0, minor = 0, patch = 0;
    sscanf(version, "%d.%d.%d", &major, &minor, &patch);
    return major > 0 || minor > 32 || (minor == 32 && patch >= 14);
}

static const char *formats(const struct service *s, const struct backend_facts *f)
{
    switch (f->kind) {
    case BACKEND_OLLAMA: return ollama_takes_webp(f->version) ? with_webp : plain;
    case BACKEND_OPENAI: return s->is_paid ? with_webp : plain;
    case BACKEND_LMSTUDIO:
    case BACKEND_VLLM:
    case BACKEND_SGLANG: return with_webp;
    case BACKEND_LLAMA_SERVER:
    case BACKEND_LLAMA_SWAP:
    case BACKEND_AUTO: break;
    }
    return plain;
}

// Their chat templates look for it.  Source: model cards of Qwen3, SmolLM3 and GLM-4.5.
const char *caps_thinking_word(const char *model)
{
    static const struct {
        const char *family, *word;
    } rows[] = {{"qwen3", "/no_think"},
                {"qwen-3", "/no_think"},
                {"smollm3", "/no_think"},
                {"glm-4", "/nothink"},
                {"glm4", "/nothink"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcasestr(model, rows[i].family)) {
            return rows[i].word;
        }
    }
    return "";
}

static const char *thinking(const struct service *s, const struct backend_facts *f)
{
    const struct driver *d = driver_of(f->kind);
    if (f->kind == BACKEND_OLLAMA) {
        return "think";
    }
    if (s->also & FIELD_REASONING) {
        return "reasoning";
    }
    if (s->also & FIELD_EFFORT) {
        return service_model_thinks(f->model) ? "reasoning_effort" : "none";
    }
    bool has_kwargs = d && !((d->never | s->never) & FIELD_THINKING);
    const char *word = caps_thinking_word(f->model);
    return has_kwargs ? "chat_template_kwargs" : *word ? word : "none";
}

void caps_fill(const struct service *s, struct backend_facts *f)
{
    f->formats = formats(s, f);
    f->thinking = thinking(s, f);
    f->max_image_px = f->kind == BACKEND_LMSTUDIO ? LMSTUDIO_MAX_PX : 0;
    f->patch_px = backend_patch_px(f->model);
}

const char *backend_unload_name(enum backend_unload_way w)
{
    switch (w) {
    case BACKEND_UNLOAD_NEVER: return "never";
    case BACKEND_UNLOAD_NOW: return "now";
    case BACKEND_UNLOAD_SLEEP: return "sleep";
    }
    return "never";
}

// One word, whatever the server says.
static void version_word(const char *version, char out[64])
{
    snprintf(out, 64, "%.63s", version[0] ? version : "-");
    for (char *p = out; *p; p++) {
        *p = (unsigned char)*p > ' ' ? *p : '_';
    }
}

void backend_facts_text(const struct backend_facts *f, char *out, size_t size)
{
    char version[64];
    version_word(f->version, version);
    snprintf(out, size,
             "vision=%s at=%lld version=%s formats=%s max_px=%lld slots=%d ctx=%d "
             "patch=%d unload=%s thinking=%s",
             !f->is_vision_sure ? "unknown"
             : f->has_vision    ? "yes"
                                : "no",
             (long long)(f->at_ms / 1000), version, f->formats ? f->formats : plain,
             (long long)f->max_image_px, f->slots, f->n_ctx, f->patch_px,
             backend_unload_name(f->unload), f->thinking ? f->thinking : "none");
}

bool backend_facts_read(const char *text, struct backend_known *k)
{
    long long at_s = 0, max_px = 0;
    *k = (struct backend_known){0};
    int n = sscanf(text,
                   "vision=%7s at=%lld version=%63s formats=%31s max_px=%lld slots=%d "
                   "ctx=%d patch=%d unload=%7s thinking=%31s",
                   k->vision, &at_s, k->version, k->formats, &max_px, &k->slots,
                   &k->n_ctx, &k->patch_px, k->unload, k->thinking);
    k->at_ms = at_s * 1000;
    k->max_image_px = max_px;
    return n == 10;
}

bool backend_facts_recall(const char *text, int64_t now_ms, int64_t max_age_ms,
                          const char *version, bool *sees)
{
    struct backend_known k;
    char wanted[64];
    version_word(version, wanted);
    if (!backend_facts_read(text, &k) || strcmp(k.vision, "unknown") == 0) {
        return false;
    }
    int64_t age_ms = now_ms - k.at_ms;
    *sees = strcmp(k.vision, "yes") == 0;
    return strcmp(k.version, wanted) == 0 && age_ms >= 0 && age_ms <= max_age_ms;
}
