// bench_store.c -- how fast the store is, and how large: offers, claims, results with
// full text index, then searches while the writer goes on.
//
//   bench_store FOLDER [ROWS [SEARCHES]]
//
// Texts are made of a vocabulary with the frequencies of natural language (Zipf), about
// 700 bytes each.  The database stays in FOLDER/bench.db to be looked at.
// SPDX-License-Identifier: MIT
#include "base/list.h"
#include "store/sql.h"
#include "store/statements.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { VOCABULARY = 30000, IN_FLIGHT = 1024, PER_OFFER = 256, PER_CLAIM = 64, APPS = 12 };

static const char *const apps[APPS] = {
    "Firefox", "Code",     "Terminal",         "Slack", "Mail", "Calendar", "Figma",
    "Preview", "Chromium", "LibreOffice Calc", "Zoom",  "Files"};

struct bench;

struct slot {
    struct store_save save;
    struct store_result result;
    struct store_attempt attempt;
    struct store_audit_row audit;
    struct bench *bench;
    bool is_free;
    char summary[256], details[512], raw[2400], tags[128], text[512];
};

struct bench {
    struct loop loop;
    struct store *store;
    struct store_config config;
    char path[4096];
    int64_t rows;
    int64_t done;
    int64_t next, until;
    int64_t *ids;
    int under_way;
    bool is_paced;
    double *cdf;
    char (*words)[12];
    uint64_t seed;
    struct slot *slots;
};

static int64_t now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static uint64_t next_random(struct bench *b)
{
    b->seed ^= b->seed << 13;
    b->seed ^= b->seed >> 7;
    b->seed ^= b->seed << 17;
    return b->seed;
}

static void make_words(struct bench *b)
{
    double sum = 0;
    b->words = calloc(VOCABULARY, sizeof(b->words[0]));
    b->cdf = calloc(VOCABULARY, sizeof(b->cdf[0]));
    if (!b->words || !b->cdf) {
        abort();
    }
    for (int i = 0; i < VOCABULARY; i++) {
        int n = i;
        size_t len = 0;
        do {
            static const char consonants[] = "bcdfghklmnprstvz";
            static const char vowels[] = "aeiou";
            b->words[i][len++] = consonants[n % 16];
            b->words[i][len++] = vowels[n / 16 % 5];
            n /= 80;
        } while (n && len < 10);
        sum += 1.0 / (i + 3);
        b->cdf[i] = sum;
    }
    for (int i = 0; i < VOCABULARY; i++) {
        b->cdf[i] /= sum;
    }
}

static const char *any_word(struct bench *b)
{
    double x = (double)(next_random(b) >> 11) / 9007199254740992.0;
    int low = 0, high = VOCABULARY - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (b->cdf[middle] < x) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return b->words[low];
}

static void any_text(struct bench *b, char *out, size_t bytes)
{
    size_t len = 0;
    out[0] = 0;
    while (len + 14 < bytes) {
        len +=
            (size_t)snprintf(out + len, bytes - len, "%s%s", len ? " " : "", any_word(b));
    }
}

static int64_t size_of(int64_t i)
{
    return 400000 + i;
}

static int64_t mtime_of(int64_t i)
{
    return (1700000000ll + i * 10) * 1000000000;
}

// ---- offers

struct offering {
    struct store_offer offer;
    struct store_item items[PER_OFFER];
    char paths[PER_OFFER][96];
    struct bench *bench;
};

static void send_offer(struct offering *o);

static void on_offered(struct store_offer *r, int err)
{
    struct offering *o = container_of(r, struct offering, offer);
    struct bench *b = o->bench;
    if (err) {
        fprintf(stderr, "offer: %s\n", r->err.msg);
        exit(1);
    }
    b->done += r->n;
    b->under_way--;
    send_offer(o);
}

static void send_offer(struct offering *o)
{
    struct bench *b = o->bench;
    int n = 0;
    for (; n < PER_OFFER && b->next < b->rows; n++, b->next++) {
        snprintf(o->paths[n], sizeof(o->paths[n]),
                 "/home/someone/Pictures/Screenshots/2025-%02d/Screenshot_%08lld.png",
                 (int)(b->next * 12 / b->rows) + 1, (long long)b->next);
        o->items[n] = (struct store_item){
            .root = "/home/someone/Pictures/Screenshots",
            .path = o->paths[n],
            .size_bytes = size_of(b->next),
            .mtime_ns = mtime_of(b->next),
            .priority = STORE_LIVE,
            .meta = {.app = apps[next_random(b) % APPS],
                     .window = "Quarterly report - some editor",
                     .taken_at_ms = mtime_of(b->next) / 1000000},
        };
    }
    if (n) {
        memset(&o->offer, 0, sizeof(o->offer));
        o->offer.items = o->items;
        o->offer.n = n;
        b->under_way++;
        store_offer(b->store, &o->offer, on_offered);
    }
}

static void spin(struct bench *b)
{
    while (b->under_way) {
        uv_run(&b->loop.uv, UV_RUN_ONCE);
    }
}

static int64_t cpu_us(int who)
{
    struct rusage u;
    getrusage(who, &u);
    return (int64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
           u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

// Processor time of all threads but this one: what the store itself needs.
static int64_t store_us(void)
{
    return cpu_us(RUSAGE_SELF) - cpu_us(RUSAGE_THREAD);
}

struct watch {
    int64_t wall_us, cpu_us;
};

static struct watch watch_start(void)
{
    return (struct watch){now_us(), store_us()};
}

static void report(const char *what, int64_t n, struct watch since)
{
    double s = (double)(now_us() - since.wall_us) / 1e6;
    printf("%-24s %8lld in %6.2f s = %8.0f /s; %6.1f us of processor each\n", what,
           (long long)n, s, (double)n / s,
           (double)(store_us() - since.cpu_us) / (double)(n ? n : 1));
    fflush(stdout);
}

static void run_offers(struct bench *b, const char *what)
{
    struct offering *o = calloc(4, sizeof(*o));
    struct watch since = watch_start();
    if (!o) {
        abort();
    }
    b->done = b->next = 0;
    for (int i = 0; i < 4; i++) {
        o[i].bench = b;
        send_offer(&o[i]);
    }
    spin(b);
    report(what, b->done, since);
    free(o);
}

// ---- claims

struct claiming {
    struct store_claim claim;
    struct bench *bench;
};

static void on_claimed(struct store_claim *r, int err)
{
    struct claiming *c = container_of(r, struct claiming, claim);
    struct bench *b = c->bench;
    if (err) {
        fprintf(stderr, "claim: %s\n", r->err.msg);
        exit(1);
    }
    for (int i = 0; i < r->n; i++) {
        b->ids[b->next++] = r->jobs[i].id;
    }
    bool is_last = r->n == 0;
    store_claim_fini(r);
    b->under_way--;
    if (!is_last) {
        b->under_way++;
        store_claim(b->store, r, on_claimed);
    }
}

static void run_claims(struct bench *b)
{
    struct claiming c[2] = {{.claim.max = PER_CLAIM, .bench = b},
                            {.claim.max = PER_CLAIM, .bench = b}};
    struct watch since = watch_start();
    b->next = 0;
    for (int i = 0; i < 2; i++) {
        b->under_way++;
        store_claim(b->store, &c[i].claim, on_claimed);
    }
    spin(b);
    report("claims, 64 at a time", b->next, since);
}

// ---- results

static void send_save(struct slot *s);

static void on_saved(struct store_save *r, int err)
{
    struct slot *s = container_of(r, struct slot, save);
    struct bench *b = s->bench;
    if (err || r->lost) {
        fprintf(stderr, "save: %s\n", r->lost ? "lost" : r->err.msg);
        exit(1);
    }
    b->done++;
    b->under_way--;
    s->is_free = true;
    if (!b->is_paced) {
        send_save(s);
    }
}

static void make_texts(struct bench *b, struct slot *s)
{
    any_text(b, s->summary, 180);
    any_text(b, s->details, 280);
    any_text(b, s->text, 200);
    snprintf(s->tags, sizeof(s->tags), "[\"%s\", \"%s\", \"%s\"]", any_word(b),
             any_word(b), any_word(b));
    snprintf(s->raw, sizeof(s->raw),
             "{\"summary\": \"%s\", \"activity\": \"writing\", \"app\": \"Editor\","
             " \"details\": \"%s\", \"tags\": %s, \"text\": \"%s\"}",
             s->summary, s->details, s->tags, s->text);
    s->result = (struct store_result){
        .backend = "ollama-local",
        .model = "qwen2.5vl:7b",
        .prompt = "general/1",
        .params = "temperature=0 px=768",
        .tier = "standard",
        .summary = s->summary,
        .activity = "writing",
        .app = "Editor",
        .details = s->details,
        .tags = s->tags,
        .text = s->text,
        .raw = s->raw,
        .finish_reason = "stop",
        .prompt_tokens = 900,
        .completion_tokens = 160,
    };
}

static void send_save(struct slot *s)
{
    struct bench *b = s->bench;
    if (b->next >= b->until) {
        return;
    }
    int64_t id = b->ids[b->next++];
    make_texts(b, s);
    s->attempt = (struct store_attempt){.at_ms = 1700000000000,
                                        .backend = "ollama-local",
                                        .model = "qwen2.5vl:7b",
                                        .words = "",
                                        .request_ms = 2100};
    s->audit = (struct store_audit_row){.cid = "0123456789abcdef",
                                        .verdict = "allow",
                                        .stage = "send",
                                        .categories = id % 8 ? "" : "email=1",
                                        .app = apps[id % APPS],
                                        .destination = "ollama-local local",
                                        .bytes_sent = 45000};
    s->save = (struct store_save){
        .id = id,
        .outcome = STORE_ANSWERED,
        .result = &s->result,
        .has_image = true,
        .size_bytes = size_of(id - 1),
        .mtime_ns = mtime_of(id - 1),
        .width = 1920,
        .height = 1080,
        .sent_width = 768,
        .sent_height = 432,
        .sent_bytes = 45000,
        .request_ms = 2100,
        .first_byte_ms = 700,
        .prepare_ms = 30,
        .queued_ms = 40,
        .attempts = &s->attempt,
        .n_attempts = 1,
        .verdict = "allow",
        .audit = &s->audit,
        .n_audit = 1,
    };
    for (int k = 0; k < STORE_HASH_BYTES; k++) {
        s->save.content[k] = (uint8_t)next_random(b);
        s->save.sent_hash[k] = (uint8_t)next_random(b);
    }
    memcpy(s->audit.content, s->save.content, sizeof(s->audit.content));
    memcpy(s->audit.sent_hash, s->save.sent_hash, sizeof(s->audit.sent_hash));
    s->is_free = false;
    b->under_way++;
    store_save(b->store, &s->save, on_saved);
}

// Making the texts costs the loop's thread as much as the rows cost the writer's, so the
// rate that is shown is of the whole program.
static void run_saves(struct bench *b, int64_t until)
{
    struct watch since = watch_start();
    b->done = b->next = 0;
    b->until = until;
    for (int i = 0; i < IN_FLIGHT; i++) {
        send_save(&b->slots[i]);
    }
    spin(b);
    report("results with full text", b->done, since);
}

// ---- searches

struct searching {
    struct store_query query;
    struct bench *bench;
    char text[64];
    int64_t since_us;
    int64_t *took_us;
    int64_t n, wanted, found;
    int kind;
};

static const char *const kinds[] = {"newest 50",   "one word",     "two words",
                                    "phrase",      "beginning",    "rare word",
                                    "application", "word and app", "best of a word"};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void next_search(struct searching *s);

static void on_searched(struct store_query *r, int err)
{
    struct searching *s = container_of(r, struct searching, query);
    if (err) {
        fprintf(stderr, "search %s: %s\n", s->text, r->err.msg);
        exit(1);
    }
    s->took_us[s->n++] = now_us() - s->since_us;
    s->found += r->n;
    store_query_fini(r);
    s->bench->under_way--;
    if (s->n < s->wanted) {
        next_search(s);
    }
}

static void next_search(struct searching *s)
{
    struct bench *b = s->bench;
    s->query = (struct store_query){.limit = 50};
    s->query.filter.text = s->text;
    s->text[0] = 0;
    switch (s->kind) {
    case 1:
    case 7: snprintf(s->text, sizeof(s->text), "%s ", any_word(b)); break;
    case 2: snprintf(s->text, sizeof(s->text), "%s %s ", any_word(b), any_word(b)); break;
    case 3:
        snprintf(s->text, sizeof(s->text), "\"%s %s\"", b->words[next_random(b) % 50],
                 b->words[next_random(b) % 50]);
        break;
    case 4: snprintf(s->text, sizeof(s->text), "%.4s", any_word(b)); break;
    case 5:
        snprintf(s->text, sizeof(s->text), "%s ",
                 b->words[VOCABULARY - 1 - next_random(b) % 5000]);
        break;
    case 8:
        snprintf(s->text, sizeof(s->text), "%s ", b->words[next_random(b) % 20]);
        s->query.order = STORE_RANK;
        break;
    }
    if (s->kind == 6 || s->kind == 7) {
        s->query.filter.app = apps[next_random(b) % APPS];
    }
    s->since_us = now_us();
    b->under_way++;
    store_query(b->store, &s->query, on_searched);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void on_pace(uv_timer_t *timer)
{
    struct bench *b = timer->data;
    int sent = 0;
    for (int i = 0; i < IN_FLIGHT && sent < 5; i++) {
        if (b->slots[i].is_free) {
            send_save(&b->slots[i]);
            sent++;
        }
    }
}

// With 500 results a second being written meanwhile.
static void run_searches(struct bench *b, int64_t wanted)
{
    uv_timer_t pace = {.data = b};
    struct searching s = {.bench = b, .wanted = wanted};
    s.took_us = calloc((size_t)wanted, sizeof(s.took_us[0]));
    if (!s.took_us) {
        abort();
    }
    b->until = b->rows;
    b->is_paced = true;
    uv_timer_init(&b->loop.uv, &pace);
    uv_timer_start(&pace, on_pace, 10, 10);
    for (s.kind = 0; s.kind < KINDS; s.kind++) {
        s.n = s.found = 0;
        next_search(&s);
        while (s.n < wanted) {
            uv_run(&b->loop.uv, UV_RUN_ONCE);
        }
        qsort(s.took_us, (size_t)wanted, sizeof(s.took_us[0]), by_size);
        printf("search: %-16s p50 %7.2f  p99 %7.2f  max %7.2f ms, %5.1f rows\n",
               kinds[s.kind], (double)s.took_us[wanted / 2] / 1e3,
               (double)s.took_us[wanted * 99 / 100] / 1e3,
               (double)s.took_us[wanted - 1] / 1e3, (double)s.found / (double)wanted);
        fflush(stdout);
    }
    uv_close((uv_handle_t *)&pace, NULL);
    uv_run(&b->loop.uv, UV_RUN_NOWAIT);
    spin(b);
    free(s.took_us);
}

// ---- counts

struct counting {
    struct store_counts counts;
    struct bench *bench;
};

static void on_counted(struct store_counts *r, int err)
{
    if (err) {
        fprintf(stderr, "count: %s\n", r->err.msg);
    }
    container_of(r, struct counting, counts)->bench->under_way--;
}

static int64_t run_count(struct bench *b)
{
    struct counting c = {.bench = b};
    int64_t since = now_us();
    b->under_way++;
    store_count(b->store, &c.counts, on_counted);
    spin(b);
    printf("counts: %.2f ms; %lld ended, %lld queued, %.1f MiB\n",
           (double)(now_us() - since) / 1e3, (long long)c.counts.ended,
           (long long)c.counts.queued, (double)c.counts.database_bytes / 1048576);
    return c.counts.database_bytes;
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

static void open_store(struct bench *b)
{
    struct err e = {0};
    if (store_open(&b->store, &b->loop, &b->config, &e)) {
        fprintf(stderr, "%s\n", e.msg);
        exit(1);
    }
}

static void close_store(struct bench *b)
{
    bool is_closed = false;
    int64_t since = now_us();
    store_close(b->store, on_closed, &is_closed);
    while (!is_closed) {
        uv_run(&b->loop.uv, UV_RUN_ONCE);
    }
    printf("close: %.2f ms\n", (double)(now_us() - since) / 1e3);
}

// The shortest statement there is, with and without being timed; the best of several rounds.
static double statement_ns(struct db *d, struct statements *timed)
{
    enum { ROUNDS = 7, STATEMENTS = 100000 };
    double best = 1e9;
    d->statements = timed;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t began = now_us();
        for (int i = 0; i < STATEMENTS; i++) {
            struct sql q = sql_begin(d, "SELECT 1");
            if (sql_run(&q)) {
                abort();
            }
        }
        double ns = (double)(now_us() - began) * 1000 / STATEMENTS;
        best = ns < best ? ns : best;
    }
    return best;
}

static void run_profiler(void)
{
    static struct statements statements;
    struct db d = {.thread = "bench"};
    if (sqlite3_open(":memory:", &d.h)) {
        abort();
    }
    statements_init(&statements, 100);
    double plain = statement_ns(&d, NULL), timed = statement_ns(&d, &statements);
    printf("profiler: %.0f ns a statement (%.0f with, %.0f without)\n", timed - plain,
           timed, plain);
    statements_fini(&statements);
    db_close(&d);
}

int main(int argc, char **argv)
{
    static struct bench b = {.seed = 88172645463325252ull};
    if (argc < 2) {
        fprintf(stderr, "usage: bench_store FOLDER [ROWS [SEARCHES]]\n");
        return 2;
    }
    b.rows = argc > 2 ? atoll(argv[2]) : 100000;
    int64_t searches = argc > 3 ? atoll(argv[3]) : 300;
    int64_t kept_back = searches ? b.rows / 20 : 0;
    snprintf(b.path, sizeof(b.path), "%s/bench.db", argv[1]);
    b.config = (struct store_config){.path = b.path, .lease_ms = 3600000};
    b.ids = calloc((size_t)b.rows, sizeof(b.ids[0]));
    b.slots = calloc(IN_FLIGHT, sizeof(b.slots[0]));
    if (!b.ids || !b.slots || loop_init(&b.loop)) {
        abort();
    }
    for (int i = 0; i < IN_FLIGHT; i++) {
        b.slots[i].bench = &b;
        b.slots[i].is_free = true;
    }
    make_words(&b);
    open_store(&b);
    run_offers(&b, "offers, new");
    run_claims(&b);
    run_saves(&b, b.rows - kept_back);
    int64_t bytes = run_count(&b);
    printf("bytes: %.0f per description, %.1f MiB per 100,000\n",
           (double)bytes / (double)b.done,
           (double)bytes / (double)b.done * 1e5 / 1048576);
    run_offers(&b, "offers, known");
    if (searches) {
        b.next = b.rows - kept_back;
        run_searches(&b, searches);
        run_count(&b);
    }
    close_store(&b);
    run_profiler();
    free(b.ids);
    free(b.slots);
    free(b.words);
    free(b.cdf);
    return loop_fini(&b.loop) ? 1 : 0;
}
