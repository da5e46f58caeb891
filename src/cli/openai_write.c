// openai_write.c -- the answers of a batch as OpenAI gives them, one line for each request.
//
// A picture that was described is a response with status 200; everything else is an error
// with a code and words, response null.
// SPDX-License-Identifier: MIT
#include "openai_batch.h"

#include "base/json.h"
#include "file.h"
#include "out.h"
#include "record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct writing {
    struct cli *c;
    const struct openai_request *request;
    struct buf line;
    bool has_file;
    struct file file;
    int file_error;
    // of the request under way
    bool is_found, is_done;
    int err;
    int n_answered, n_failed;
};

static void put(struct writing *x)
{
    if (!x->has_file) {
        out_bytes(x->line.data, x->line.len);
        x->file_error = out_error();
    } else if (x->file_error == 0) {
        x->file_error = file_add(&x->file, x->line.data, x->line.len);
    }
}

static void begin(struct writing *x, struct json_writer *w, const char *id)
{
    char name[80];
    snprintf(name, sizeof(name), "batch_req_%.60s", id);
    buf_clear(&x->line);
    json_init(w, &x->line);
    json_object(w, NULL);
    json_str(w, "id", name);
    json_str(w, "custom_id", x->request->custom_id);
}

static void end(struct writing *x, struct json_writer *w)
{
    json_object_end(w);
    if (w->rc == 0 && buf_add(&x->line, "\n", 1) == 0) {
        put(x);
    }
}

static void write_error(struct writing *x, const char *id, const char *code,
                        const char *words)
{
    struct json_writer w;
    begin(x, &w, id);
    json_null(&w, "response");
    json_object(&w, "error");
    json_str(&w, "code", code);
    json_str(&w, "message", words);
    json_object_end(&w);
    end(x, &w);
    x->n_failed++;
}

static void write_usage(struct json_writer *w, const struct vlmd_item *it)
{
    int64_t in = it->prompt_tokens > 0 ? it->prompt_tokens : 0;
    int64_t out = it->completion_tokens > 0 ? it->completion_tokens : 0;
    json_object(w, "usage");
    json_int(w, "prompt_tokens", in);
    json_int(w, "completion_tokens", out);
    json_int(w, "total_tokens", in + out);
    json_object_end(w);
}

// What the model wrote; text recognition has only what was made of it.
static const char *content_of(const struct vlmd_item *it)
{
    return it->raw && *it->raw ? it->raw : it->summary;
}

static void write_completion(struct json_writer *w, const struct vlmd_item *it)
{
    char name[64];
    bool is_cut = it->finish_reason && strcmp(it->finish_reason, "length") == 0;
    snprintf(name, sizeof(name), "chatcmpl-%.50s", it->correlation_id);
    json_object(w, "body");
    json_str(w, "id", name);
    json_str(w, "object", "chat.completion");
    json_int(w, "created", it->described_at_ms / 1000);
    json_str(w, "model", it->model);
    json_array(w, "choices");
    json_object(w, NULL);
    json_int(w, "index", 0);
    json_object(w, "message");
    json_str(w, "role", "assistant");
    json_str(w, "content", content_of(it));
    json_object_end(w);
    json_null(w, "logprobs");
    json_str(w, "finish_reason", is_cut ? "length" : "stop");
    json_object_end(w);
    json_array_end(w);
    write_usage(w, it);
    json_object_end(w);
}

static void write_answer(struct writing *x, const struct vlmd_item *it)
{
    struct json_writer w;
    begin(x, &w, it->correlation_id);
    json_object(&w, "response");
    json_int(&w, "status_code", 200);
    json_str(&w, "request_id", it->correlation_id);
    write_completion(&w, it);
    json_object_end(&w);
    json_null(&w, "error");
    end(x, &w);
    x->n_answered++;
}

static void write_item(struct writing *x, const struct vlmd_item *it)
{
    bool has_class = it->error_class && *it->error_class;
    if (it->has_description) {
        write_answer(x, it);
    } else if (strcmp(it->state, "ended") != 0) {
        write_error(x, it->correlation_id, "not_finished",
                    "it was not done yet (run the same command again)");
    } else {
        write_error(x, it->correlation_id, has_class ? it->error_class : it->outcome,
                    it->reason);
    }
}

static bool on_item(void *arg, const struct vlmd_item *it)
{
    struct writing *x = arg;
    x->is_found = true;
    write_item(x, it);
    return false;
}

static void on_end(void *arg, int err, const char *message)
{
    struct writing *x = arg;
    (void)message;
    x->is_done = true;
    x->err = err;
}

static int write_request(struct writing *x, int i)
{
    const struct openai_request *r = x->request;
    char id[32];
    snprintf(id, sizeof(id), "%d", i + 1);
    if (!r->picture) {
        write_error(x, id, r->code, r->words);
        return 0;
    }
    const struct vlmd_query q = {
        .path = r->picture, .is_path_exact = true, .order = VLMD_NEWEST};
    x->is_found = x->is_done = false;
    int err = vlmd_search(x->c->v, &q, on_item, on_end, x);
    int rc = err ? cli_failed("batch", err, "the answers can not be read")
                 : cli_wait(x->c, &x->is_done);
    if (rc == 0 && !x->is_found) {
        write_error(x, id, "not_found", "the picture could not be taken (see above)");
    }
    return rc;
}

static int begin_file(struct writing *x, const char *output)
{
    if (!output || strcmp(output, "-") == 0) {
        return 0;
    }
    int err = file_begin(&x->file, output);
    x->has_file = err == 0;
    if (err) {
        char safe[600];
        text_safe(output, safe, sizeof(safe));
        say("vlmd: batch: %s: %s (name another file with -o)", safe, strerror(err));
    }
    return err ? CLI_USAGE : 0;
}

static int end_file(struct writing *x, int rc)
{
    int err = x->file_error ? x->file_error : rc ? ECANCELED : 0;
    if (!x->has_file) {
        return rc;
    }
    err = file_end(&x->file, err, FILE_REPLACE);
    if (err && rc == 0) {
        char safe[600];
        text_safe(x->file.path, safe, sizeof(safe));
        say("vlmd: batch: %s: %s (nothing was replaced)", safe, strerror(err));
        return CLI_SOME_FAILED;
    }
    if (rc == 0 && !cli_has(x->c, OPT_QUIET)) {
        say("vlmd: %d answers and %d errors written", x->n_answered, x->n_failed);
    }
    return rc;
}

int openai_write(const struct openai_batch *b, struct cli *c, const char *output)
{
    struct writing x = {.c = c};
    int rc = begin_file(&x, output);
    if (rc) {
        return rc;
    }
    x.line.max_bytes = RECORD_MAX;
    for (int i = 0; i < b->n && rc == 0 && x.file_error == 0; i++) {
        x.request = &b->requests[i];
        rc = write_request(&x, i);
    }
    buf_fini(&x.line);
    out_flush();
    return end_file(&x, rc);
}
