// app.h -- owns the loop and every part: opened in order, closed in reverse.
//
// Thread: loop, but for app_post and app_stop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_APP_H
#define VLMD_APP_H

#include "api/pictures.h"
#include "api/spool.h"
#include "base/err_ring.h"
#include "config/config.h"
#include "dispatch/dispatch.h"
#include "governor.h"
#include "io/waker.h"
#include "merged.h"
#include "observe/bill.h"
#include "observe/history.h"
#include "spine/event.h"
#include "spine/pipeline.h"
#include "spine/schedule.h"
#include "vlmd_words.h"

#include <stdatomic.h>

struct app_post {
    struct list node;
    void (*fn)(void *arg);
    void *arg;
};

// Ended jobs, weighted by how long ago.
struct app_rate {
    double weight;
    int64_t at_ms;     // monotonic, of weight
    int64_t since_ms;  // of the first
};

struct meters;
struct trace;

struct app {
    enum vlmd_role role;
    struct config *config;  // owned
    struct loop loop;
    struct closer closer;  // of the handles below

    struct waker wake;  // the one door from other threads
    uv_mutex_t post_lock;
    struct list posts;  // struct app_post
    bool takes_posts;
    _Atomic int stop_asked;  // 0, 1 + enum vlmd_stop_how
    int stop_seen;
    void (*door_closed)(void *arg);
    uv_timer_t grace;     // for asks under way at a stop
    uv_timer_t beat;      // the next publishing of our status
    uv_timer_t patience;  // of a batch with a backend that was never there
    uv_timer_t turn;      // how long a turn of a face's waits (vlmd_turn)

    struct meters *meters;  // owned
    struct store *store;
    struct trace *trace;  // owned; NULL: a client
    struct bill bill;
    struct history history;
    struct privacy_finder *finder;  // owned
    struct gate_config gate;
    atomic_uint kept_back;  // gate.kept_back
    struct pool *reader;  // embedded metadata
    struct images *images;
    struct payloads payloads;
    struct http *http;
    struct ocr *ocr;
    struct governor *governor;
    void (*governor_closed)(void *arg);
    void *governor_closed_arg;
    struct dispatch *dispatch;
    struct pipeline pipeline;
    struct merged merged;
    struct schedule *schedule;  // NULL: a client, or it is gone already
    struct watcher *watcher;    // NULL until something is watched
    struct manifest *manifest;  // NULL until there is a batch
    struct events events;
    vlmd_words_fn *words_fn;  // NULL = nobody reads along
    void *words_arg;
    struct err_ring *errors;  // owned
    struct monitor *monitor;  // NULL: a client
    struct spool spool;
    struct pictures pictures;
    char *watched[CONFIG_MAX_LIST];  // owned: folders, absolute
    int n_watched;
    struct backend_config searched[8];  // guesses when no backend is named
    struct guard_terms searched_terms[8];
    uint64_t random_state;

    struct store_batch batch;
    int64_t batch_id;           // once it is open
    const char **batch_inputs;  // owned with its strings
    int n_batch_inputs;
    char batch_key[40];
    bool is_batch;
    bool is_batch_ending;
    bool is_input_read;
    int64_t problems;     // inputs that could not be taken
    bool inputs_closing;  // watcher and manifest are going
    bool is_input_part_closing;
    bool is_working;  // watch, batch or submit was called
    bool was_paused;
    int learned_under_way;  // requests of learned.c
    int tells_under_way;    // JOB events whose row is being read

    struct app_rate rate;
    struct store_publish publish;
    struct buf published;  // owned while is_publishing
    bool is_publishing;
    int64_t published_ms;

    bool is_finished;  // drained after a stop, or the batch has ended
    int result;        // of vlmd_run
    int n_opened;      // parts of the table
    int closing;       // the part that is being closed
    bool is_closed;
};

// Opens what the role needs.  On error everything is closed again, config is kept by the
// caller.
MUST_USE int app_open(struct app *a, struct config *config, const struct vlmd_options *o,
                      struct err *e);
// Runs the loop until every part is closed.
void app_close(struct app *a);
// Any thread; app_stop also in a signal handler.
MUST_USE int app_post(struct app *a, void (*fn)(void *arg), void *arg);
void app_stop(struct app *a, enum vlmd_stop_how how);

MUST_USE int app_watch(struct app *a, const char *dir, struct err *e);
MUST_USE int app_batch(struct app *a, const char *const *inputs, int n, struct err *e);
// intake.c: watcher and manifest are gone.
void app_inputs_closed(struct app *a);
// Something in the database changed that may be work for this process.
void app_wake(struct app *a);
// Claims begin (watch, batch or submit was called).
void app_work(struct app *a);

#endif
