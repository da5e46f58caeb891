// test_config.c -- keys, values, units, layers, backends, secrets, the sample file.
// SPDX-License-Identifier: MIT
#include "config_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void says(const struct loaded *l, const char *words)
{
    if (!strstr(l->said, words)) {
        fail_msg("expected \"%s\" in:\n%s", words, l->said);
    }
}

static void test_none(void **state)
{
    (void)state;
    struct loaded l;
    load_options(&l, NULL);
    assert_int_equal(l.rc, 0);
    assert_string_equal(l.said, "");
    assert_null(l.c->file);
    assert_true(l.c->is_auto);
    assert_int_equal(l.c->n_backends, 0);
    assert_int_equal(l.c->target_px, 768);
    assert_int_equal(l.c->prepare_ahead, 2);
    assert_int_equal(l.c->grace_ms, 5000);
    assert_int_equal(l.c->ocr_when, CONFIG_OCR_FALLBACK);
    assert_int_equal(l.c->backend.timeouts.first_byte_ms, 300000);
    assert_int_equal(l.c->image.max_pixels, 40000000);
    assert_int_equal(l.c->privacy.rules.deny[PRIVACY_APP].n, 0);
    assert_true(l.c->privacy.rules.has_defaults);
    assert_non_null(l.c->rules);
    assert_int_equal(l.c->privacy.policy.read_text, PRIVACY_READ_REMOTE);
    assert_int_equal(l.c->privacy.policy.local.action[PRIVACY_CARD], PRIVACY_DO_MASK);
    assert_null(l.c->watch_dirs[0]);
    assert_string_equal(l.c->log_level, "info");
    char db[512];
    snprintf(db, sizeof(db), "%s/.local/share/vlmd/vlmd.db", config_fixture_dir());
    assert_string_equal(l.c->store.path, db);
    assert_string_equal(value_of(&l, "backend.keep_alive"), "10m");
    assert_string_equal(origin_of(&l, "backend.keep_alive"), "default");
    assert_string_equal(value_of(&l, "audit.keep"), "400d");
    unload(&l);
}

static void test_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;  // -1 = refused
    } sizes[] = {
        {"0", 0},
        {"12", 12},
        {"64MiB", 64 << 20},
        {"10MB", 10000000},
        {"1.5GiB", 3 << 29},
        {"2 kB", 2000},
        {"3kib", 3072},
        {"64M", -1},
        {"-1", -1},
        {"", -1},
        {"MiB", -1},
        {"1e3", -1},
        {"99999999TiB", -1},
        {"12 apples", -1},
    };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        int64_t n = -2;
        bool ok = config_parse_bytes(sizes[i].text, &n);
        assert_int_equal(ok ? n : -1, sizes[i].bytes);
    }
    static const struct {
        const char *text;
        int64_t ms;
    } times[] = {
        {"0", 0},          {"250ms", 250},    {"10s", 10000}, {"5m", 300000},
        {"1.5h", 5400000}, {"2d", 172800000}, {"10", -1},     {"5 minutes", -1},
        {"-3s", -1},       {"s", -1},
    };
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        int64_t n = -2;
        bool ok = config_parse_duration(times[i].text, &n);
        assert_int_equal(ok ? n : -1, times[i].ms);
    }
    int64_t n;
    assert_false(config_parse_int("9223372036854775808", &n));
    assert_true(config_parse_int("-5", &n));
    assert_int_equal(n, -5);
    assert_false(config_parse_int("-", &n));
}

static void test_format(void **state)
{
    (void)state;
    static const struct {
        int64_t n;
        const char *bytes;
        const char *duration;
    } rows[] = {
        {0, "0", "0s"},
        {1500, "1500B", "1500ms"},
        {1024, "1KiB", "1024ms"},
        {3600000, "3600kB", "1h"},
        {67108864, "64MiB", "67108864ms"},
        {300000, "300kB", "5m"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[40];
        config_format_bytes(rows[i].n, text, sizeof(text));
        assert_string_equal(text, rows[i].bytes);
        config_format_duration(rows[i].n, text, sizeof(text));
        assert_string_equal(text, rows[i].duration);
    }
}

// A name without a folder has one all the same: what lies beside the database is found by it.
static void test_paths_are_absolute(void **state)
{
    (void)state;
    struct loaded l;
    char here[512], path[1024];
    assert_non_null(getcwd(here, sizeof(here)));
    setenv("VLMD_DB", "shots.db", 1);
    load_text(&l, "log: {file: vlmd.log}\n");
    unsetenv("VLMD_DB");
    snprintf(path, sizeof(path), "%s/shots.db", here);
    assert_string_equal(l.c->store.path, path);
    snprintf(path, sizeof(path), "%s/vlmd.log", config_fixture_dir());
    assert_string_equal(l.c->log_file, path);
    unload(&l);
}

static void test_all_types(void **state)
{
    (void)state;
    struct loaded l;
    load_text(&l, "db: data/my.db\n"
                  "model: qwen2.5vl:7b\n"
                  "tier: DEEP\n"
                  "concurrency: 4\n"
                  "watch:\n  dirs: [~/Shots, /srv/shots, here]\n"
                  "backend:\n  temperature: 0.25\n  keep_alive: 90s\n  kind: ollama\n"
                  "image: {quality: 80, memory_bytes: 128MiB, max_pixels: 1000000}\n"
                  "ocr: {when: always, helper: ~/bin/vlmd-ocr}\n"
                  "privacy:\n  allow_remote: true\n  exclude_apps:\n    - KeePass*\n"
                  "    - \"1Password\"\n"
                  "prompts:\n  ide: |\n    Describe the code.\n    Be short.\n"
                  "log: {level: debug, format: json}\n");
    assert_string_equal(l.said, "");
    const char *dir = config_fixture_dir();
    char path[512];
    snprintf(path, sizeof(path), "%s/data/my.db", dir);
    assert_string_equal(l.c->store.path, path);
    assert_string_equal(l.c->backend.model, "qwen2.5vl:7b");
    assert_int_equal(l.c->tier, TIER_DEEP);
    assert_int_equal(l.c->target_px, 1280);
    assert_int_equal(l.c->concurrency, 4);
    snprintf(path, sizeof(path), "%s/Shots", dir);
    assert_string_equal(l.c->watch_dirs[0], path);
    assert_string_equal(l.c->watch_dirs[1], "/srv/shots");
    snprintf(path, sizeof(path), "%s/here", dir);
    assert_string_equal(l.c->watch_dirs[2], path);
    assert_null(l.c->watch_dirs[3]);
    assert_true(l.c->backend.temperature > 0.2499 && l.c->backend.temperature < 0.2501);
    assert_string_equal(value_of(&l, "backend.temperature"), "0.25");
    assert_int_equal(l.c->backend.keep_alive_s, 90);
    assert_int_equal(l.c->backend.kind, BACKEND_OLLAMA);
    assert_int_equal(l.c->image.quality, 80);
    assert_int_equal(l.c->image.memory_bytes, 128 << 20);
    assert_int_equal(l.c->ocr_when, CONFIG_OCR_ALWAYS);
    snprintf(path, sizeof(path), "%s/bin/vlmd-ocr", dir);
    assert_string_equal(l.c->ocr.helper, path);
    assert_true(l.c->privacy.policy.allow_remote);
    const struct privacy_list *apps = &l.c->privacy.rules.deny[PRIVACY_APP];
    assert_int_equal(apps->n, 2);
    assert_string_equal(apps->items[1].text, "1Password");
    assert_string_equal(apps->items[1].origin, "vlmd.yaml:17");
    assert_memory_equal(apps->items[1].where, dir, strlen(dir));
    assert_string_equal(l.c->prompts.user[PROMPT_IDE], "Describe the code.\nBe short.\n");
    assert_string_equal(l.c->log_format, "json");
    assert_string_equal(value_of(&l, "privacy.exclude_apps"), "KeePass*, 1Password");
    assert_string_equal(value_of(&l, "privacy.allow_remote"), "yes");
    assert_string_equal(origin_of(&l, "model"), "vlmd.yaml:2");
    unload(&l);
}

static void test_bad_values(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words;  // of the only error
    } rows[] = {
        {"image:\n  quality: 500\n",
         "error vlmd.yaml:2: image.quality: \"500\" is out of range: 1-100"},
        {"image:\n  quality: fine\n", "\"fine\" is not a whole number: 1-100"},
        {"tier: huge\n",
         "error vlmd.yaml:1: tier: \"huge\" is none of: quick|standard|deep"},
        {"backend: {kind: olama}\n", "kind: \"olama\" is none of: auto|ollama|openai|"},
        {"backend: {temperature: 2.5}\n", "\"2.5\" is out of range: 0-2"},
        {"backend: {temperature: hot}\n", "\"hot\" is not a number: 0-2"},
        {"backend: {keep_alive: 600}\n",
         "is not a duration such as 250ms, 10s or 5m: 1s-1d"},
        {"image: {max_file_bytes: 64M}\n",
         "is not a size such as 64MiB or 10MB: 1KiB-4GiB"},
        {"privacy: {allow_remote: maybe}\n", "\"maybe\" is none of: yes|no"},
        {"log: {level: loud}\n", "\"loud\" is none of error, warn, info, debug"},
        {"image: {target_px: 10}\n", "image.target_px: is 0 or at least 64"},
        {"retry: {base: 2m, cap: 1m}\n", "retry.cap: is shorter than retry.base"},
        {"breaker: {open: 2m, cap: 1m}\n", "breaker.cap: is shorter than breaker.open"},
        {"db: \"\"\n", "db: \"\" may not be empty"},
        {"model: \"a\\u0001b\"\n", "has control characters in it"},
        {"concurency: 3\n", "concurency: is no key; did you mean concurrency?"},
        {"image: {qualty: 3}\n", "image.qualty: is no key; did you mean image.quality?"},
        {"max_pixels: 3\n", "max_pixels: is no key; did you mean image.max_pixels?"},
        {"zzzzzzzzzzzz: 3\n", "zzzzzzzzzzzz: is no key\n"},
        {"image: 3\n", "image: is a section; its keys stand indented below it"},
        {"db: {path: x}\n", "db: takes a value, not a section"},
        {"tier: [quick]\n", "tier: takes one value, not a list"},
        {"watch:\n  dirs:\n  - {a: b}\n", "watch.dirs: takes a list of plain values"},
        {"model: a\nmodel: b\n",
         "error vlmd.yaml:2: model: is set already at vlmd.yaml:1"},
        {"backend: {api_key: 0123456789abcdef0, api_key_file: x}\n",
         "the key is set already at vlmd.yaml:1"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct loaded l;
        load_text(&l, rows[i].text);
        assert_int_equal(l.rc, E_CONFIG);
        assert_int_equal(l.errors, 1);
        says(&l, rows[i].words);
        unload(&l);
    }
}

static void test_all_problems_at_once(void **state)
{
    (void)state;
    setenv("VLMD_LOG_FORMAT", "xml", 1);
    setenv("VLMD_CONCURENCY", "3", 1);
    const char *path = config_fixture_text("tier: x\nfoo: 1\nimage:\n  quality: 0\n");
    const struct vlmd_setting settings[] = {{"model", "\xff", "--model"},
                                            {"nonsense", "1", "--set"}};
    struct loaded l;
    load_options(&l, &(struct vlmd_options){
                         .config_file = path, .settings = settings, .n_settings = 2});
    assert_int_equal(l.errors, 6);
    says(&l, "error vlmd.yaml:1: tier");
    says(&l, "error vlmd.yaml:2: foo");
    says(&l, "error vlmd.yaml:4: image.quality");
    says(&l, "error VLMD_LOG_FORMAT: log.format: \"xml\" is none of: text|json");
    says(&l, "warn VLMD_CONCURENCY: is no variable that vlmd knows");
    says(&l, "error --model: model: \"?\" is not UTF-8");
    says(&l, "error --set: nonsense: is no key");
    unload(&l);
}

static void test_layers(void **state)
{
    (void)state;
    const char *path = config_fixture_text("model: a\ntier: deep\ngrace: 1s\n");
    setenv("VLMD_MODEL", "b", 1);
    setenv("VLMD_GRACE", "2s", 1);
    setenv("VLMD_PRIVACY_EXCLUDE_APPS", "x,y,,z", 1);
    const struct vlmd_setting settings[] = {{"model", "c", "--model"}};
    struct vlmd_options options = {
        .config_file = path, .settings = settings, .n_settings = 1};
    struct loaded l;
    load_options(&l, &options);
    assert_string_equal(l.said, "");
    assert_string_equal(value_of(&l, "model"), "c");
    assert_string_equal(origin_of(&l, "model"), "--model");
    assert_string_equal(value_of(&l, "grace"), "2s");
    assert_string_equal(origin_of(&l, "grace"), "VLMD_GRACE");
    assert_string_equal(origin_of(&l, "tier"), "vlmd.yaml:2");
    assert_false(l.c->has_own_tier);
    assert_string_equal(value_of(&l, "privacy.exclude_apps"), "x, y, z");
    unload(&l);
    options.ignore_environment = true;
    load_options(&l, &options);
    assert_string_equal(value_of(&l, "grace"), "1s");
    assert_string_equal(value_of(&l, "privacy.exclude_apps"), "");
    unload(&l);
}

static void test_privacy_rules(void **state)
{
    (void)state;
    struct loaded l;
    load_text(&l, "privacy:\n"
                  "  exclude_windows:\n    - fine\n    - \"re:(a\"\n    - \"*[z-a]*\"\n"
                  "  allow_hours: [\"mon-fri 9-17\"]\n");
    assert_int_equal(l.rc, E_CONFIG);
    assert_int_equal(l.errors, 3);
    says(&l, "error vlmd.yaml:4: privacy.exclude_windows: \"re:(a\" is no regular "
             "expression: missing closing parenthesis (at character 6)\n");
    says(&l, "error vlmd.yaml:5: privacy.exclude_windows: \"*[z-a]*\" is no pattern");
    says(&l, "error vlmd.yaml:6: privacy.allow_hours: \"mon-fri 9-17\" is no time");
    unload(&l);
    setenv("VLMD_PRIVACY_EXCLUDE_URLS", "a.example,re:(", 1);
    const char *path = config_fixture_text("privacy: {exclude_urls: [b.example]}\n");
    load_options(&l, &(struct vlmd_options){.config_file = path});
    says(&l, "error VLMD_PRIVACY_EXCLUDE_URLS: privacy.exclude_urls: \"re:(\"");
    unload(&l);
    unsetenv("VLMD_PRIVACY_EXCLUDE_URLS");
    load_text(&l, "privacy: {exclude_apps: [\"Signal\"], defaults: no}\n");
    assert_string_equal(l.said, "");
    struct privacy_reason why;
    const struct privacy_subject signal = {.app = "signal-desktop"};
    const struct privacy_subject keepass = {.app = "KeePassXC"};
    assert_true(privacy_is_excluded(l.c->rules, &signal, &why));
    assert_string_equal(why.rule, "privacy.exclude_apps: Signal");
    assert_false(privacy_is_excluded(l.c->rules, &keepass, &why));
    unload(&l);
    load_text(&l, "");
    assert_true(privacy_is_excluded(l.c->rules, &keepass, &why));
    unload(&l);
}

static void test_privacy_policy(void **state)
{
    (void)state;
    struct loaded l;
    load_text(&l, "privacy:\n"
                  "  read_text: always\n  remote_without_ocr: yes\n  mask_from: 77\n"
                  "  remote_block_from: 0\n"
                  "  local: {email: mask, card: block}\n"
                  "  remote:\n    jwt: safe\n");
    assert_string_equal(l.said, "");
    const struct privacy_policy *p = &l.c->privacy.policy;
    assert_int_equal(p->read_text, PRIVACY_READ_ALWAYS);
    assert_true(p->remote_without_ocr);
    assert_int_equal(p->local.mask_from, 77);
    assert_int_equal(p->remote.block_from, 0);
    assert_int_equal(p->local.action[PRIVACY_EMAIL], PRIVACY_DO_MASK);
    assert_int_equal(p->local.action[PRIVACY_CARD], PRIVACY_DO_BLOCK);
    assert_int_equal(p->remote.action[PRIVACY_JWT], PRIVACY_DO_SAFE_PROMPT);
    assert_string_equal(value_of(&l, "privacy.local.email"), "mask");
    assert_string_equal(origin_of(&l, "privacy.remote.jwt"), "vlmd.yaml:8");
    assert_string_equal(value_of(&l, "privacy.remote.seed"), "block");
    unload(&l);
    static const struct {
        const char *text;
        const char *words;
    } rows[] = {
        {"privacy: {local: {card: paint}}\n",
         "error vlmd.yaml:1: privacy.local.card: \"paint\" is none of: "
         "allow|safe|mask|block"},
        {"privacy: {local: {cart: mask}}\n",
         "is no key; did you mean privacy.local.card?"},
        {"privacy: {local: mask}\n", "privacy.local: is a section"},
        {"privacy: {mask_from: -1}\n", "\"-1\" is out of range: 0-1000"},
        {"privacy: {only_allowed: yes}\n",
         "warn vlmd.yaml:1: privacy.only_allowed: nothing is sent"},
        {"privacy:\n  allow_remote: yes\n  read_text: never\n",
         "warn vlmd.yaml:3: privacy.read_text: is never, so that nothing is sent to "
         "other"},
        {"privacy: {mask_from: 30}\n", "warn vlmd.yaml:1: privacy.mask_from: thresholds"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        load_text(&l, rows[i].text);
        assert_int_equal(l.errors + l.warnings, 1);
        says(&l, rows[i].words);
        unload(&l);
    }
}

static void test_list_layers(void **state)
{
    (void)state;
    const char *path =
        config_fixture_text("privacy: {exclude_paths: [a, b]}\nwatch: {dirs: []}\n");
    struct loaded l;
    load_options(&l, &(struct vlmd_options){.config_file = path});
    assert_string_equal(value_of(&l, "privacy.exclude_paths"), "a, b");
    assert_string_equal(origin_of(&l, "watch.dirs"), "vlmd.yaml:2");
    unload(&l);
    const struct vlmd_setting settings[] = {{"privacy.exclude_paths", "c", "--x"},
                                            {"privacy.exclude_paths", "d,e", "--x"}};
    load_options(&l, &(struct vlmd_options){
                         .config_file = path, .settings = settings, .n_settings = 2});
    assert_string_equal(value_of(&l, "privacy.exclude_paths"), "c, d,e");
    unload(&l);
    char text[1024] = "privacy:\n  exclude_apps: [a";
    for (int i = 0; i < CONFIG_MAX_LIST; i++) {
        strcat(text, ",b");
    }
    load_text(&l, strcat(text, "]\n"));
    says(&l, "privacy.exclude_apps: has over 64 members");
    unload(&l);
}

// Of a file or the environment it is everybody's.
static void test_a_tier_of_this_run(void **state)
{
    (void)state;
    struct loaded l;
    const struct vlmd_setting s = {"tier", "quick", "--tier"};
    setenv("VLMD_TIER", "deep", 1);
    load_text(&l, "");
    assert_int_equal(l.c->tier, TIER_DEEP);
    assert_false(l.c->has_own_tier);
    unload(&l);
    load_options(
        &l, &(struct vlmd_options){.config_file = "", .settings = &s, .n_settings = 1});
    assert_int_equal(l.c->tier, TIER_QUICK);
    assert_true(l.c->has_own_tier);
    unload(&l);
    unsetenv("VLMD_TIER");
}

static void test_urls(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *url;  // NULL = refused
        const char *words;
    } rows[] = {
        {"http://localhost:11434", "http://localhost:11434", NULL},
        {"HTTP://Host:1/", "http://Host:1", NULL},
        {"http://h:8000/v1/", "http://h:8000", NULL},
        {"https://h/api/v1", "https://h/api", NULL},
        {"https://h/v1", "https://h", NULL},
        {"10.0.0.7:8080", "http://10.0.0.7:8080", NULL},
        {"gpu:8000/base/", "http://gpu:8000/base", NULL},
        {"http://[::1]:11434", "http://[::1]:11434", NULL},
        {"[fe80::1]:80", "http://[fe80::1]:80", NULL},
        {"http+unix:///run/vlm.sock", "http+unix:///run/vlm.sock", NULL},
        {"http+unix://run/vlm.sock", NULL, "names no socket"},
        {"ftp://h", NULL, "must begin with http://"},
        {"file:///etc/passwd", NULL, "must begin with http://"},
        {"gpu", NULL, "is no URL"},
        {"", NULL, "is no URL"},
        {"http://", NULL, "names no host"},
        {"http://:80", NULL, "names no host"},
        {"http://h:0", NULL, "no port from 1 to 65535"},
        {"http://h:65536", NULL, "no port from 1 to 65535"},
        {"http://h:", NULL, "no port from 1 to 65535"},
        {"h:80x", NULL, "no port from 1 to 65535"},
        {"http://me:pw@h", NULL, "has a user or password"},
        {"http://h?x=1", NULL, "query or fragment"},
        {"http://h/a b", NULL, "blanks or unusual"},
        {"http://h$", NULL, "host with unusual characters"},
        {"http://[::1", NULL, "bad address in [ ]"},
        {"http://[zz]", NULL, "bad address in [ ]"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char url[256] = "";
        char words[160] = "";
        bool ok = config_url(rows[i].text, url, sizeof(url), words, sizeof(words));
        assert_int_equal(ok, rows[i].url != NULL);
        if (ok) {
            assert_string_equal(url, rows[i].url);
        } else if (!strstr(words, rows[i].words)) {
            fail_msg("%s: %s", rows[i].text, words);
        }
    }
    char long_url[1100];
    char url[1024];
    char words[160];
    memset(long_url, 'a', sizeof(long_url) - 1);
    long_url[sizeof(long_url) - 1] = 0;
    assert_false(config_url(long_url, url, sizeof(url), words, sizeof(words)));
    assert_string_equal(words, "is too long");
}

static void test_backends(void **state)
{
    (void)state;
    struct loaded l;
    load_text(&l, "model: m0\n"
                  "backends:\n"
                  "  - http://a:1\n"
                  "  - url: b:2/v1\n    name: gpu\n    model: m1\n    kind: vllm\n"
                  "    keep_alive: 5m\n    total_timeout: 20s\n    max_tokens: 900\n"
                  "  - http://a:1\n"
                  "  - http+unix:///run/x.sock\n"
                  "  - ocr\n"
                  "backend: {max_tokens: 700}\n");
    assert_string_equal(l.said, "");
    struct config *c = l.c;
    assert_int_equal(c->n_backends, 4);
    assert_true(c->has_ocr_backend);
    assert_false(c->is_auto);
    assert_string_equal(c->backends[0].name, "a:1");
    assert_string_equal(c->backends[0].model, "m0");
    assert_int_equal(c->backends[0].max_tokens, 700);
    assert_string_equal(c->backends[1].url, "http://b:2");
    assert_string_equal(c->backends[1].name, "gpu");
    assert_string_equal(c->backends[1].model, "m1");
    assert_int_equal(c->backends[1].kind, BACKEND_VLLM);
    assert_int_equal(c->backends[1].keep_alive_s, 300);
    assert_int_equal(c->backends[1].max_tokens, 900);
    assert_int_equal(c->backends[1].timeouts.total_ms, 20000);
    assert_int_equal(c->backends[1].timeouts.stall_ms, 60000);
    assert_string_equal(c->backends[2].name, "a:1#3");
    assert_string_equal(c->backends[3].name, "x.sock");
    assert_string_equal(
        value_of(&l, "backends"),
        "http://a:1, http://b:2, http://a:1, http+unix:///run/x.sock, ocr");
    unload(&l);
    load_text(&l, "backend: localhost:9\n");
    assert_string_equal(value_of(&l, "backends"), "http://localhost:9");
    unload(&l);
    load_text(&l, "backends: []\n");
    assert_true(l.c->is_auto);
    unload(&l);
    load_text(&l, "backends: [{url: ocr, name: text}]\nocr: {when: never}\n");
    says(&l, "warn ocr.when: is never, but ocr is named as a backend");
    assert_int_equal(l.c->ocr_when, CONFIG_OCR_FALLBACK);
    assert_int_equal(l.c->n_backends, 0);
    assert_false(l.c->is_auto);
    unload(&l);
}

static void test_terms(void **state)
{
    (void)state;
    struct loaded l;
    load_text(&l, "budget: {requests_per_day: 100, price_input: 2.5}\n"
                  "rate: {requests: 5}\n"
                  "breaker: {preset: 5/60s, cap: 2m}\n"
                  "backends:\n"
                  "  - http://a:1\n"
                  "  - url: b:2\n    priority: 1\n    rate: {requests: 60}\n"
                  "    budget: {money_per_month: 20, price_output: 10}\n");
    assert_string_equal(l.said, "");
    const struct guard_terms *a = &l.c->terms_of[0], *b = &l.c->terms_of[1];
    assert_int_equal(a->priority, 0);
    assert_int_equal(a->rate.requests_per_min, 5);
    assert_int_equal(a->budget.limits[BUDGET_DAY].requests, 100);
    assert_int_equal(b->priority, 1);
    assert_int_equal(b->rate.requests_per_min, 60);
    assert_int_equal(b->budget.limits[BUDGET_DAY].requests, 100);
    assert_true(b->budget.limits[BUDGET_MONTH].money == 20);
    assert_true(b->budget.prices.input == 2.5 && b->budget.prices.output == 10);
    assert_int_equal(l.c->breaker.failures, 5);
    assert_int_equal(l.c->breaker.open_ms, 60000);
    assert_int_equal(l.c->breaker.cap_ms, 120000);  // what is set goes before the preset
    assert_int_equal(l.c->breaker.ratio_pct, 0);
    unload(&l);
    load_text(&l, "budget: {money_per_day: 1}\nbackends: [h:1]\n");
    says(&l, "error budget.money_per_day: budget.money: h:1 has no prices");
    unload(&l);
}

static void test_backend_flags_replace(void **state)
{
    (void)state;
    const char *path = config_fixture_text("backends: [http://file:1]\n");
    setenv("VLMD_BACKEND", "http://env:1,ocr", 1);
    const struct vlmd_setting settings[] = {{"backend", "http://flag:1", "--backend"},
                                            {"backend", "flag:2", "--backend"}};
    struct vlmd_options options = {.config_file = path};
    struct loaded l;
    load_options(&l, &options);
    assert_string_equal(value_of(&l, "backends"), "http://env:1, ocr");
    assert_string_equal(origin_of(&l, "backends"), "VLMD_BACKEND");
    unload(&l);
    options.settings = settings;
    options.n_settings = 2;
    load_options(&l, &options);
    assert_string_equal(value_of(&l, "backends"), "http://flag:1, http://flag:2");
    assert_false(l.c->has_ocr_backend);
    unload(&l);
}

static void test_bad_backends(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *words;
    } rows[] = {
        {"backends: [gpu]\n", "error vlmd.yaml:1: backends: \"gpu\" is no URL"},
        {"backends:\n- name: x\n", "error vlmd.yaml:2: backends: a backend needs an url"},
        {"backends:\n-\n- h:1\n", "error vlmd.yaml:2: backends: a backend needs an url"},
        {"backends:\n- {url: 'h:1', colour: red}\n", "colour is no key of a backend"},
        {"backends:\n- {url: 'h:1', name: 'a b'}\n", "name: must be 1 to 64 letters"},
        {"backends:\n- {url: 'h:1', name: ocr}\n", "name: ocr is the name of text"},
        {"backends:\n- {url: 'h:1', name: a}\n- {url: 'h:2', name: a}\n",
         "error vlmd.yaml:3: name: \"a\" is another backend's name"},
        {"backends:\n- {url: 'h:1', max_tokens: 3}\n",
         "max_tokens: \"3\" is out of range: 16-32768"},
        {"backends:\n- {url: 'h:1', api_key: a123456789abcdef, api_key_env: HOME}\n",
         "api_key_env: api_key is set already at vlmd.yaml:2"},
        {"backends: [{url: {a: b}}]\n", "url.a is no key of a backend"},
        {"backends: {a: b}\n", "backends: takes a list, not a section"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct loaded l;
        load_text(&l, rows[i].text);
        assert_int_equal(l.rc, E_CONFIG);
        says(&l, rows[i].words);
        unload(&l);
    }
    char text[2048] = "backends: [h:1";
    for (int i = 0; i < CONFIG_MAX_BACKENDS; i++) {
        strcat(text, ", h:1");
    }
    struct loaded l;
    load_text(&l, strcat(text, "]\n"));
    says(&l, "backends: at most 16 are possible");
    unload(&l);
}

static void test_secrets(void **state)
{
    (void)state;
    struct loaded l;
    config_fixture_write("key", "sk-0123456789abcdef\n", 20, 0600);
    load_text(&l, "backend: {api_key_file: key}\nbackends: [localhost:1]\n");
    assert_string_equal(l.said, "");
    assert_string_equal(l.c->backends[0].api_key, "sk-0123456789abcdef");
    assert_string_equal(value_of(&l, "backend.api_key_file"), "key");
    assert_string_equal(value_of(&l, "backend.api_key"), "");
    unload(&l);
    setenv("VLMD_BACKEND_API_KEY", "from-the-environment", 1);
    load_text(&l, "backend: {api_key_file: key}\nbackends: [localhost:1]\n");
    assert_string_equal(l.c->backends[0].api_key, "from-the-environment");
    assert_string_equal(value_of(&l, "backend.api_key"), "(hidden)");
    assert_string_equal(value_of(&l, "backend.api_key_file"), "");
    unsetenv("VLMD_BACKEND_API_KEY");
    unload(&l);
    setenv("MY_KEY", "secret-in-a-variable", 1);
    load_text(&l, "backends: [{url: 'http://far:1', api_key_env: MY_KEY}]\n");
    assert_string_equal(l.c->backends[0].api_key, "secret-in-a-variable");
    says(&l,
         "warn vlmd.yaml:1: backends: the key goes to http://far:1 without encryption");
    unload(&l);
    load_text(
        &l,
        "backends: [{url: 'h:1', api_key_command: 'echo key-of-a-command; echo x'}]\n");
    assert_string_equal(l.c->backends[0].api_key, "key-of-a-command");
    unload(&l);
    load_text(&l, "backend: {api_key_command: 'echo key-of-a-command; exit 3'}\n");
    says(&l, "error vlmd.yaml:1: backend.api_key_command: failed");
    unload(&l);
    load_text(&l, "backend: {api_key_command: 'true'}\n");
    says(&l, "error vlmd.yaml:1: backend.api_key_command: says nothing");
    unload(&l);
    load_text(&l, "backend: {api_key: short}\n");
    says(&l, "warn vlmd.yaml:1: backend.api_key: a key of under 16 characters");
    assert_string_equal(l.c->backend.api_key, "short");
    unload(&l);
    load_text(&l, "backend: {api_key: 'two words of a key'}\n");
    says(&l, "error vlmd.yaml:1: backend.api_key: a key has no blanks");
    unload(&l);
}

static void test_several_secrets(void **state)
{
    (void)state;
    struct loaded l;
    load_text(&l, "backend: {api_key: sk-0123456789abcdef}\n"
                  "alerts: {webhook: 'https://far/0123456789abcdef', key: "
                  "0123456789abcdefgh}\n");
    assert_string_equal(l.said, "");
    assert_string_equal(l.c->backend.api_key, "sk-0123456789abcdef");
    assert_string_equal(l.c->alert_webhook, "https://far/0123456789abcdef");
    assert_string_equal(l.c->alert_key, "0123456789abcdefgh");
    unload(&l);
    load_text(&l, "backend: {api_key: sk-0123456789abcdef, api_key_env: MINE}\n");
    says(&l, "backend.api_key_env: the key is set already at vlmd.yaml:1");
    unload(&l);
}

// `ps` shows it to everybody; a program that embeds vlmd has no command line of ours.
static void test_no_secret_on_the_command_line(void **state)
{
    (void)state;
    struct loaded l;
    static const char *const keys[] = {"backend.api_key", "alerts.webhook", "alerts.key"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const struct vlmd_setting s = {keys[i], "https://a/0123456789abcdef", "--set"};
        load_options(&l, &(struct vlmd_options){.settings = &s, .n_settings = 1});
        says(&l, "other users can read it on a command line");
        assert_null(strstr(l.said, "0123456789abcdef"));
        unload(&l);
        const struct vlmd_setting own = {keys[i], "https://a/0123456789abcdef", NULL};
        load_options(&l, &(struct vlmd_options){.settings = &own, .n_settings = 1});
        assert_null(strstr(l.said, "command line"));
        unload(&l);
    }
}

static void test_secret_files(void **state)
{
    (void)state;
    struct loaded l;
    char big[5000];
    memset(big, 'k', sizeof(big));
    config_fixture_write("big", big, sizeof(big), 0600);
    load_text(&l, "backend: {api_key_file: big}\n");
    says(&l, "holds over 4096 bytes");
    unload(&l);
    config_fixture_write("open", "0123456789abcdef0", 17, 0644);
    load_text(&l, "backend: {api_key_file: open}\n");
    says(&l, "warn vlmd.yaml:1: backend.api_key_file: others may read");
    assert_int_equal(l.rc, 0);
    unload(&l);
    load_text(&l, "backend: {api_key_file: missing}\n");
    says(&l, "missing: No such file or directory");
    assert_int_equal(l.errors, 1);
    unload(&l);
    load_text(&l, "backend: {api_key_file: /}\n");
    assert_int_equal(l.errors, 1);
    unload(&l);
    load_text(&l, "backend: {api_key_env: NO_SUCH_VARIABLE_HERE}\n");
    says(&l, "error vlmd.yaml:1: NO_SUCH_VARIABLE_HERE: this variable is not set");
    unload(&l);
    // Somebody who only searches does not need the key.
    const char *text = "backend: {api_key_file: missing}\n";
    const char *path = config_fixture_text(text);
    load_options(&l, &(struct vlmd_options){.role = VLMD_CLIENT, .config_file = path});
    assert_int_equal(l.rc, 0);
    assert_int_equal(l.warnings, 1);
    unload(&l);
    text = "backend: {api_key: 0123456789abcdef0}\n";
    path = config_fixture_write("vlmd.yaml", text, strlen(text), 0644);
    load_options(&l, &(struct vlmd_options){.config_file = path});
    says(&l, "warn vlmd.yaml:1: backend.api_key: others may read this file");
    unload(&l);
}

static void test_odd_timeouts(void **state)
{
    (void)state;
    struct loaded l;
    load_text(
        &l, "backend: {total_timeout: 2s, connect_timeout: 400s, first_byte_timeout: 10m,"
            " connect_timeout2: 1s}\n");
    says(&l, "warn vlmd.yaml:1: backend.total_timeout: 2s is short; slow models need 5s");
    says(&l, "warn vlmd.yaml:1: backend.connect_timeout: 400s is long");
    says(&l, "did you mean backend.connect_timeout?");
    assert_int_equal(l.warnings, 2);
    unload(&l);
}

static void test_places(void **state)
{
    (void)state;
    char path[512];
    char expected[512];
    const char *dir = config_fixture_dir();
    snprintf(expected, sizeof(expected), "%s/.config/vlmd/vlmd.yaml", dir);
    assert_string_equal(config_path(path, sizeof(path)), expected);
    setenv("XDG_CONFIG_HOME", "relative", 1);
    assert_string_equal(config_path(path, sizeof(path)), expected);
    snprintf(path, sizeof(path), "%s/cfg", dir);
    setenv("XDG_CONFIG_HOME", path, 1);
    setenv("XDG_DATA_HOME", "/data", 1);
    snprintf(expected, sizeof(expected), "%s/cfg/vlmd/vlmd.yaml", dir);
    assert_string_equal(config_path(path, sizeof(path)), expected);
    assert_string_equal(config_path(path, 8), "");
    struct loaded l;
    load_options(&l, NULL);
    assert_string_equal(l.c->store.path, "/data/vlmd/vlmd.db");
    unload(&l);
    char folder[512];
    snprintf(folder, sizeof(folder), "%s/cfg", dir);
    assert_int_equal(mkdir(folder, 0700), 0);
    snprintf(folder, sizeof(folder), "%s/cfg/vlmd", dir);
    assert_int_equal(mkdir(folder, 0700), 0);
    config_fixture_write("cfg/vlmd/vlmd.yaml", "model: usual\n", 13, 0600);
    load_options(&l, &(struct vlmd_options){0});
    assert_string_equal(value_of(&l, "model"), "usual");
    assert_string_equal(l.c->file, expected);
    unload(&l);
    load_options(&l, &(struct vlmd_options){.config_file = ""});
    assert_string_equal(value_of(&l, "model"), "");
    unload(&l);
    load_options(&l, &(struct vlmd_options){.config_file = "/nonexistent/x.yaml"});
    says(&l, "error /nonexistent/x.yaml: No such file or directory");
    unload(&l);
    load_options(&l, &(struct vlmd_options){.config_file = dir});
    says(&l, "Is a directory");
    unload(&l);
    load_options(&l, &(struct vlmd_options){.config_file = "/dev/null"});
    assert_int_equal(l.errors, 1);
    unload(&l);
}

static void make(const char *rest)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", config_fixture_dir(), rest);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void finds(const char *rest)
{
    char path[512];
    char expected[512];
    assert_int_equal(config_find_folder(path, sizeof(path)), 0);
    snprintf(expected, sizeof(expected), "%s/%s", config_fixture_dir(), rest);
    assert_string_equal(path, expected);
}

static void test_folder(void **state)
{
    (void)state;
    char path[512];
    assert_int_equal(config_find_folder(path, sizeof(path)), E_NOT_FOUND);
    make("Pictures");
    finds("Pictures");
    make("Screenshots");
    finds("Screenshots");
    make(".memos");
    make(".memos/screenshots");
    finds(".memos/screenshots");
    make("Pictures/Screenshots");
    finds("Pictures/Screenshots");
    make("Bilder");
    make("Bilder/Screenshots");
    make(".config");
    const char *dirs = "# comment\nXDG_MUSIC_DIR=\"$HOME/Musik\"\n"
                       "XDG_PICTURES_DIR=\"$HOME/Bilder\"\n";
    config_fixture_write(".config/user-dirs.dirs", dirs, strlen(dirs), 0600);
    finds("Bilder/Screenshots");
    snprintf(path, sizeof(path), "%s/Pictures", config_fixture_dir());
    setenv("XDG_PICTURES_DIR", path, 1);
    finds("Pictures/Screenshots");
}

// Every line whose "#" is directly before a key becomes live.
static void uncomment(const char *in, char *out)
{
    bool is_example = false;
    while (*in) {
        size_t len = strcspn(in, "\n") + 1;
        const char *s = in + strspn(in, " ");
        is_example = strncmp(s, "#backends:", 10) == 0 || (is_example && *s == '#');
        if (!is_example && *s == '#' && s[1] >= 'a' && s[1] <= 'z') {
            memcpy(out, in, (size_t)(s - in));
            out += s - in;
            memcpy(out, s + 1, len - (size_t)(s - in) - 1);
            out += len - (size_t)(s - in) - 1;
        } else {
            memcpy(out, in, len);
            out += len;
        }
        in += len;
    }
    *out = 0;
}

struct comparison {
    const struct loaded *other;
    int keys;
    int live;
};

static void same_value(void *arg, const struct vlmd_key *key)
{
    struct comparison *c = arg;
    assert_string_equal(value_of(c->other, key->key), key->value);
    c->live += strncmp(origin_of(c->other, key->key), "vlmd.yaml:", 10) == 0;
    c->keys++;
    assert_true(strlen(key->help) >= 10);
    assert_true(strlen(key->type) > 0);
}

static void test_sample(void **state)
{
    (void)state;
    char *sample = config_sample();
    assert_non_null(sample);
    struct loaded plain;
    load_text(&plain, sample);
    assert_string_equal(plain.said, "");
    char *live = malloc(strlen(sample) + 1);
    assert_non_null(live);
    uncomment(sample, live);
    struct loaded l;
    load_text(&l, live);
    assert_string_equal(l.said, "");
    struct comparison c = {.other = &l};
    config_each(plain.c, same_value, &c);
    assert_int_equal(c.keys, n_config_keys);
    assert_int_equal(c.live,
                     n_config_keys - 9);  // not the example of backends, not empty keys
    unload(&l);
    unload(&plain);
    free(live);
    free(sample);
}

static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i < n_config_keys; i++) {
        assert_int_equal(config_find(config_keys[i].name), i);
        assert_string_equal(config_nearest(config_keys[i].name), config_keys[i].name);
    }
    assert_int_equal(config_find("nope"), -1);
    assert_true(config_is_section("image"));
    assert_false(config_is_section("imag"));
    assert_null(config_nearest(""));
    char name[100];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    assert_null(config_nearest(name));
}

static void test_no_home(void **state)
{
    (void)state;
    setenv("HOME", "nowhere", 1);
    char path[512];
    // The password file knows a home, or nobody does; both must end well.
    struct loaded l;
    load_options(&l, &(struct vlmd_options){.config_file = ""});
    if (config_home(path, sizeof(path))) {
        assert_int_equal(l.rc, 0);
    } else {
        says(&l, "there is no home folder");
    }
    unload(&l);
    config_free(NULL);
}

#define CASE(f)                                                                          \
    cmocka_unit_test_setup_teardown(f, config_fixture_setup, config_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_none),
        CASE(test_units),
        CASE(test_format),
        CASE(test_paths_are_absolute),
        CASE(test_all_types),
        CASE(test_bad_values),
        CASE(test_all_problems_at_once),
        CASE(test_layers),
        CASE(test_privacy_rules),
        CASE(test_privacy_policy),
        CASE(test_list_layers),
        CASE(test_a_tier_of_this_run),
        CASE(test_urls),
        CASE(test_backends),
        CASE(test_terms),
        CASE(test_backend_flags_replace),
        CASE(test_bad_backends),
        CASE(test_secrets),
        CASE(test_several_secrets),
        CASE(test_no_secret_on_the_command_line),
        CASE(test_secret_files),
        CASE(test_odd_timeouts),
        CASE(test_places),
        CASE(test_folder),
        CASE(test_sample),
        CASE(test_names),
        CASE(test_no_home),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
