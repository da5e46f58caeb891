// config.h -- every key, where its value came from, and the organs' own structs it fills.
//
// Defaults, then the file, then VLMD_* variables, then settings (flags).  All problems are
// reported at once; nothing is started on an error.
// SPDX-License-Identifier: MIT
#ifndef VLMD_CONFIG_H
#define VLMD_CONFIG_H

#include "backend/backend.h"
#include "guard/alert_body.h"
#include "guard/guard.h"
#include "guard/life.h"
#include "guard/pressure.h"
#include "guard/yield.h"
#include "image/image.h"
#include "ingest/ingest.h"
#include "ocr/ocr.h"
#include "privacy/privacy.h"
#include "store/series.h"
#include "store/store.h"
#include "vlmd.h"
#include "vlmd_loop.h"

enum config_ocr { CONFIG_OCR_NEVER, CONFIG_OCR_FALLBACK, CONFIG_OCR_ALWAYS };
enum config_fallback {
    CONFIG_FALLBACK_AUTO,  // as far as it goes, but for a batch
    CONFIG_FALLBACK_OFF,
    CONFIG_FALLBACK_TIER,
    CONFIG_FALLBACK_OCR,
    CONFIG_FALLBACK_METADATA
};

enum config_statsd { CONFIG_STATSD_NAMES, CONFIG_STATSD_TAGS };

enum { CONFIG_MAX_BACKENDS = VLMD_MAX_BACKENDS, CONFIG_MAX_LIST = 64 };
enum { CONFIG_MAX_SAID = CONFIG_MAX_BACKENDS + 1 };  // commands that tell keys

// Lists end with NULL.  All strings owned by the config.
struct config {
    char *file;  // the one read, or NULL
    const char *watch_dirs[CONFIG_MAX_LIST + 1];
    enum tier_depth tier;  // target_px is its size unless image.target_px is set
    bool has_own_tier;     // it was said for this run, not in a file or the environment
    struct tier tiers[TIERS];
    enum config_fallback fallback;
    bool has_own_px;  // image.target_px was set
    int target_px;
    int target_tokens;  // instead of target_px: size in tokens of the model; 0 = no
    int patch_px;       // square that costs a token; 0 = by the model's name
    enum image_near duplicates;  // changes of a watched screen that need no new answer
    int concurrency;             // per backend; 0 = found by trying
    int prepare_ahead;           // pictures prepared before a slot is free, default 2
    int64_t backend_wait_ms;  // a batch gives up on backends never reached; default 10000
    int64_t grace_ms;         // for asks under way at a stop, default 5000
    enum config_ocr ocr_when;  // never, fallback, always; default fallback
    int64_t ocr_after_ms;      // outage of a model before OCR stands in; default 30000
    bool is_auto;              // no backend named: search the usual local ports
    bool has_ocr_backend;      // "ocr" was named as a backend
    int n_backends;
    struct backend_config backends[CONFIG_MAX_BACKENDS];
    struct backend_config backend;  // defaults for each, and for found ones
    struct guard_terms terms_of[CONFIG_MAX_BACKENDS];  // parallel to backends
    struct guard_terms terms;                          // defaults for each
    struct store_config store;
    struct image_config image;
    struct ingest_config ingest;
    bool reads_beside;  // files beside pictures
    struct ocr_config ocr;
    struct retry_config retry;
    enum breaker_preset breaker_preset;  // what breaker is unless its keys are set
    struct breaker_config breaker;
    struct yield_config yield;
    const char *yield_programs[CONFIG_MAX_LIST + 1];
    const char *yield_hours[CONFIG_MAX_LIST + 1];
    struct pressure_config pressure;
    int payload_mb, payload_items;  // kept of prepared pictures
    int64_t result_ttl_ms;          // of descriptions; 0 = none is too old
    struct life_config life;  // of models; their time to live is backend.keep_alive_s
    struct privacy_config privacy;
    struct privacy_rules *rules;         // owned; compiled from privacy.rules
    struct privacy_rules *rules_before;  // owned; of the last reload, or NULL
    struct prompt_config prompts;
    struct vlmd_admin_config admin;  // but for its list
    const char *admin_submit_dirs[CONFIG_MAX_LIST + 1];
    const char *health_urls[CONFIG_MAX_LIST + 1];
    int64_t health_timeout_ms;  // default 10000
    int64_t health_every_ms;    // default 300000
    struct alert_config alerts;
    const char *alert_webhook;  // "" = none
    enum alert_format alert_format;
    const char *alert_key;                 // of PagerDuty; "" = none
    int64_t alert_every_ms;                // default 30000
    const char *trace_otlp_url;            // NULL or "" = off
    const char *statsd_address;            // NULL or "" = off
    const char *statsd_prefix;             // NULL or "" = none
    enum config_statsd statsd_labels;      // become parts of names, or tags
    int64_t statsd_every_ms;               // default 10000
    int64_t history_keep_ms[STORE_SPANS];  // rows of the series by span
    char *log_level;                       // see log_parse_levels
    char *log_format;                      // text, json
    const char *log_file;                  // NULL = none
    struct config_value *values;           // private: parallel to the key table
    struct config_said *said;              // private: keys that commands told
    int n_said;
    void *strings;  // private
};

// Errors: E_CONFIG after on_problem was called for each; E_NOMEM.
MUST_USE int config_load(struct config **out, const struct vlmd_options *options,
                         vlmd_problem_fn *on_problem, void *arg);
// The same for a process at work, which can not wait: runs no command.  One that running knows
// has said what it said then; of another nothing is known, which counts as a change.
MUST_USE int config_load_again(struct config **out, const struct config *running,
                               const struct vlmd_options *options,
                               vlmd_problem_fn *on_problem, void *arg);
void config_free(struct config *c);
// Takes what can change under way, and fresh's rules; tells of every difference, before it
// takes it.
void config_adopt(struct config *c, struct config *fresh, vlmd_change_of_key_fn *fn,
                  void *arg);
void config_each(const struct config *c, vlmd_key_fn *fn, void *arg);
char *config_sample(void);
const char *config_path(char *out, size_t size);
// The screenshot folder to watch when none is named: the first that exists of
// ~/Pictures/Screenshots, ~/.memos/screenshots, ~/Screenshots, ~/Pictures (XDG_PICTURES_DIR
// respected).  Errors: E_NOT_FOUND.
MUST_USE int config_find_folder(char *out, size_t size);

#endif
