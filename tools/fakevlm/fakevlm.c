// fakevlm.c -- main of the fake backend: flags, banner, signals.
//
// Reading order: fv_fake.h, fv_http.h, fv_call.h, fv_play.c, fv_answer.c, any dialect.
// SPDX-License-Identifier: MIT
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fv_fake.h"

struct program {
    struct fake fake;
    uv_signal_t signals[4];
    bool is_closing;
};

static void on_signal(uv_signal_t *handle, int signum)
{
    struct program *p = handle->data;
    if (signum == SIGUSR1) {
        server_down(&p->fake.server, 0);
        return;
    }
    if (signum == SIGUSR2) {
        server_up(&p->fake.server);
        return;
    }
    if (p->is_closing)
        return;
    p->is_closing = true;
    for (int i = 0; i < 4; i++)
        uv_close((uv_handle_t *)&p->signals[i], NULL);
    fake_close(&p->fake);
}

static void watch_signals(struct program *p)
{
    static const int numbers[4] = {SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < 4; i++) {
        uv_signal_init(p->fake.loop, &p->signals[i]);
        p->signals[i].data = p;
        uv_signal_start(&p->signals[i], on_signal, numbers[i]);
    }
}

// Written aside and renamed: who sees the file sees the whole number.
static int write_port_file(const char *path, int port)
{
    char aside[4096];
    if (snprintf(aside, sizeof aside, "%s.new", path) >= (int)sizeof aside)
        return -1;
    FILE *file = fopen(aside, "we");
    if (!file)
        return -1;
    bool is_bad = fprintf(file, "%d\n", port) < 0;
    is_bad |= fclose(file) != 0;
    return is_bad || rename(aside, path) ? -1 : 0;
}

static void print_banner(const struct fake *f)
{
    const struct options *o = &f->opt;
    printf("fakevlm pretends to be %s on http://%s:%d with %s.\n"
           "It sees nothing: answers are made of the picture's size and colours.  Meant "
           "for\n"
           "people who have no VLM at hand, and for tests.  Control: /__fake/stats\n",
           kind_name(o->kind), o->host, f->server.port, o->models);
    fflush(stdout);
}

static void print_summary(const struct stats *s)
{
    printf("fakevlm: %" PRId64 " requests, %" PRId64 " chats, %" PRId64 " answered, "
           "%zu pictures, %" PRId64 " connections, %" PRId64 " at once\n",
           s->requests, s->chat_requests, s->answered, s->images_n, s->connections,
           s->running_max);
}

int main(int argc, char **argv)
{
    static struct program program;
    struct fake *f = &program.fake;
    struct options opt;
    uv_loop_t loop;
    int rc = options_parse(&opt, argc, argv);
    if (rc)
        return rc < 0 ? 2 : 0;
    if (uv_loop_init(&loop))
        return 1;
    bool is_bad = fake_open(f, &loop, &opt) != 0;
    if (!is_bad) {
        watch_signals(&program);
        if (opt.port_file && write_port_file(opt.port_file, f->server.port)) {
            perror(opt.port_file);
            is_bad = true;
            raise(SIGTERM);
        } else if (!opt.is_quiet) {
            print_banner(f);
        }
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    if (!is_bad)
        print_summary(&f->stats);
    fake_fini(f);
    if (uv_loop_close(&loop)) {
        fputs("fakevlm: the loop still had handles\n", stderr);
        return 1;
    }
    return is_bad;
}
