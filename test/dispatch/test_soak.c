// test_soak.c -- ten minutes of trouble in fake time: an outage, a sleeping machine, names
// that are not resolved, a server that is started again.  Nothing is lost, the backend is
// hardly bothered meanwhile, and the log stays short.  tools/soak is the same for real.
// SPDX-License-Identifier: MIT
#include "dispatch/dispatch_rig.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

enum { STEP_MS = 100, LATENCY_STEPS = 3, MAX_LINES = 99, N = 7000, AT_ONCE = 8 };

struct soak {
    struct rig rig;
    int todo;  // not asked yet, or to be asked again
    int answered;
    struct ask asks[AT_ONCE];  // a ring: they end in the order they were sent
    int next;
    int in_flight;
    int age[AT_ONCE];  // steps since it was sent, oldest first
    int lines;
    int vain_probes;
    bool is_down;       // nobody listens, or the name is not known
    int loading_steps;  // 503 for so long after a start
};

static struct soak *the_soak;

static void count_line(void *arg, const struct log_line *line)
{
    (void)arg;
    the_soak->lines += line->level <= LOG_INFO;
}

static void on_asked(struct ask *a, int err)
{
    (void)err;
    ask_fini(a);
}

static int send_one(struct soak *s)
{
    struct ask *a = &s->asks[s->next % AT_ONCE];
    *a = (struct ask){.may_send = rig_may_send, .app = "app", .window = ""};
    int rc = dispatch_try(s->rig.d, a, on_asked);
    s->next += rc == 0;
    return rc;
}

static void send_all(struct soak *s)
{
    while (s->todo > 0 && s->in_flight < AT_ONCE && send_one(s) == 0) {
        s->age[s->in_flight++] = 0;
        s->todo--;
    }
}

static void end_oldest(struct soak *s, int err)
{
    s->in_flight--;
    memmove(s->age, s->age + 1, sizeof(s->age[0]) * (size_t)s->in_flight);
    fb_end_ask(0, err);
    s->answered += err == 0;
    s->todo += err != 0;
}

static void answer(struct soak *s)
{
    while (s->in_flight > 0 && s->is_down) {
        end_oldest(s, E_NET);
    }
    while (s->in_flight > 0 && s->loading_steps > 0) {
        end_oldest(s, E_LOADING);
    }
    while (s->in_flight > 0 && s->age[0] >= LATENCY_STEPS) {
        end_oldest(s, 0);
    }
    for (int i = 0; i < s->in_flight; i++) {
        s->age[i]++;
    }
}

static void end_calls(struct soak *s)
{
    int err = s->is_down ? E_NET : s->loading_steps > 0 ? E_LOADING : 0;
    s->vain_probes += fb[0].probe && err;
    if (fb[0].probe) {
        fb_end_probe(0, err);
    }
    if (fb[0].load) {
        fb_end_load(0, s->is_down ? E_NET : 0);
    }
}

static void pass_s(struct soak *s, int seconds)
{
    for (int i = 0; i < seconds * 1000 / STEP_MS; i++) {
        s->loading_steps -= s->loading_steps > 0;
        pass_ms(&s->rig, STEP_MS);
        end_calls(s);
        send_all(s);
        answer(s);
    }
}

static void begin(struct soak *s)
{
    the_soak = s;
    open_with(&s->rig, 1, false, false);
    log_set_sink(count_line, NULL);
    dispatch_serve(s->rig.d, STAND_IN_NEVER);
    fb[0].facts.slots = AT_ONCE;
    fb_end_probe(0, 0);
    s->todo = N;
}

static void ten_minutes_of_trouble_lose_nothing(void **state)
{
    (void)state;
    static struct soak soak;
    struct soak *s = &soak;
    begin(s);
    pass_s(s, 60);
    assert_true(s->answered > 300);
    s->is_down = true;  // an outage
    int before = s->answered;
    pass_s(s, 60);
    assert_int_equal(s->answered, before);
    assert_in_range(s->vain_probes, 3, 30);  // it was looked for, and not hammered
    s->is_down = false;
    pass_s(s, 120);  // the next look at it may be a minute away
    assert_true(s->answered > before + 100);
    fb_now_ms += 8 * 3600 * 1000;  // the machine slept for a night
    before = s->answered;
    pass_s(s, 60);
    assert_true(s->answered > before + 300);
    s->is_down = true;  // names are not resolved
    pass_s(s, 60);
    s->is_down = false;
    pass_s(s, 60);
    while (s->in_flight > 0) {
        end_oldest(s, E_NET_CUT);  // the server is killed
    }
    s->is_down = true;
    pass_s(s, 15);
    s->is_down = false;
    s->loading_steps = 100;  // and takes its time to be up
    pass_s(s, 225);
    while (s->in_flight > 0) {
        end_oldest(s, 0);
    }
    assert_int_equal(s->answered, N);
    assert_int_equal(s->todo, 0);
    print_message("%d answered, %d lines of log, %d looks in vain\n", s->answered,
                  s->lines, s->vain_probes);
    assert_in_range(s->lines, 4, MAX_LINES);
    log_clear_sink(count_line, NULL);
    close_rig(&s->rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_minutes_of_trouble_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
