// servers.c -- which servers are asked, and on what terms: the configuration's, or guesses.
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
    const struct config *c = a->config;
    out->is_search = c->is_auto;
    out->n_backends = c->is_auto ? guess(a) : c->n_backends;
    out->backends = c->is_auto ? a->searched : c->backends;
    out->terms = c->is_auto ? a->searched_terms : c->terms_of;
}
