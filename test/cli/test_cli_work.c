// test_cli_work.c -- watch and batch: lines, summary, exit codes, signals, the bar.
// SPDX-License-Identifier: MIT
#include "cli_fixture.h"

#include "base/json.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

// ---- batch

#define DONE                                                                             \
    "'status':{'total':4,'ended':4,'answered':2,'cached':1,'skipped':1,"                 \
    "'is_input_read':true,'prompt_tokens':10,'completion_tokens':20}"

static void test_batch_done(void **state)
{
    (void)state;
    struct ran *r =
        RUN("{" DONE ",'events':[{'type':'job','id':1,'outcome':'answered','path':"
            "'/a','summary':'S'},{'type':'batch'}]}",
            "batch", "dir", "x*.png", "-");
    assert_int_equal(r->code, 0);
    assert_has(r->out,
               "4 pictures: 3 described, 1 of them from the cache, 1 skipped; 0:0");
    assert_string_equal(r->err, "");
    assert_has(cli_log(), "batch dir\nbatch x*.png\nbatch -\n");
    assert_has(cli_log(), "status batch\n");
    cli_free(r);
}

static void test_batch_failures(void **state)
{
    (void)state;
    const char *script =
        "{'status':{'total':3,'ended':3,'answered':1,'failed':2,'is_input_read':true,"
        "'failures':[{'class':'corrupt','words':'is damaged','todo':'save it "
        "again','n':2}]},"
        "'events':[{'type':'job','outcome':'failed','path':'/a\\u001b.png','reason':"
        "'is damaged','todo':'save it again'},"
        "{'type':'problem','path':'list:3','words':'is no path'},"
        "{'type':'notice','words':'OCR stands in'},"
        "{'type':'paused','words':'no backend "
        "answers'},{'type':'resumed'},{'type':'batch'}]}";
    struct ran *r = RUN(script, "batch", "dir");
    assert_int_equal(r->code, 1);
    assert_string_equal(r->err, "vlmd: /a .png: is damaged (save it again)\n"
                                "vlmd: list:3: is no path\n"
                                "vlmd: note: OCR stands in\n"
                                "vlmd: paused: no backend answers\n"
                                "vlmd: going on\n");
    assert_has(r->out, "3 pictures: 1 described, 2 failed, 1 inputs not taken; 0:0");
    assert_has(r->out, "\n  2 corrupt: is damaged (save it again)\n");
    cli_free(r);
    r = RUN(script, "batch", "dir", "--quiet");
    assert_int_equal(r->code, 1);
    assert_string_equal(r->out, "");
    assert_string_equal(r->err, "vlmd: /a .png: is damaged (save it again)\n"
                                "vlmd: list:3: is no path\n");
    cli_free(r);
}

static void test_batch_many_failures(void **state)
{
    (void)state;
    static char script[8000] = "{" DONE ",'events':[";
    for (int i = 0; i < 15; i++) {
        strcat(script, "{'type':'job','id':6,'outcome':'failed','path':'f'},"
                       "{'type':'problem','path':'p','words':'bad'},");
    }
    struct ran *r = RUN(strcat(script, "{'type':'batch'}]}"), "batch", "dir");
    int lines = 0;
    for (const char *p = r->err; (p = strchr(p, '\n')); p++) {
        lines++;
    }
    // Ten failures and that there are more; every problem, as it has no row to be found by.
    assert_int_equal(lines, 10 + 1 + 15);
    assert_has(r->err, "further failures are only counted (see `vlmd jobs list");
    assert_int_equal(r->code, 1);
    cli_free(r);
}

static void test_batch_json(void **state)
{
    (void)state;
    struct ran *r =
        RUN("{" DONE
            ",'events':[{'type':'job','id':5,'outcome':'answered','path':'/a','summary':"
            "'S'},{'type':'job','id':6,'outcome':'failed','path':'/b','class':'corrupt',"
            "'reason':'is damaged'},{'type':'batch'}]}",
            "batch", "dir", "--json", "--quiet");
    char *line = r->out;
    struct cJSON *json = NULL;
    for (int i = 0; i < 3; i++) {
        size_t len = strcspn(line, "\n");
        json = json_parse(line, len);
        assert_non_null(json);
        line += len + 1;
        if (i < 2) {
            assert_int_equal(json_get_int(json, "id", 0), 5 + i);
            json_free(json);
        }
    }
    assert_string_equal(line, "");
    const struct cJSON *sum = json_get(json, "summary");
    assert_int_equal(json_get_int(sum, "total", 0), 4);
    assert_int_equal(json_get_int(sum, "described", 0), 3);
    assert_true(json_get_bool(sum, "finished", false));
    json_free(json);
    cli_free(r);
}

static void test_batch_codes(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        int code;
        const char *err;
    } rows[] = {
        {"{'batch_error':{'code':-4,'message':'x: no such file'}}", 2,
         "vlmd: x: no such file\n"},
        {"{'batch_error':{'code':-14,'message':'locked'}}", 4, "vlmd: locked\n"},
        {"{'result':-30,'status':{'total':2,'queued':2}}", 3,
         "vlmd: batch: no backend can be asked (start one"},
        {"{'result':-30,'status':{'total':2,'queued':2},'events':[{'type':'paused',"
         "'words':'b is misconfigured'}]}",
         3, "vlmd: batch: no backend can be asked: b is misconfigured (start one"},
        {"{'result':-14,'status':{'total':2,'queued':2}}", 4, "the work ended early"},
        {"{'status':{'err':-14},'events':[{'type':'batch'}]}", 0, ""},
        {"{'status_refused':-14,'events':[{'type':'batch'}]}", 0, ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ran *r = RUN(rows[i].script, "batch", "x");
        if (r->code != rows[i].code) {
            fail_msg("row %zu: %d\n%s", i, r->code, r->err);
        }
        assert_has(r->err, rows[i].err);
        cli_free(r);
    }
}

#define RUNNING                                                                          \
    "{'status':{'total':100,'ended':40,'queued':55,'leased':5,'failed':2,"               \
    "'answered':38,'is_input_read':true},'stats':{'images_per_s':4}"

static void test_batch_interrupted(void **state)
{
    (void)state;
    struct ran *r = cli_start(RUNNING ",'events':[{'type':'notice','words':'up'}]}",
                              ARGS("batch", "x"));
    cli_wait_for(r, "note: up");
    kill(r->pid, SIGINT);
    cli_finish(r);
    assert_int_equal(r->code, 130);
    assert_has(r->err, "vlmd: interrupted; the same command continues\n");
    assert_has(r->out, "100 pictures: 38 described, 2 failed, 60 still to do; 0:0");
    assert_has(cli_log(), "close\n");
    cli_free(r);
}

static void test_batch_interrupted_twice(void **state)
{
    (void)state;
    struct ran *r = cli_start(RUNNING ",'drain_hangs':true,'logs':true,'events':["
                                      "{'type':'notice','words':'up'}]}",
                              ARGS("batch", "x", "--json"));
    cli_wait_for(r, "note: up");
    kill(r->pid, SIGINT);
    cli_wait_for(r, "once more stops at once");
    kill(r->pid, SIGINT);
    cli_finish(r);
    assert_int_equal(r->code, 130);
    assert_has(r->out, "\"finished\":false");
    cli_free(r);
}

// Without a terminal a line now and then; the first only after ten seconds, so none here.
static void test_bar(void **state)
{
    (void)state;
    struct ran *r =
        cli_start_pty(RUNNING ",'logs':true,'keys':[{'key':'log.level','value':"
                              "'warn','origin':'f:1'}]}",
                      72, ARGS("batch", "x"));
    cli_wait_for(r, "] ");
    assert_has(r->out, "\r[#############.....................]  40/100  4.0/s  ETA 0:15  "
                       "2 failed\x1b[K");
    struct winsize wide = {.ws_row = 24, .ws_col = 100};
    assert_int_equal(ioctl(r->out_fd, TIOCSWINSZ, &wide), 0);
    cli_wait_for(r, "\r[####################..............................]  40/100");
    kill(r->pid, SIGINT);
    cli_finish(r);
    assert_int_equal(r->code, 130);
    // The last bar is wiped before the summary.
    assert_has(r->out, "\r\x1b[K100 pictures: 38 described");
    cli_free(r);
}

static void test_bar_paused(void **state)
{
    (void)state;
    struct ran *r = cli_start_pty(
        "{'status':{'total':9,'queued':9,'is_input_read':true},'stats':{'paused_because':"
        "'no "
        "backend'},"
        "'events':[{'type':'paused','words':'no backend'},{'type':'problem','path':'p',"
        "'words':'bad'}]}",
        80, ARGS("batch", "x"));
    cli_wait_for(r, "0/9  ETA ?  1 failed  paused: no backend");
    assert_has(r->out, "vlmd: p: bad\r\n");
    assert_has_not(r->out, "vlmd: paused");
    kill(r->pid, SIGTERM);
    cli_finish(r);
    assert_int_equal(r->code, 130);
    cli_free(r);
    // JSON on the terminal: no bar between its lines.
    r = cli_start_pty("{" DONE ",'events':[{'type':'job','path':'/a'},{'type':'batch'}]}",
                      80, ARGS("batch", "x", "--json"));
    cli_finish(r);
    assert_has_not(r->out, "\x1b[K");
    assert_has(r->out, "{\"summary\":{\"total\":4,");
    cli_free(r);
}

// ---- watch

#define SEEN                                                                             \
    "'events':[{'type':'scanned','path':'/s','n':1200},{'type':'job','path':'/s/a.png'," \
    "'app':'Firefox','taken_at':1773837296000,'outcome':'answered','summary':"           \
    "'Reading \\u65e5\\u672c news'},{'type':'job','path':'/s/b.png','outcome':'failed'," \
    "'reason':'is damaged','todo':'save it again'},{'type':'job','path':'/s/c.png',"     \
    "'outcome':'skipped','reason':'is gone'},{'type':'notice','words':'end'}]"

static void test_watch(void **state)
{
    (void)state;
    struct ran *r =
        cli_start("{" SEEN ",'stats':{'backends':[{'kind':'ollama','url':'http://o',"
                  "'state':'ready','model':'qwen'},{'url':'http://g','state':'away'},"
                  "{'kind':'vllm','url':'http://v','state':'misconfigured','reason':"
                  "'wants a key'},{'kind':'ocr','state':'standby'}]}}",
                  ARGS("watch"));
    cli_wait_for(r, "note: end");
    kill(r->pid, SIGTERM);
    cli_finish(r);
    assert_int_equal(r->code, 0);
    assert_string_equal(
        r->out, "2026-03-18 12:34  Firefox  Reading \xe6\x97\xa5\xe6\x9c\xac news\n");
    assert_has(r->err, "vlmd: watching /home/me/Pictures/Screenshots\n");
    assert_has(r->err, "vlmd: /s: 1,200 pictures found\n");
    assert_has(r->err, "vlmd: ollama at http://o: ready with qwen\n");
    assert_has(r->err, "vlmd: vllm at http://v: misconfigured: wants a key\n");
    assert_has(r->err, "vlmd: /s/b.png: failed: is damaged (save it again)\n");
    assert_has(r->err, "vlmd: /s/c.png: skipped: is gone\n");
    assert_has_not(r->err, "http://g");
    assert_has(cli_log(), "log.level=info(vlmd)");
    assert_has(cli_log(), "watch -\n");
    cli_free(r);
}

static void test_watch_quiet(void **state)
{
    (void)state;
    struct ran *r = cli_start("{" SEEN "}", ARGS("watch", "/s", "/t", "--quiet"));
    cli_wait_for(r, "is damaged");
    kill(r->pid, SIGINT);
    cli_finish(r);
    assert_int_equal(r->code, 130);
    assert_string_equal(r->err, "vlmd: /s/b.png: failed: is damaged (save it again)\n");
    assert_string_equal(r->out, "");
    assert_has(cli_log(), "watch /s\nwatch /t\n");
    cli_free(r);
}

static void test_watch_json(void **state)
{
    (void)state;
    struct ran *r = cli_start("{" SEEN "}", ARGS("watch", "--json"));
    cli_wait_for(r, "\"path\":\"/s/c.png\"");
    kill(r->pid, SIGTERM);
    cli_finish(r);
    assert_has(r->out, "{\"id\":1,\"correlation_id\":\"\",\"path\":\"/s/a.png\",");
    cli_free(r);
}

static void test_watch_terminal(void **state)
{
    (void)state;
    struct ran *r = cli_start_pty("{" SEEN ",'drain_hangs':true}", 40, ARGS("watch"));
    cli_wait_for(r, "note: end");
    kill(r->pid, SIGINT);
    cli_wait_for(r, "vlmd: finishing what is under way; once more stops at once\r\n");
    kill(r->pid, SIGINT);
    cli_finish(r);
    assert_int_equal(r->code, 130);
    assert_has(
        r->out,
        "2026-03-18 12:34  Firefox  Reading \xe6\x97\xa5\xe6\x9c\xac\xe2\x80\xa6\r\n");
    cli_free(r);
}

static void test_watch_errors(void **state)
{
    (void)state;
    struct ran *r =
        RUN("{'watch_error':{'code':-4,'message':'/x: no such folder'}}", "watch", "/x");
    assert_int_equal(r->code, 2);
    assert_string_equal(r->err, "vlmd: /x: no such folder\n");
    cli_free(r);
    r = RUN("{'watch_error':{'code':-14,'message':'locked'}}", "watch");
    assert_int_equal(r->code, 4);
    cli_free(r);
}

// A reader that goes away ends the work, quietly.
static void test_closed_output(void **state)
{
    (void)state;
    struct ran *r = cli_run_unread("{" SEEN "}", ARGS("watch", "--quiet", "--json"));
    assert_int_equal(r->code, 0);
    cli_free(r);
    r = cli_run_unread(RUNNING ",'events':[{'type':'job','path':'/a'}]}",
                       ARGS("batch", "x", "--json", "--quiet"));
    assert_int_equal(r->code, 130);
    assert_string_equal(r->err, "");
    cli_free(r);
}

#define CASE(f)                                                                          \
    cmocka_unit_test_setup_teardown(f, cli_fixture_setup, cli_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_batch_done),
        CASE(test_batch_failures),
        CASE(test_batch_many_failures),
        CASE(test_batch_json),
        CASE(test_batch_codes),
        CASE(test_batch_interrupted),
        CASE(test_batch_interrupted_twice),
        CASE(test_bar),
        CASE(test_bar_paused),
        CASE(test_watch),
        CASE(test_watch_quiet),
        CASE(test_watch_json),
        CASE(test_watch_terminal),
        CASE(test_watch_errors),
        CASE(test_closed_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
