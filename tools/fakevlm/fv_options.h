// fv_options.h -- what the command line says.
// SPDX-License-Identifier: MIT
#ifndef FV_OPTIONS_H
#define FV_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum kind {
    KIND_OLLAMA,
    KIND_OPENAI,
    KIND_VLLM,
    KIND_SGLANG,
    KIND_LMSTUDIO,
    KIND_LLAMA_SERVER,
    KIND_LLAMA_ROUTER,
    KIND_LLAMA_SWAP,
    KIND_COUNT
};

#define MODELS_MAX     16
#define FAULT_ARGS_MAX 32

// Requests are decoded together: fv_batch.h.  step_ms 0: each by itself.
struct batching {
    double step_ms, per_ms, prefill_ms, thrash_ms;
    int kv;        // requests whose KV cache fits; 0: all
    int tokens;    // of an answer, mean
    double sigma;  // lognormal
};

// Strings are borrowed from argv or constants.
struct options {
    enum kind kind;
    char host[64];
    int port;
    const char *port_file, *log_file, *keep_folder, *api_key;
    char words[512];  // of the fault "words"
    char say[1024];  // what the model reads in every picture, in its own words; "": nothing
    const char *version;
    const char
        *models;  // NAME[,NAME...]; "/novision" at the end of one marks a text model
    const char *faults[FAULT_ARGS_MAX];
    int faults_n;
    bool is_loaded, is_quiet, is_thinking;
    int slots, queue, max_loaded;
    int tokens, ctx_tokens, min_image_tokens;
    int64_t load_ms, latency_ms, first_byte_ms, idle_close_ms;
    double latency_sigma;
    struct batching batching;
    uint64_t seed;
};

const char *kind_name(enum kind kind);

// True for the kinds whose one model is there from the start.
bool kind_loads_at_start(enum kind kind);

// True for llama-server, its router, and llama-swap with one behind it.
bool kind_is_llama(enum kind kind);

// False: the text is too long and was cut.
bool options_say(struct options *o, const char *text);

// Returns 0, 1 when help was printed, -1 on a mistake (told on stderr).
int options_parse(struct options *o, int argc, char **argv);

#endif
