// openai_batch.h -- OpenAI's batch files: requests in, one answer for each out.
//
// A request's picture is described in vlmd's own words; texts in it are not sent.  Pictures
// that stand in the file itself are written beside it, once each, so that the batch can be
// continued.
// Source: OpenAI's Batch API, /v1/chat/completions.
// SPDX-License-Identifier: MIT
#ifndef VLMD_CLI_OPENAI_BATCH_H
#define VLMD_CLI_OPENAI_BATCH_H

#include "cli.h"

struct openai_request {
    char *custom_id;    // owned; NULL = the line had none
    char *picture;      // owned; path or URL, NULL = refused
    const char *code;   // why refused, in OpenAI's manner; constant
    const char *words;  // constant
};

struct openai_batch {
    struct openai_request *requests;  // owned; in the order of the lines
    int n;
    int n_refused;
    bool has_words;     // some requests bring a text of their own
    char folder[4096];  // of the pictures, and of the list
    char input[4200];   // for vlmd_batch: "@FOLDER/list.jsonl"
};

// Reads the file, writes pictures and list.  Returns 0 or an exit code, with the words said.
int openai_read(struct openai_batch *b, const char *file);
// Answers in the order of the requests; output NULL or "-" = standard output.
int openai_write(const struct openai_batch *b, struct cli *c, const char *output);
void openai_fini(struct openai_batch *b);

#endif
