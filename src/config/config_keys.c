// config_keys.c -- the table of every configuration key.
//
// A new key is one row here.  The parser, `config check`, `config show`, the sample file and
// the environment's names come from it.
// SPDX-License-Identifier: MIT
#include "config/config_private.h"

#define AT(field) offsetof(struct config, field)
#define KIB       INT64_C(1024)
#define MIB       (1024 * KIB)
#define GIB       (1024 * MIB)
#define SEC       INT64_C(1000)
#define MINUTE    (60 * SEC)
#define HOUR      (60 * MINUTE)
#define DAY       (24 * HOUR)

#define TEXT_MAX   190
#define PROMPT_MAX 16384

// Rows that are alike.
#define DENY(field, name, help)                                                          \
    {                                                                                    \
        "privacy.exclude_" name, CONFIG_RULES, AT(privacy.rules.deny[field]), "", 0,     \
            CONFIG_MAX_LIST, 0, 0, NULL, false, help                                     \
    }
#define ALLOW(field, name, help)                                                         \
    {                                                                                    \
        "privacy.allow_" name, CONFIG_RULES, AT(privacy.rules.allow[field]), "", 0,      \
            CONFIG_MAX_LIST, 0, 0, NULL, false, help                                     \
    }
#define YIELD(name, what, help)                                                          \
    {                                                                                    \
        "yield." name, CONFIG_CHOICE, AT(yield.rule[what]), NULL, 0, 0, 0, 0,            \
            "off|slow|pause", false, help                                                \
    }
#define FROM(name, field, help)                                                          \
    {                                                                                    \
        "privacy." name, CONFIG_INT, AT(privacy.policy.field), NULL, 0, 1000, 0, 0,      \
            NULL, false, help                                                            \
    }
#define ACTION(name, field, words)                                                       \
    {                                                                                    \
        name, CONFIG_CHOICE, AT(privacy.policy.field), NULL, 0, 0, 0, 0,                 \
            "allow|safe|mask|block", false, words                                        \
    }

#define BUDGET(name, day, month, type, most, words)                                      \
    {"budget." name "_per_day",                                                          \
     type,                                                                               \
     AT(terms.budget.day),                                                               \
     "0",                                                                                \
     0,                                                                                  \
     most,                                                                               \
     0,                                                                                  \
     0,                                                                                  \
     NULL,                                                                               \
     false,                                                                              \
     words " a day; then it rests until midnight.  0: no limit."},                       \
    {                                                                                    \
        "budget." name "_per_month", type, AT(terms.budget.month), "0", 0, most, 0, 0,   \
            NULL, false, words " a month.  0: no limit."                                 \
    }

#define LIMIT(name, rule, words)                                                         \
    {                                                                                    \
        "alerts." name, CONFIG_NUMBER, AT(alerts.threshold[rule]), NULL, 0, 1000000, 0,  \
            0, NULL, false, "Alert when " words ".  0: never."                           \
    }

#define TIER(depth, name, px, tokens, target, words)                                     \
    {"tiers." name "_px",                                                                \
     CONFIG_INT,                                                                         \
     AT(tiers[depth].target_px),                                                         \
     px,                                                                                 \
     64,                                                                                 \
     4096,                                                                               \
     0,                                                                                  \
     0,                                                                                  \
     NULL,                                                                               \
     false,                                                                              \
     "Long side of what is sent with --tier " name ", in pixels."},                      \
        {"tiers." name "_max_tokens",                                                    \
         CONFIG_INT,                                                                     \
         AT(tiers[depth].max_tokens),                                                    \
         tokens,                                                                         \
         0,                                                                              \
         32768,                                                                          \
         0,                                                                              \
         0,                                                                              \
         NULL,                                                                           \
         false,                                                                          \
         "Longest answer, where backend.max_tokens is not more."},                       \
        {"tiers." name "_target",                                                        \
         CONFIG_MS,                                                                      \
         AT(tiers[depth].target_ms),                                                     \
         target,                                                                         \
         1,                                                                              \
         DAY,                                                                            \
         0,                                                                              \
         0,                                                                              \
         NULL,                                                                           \
         false,                                                                          \
         "Requests that take longer are counted: `vlmd status`."},                       \
        {"tiers." name "_deadline",                                                      \
         CONFIG_MS,                                                                      \
         AT(tiers[depth].deadline_ms),                                                   \
         "0",                                                                            \
         0,                                                                              \
         DAY,                                                                            \
         0,                                                                              \
         0,                                                                              \
         NULL,                                                                           \
         true,                                                                           \
         "Requests that take longer are given up: another backend, then what "           \
         "`fallback` says.  0: no deadline."},                                           \
    {                                                                                    \
        "tiers." name "_prompt", CONFIG_TEXT, AT(tiers[depth].rule), words, 0,           \
            PROMPT_MAX, 0, 0, NULL, false, "Said to the model besides."                  \
    }

// Fields after def: min, max, warn_min, warn_max, choices, needs_restart, help.
const struct config_key config_keys[] = {
    {"db", CONFIG_PATH, AT(store.path), NULL, 1, 4095, 0, 0, NULL, true,
     "Where the database is."},
    {"backends", CONFIG_BACKENDS, 0, NULL, 0, CONFIG_MAX_BACKENDS, 0, 0, NULL, true,
     "Servers to ask: URLs, maps {url, name, kind, model, ...} or the word ocr.  Empty: "
     "the "
     "usual local ports are searched."},
    {"model", CONFIG_TEXT, AT(backend.model), NULL, 0, TEXT_MAX, 0, 0, NULL, true,
     "Vision model to ask.  Empty: the one that is loaded, else an installed one."},
    {"tier", CONFIG_CHOICE, AT(tier), "quick", 0, 0, 0, 0, "quick|standard|deep", false,
     "How closely to look: pictures are sent about 768, 1024 or 1280 pixels long, in "
     "whole patches of the model."},
    {"fallback", CONFIG_CHOICE, AT(fallback), "auto", 0, 0, 0, 0,
     "auto|off|tier|ocr|metadata", false,
     "What describes a picture that every backend fails with: a smaller tier, then text "
     "recognition, then program and title.  How far: auto is tier in a batch, else "
     "metadata."},
    {"duplicates", CONFIG_CHOICE, AT(duplicates), "normal", 0, 0, 0, 0,
     "off|strict|normal|loose", false,
     "Changes of a watched screen that need no new description.  strict: clock and "
     "caret. "
     "normal: also the pointer.  loose: also up to a line of text."},
    {"concurrency", CONFIG_INT, AT(concurrency), "0", 0, 1024, 0, 0, NULL, false,
     "Requests to each backend at a time.  0: found by trying."},
    {"prepare_ahead", CONFIG_INT, AT(prepare_ahead), "2", 0, 64, 0, 0, NULL, false,
     "Pictures made ready before a backend is free."},
    {"backend_wait", CONFIG_MS, AT(backend_wait_ms), "10s", 0, DAY, 0, 0, NULL, false,
     "A batch ends when no backend was ever reached for this long."},
    {"grace", CONFIG_MS, AT(grace_ms), "5s", 0, 10 * MINUTE, 0, 0, NULL, false,
     "How long requests under way may take when vlmd is stopped."},

    {"watch.dirs", CONFIG_PATHS, AT(watch_dirs), "", 0, CONFIG_MAX_LIST, 0, 0, NULL, true,
     "Folders to watch when none is named.  Empty: the usual screenshot folder."},

    {"backend.priority", CONFIG_INT, AT(terms.priority), "0", 0, 99, 0, 0, NULL, false,
     "Servers with a lower number are asked first; those with a higher one only while no "
     "lower one can take more."},
    {"backend.kind", CONFIG_KIND, AT(backend.kind), NULL, 0, 0, 0, 0, NULL, true,
     "What servers are; auto finds out."},
    {"backend.service", CONFIG_WORD, AT(backend.service), NULL, 0, 0, 0, 0,
     "auto|none|openai|openrouter|litellm", true,
     "What an OpenAI-compatible service wants otherwise; auto: by its address."},
    {"backend.api_key", CONFIG_SECRET, AT(backend.api_key), NULL, 0, 4096, 0, 0, NULL,
     true, "Key for backends that want one.  Better in a file: see api_key_file."},
    {"backend.api_key_file", CONFIG_SECRET_FILE, AT(backend.api_key), "", 0, 4095, 0, 0,
     NULL, true, "File that holds the key."},
    {"backend.api_key_env", CONFIG_SECRET_ENV, AT(backend.api_key), "", 0, 255, 0, 0,
     NULL, true, "Environment variable that holds the key."},
    {"backend.api_key_command", CONFIG_SECRET_COMMAND, AT(backend.api_key), "", 0, 4095,
     0, 0, NULL, true, "Command of the shell whose first line of output is the key."},
    {"backend.keep_alive", CONFIG_SECONDS, AT(backend.keep_alive_s), NULL, 1, 86400, 0, 0,
     NULL, false, "How long a model stays loaded after the last request."},
    {"backend.preload", CONFIG_BOOL, AT(life.preloads), "yes", 0, 0, 0, 0, NULL, false,
     "Models are loaded at the start, before the first picture."},
    {"backend.unload_at_exit", CONFIG_BOOL, AT(life.unloads_at_exit), "yes", 0, 0, 0, 0,
     NULL, false, "A model that vlmd had loaded is unloaded when vlmd ends."},
    {"backend.num_ctx", CONFIG_INT, AT(backend.num_ctx), NULL, 512, 1048576, 0, 0, NULL,
     true, "Context size to ask Ollama for, in tokens."},
    {"backend.max_tokens", CONFIG_INT, AT(backend.max_tokens), NULL, 16, 32768, 0, 0,
     NULL, true, "Longest answer, in tokens."},
    {"backend.temperature", CONFIG_NUMBER, AT(backend.temperature), NULL, 0, 2, 0, 0,
     NULL, true, "How freely the model words its answer."},
    {"backend.vision", CONFIG_WORD, AT(backend.vision), NULL, 0, 0, 0, 0, "auto|yes|no",
     true,
     "Does the model see pictures?  auto: as the server says, else it is shown a tiny "
     "coloured square before any picture of yours."},
    {"backend.stream", CONFIG_BOOL, AT(backend.is_streamed), NULL, 0, 0, 0, 0, NULL, true,
     "Answers come word by word, which shows early whether a server works.  no: for "
     "proxies that break this."},
    {"backend.connect_timeout", CONFIG_MS, AT(backend.timeouts.connect_ms), NULL, 50,
     HOUR, 0, 300 * SEC, NULL, true, "Until a connection is made."},
    {"backend.probe_timeout", CONFIG_MS, AT(backend.timeouts.probe_ms), NULL, 50, HOUR, 0,
     300 * SEC, NULL, true, "For finding out what a server is."},
    {"backend.load_timeout", CONFIG_MS, AT(backend.timeouts.load_ms), NULL, SEC, DAY,
     5 * SEC, 0, NULL, true, "Until a model is loaded."},
    {"backend.first_byte_timeout", CONFIG_MS, AT(backend.timeouts.first_byte_ms), NULL,
     50, DAY, 5 * SEC, HOUR, NULL, true,
     "Until an answer begins, at most: less where a server has answered much sooner."},
    {"backend.stall_timeout", CONFIG_MS, AT(backend.timeouts.stall_ms), NULL, 50, DAY,
     5 * SEC, 300 * SEC, NULL, true, "Between two parts of an answer."},
    {"backend.total_timeout", CONFIG_MS, AT(backend.timeouts.total_ms), NULL, 50, DAY,
     5 * SEC, HOUR, NULL, true, "For a whole answer."},

    {"image.target_px", CONFIG_INT, AT(target_px), "0", 0, 4096, 0, 0, NULL, false,
     "Long side of what is sent, exactly, in pixels.  0: about as the tier says."},
    {"image.target_tokens", CONFIG_INT, AT(target_tokens), "0", 0, 16384, 0, 0, NULL,
     false,
     "Size of what is sent in tokens of the model, instead of pixels.  0: in pixels."},
    {"image.patch_px", CONFIG_INT, AT(patch_px), "0", 0, 1024, 0, 0, NULL, false,
     "For target_tokens: side of the square that costs a token.  0: by the model's name, "
     "else 32."},
    {"image.quality", CONFIG_INT, AT(image.quality), NULL, 1, 100, 0, 0, NULL, true,
     "JPEG quality of what is sent."},
    {"image.max_file_bytes", CONFIG_BYTES, AT(image.max_file_bytes), NULL, KIB, 4 * GIB,
     0, 0, NULL, true, "Larger files are refused."},
    {"image.max_side_px", CONFIG_INT, AT(image.max_side_px), NULL, 16, 65535, 0, 0, NULL,
     true, "Pictures with a longer side are refused."},
    {"image.max_pixels", CONFIG_COUNT, AT(image.max_pixels), NULL, 256, 2000000000, 0, 0,
     NULL, true, "Pictures with more pixels are refused."},
    {"image.memory_bytes", CONFIG_BYTES, AT(image.memory_bytes), NULL, 16 * MIB,
     1024 * GIB, 0, 0, NULL, true, "Memory for decoding pictures, over all threads."},
    {"image.threads", CONFIG_INT, AT(image.threads), NULL, 0, 256, 0, 0, NULL, true,
     "Threads that decode.  0: as many as cores and memory allow."},
    {"image.nice", CONFIG_INT, AT(image.nice), "10", 0, 19, 0, 0, NULL, true,
     "How far those threads stand back for other programs and for vlmd's own answers, as "
     "nice(1) counts.  0: not at all."},

    {"ingest.settle", CONFIG_MS, AT(ingest.settle_ms), NULL, 10, 10 * MINUTE, 0, 0, NULL,
     true, "A file that is written in place must be quiet this long."},
    {"ingest.tracker_settle", CONFIG_MS, AT(ingest.tracker_settle_ms), NULL, 10,
     10 * MINUTE, 0, 0, NULL, true,
     "The same for names of programs that write a picture twice."},
    {"ingest.give_up", CONFIG_MS, AT(ingest.give_up_ms), NULL, SEC, DAY, 0, 0, NULL, true,
     "A file still incomplete this long after the last write is a problem."},
    {"ingest.rescan", CONFIG_MS, AT(ingest.rescan_ms), NULL, SEC, 7 * DAY, 0, 0, NULL,
     true, "How often watched folders are read again to be safe."},
    {"ingest.poll", CONFIG_MS, AT(ingest.poll_ms), NULL, 100, HOUR, 0, 0, NULL, true,
     "How often folders are read that can not be watched."},
    {"ingest.sidecars", CONFIG_BOOL, AT(reads_beside), "yes", 0, 0, 0, 0, NULL, true,
     "PICTURE.json and PICTURE.txt beside a picture, as trackers write them, are read: "
     "program, title and address where the picture has none, text to find secrets in."},
    {"ingest.max_depth", CONFIG_INT, AT(ingest.max_depth), NULL, 0, 128, 0, 0, NULL, true,
     "Folders below a watched one, how deep."},

    {"store.readers", CONFIG_INT, AT(store.readers), NULL, 1, 32, 0, 0, NULL, true,
     "Threads that search."},
    {"store.read_deadline", CONFIG_MS, AT(store.read_deadline_ms), NULL, 10, HOUR, 0, 0,
     NULL, true, "A search that takes longer is ended."},
    {"store.lease", CONFIG_MS, AT(store.lease_ms), NULL, 5 * SEC, DAY, 0, 0, NULL, true,
     "A picture whose process is gone is free for others after this."},
    {"store.max_claims", CONFIG_INT, AT(store.max_claims), NULL, 1, 1000, 0, 0, NULL,
     true, "A picture that took its process down this often is failed."},
    {"store.min_free_bytes", CONFIG_BYTES, AT(store.min_free_bytes), NULL, 1, 1024 * GIB,
     0, 0, NULL, true, "With less on the disk nothing is written."},
    {"store.slow", CONFIG_MS, AT(store.slow_ms), NULL, 1, HOUR, 0, 0, NULL, false,
     "A statement that takes longer is shown by `vlmd db stats`."},
    {"trace.otlp_url", CONFIG_TEXT, AT(trace_otlp_url), "", 0, TEXT_MAX, 0, 0, NULL, true,
     "Where spans of each picture are sent for OpenTelemetry (OTLP over HTTP, JSON), for "
     "example http://127.0.0.1:4318/v1/traces.  Empty: nowhere."},
    {"statsd.address", CONFIG_TEXT, AT(statsd_address), "", 0, TEXT_MAX, 0, 0, NULL, true,
     "HOST:PORT of a StatsD server that figures are sent to by UDP.  Empty: none."},
    {"statsd.every", CONFIG_MS, AT(statsd_every_ms), "10s", SEC, HOUR, 0, 0, NULL, false,
     "How often, while there is work."},
    {"statsd.prefix", CONFIG_TEXT, AT(statsd_prefix), "", 0, 100, 0, 0, NULL, false,
     "Stands before each name, for example laptop. with its dot."},
    {"statsd.labels", CONFIG_CHOICE, AT(statsd_labels), "names", 0, 0, 0, 0, "names|tags",
     false,
     "names: labels become parts of names; tags: as DogStatsD, Telegraf take them."},
    {"history.minutes", CONFIG_MS, AT(history_keep_ms[STORE_MINUTE]), "2d", HOUR,
     60 * DAY, 0, 0, NULL, false, "How long figures are kept minute by minute."},
    {"history.hours", CONFIG_MS, AT(history_keep_ms[STORE_HOUR]), "60d", DAY, 3660 * DAY,
     0, 0, NULL, false, "The same hour by hour."},
    {"history.days", CONFIG_MS, AT(history_keep_ms[STORE_DAY]), "1830d", DAY, 36600 * DAY,
     0, 0, NULL, false, "The same day by day."},

    {"ocr.when", CONFIG_CHOICE, AT(ocr_when), "fallback", 0, 0, 0, 0,
     "never|fallback|always", true,
     "When text recognition describes: never, while no model is there, or always as "
     "well."},
    {"ocr.after", CONFIG_MS, AT(ocr_after_ms), "30s", 0, DAY, 0, 0, NULL, false,
     "How long a model may be away before text recognition describes in its place."},
    {"ocr.helper", CONFIG_PATH, AT(ocr.helper), NULL, 0, 4095, 0, 0, NULL, true,
     "The helper program.  Empty: beside vlmd, else the installed one."},
    {"ocr.language", CONFIG_TEXT, AT(ocr.language), NULL, 1, 64, 0, 0, NULL, true,
     "Tesseract's name of the language, or several: eng+deu."},
    {"ocr.processes", CONFIG_INT, AT(ocr.processes), NULL, 1, 64, 0, 0, NULL, true,
     "Helpers at a time."},
    {"ocr.page_timeout", CONFIG_MS, AT(ocr.page_timeout_ms), NULL, 100, HOUR, 0,
     300 * SEC, NULL, true, "For one picture."},
    {"ocr.ttl", CONFIG_MS, AT(ocr.ttl_ms), NULL, 0, DAY, 0, 0, NULL, true,
     "An idle helper is ended after this."},
    {"ocr.recycle_pages", CONFIG_INT, AT(ocr.recycle_pages), NULL, 1, 1000000, 0, 0, NULL,
     true, "A helper is replaced after this many pictures."},
    {"ocr.memory_bytes", CONFIG_BYTES, AT(ocr.memory_bytes), NULL, 64 * MIB, 1024 * GIB,
     0, 0, NULL, true, "Most memory of a helper."},

    {"retry.max_attempts", CONFIG_INT, AT(retry.max_attempts), NULL, 1, 100, 0, 0, NULL,
     false, "Requests for one picture, in all."},
    {"retry.base", CONFIG_MS, AT(retry.base_ms), NULL, 1, HOUR, 0, 0, NULL, false,
     "Longest pause before the second request; doubled each time."},
    {"retry.cap", CONFIG_MS, AT(retry.cap_ms), NULL, 1, DAY, 0, 0, NULL, false,
     "Longest pause between requests."},

    {"retry.budget", CONFIG_INT, AT(retry.budget_pct), NULL, 0, 100, 0, 0, NULL, false,
     "Share of a backend's requests that may be repetitions, in percent, and one a "
     "second besides.  100: no limit."},

    {"breaker.preset", CONFIG_CHOICE, AT(breaker_preset), "usual", 0, 0, 0, 0,
     "usual|3/60s|5/60s", false,
     "When a backend that fails is left alone.  3/60s: after 3 failures in a row, for a "
     "minute each time.  The keys below change single values."},
    {"breaker.failures", CONFIG_INT, AT(breaker.failures), NULL, 1, 1000, 0, 0, NULL,
     false, "Failures in a row after which a backend is left alone."},
    {"breaker.open", CONFIG_MS, AT(breaker.open_ms), NULL, 10, HOUR, 0, 0, NULL, false,
     "How long at first; doubled while it does not recover."},
    {"breaker.cap", CONFIG_MS, AT(breaker.cap_ms), NULL, 10, DAY, 0, 0, NULL, false,
     "How long at most."},
    {"breaker.ratio", CONFIG_INT, AT(breaker.ratio_pct), NULL, 0, 100, 0, 0, NULL, false,
     "Also when this share of its last 20 requests failed, in percent.  0: not looked "
     "at."},
    {"breaker.least", CONFIG_INT, AT(breaker.ratio_least), NULL, 1, 20, 0, 0, NULL, false,
     "Requests before that share means anything."},
    {"breaker.window", CONFIG_MS, AT(breaker.window_ms), NULL, SEC, DAY, 0, 0, NULL,
     false, "How long ago they may be."},

    BUDGET("requests", limits[BUDGET_DAY].requests, limits[BUDGET_MONTH].requests,
           CONFIG_COUNT, 1000000000000, "Requests to each backend"),
    BUDGET("tokens", limits[BUDGET_DAY].tokens, limits[BUDGET_MONTH].tokens, CONFIG_COUNT,
           1000000000000000, "Tokens, prompts and answers together,"),
    BUDGET("money", limits[BUDGET_DAY].money, limits[BUDGET_MONTH].money, CONFIG_NUMBER,
           1000000000, "Money for each backend, in the currency of the prices below,"),
    {"budget.price_input", CONFIG_NUMBER, AT(terms.budget.prices.input), "0", 0, 1000000,
     0, 0, NULL, false, "What a million tokens of prompts cost."},
    {"budget.price_output", CONFIG_NUMBER, AT(terms.budget.prices.output), "0", 0,
     1000000, 0, 0, NULL, false, "What a million tokens of answers cost."},

    {"rate.requests", CONFIG_INT, AT(terms.rate.requests_per_min), "0", 0, 1000000, 0, 0,
     NULL, false,
     "Requests a minute to each backend; 5 suits a small box that others use too.  "
     "0: no limit."},
    {"rate.tokens", CONFIG_INT, AT(terms.rate.tokens_per_min), "0", 0, 1000000000, 0, 0,
     NULL, false, "Tokens a minute, prompts and answers together.  0: no limit."},

    {"privacy.allow_remote", CONFIG_BOOL, AT(privacy.policy.allow_remote), "no", 0, 0, 0,
     0, NULL, false, "Pictures may be sent to other machines."},
    {"privacy.read_text", CONFIG_CHOICE, AT(privacy.policy.read_text), "remote", 0, 0, 0,
     0, "never|remote|always", false,
     "When the text on a picture is read and judged before it is sent: never, to other "
     "machines only, or always."},
    {"privacy.remote_without_ocr", CONFIG_BOOL, AT(privacy.policy.remote_without_ocr),
     "no", 0, 0, 0, 0, NULL, false,
     "Pictures may be sent to other machines although their text could not be read."},
    {"privacy.need_metadata", CONFIG_BOOL, AT(privacy.rules.need_metadata), "no", 0, 0, 0,
     0, NULL, false,
     "Pictures with neither program nor window title known are not sent."},
    {"privacy.defaults", CONFIG_BOOL, AT(privacy.rules.has_defaults), "yes", 0, 0, 0, 0,
     NULL, false,
     "Password managers, banking, private windows and dialogs for passwords are not "
     "sent."},
    {"privacy.only_allowed", CONFIG_BOOL, AT(privacy.rules.only_allowed), "no", 0, 0, 0,
     0, NULL, false,
     "Nothing is sent but what allow lists name; so it is anyway once there is one."},
    DENY(PRIVACY_APP, "apps",
         "Programs whose pictures are not sent.  Signal: a part of the name; KeePass*: "
         "the "
         "whole; re:^vault: a regular expression."),
    DENY(PRIVACY_WINDOW, "windows", "The same for window titles."),
    DENY(PRIVACY_PATH, "paths", "The same for paths and URLs of pictures."),
    DENY(PRIVACY_URL, "urls", "The same for addresses of the pages on the screen."),
    DENY(PRIVACY_SCREEN, "screens", "The same for names of screens."),
    DENY(PRIVACY_HOURS, "hours",
         "Times from which pictures are not sent: mon-fri 09:00-17:00, sat,sun, "
         "22:00-06:00."),
    ALLOW(PRIVACY_APP, "apps",
          "Only pictures of these programs are sent.  With several allow lists a picture "
          "has to be named in each; exclude lists go before."),
    ALLOW(PRIVACY_WINDOW, "windows", "Only those with these window titles."),
    ALLOW(PRIVACY_PATH, "paths", "Only those with these paths or URLs."),
    ALLOW(PRIVACY_URL, "urls", "Only those of pages with these addresses."),
    ALLOW(PRIVACY_SCREEN, "screens", "Only those of these screens."),
    ALLOW(PRIVACY_HOURS, "hours", "Only those from these times."),
    FROM("safe_from", local.safe_from,
         "What is no secret alone adds up: e-mail address 15, telephone number 25, date "
         "of "
         "birth 40, IP or hardware address 10, at most four of a kind.  From this sum on "
         "the model is asked not to quote.  0: never."),
    FROM("mask_from", local.mask_from, "From this sum on they are painted over."),
    FROM("block_from", local.block_from, "From this sum on the picture is not sent."),
    FROM("remote_safe_from", remote.safe_from,
         "safe_from for pictures that go to other machines."),
    FROM("remote_mask_from", remote.mask_from,
         "mask_from for pictures that go to other machines."),
    FROM("remote_block_from", remote.block_from,
         "block_from for pictures that go to other machines."),
#define X(category, name, weight, words)                                                 \
    ACTION("privacy.local." name, local.action[category], words),
    PRIVACY_CATEGORY_TABLE(X)
#undef X
#define X(category, name, weight, words)                                                 \
    ACTION("privacy.remote." name, remote.action[category], words),
        PRIVACY_CATEGORY_TABLE(X)
#undef X

            {"audit.keep", CONFIG_MS, AT(store.audit_keep_ms), "400d", 0, 36500 * DAY, 0,
             0, NULL, false,
             "How long it is kept what was decided and sent.  0: for ever."},

    TIER(TIER_QUICK, "quick", "768", "0", "2s", ""),
    TIER(TIER_STANDARD, "standard", "1024", "750", "5s",
         "Name the other windows and panels that can be seen as well, and what they "
         "show."),
    TIER(TIER_DEEP, "deep", "1280", "1000", "15s",
         "Look at every part of the picture: name all windows and panels with what they "
         "show, and quote the words by which this picture could be found again."),

    {"prompts.system", CONFIG_TEXT, AT(prompts.system), "", 0, PROMPT_MAX, 0, 0, NULL,
     false, "Own text instead of the built-in instructions.  Empty: built in."},
    {"prompts.default", CONFIG_TEXT, AT(prompts.user[PROMPT_DEFAULT]), "", 0, PROMPT_MAX,
     0, 0, NULL, false, "Own question for pictures of any program."},
    {"prompts.ide", CONFIG_TEXT, AT(prompts.user[PROMPT_IDE]), "", 0, PROMPT_MAX, 0, 0,
     NULL, false, "... of editors and development tools."},
    {"prompts.terminal", CONFIG_TEXT, AT(prompts.user[PROMPT_TERMINAL]), "", 0,
     PROMPT_MAX, 0, 0, NULL, false, "... of terminals."},
    {"prompts.browser", CONFIG_TEXT, AT(prompts.user[PROMPT_BROWSER]), "", 0, PROMPT_MAX,
     0, 0, NULL, false, "... of web browsers."},
    {"prompts.meeting", CONFIG_TEXT, AT(prompts.user[PROMPT_MEETING]), "", 0, PROMPT_MAX,
     0, 0, NULL, false, "... of calls and meetings."},
    {"prompts.document", CONFIG_TEXT, AT(prompts.user[PROMPT_DOCUMENT]), "", 0,
     PROMPT_MAX, 0, 0, NULL, false, "... of office programs and readers."},
    {"prompts.chat", CONFIG_TEXT, AT(prompts.user[PROMPT_CHAT]), "", 0, PROMPT_MAX, 0, 0,
     NULL, false, "... of messengers."},

    YIELD("battery", YIELD_BATTERY,
          "On battery.  slow: one request at a time, and only what a person waits for; "
          "pause: none."),
    YIELD("cpu", YIELD_CPU, "While other programs use the processors."),
    {"yield.cpu_percent", CONFIG_INT, AT(yield.cpu_pct), NULL, 1, 100, 0, 0, NULL, false,
     "So much of all of them; servers of models do not count."},
    YIELD(
        "gpu", YIELD_GPU,
        "While other programs use the GPU (AMD's, NVIDIA's); looked at when no model of "
        "this machine is asked."),
    {"yield.gpu_percent", CONFIG_INT, AT(yield.gpu_pct), NULL, 1, 100, 0, 0, NULL, false,
     "So much of it."},
    {"yield.programs", CONFIG_TEXTS, AT(yield_programs), "", 0, CONFIG_MAX_LIST, 0, 0,
     NULL, false, "Programs by name, such as a game."},
    YIELD("while_programs", YIELD_PROGRAM, "While one of them runs."),
    {"yield.hours", CONFIG_HOURS, AT(yield_hours), "", 0, CONFIG_MAX_LIST, 0, 0, NULL,
     false, "Times of the week in which to work: 22:00-06:00, sat,sun.  Empty: always."},
    YIELD("outside_hours", YIELD_HOURS, "At other times."),
    {"yield.hold", CONFIG_MS, AT(yield.hold_ms), NULL, 0, HOUR, 0, 0, NULL, false,
     "How long processors, GPU and programs must be quiet before work goes on."},

    {"cache.payload_mb", CONFIG_INT, AT(payload_mb), "100", 0, 65536, 0, 0, NULL, false,
     "Memory for pictures that were made ready, so that a retry or another prompt does "
     "not "
     "make them again."},
    {"cache.payload_items", CONFIG_INT, AT(payload_items), "50", 0, 1048576, 0, 0, NULL,
     true, "So many of them at most."},
    {"cache.result_ttl", CONFIG_MS, AT(result_ttl_ms), "0", 0, 36500 * DAY, 0, 0, NULL,
     false,
     "Descriptions older than this are made anew when the same picture comes again.  0: "
     "never, what is on a picture does not change."},

    {"memory.warning_percent", CONFIG_INT, AT(pressure.warning_pct), NULL, 1, 100, 0, 0,
     NULL, false,
     "With so much of the machine's (or the control group's) memory in use caches and "
     "concurrency are halved."},
    {"memory.critical_percent", CONFIG_INT, AT(pressure.critical_pct), NULL, 1, 100, 0, 0,
     NULL, false,
     "With so much, and programs waiting for memory, nothing new is begun and idle "
     "models "
     "are unloaded."},
    {"memory.own_bytes", CONFIG_BYTES, AT(pressure.rss_bytes), NULL, 0, 1024 * GIB, 0, 0,
     NULL, false, "So much for vlmd itself, with its caches.  0: no limit."},

    {"admin.listen", CONFIG_TEXT, AT(admin.listen), "127.0.0.1:8011", 1, TEXT_MAX, 0, 0,
     NULL, true,
     "Where the web page and the HTTP interface are: HOST:PORT, a port, or off.  vlmd "
     "batch serves them only when this is set."},
    {"admin.socket", CONFIG_TEXT, AT(admin.socket), "", 0, 100, 0, 0, NULL, true,
     "Unix socket of the same: a path, or off.  Empty: vlmd/http.sock in the runtime "
     "folder.  This user needs no key there."},
    {"admin.auth", CONFIG_BOOL, AT(admin.needs_key), "yes", 0, 0, 0, 0, NULL, true,
     "Requests need the token, a key or a session.  no is possible only on this "
     "machine's "
     "own addresses."},
    {"admin.keys_file", CONFIG_PATH, AT(admin.keys_file), "", 0, 4095, 0, 0, NULL, true,
     "File with the hashes of named keys; see `vlmd token`.  Empty: api-keys beside the "
     "database."},
    {"admin.hosts", CONFIG_TEXT, AT(admin.hosts), "", 0, 1000, 0, 0, NULL, true,
     "Names that browsers may use for it, besides localhost and addresses, with blanks "
     "between: that of a reverse proxy."},
    {"admin.submit_dirs", CONFIG_PATHS, AT(admin_submit_dirs), "", 0, CONFIG_MAX_LIST, 0,
     0, NULL, false,
     "Folders whose pictures may be named by requests, besides the watched ones."},
    {"admin.rate", CONFIG_INT, AT(admin.requests_per_min), "6000", 0, 1000000, 0, 0, NULL,
     false, "Requests a minute with each key.  0: no limit."},
    {"admin.share", CONFIG_INT, AT(admin.share_pct), "1", 1, 100, 0, 0, NULL, false,
     "How much of all processors requests may take while pictures are described, in "
     "percent; beyond it they wait their turn, for 42 ms at most.  100: all they want."},
    {"admin.max_connections", CONFIG_INT, AT(admin.max_connections), "256", 4, 4096, 0, 0,
     NULL, true, "Connections at a time; more wait, and the slowest make room."},
    {"admin.max_event_clients", CONFIG_INT, AT(admin.max_event_clients), "64", 0, 2048, 0,
     0, NULL, false, "Clients that listen to /v1/events at a time."},
    {"admin.max_upload_bytes", CONFIG_BYTES, AT(admin.max_upload_bytes), "32MiB", KIB,
     GIB, 0, 0, NULL, false, "Larger pictures are not taken by upload."},

    {"health.timeout", CONFIG_MS, AT(health_timeout_ms), "10s", SEC, 30 * SEC, 0, 0, NULL,
     false, "How long one check of what vlmd depends on may take."},
    {"health.every", CONFIG_MS, AT(health_every_ms), "5m", 10 * SEC, DAY, 0, 0, NULL,
     false, "How often they are made while there is work."},
    {"health.urls", CONFIG_URLS, AT(health_urls), "", 0, CONFIG_MAX_LIST, 0, 0, NULL,
     false, "Further addresses that have to answer for all to be well."},

    {"alerts.webhook", CONFIG_SECRET, AT(alert_webhook), "", 0, 2048, 0, 0, NULL, false,
     "Address that alerts are sent to.  Empty: they stand in the log only."},
    {"alerts.webhook_file", CONFIG_SECRET_FILE, AT(alert_webhook), "", 0, 4095, 0, 0,
     NULL, false, "File that holds it, where it is a secret in itself."},
    {"alerts.format", CONFIG_CHOICE, AT(alert_format), "json", 0, 0, 0, 0,
     "json|slack|pagerduty", false, "What the address understands."},
    {"alerts.key", CONFIG_SECRET, AT(alert_key), "", 0, 256, 0, 0, NULL, false,
     "PagerDuty's integration key.  Better in a file: see key_file."},
    {"alerts.key_file", CONFIG_SECRET_FILE, AT(alert_key), "", 0, 4095, 0, 0, NULL, false,
     "File that holds the key."},
    {"alerts.every", CONFIG_MS, AT(alert_every_ms), "30s", SEC, HOUR, 0, 0, NULL, false,
     "How often is measured while there is work, or an alert is on."},
    {"alerts.cooldown", CONFIG_MS, AT(alerts.cooldown_ms), NULL, 0, DAY, 0, 0, NULL,
     false, "How long an alert that has recovered is quiet at least."},
#define X(rule, name, severity, least, seconds, unit, words)                             \
    LIMIT(name, rule, words ": so many " unit),
    ALERT_TABLE(X)
#undef X

        {"log.level", CONFIG_TEXT, AT(log_level), "info", 1, TEXT_MAX, 0, 0, NULL, false,
         "How much is logged: error, warn, info or debug, and for parts another: "
         "info,http=debug."},
    {"log.file", CONFIG_PATH, AT(log_file), NULL, 0, 4095, 0, 0, NULL, false,
     "File for the log, which may be moved away while it is written.  Empty: what errors "
     "go to."},
    {"log.format", CONFIG_WORD, AT(log_format), "text", 0, 0, 0, 0, "text|json", true,
     "How it is logged."},
};
_Static_assert(sizeof(config_keys) / sizeof(config_keys[0]) <= CONFIG_MAX_KEYS,
               "an array with one member per key has room");
const int n_config_keys = sizeof(config_keys) / sizeof(config_keys[0]);
