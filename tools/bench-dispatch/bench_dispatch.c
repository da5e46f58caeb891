// bench_dispatch.c -- many requests at once through vlmd's own dispatch, beside other clients.
//
//   bench_dispatch [--at-once N]... [--seconds S] [--latency-ms MS] [--bytes B]
//                  [--aiohttp PYTHON] [--undici FOLDER]
//
// Posts pictures of B bytes to a server that answers after MS, N at a time, and reports how
// much of N / latency was reached, CPU time per request and memory.  --aiohttp and --undici
// do the same posts from the same machine to the same server in the same run; what their
// interpreters take to start is measured with no requests and taken off.
// SPDX-License-Identifier: MIT
#include "base/mem.h"
#include "dispatch/dispatch.h"
#include "slow_server.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ROUNDS = 8, LEAST_REQUESTS = 4 };

struct options {
    int at_once[MAX_ROUNDS];
    int n_rounds;
    int seconds, latency_ms, bytes;
    const char *python, *undici;
    const char *own;  // run one round here: N
};

// What one client took for one round.
struct taken {
    int answered;
    double seconds, cpu_s, rss_mb;
};

static double elapsed_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_of(const struct rusage *u)
{
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
           (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

static int requests_of(const struct options *o, int at_once)
{
    int rounds = o->seconds * 1000 / o->latency_ms;
    return at_once * (rounds < LEAST_REQUESTS ? LEAST_REQUESTS : rounds);
}

// ---- vlmd: one round, in a process of its own

struct round {
    struct loop loop;
    struct http *http;
    struct dispatch *dispatch;
    struct ask *asks;
    uint8_t *picture;
    int size;
    int at_once, count, sent, answered, failed;
    struct ask **idle;  // of asks, a stack; owned
    int n_idle;
    double begin_s;  // when the first was sent: finding the server is not measured
    uv_timer_t tick;
    bool is_filling, is_closed;
};

static void fill(struct round *r);

static void on_asked(struct ask *a, int err)
{
    struct round *r = (struct round *)(uintptr_t)a->luma_key;
    r->answered += err == 0;
    r->failed += err != 0;
    if (err) {
        fprintf(stderr, "%s: %s\n", err_name(err), a->err.msg);
    }
    ask_fini(a);
    r->idle[r->n_idle++] = a;
    fill(r);
}

static enum ask_pass may_send(struct ask *a, const char *backend, bool is_remote,
                              char *why, size_t size)
{
    (void)a;
    (void)backend;
    (void)is_remote;
    (void)why;
    (void)size;
    return ASK_ALLOWED;
}

static void on_closed(void *arg)
{
    ((struct round *)arg)->is_closed = true;
}

static void on_http_closed(void *arg)
{
    struct round *r = arg;
    r->is_closed = true;
}

static bool is_over(const struct round *r)
{
    return r->answered + r->failed == r->count;
}

static bool send_one(struct round *r)
{
    if (r->sent == r->count || r->n_idle == 0) {
        return false;
    }
    struct ask *a = r->idle[r->n_idle - 1];
    *a = (struct ask){.jpeg = r->picture,
                      .jpeg_len = (size_t)r->size,
                      .width = 1280,
                      .height = 720,
                      .app = "",
                      .window = "",
                      .cid = "bench",
                      .luma_key = (const uint8_t *)r,
                      .may_send = may_send};
    if (dispatch_try(r->dispatch, a, on_asked)) {
        return false;
    }
    r->n_idle--;
    r->begin_s = r->sent++ == 0 ? elapsed_s() : r->begin_s;
    return true;
}

static void fill(struct round *r)
{
    if (r->is_filling) {
        return;
    }
    r->is_filling = true;
    while (send_one(r)) {
    }
    r->is_filling = false;
    if (is_over(r)) {
        uv_timer_stop(&r->tick);
    }
}

static void on_capacity(void *arg)
{
    fill(arg);
}

static void on_tick(uv_timer_t *t)
{
    struct round *r = t->data;
    dispatch_tick(r->dispatch, loop_now_ms(&r->loop));
    fill(r);
}

static int open_round(struct round *r, int port)
{
    static char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", port);
    static struct backend_config b;
    static struct prompt_config prompts;
    backend_config_default(&b);
    b.kind = BACKEND_OPENAI;
    b.name = b.url = url;
    b.model = "bench";
    struct dispatch_config c = {.backends = &b,
                                .n_backends = 1,
                                .concurrency = r->at_once,
                                .retry_pct = 100,
                                .prompts = &prompts};
    breaker_config_default(&c.breaker);
    const struct dispatch_events e = {.arg = r, .on_capacity = on_capacity};
    const struct http_config h = {0};
    int rc = loop_init(&r->loop);
    rc = rc ? rc : http_open(&r->http, &r->loop, &h);
    return rc ? rc : dispatch_open(&r->dispatch, &r->loop, r->http, NULL, &c, &e);
}

// 1 when a request was not answered, or something is still open.
static int free_round(struct round *r)
{
    int rc = r->failed > 0 || loop_fini(&r->loop);
    free(r->asks);
    free(r->idle);
    free(r->picture);
    free(r);
    return rc;
}

// Prints what peers print: how many were answered, in how many seconds.
static int run_here(const struct options *o, int port, int at_once)
{
    struct round *r = mem_new(struct round);
    *r = (struct round){.at_once = at_once, .size = o->bytes};
    r->count = requests_of(o, at_once);
    r->asks = mem_zero(sizeof(struct ask) * (size_t)at_once);
    r->idle = mem_zero(sizeof(struct ask *) * (size_t)at_once);
    for (int i = at_once - 1; i >= 0; i--) {
        r->idle[r->n_idle++] = &r->asks[i];
    }
    r->picture = mem_zero((size_t)o->bytes + 1);
    for (int i = 0; i < o->bytes; i++) {
        r->picture[i] = (uint8_t)(rand() >> 7);
    }
    int rc = open_round(r, port);
    if (rc) {
        fprintf(stderr, "bench_dispatch: %s\n", err_words(rc));
        return 1;
    }
    dispatch_serve(r->dispatch, STAND_IN_NEVER);
    uv_timer_init(&r->loop.uv, &r->tick);
    r->tick.data = r;
    uv_timer_start(&r->tick, on_tick, 0, 20);
    while (!is_over(r)) {
        uv_run(&r->loop.uv, UV_RUN_ONCE);
    }
    printf("%d %.3f\n", r->answered, elapsed_s() - r->begin_s);
    dispatch_close(r->dispatch, on_closed, r);
    http_close(r->http, on_http_closed, r);
    uv_close((uv_handle_t *)&r->tick, NULL);
    uv_run(&r->loop.uv, UV_RUN_DEFAULT);
    return free_round(r);
}

// ---- any client, as a process

static int run(const char *const *argv, struct taken *t)
{
    int out[2], status;
    struct rusage u;
    char said[128] = "";
    if (pipe2(out, O_CLOEXEC)) {
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        dup2(out[1], 1);
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    close(out[1]);
    size_t n = 0;
    ssize_t more = pid > 0;
    while (more > 0 && n < sizeof(said) - 1) {
        more = read(out[0], said + n, sizeof(said) - 1 - n);
        n += more > 0 ? (size_t)more : 0;
    }
    close(out[0]);
    if (pid < 0 || wait4(pid, &status, 0, &u) != pid || n == 0 || status != 0 ||
        sscanf(said, "%d %lf", &t->answered, &t->seconds) != 2) {
        return -1;
    }
    t->cpu_s = cpu_of(&u);
    t->rss_mb = (double)u.ru_maxrss / 1024;
    return 0;
}

static int run_peer(const struct options *o, const char *const *program, int port,
                    int at_once, struct taken *t)
{
    char url[96], count[16], many[16], bytes[16];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/v1/chat/completions", port);
    snprintf(many, sizeof(many), "%d", at_once);
    snprintf(bytes, sizeof(bytes), "%d", o->bytes);
    struct taken idle;
    const char *argv[] = {program[0], program[1], url, "0", many, bytes, NULL};
    if (run(argv, &idle)) {
        return -1;
    }
    snprintf(count, sizeof(count), "%d", requests_of(o, at_once));
    argv[3] = count;
    if (run(argv, t)) {
        return -1;
    }
    t->cpu_s = t->cpu_s > idle.cpu_s ? t->cpu_s - idle.cpu_s : 0;
    return 0;
}

static int run_self(const struct options *o, const char *self, int port, int at_once,
                    struct taken *t)
{
    char many[16], port_text[16], seconds[16], latency[16], bytes[16];
    snprintf(many, sizeof(many), "%d", at_once);
    snprintf(port_text, sizeof(port_text), "%d", port);
    snprintf(seconds, sizeof(seconds), "%d", o->seconds);
    snprintf(latency, sizeof(latency), "%d", o->latency_ms);
    snprintf(bytes, sizeof(bytes), "%d", o->bytes);
    const char *argv[] = {self,    "--own",     port_text, "--at-once",
                          many,    "--seconds", seconds,   "--latency-ms",
                          latency, "--bytes",   bytes,     NULL};
    return run(argv, t);
}

// ---- the table

static bool tell(const struct options *o, const char *name, int at_once, int rc,
                 const struct taken *t)
{
    int count = requests_of(o, at_once);
    if (rc) {
        printf("%-10s %8d  could not be run\n", name, at_once);
        return false;
    }
    double best = (double)at_once * 1000 / o->latency_ms;
    printf("%-10s %8d %9d/%-6d %9.1f %9.1f %% %12.0f %9.1f\n", name, at_once, t->answered,
           count, t->answered / t->seconds, 100 * t->answered / t->seconds / best,
           t->cpu_s * 1e6 / count, t->rss_mb);
    fflush(stdout);
    return t->answered == count;
}

static bool run_round(const struct options *o, const char *self, const char *folder,
                      int port, int at_once)
{
    struct taken t;
    char script[600], module[600];
    int rc = run_self(o, self, port, at_once, &t);
    bool is_good = tell(o, "vlmd", at_once, rc, &t);
    if (o->python) {
        snprintf(script, sizeof(script), "%s/peer_aiohttp.py", folder);
        const char *program[] = {o->python, script};
        rc = run_peer(o, program, port, at_once, &t);
        tell(o, "aiohttp", at_once, rc, &t);
    }
    if (o->undici) {
        snprintf(module, sizeof(module), "%s/peer_undici.mjs", folder);
        setenv("UNDICI_DIR", o->undici, 1);
        const char *program[] = {"node", module};
        rc = run_peer(o, program, port, at_once, &t);
        tell(o, "undici", at_once, rc, &t);
    }
    return is_good;
}

static int raise_files(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l)) {
        return -1;
    }
    l.rlim_cur = l.rlim_max < 8192 ? l.rlim_max : 8192;
    return setrlimit(RLIMIT_NOFILE, &l);
}

static int read_options(struct options *o, int argc, char **argv)
{
    static const struct option flags[] = {{"at-once", required_argument, NULL, 'n'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"latency-ms", required_argument, NULL, 'l'},
                                          {"bytes", required_argument, NULL, 'b'},
                                          {"aiohttp", required_argument, NULL, 'a'},
                                          {"undici", required_argument, NULL, 'u'},
                                          {"own", required_argument, NULL, 'o'},
                                          {NULL, 0, NULL, 0}};
    *o = (struct options){.seconds = 4, .latency_ms = 1000, .bytes = 150000};
    int c;
    while ((c = getopt_long(argc, argv, "", flags, NULL)) != -1) {
        switch (c) {
        case 'n':
            if (o->n_rounds == MAX_ROUNDS) {
                return -1;
            }
            o->at_once[o->n_rounds++] = atoi(optarg);
            break;
        case 's': o->seconds = atoi(optarg); break;
        case 'l': o->latency_ms = atoi(optarg); break;
        case 'b': o->bytes = atoi(optarg); break;
        case 'a': o->python = optarg; break;
        case 'u': o->undici = optarg; break;
        case 'o': o->own = optarg; break;
        default: return -1;
        }
    }
    static const int usual[] = {1, 8, 64, 256, 1024};
    if (o->n_rounds == 0) {
        memcpy(o->at_once, usual, sizeof(usual));
        o->n_rounds = sizeof(usual) / sizeof(usual[0]);
    }
    for (int i = 0; i < o->n_rounds; i++) {
        if (o->at_once[i] < 1 || o->at_once[i] > 1024) {
            return -1;
        }
    }
    bool is_sane = o->seconds > 0 && o->latency_ms > 0 && o->bytes > 0;
    return is_sane && o->bytes <= 16 << 20 ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct options o;
    int port = 0;
    if (read_options(&o, argc, argv) || raise_files()) {
        fprintf(stderr, "usage: bench_dispatch [--at-once 1..1024]... [--seconds S] "
                        "[--latency-ms MS] [--bytes B] [--aiohttp PYTHON] "
                        "[--undici FOLDER]\n");
        return 2;
    }
    if (o.own) {
        return run_here(&o, atoi(o.own), o.at_once[0]);
    }
    pid_t server = slow_server_start(o.latency_ms, &port);
    if (server < 0) {
        perror("bench_dispatch: server");
        return 1;
    }
    printf("%d ms, bodies of %d bytes\n", o.latency_ms, (o.bytes + 2) / 3 * 4);
    printf("%-10s %8s %16s %9s %11s %12s %9s\n", "client", "at once", "answered", "per s",
           "of N / L", "us CPU each", "RSS MiB");
    bool is_good = true;
    for (int i = 0; i < o.n_rounds; i++) {
        is_good &= run_round(&o, argv[0], BENCH_FOLDER, port, o.at_once[i]);
    }
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    return is_good ? 0 : 1;
}
