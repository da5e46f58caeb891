// see.c -- does a model see?  Asked where no list says so, and remembered.
//
//     words --> the same words with a tiny picture --> judged by the colour that is named,
//     else by what the picture cost
//
// The servers that need this all speak OpenAI.  A server that takes the words and refuses
// the picture has said no, whatever its words are.
// SPDX-License-Identifier: MIT
#include "backend/sight.h"
#include "backend/stream.h"
#include "base/json.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

// A model is called blind only after so many looks: what is found is remembered for long, and
// a server has its bad moments.
enum { MOST_LOOKS = 4 };

static talk_fn on_words, on_picture;

enum vision look_known(const struct backend *b, const char *model, const char *version)
{
    const struct sight_memory *m = &b->sight;
    if (strcmp(b->config.vision, "auto") != 0) {
        return strcmp(b->config.vision, "yes") == 0 ? VISION_YES : VISION_NO;
    }
    if (*m->model && strcmp(m->model, model) == 0 && strcmp(m->version, version) == 0) {
        return m->sees ? VISION_YES : VISION_NO;
    }
    return VISION_UNKNOWN;
}

void backend_recall_sight(struct backend *b, const char *model, const char *version,
                          bool sees)
{
    snprintf(b->sight.model, sizeof(b->sight.model), "%s", model);
    snprintf(b->sight.version, sizeof(b->sight.version), "%s", version);
    b->sight.sees = sees;
}

static void remember(struct backend *b, bool sees)
{
    backend_recall_sight(b, backend_model(b), b->facts.version, sees);
}

static int refuse(struct talk *t, const char *why)
{
    remember(t->b, false);
    return err_set(
        &t->err, E_NO_VISION,
        "the model \"%.100s\" can not see pictures: %.200s (backend.vision: yes "
        "if it can)",
        backend_model(t->b), why);
}

int look_first(struct talk *t, const struct reply *r)
{
    struct backend *b = t->b;
    (void)r;
    switch (look_known(b, backend_model(b), b->facts.version)) {
    case VISION_YES: return TALK_DONE;
    case VISION_NO: return refuse(t, "so it was found");
    case VISION_UNKNOWN: break;
    }
    bool can_ask = b->driver->encode == openai_encode && !b->facts.is_vision_sure;
    return can_ask ? openai_ask_sight(t, on_words, false) : TALK_DONE;
}

// It was probed a moment ago and speaks the protocol: what it says now is a mishap, not a
// wrong address.
static int check(struct talk *t, const struct reply *r)
{
    int rc = talk_check(t, r);
    if (rc == E_GARBAGE) {
        t->err.code = rc = E_SERVER;
    }
    return rc;
}

static int64_t prompt_tokens(const struct reply *r)
{
    return json_get_int(json_get(r->json, "usage"), "prompt_tokens", 0);
}

static int on_words(struct talk *t, const struct reply *r)
{
    int rc = check(t, r);
    if (rc < 0) {
        return rc;
    }
    t->text_tokens = prompt_tokens(r);
    return openai_ask_sight(t, on_picture, true);
}

static const char *words_of(const struct reply *r)
{
    const cJSON *choice = cJSON_GetArrayItem(json_get(r->json, "choices"), 0);
    return json_get_str(json_get(choice, "message"), "content");
}

static bool is_refusal(int rc, const struct reply *r)
{
    return rc == E_NO_VISION || rc == E_BAD_REQUEST || rc == E_BAD_IMAGE ||
           (rc == E_SERVER && r->err == 0 && r->status == 500);
}

static bool looks_again(struct talk *t)
{
    return ++t->at < MOST_LOOKS;
}

static int on_picture(struct talk *t, const struct reply *r)
{
    int rc = check(t, r);
    if (rc == E_SERVER && is_refusal(rc, r) && looks_again(t)) {
        return openai_ask_sight(t, on_picture, true);
    }
    if (is_refusal(rc, r)) {
        char why[200];
        snprintf(why, sizeof(why), "%.199s", t->err.msg);
        return refuse(t, why);
    }
    if (rc < 0) {
        return rc;
    }
    enum sight_proof proof = sight_judge(words_of(r), prompt_tokens(r), t->text_tokens);
    if (proof == SIGHT_SEEN) {
        remember(t->b, true);
        return TALK_DONE;
    }
    if (looks_again(t)) {
        return openai_ask_sight(t, on_picture, true);
    }
    return refuse(t, proof == SIGHT_BLIND
                         ? "a test picture cost it nothing"
                         : "it did not name the colour of a test picture");
}
