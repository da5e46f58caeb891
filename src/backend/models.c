// models.c -- the list of a server's models and the choice among them.
//
// Names give hints only: they order what the server says nothing about.
// SPDX-License-Identifier: MIT
#include "backend/models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

// Families that see, better readers of screenshots first.  Rank 1 sees, but poorly.
static const struct family {
    const char *part;
    int rank;
    int patch_px;  // square that costs a token; 0 = none: tiles, or one size for all
} families[] = {
    {"qwen3-vl", 9, 32},
    {"qwen3vl", 9, 32},
    {"qwen3.5", 9, 32},
    {"qwen3.6", 9, 32},
    {"qwen2.5vl", 8, 28},
    {"qwen2.5-vl", 8, 28},
    {"qwen25vl", 8, 28},
    {"qwen2-vl", 7, 28},
    {"gemma4", 8, 48},
    {"gemma-4", 8, 48},
    {"internvl", 7, 0},
    {"minicpm-v", 7, 0},
    {"minicpm-o", 7, 0},
    {"minicpmv", 7, 0},
    {"mistral-small3", 7, 28},
    {"mistral-small-3", 7, 28},
    {"ministral-3", 7, 28},
    {"glm-4.", 6, 28},
    {"glm4v", 6, 28},
    {"ovis", 6, 0},
    {"kimi-vl", 6, 28},
    {"pixtral", 6, 16},
    {"gemma3", 6, 0},
    {"gemma-3", 6, 0},
    {"granite-vision", 5, 0},
    {"granite3.2-vision", 5, 0},
    {"llama4", 5, 0},
    {"llama-4", 5, 0},
    {"llama3.2-vision", 5, 0},
    {"llama-3.2-11b-vision", 5, 0},
    {"phi-4-multimodal", 5, 0},
    {"phi-3.5-vision", 4, 0},
    {"gpt-4o-mini", 7, 0},
    {"gpt-4.1-mini", 7, 0},
    {"gpt-5-mini", 7, 0},
    {"gpt-4o", 6, 0},
    {"gpt-4.1", 6, 0},
    {"gpt-5", 6, 0},
    {"gemini", 6, 0},
    {"claude", 5, 0},
    {"smolvlm", 3, 0},
    {"lfm2-vl", 3, 0},
    {"llava", 2, 0},
    {"bakllava", 2, 0},
    {"moondream", 1, 0},
    {"-vl", 4, 0},
    {"vl-", 4, 0},
    {"vlm", 4, 0},
    {"vision", 4, 0},
    {"omni", 3, 0},
    {"-ocr", 2, 0},
};

// Not for chat at all, whatever the server says.
static const char *const other_uses[] = {
    "embed",      "rerank", "whisper", "tts",      "dall-e",     "bge-",      "guard",
    "moderation", "clip-",  "sora",    "realtime", "transcribe", "gpt-image", "mmproj"};

static bool has_part(const char *name, const char *part)
{
    return strcasestr(name, part) != NULL;
}

static const struct family *family_of(const char *name)
{
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        if (has_part(name, families[i].part)) {
            return &families[i];
        }
    }
    return NULL;
}

static int family_rank(const char *name)
{
    const struct family *f = family_of(name);
    return f ? f->rank : 0;
}

int backend_patch_px(const char *model)
{
    const struct family *f = family_of(model);
    return f ? f->patch_px : 0;
}

static bool is_for_chat(const char *name)
{
    for (size_t i = 0; i < sizeof(other_uses) / sizeof(other_uses[0]); i++) {
        if (has_part(name, other_uses[i])) {
            return false;
        }
    }
    return true;
}

struct model_row *models_add(struct model_list *l, const char *name)
{
    if (!name || !*name || strlen(name) >= MODEL_NAME) {
        return NULL;
    }
    for (int i = 0; i < l->n; i++) {
        if (strcmp(l->rows[i].name, name) == 0) {
            return &l->rows[i];
        }
    }
    if (l->n == MAX_MODELS) {
        return NULL;
    }
    struct model_row *m = &l->rows[l->n++];
    *m = (struct model_row){0};
    snprintf(m->name, sizeof(m->name), "%s", name);
    return m;
}

// Without ":latest".
static size_t name_len(const char *name)
{
    size_t len = strlen(name);
    size_t n = strlen(":latest");
    return len > n && strcasecmp(name + len - n, ":latest") == 0 ? len - n : len;
}

static bool is_same(const char *a, const char *b)
{
    return name_len(a) == name_len(b) && strncasecmp(a, b, name_len(a)) == 0;
}

// llama-server names a model by its file unless told otherwise.
static void file_stem(const char *name, char *out)
{
    const char *slash = strrchr(name, '/');
    snprintf(out, MODEL_NAME, "%s", slash ? slash + 1 : name);
    size_t len = strlen(out);
    if (len > 5 && strcasecmp(out + len - 5, ".gguf") == 0) {
        out[len - 5] = 0;
    }
}

struct model_row *models_find(struct model_list *l, const char *name)
{
    char wanted[MODEL_NAME];
    char stem[MODEL_NAME];
    for (int i = 0; i < l->n; i++) {
        if (is_same(l->rows[i].name, name)) {
            return &l->rows[i];
        }
    }
    file_stem(name, wanted);
    for (int i = 0; i < l->n; i++) {
        file_stem(l->rows[i].name, stem);
        if (is_same(stem, wanted)) {
            return &l->rows[i];
        }
    }
    return NULL;
}

// Names of what is there, for a person.
static void name_models(const struct model_list *l, char *out, size_t size)
{
    size_t used = 0;
    out[0] = 0;
    for (int i = 0; i < l->n && used + MODEL_NAME + 8 < size; i++) {
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "",
                                 l->rows[i].name);
    }
    if (l->n == 0) {
        snprintf(out, size, "none");
    }
}

static bool is_candidate(const struct model_row *m)
{
    return m->vision != VISION_NO && !m->is_remote && is_for_chat(m->name);
}

// Less than 0: a is the better choice.
static int compare(const struct model_row *a, const struct model_row *b)
{
    bool sees_a = a->vision == VISION_YES;
    bool sees_b = b->vision == VISION_YES;
    int rank_a = family_rank(a->name);
    int rank_b = family_rank(b->name);
    // a loaded model of which nothing is known does not go before one that surely sees
    bool ready_a = a->is_loaded && (sees_a || rank_a > 0);
    bool ready_b = b->is_loaded && (sees_b || rank_b > 0);
    if (ready_a != ready_b) {
        return ready_a ? -1 : 1;
    }
    if (sees_a != sees_b) {
        return sees_a ? -1 : 1;
    }
    if (rank_a != rank_b) {
        return rank_b - rank_a;
    }
    if (a->is_loaded != b->is_loaded) {
        return a->is_loaded ? -1 : 1;
    }
    if (a->size_bytes != b->size_bytes) {
        return a->size_bytes < b->size_bytes ? -1 : 1;
    }
    return 0;
}

static int take_configured(struct model_list *l, const char *name, struct model_row **out,
                           struct err *e)
{
    char names[400];
    struct model_row *m = models_find(l, name);
    if (!m) {
        name_models(l, names, sizeof(names));
        return err_set(e, E_MODEL_MISSING,
                       "the backend has no model \"%.100s\"; it has: %s", name, names);
    }
    if (m->vision == VISION_NO) {
        return err_set(e, E_NO_VISION, "the model \"%.100s\" can not see pictures", name);
    }
    *out = m;
    return 0;
}

int models_choose(struct model_list *l, const char *configured, struct model_row **out,
                  struct err *e)
{
    char names[400];
    *out = NULL;
    if (configured && *configured) {
        return take_configured(l, configured, out, e);
    }
    if (l->n == 0) {
        return err_set(e, E_MODEL_MISSING, "no model is installed");
    }
    for (int i = 0; i < l->n; i++) {
        struct model_row *m = &l->rows[i];
        if (is_candidate(m) && (!*out || compare(m, *out) < 0)) {
            *out = m;
        }
    }
    if (!*out) {
        name_models(l, names, sizeof(names));
        return err_set(e, E_NO_VISION, "none of the models can see pictures: %s", names);
    }
    return 0;
}

static bool seems_to_see(const struct model_row *m)
{
    return m->vision == VISION_YES ||
           (m->vision == VISION_UNKNOWN && family_rank(m->name) > 0);
}

static int report_class(const struct model_row *m, const struct model_row *chosen)
{
    return m == chosen ? 0 : seems_to_see(m) ? 1 : m->vision == VISION_UNKNOWN ? 2 : 3;
}

void models_report(struct model_list *l, const struct model_row *chosen,
                   struct backend_facts *facts)
{
    const int max = (int)(sizeof(facts->models) / sizeof(facts->models[0]));
    facts->n_models = 0;
    for (int class = 0; class <= 3; class ++) {
        for (int i = 0; i < l->n && facts->n_models < max; i++) {
            const struct model_row *m = &l->rows[i];
            if (report_class(m, chosen) == class) {
                int at = facts->n_models++;
                snprintf(facts->models[at], sizeof(facts->models[at]), "%s", m->name);
                facts->model_vision[at] = seems_to_see(m);
                facts->model_sure[at] = m->vision != VISION_UNKNOWN;
                facts->model_loaded[at] = m->is_loaded;
            }
        }
    }
}
