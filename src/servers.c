// servers.c -- which servers are asked, on what terms, and what is done without them: the
// configuration's words, or guesses.
// SPDX-License-Identifier: MIT
#include "servers.h"

// The usual local ports.  Source: PROTOCOLS.md, the servers' defaults.
static int guess(struct app *a)
{
    static const struct {
        const char *name, *url;
    } guesses[] = {
        {"ollama", "http://127.0.0.1:11434"},      {"lmstudio", "http://127.0.0.1:1234"},
        {"llama-server", "http://127.0.0.1:8080"}, {"vllm", "http://127.0.0.1:8000"},
        {"sglang", "http://127.0.0.1:30000"},
    };
    int n = (int)(sizeof(guesses) / sizeof(guesses[0]));
    for (int i = 0; i < n; i++) {
        a->searched[i] = a->config->backend;
        a->searched[i].name = guesses[i].name;
        a->searched[i].url = guesses[i].url;
        a->searched_terms[i] = a->config->terms;
    }
    return n;
}

void servers_list(struct app *a, struct dispatch_config *out)
{
    struct config *c = a->config;
    c->backend.clean = gate_clean_words;
    c->backend.clean_arg = &a->gate;
    for (int i = 0; i < c->n_backends; i++) {
        c->backends[i].clean = gate_clean_words;
        c->backends[i].clean_arg = &a->gate;
    }
    out->is_search = c->is_auto;
    out->n_backends = c->is_auto ? guess(a) : c->n_backends;
    out->backends = c->is_auto ? a->searched : c->backends;
    out->terms = c->is_auto ? a->searched_terms : c->terms_of;
}

// In a batch a person waits for models; stand-ins serve only where no backend was named.
enum dispatch_stand_in servers_stand_in(const struct app *a)
{
    const struct config *c = a->config;
    if (c->has_ocr_backend) {
        return STAND_IN_AT_ONCE;
    }
    if (c->ocr_when == CONFIG_OCR_NEVER || (a->is_batch && !c->is_auto)) {
        return STAND_IN_NEVER;
    }
    return a->is_batch ? STAND_IN_AT_START : STAND_IN_OUTAGE;
}

// In a batch a person reads the list of what failed.
enum fallback_reach servers_fallback(const struct app *a)
{
    switch (a->config->fallback) {
    case CONFIG_FALLBACK_AUTO:
        return a->is_batch ? FALLBACK_REACH_TIER : FALLBACK_REACH_METADATA;
    case CONFIG_FALLBACK_OFF: return FALLBACK_REACH_OFF;
    case CONFIG_FALLBACK_TIER: return FALLBACK_REACH_TIER;
    case CONFIG_FALLBACK_OCR: return FALLBACK_REACH_OCR;
    case CONFIG_FALLBACK_METADATA: return FALLBACK_REACH_METADATA;
    }
    return FALLBACK_REACH_OFF;
}
