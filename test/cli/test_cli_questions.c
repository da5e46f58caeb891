// test_cli_questions.c -- search, show, jobs list, status, doctor, models: what they print.
// SPDX-License-Identifier: MIT
#include "cli_fixture.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FOUND                                                                            \
    "{'items':[{'id':12,'path':'/p/a.png','app':'Firefox','taken_at':1773837296000,"     \
    "'summary':'Reading about timers in libuv','snippet':'about \\u0002timers\\u0003 "   \
    "in'},"                                                                              \
    "{'id':13,'path':'/p/b.png','seen_app':'vim','queued_at':1773837296000,"             \
    "'summary':'Editing','snippet':'the \\u0002timer\\u0003 wheel','degraded':true},"    \
    "{'id':14,'path':'/p/\\u001b[31m.png','state':'queued'}]}"

static void test_search(void **state)
{
    (void)state;
    struct ran *r = RUN(FOUND, "search", "timers", "libuv");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->out, "2026-03-18 12:34  Firefox  #12\n"
                                "  Reading about timers in libuv\n"
                                "  /p/a.png\n"
                                "2026-03-18 12:34  vim  #13  (text recognition)\n"
                                "  Editing\n"
                                "  the timer wheel\n"
                                "  /p/b.png\n"
                                "1970-01-01 00:00  #14\n"
                                "  (waiting)\n"
                                "  /p/ [31m.png\n");
    assert_string_equal(r->err, "");
    assert_has(cli_log(),
               "search text=timers libuv app=- tag=- path=- id=0 since=0 until=0 "
               "state=- outcome=- class=- degraded=0 order=2 limit=20\n");
    assert_has(cli_log(), "close\n");
    cli_free(r);
}

// A snippet that begins with the summary is not shown twice.
static void test_search_long_snippet(void **state)
{
    (void)state;
    struct ran *r = RUN("{'items':[{'id':1,'path':'/p','summary':'Editing C','snippet':"
                        "'\\u0002Editing\\u0003 C in vim...'}]}",
                        "search", "editing");
    assert_string_equal(r->out, "1970-01-01 00:00  #1\n  Editing C in vim...\n  /p\n");
    cli_free(r);
}

static void test_search_filters(void **state)
{
    (void)state;
    struct ran *r = RUN("{}", "search", "--app", "Firefox", "--tag=web", "--since",
                        "2026-03-18T12:00:00Z", "--until", "2026-03-18", "--limit", "0",
                        "--path", "sub/x*", "--degraded");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->err, "vlmd: nothing found\n");
    char expected[600];
    snprintf(expected, sizeof(expected),
             "search text=- app=Firefox tag=web path=%s/sub/x* id=0 since=1773835200000 "
             "until=1773878399999 state=- outcome=- class=- degraded=1 order=0 limit=0\n",
             cli_dir());
    assert_has(cli_log(), expected);
    cli_free(r);
    r = RUN("{}", "search", "--quiet", "--order", "oldest", "--", "-not", "this");
    assert_string_equal(r->err, "");
    assert_has(cli_log(), "text=-not this ");
    assert_has(cli_log(), "order=1 limit=20");
    cli_free(r);
}

static void test_search_json(void **state)
{
    (void)state;
    struct ran *r = RUN(FOUND, "search", "x", "--json");
    assert_int_equal(r->code, 0);
    assert_has(r->out, "{\"id\":12,\"correlation_id\":\"\",\"path\":\"/p/a.png\",");
    assert_has(r->out, "\"snippet\":\"about \\u0002timers\\u0003 in\"}\n");
    assert_has(r->out, "\"path\":\"/p/\\u001b[31m.png\"");
    cli_free(r);
}

static void test_search_errors(void **state)
{
    (void)state;
    struct ran *r =
        RUN("{'search_end':{'err':-17,'message':'too much work (narrow it)'}}", "search",
            "x");
    assert_int_equal(r->code, 1);
    assert_string_equal(r->err, "vlmd: search: too much work (narrow it)\n");
    cli_free(r);
    r = RUN("{'search_end':{'err':-14,'message':'disk'}}", "jobs", "list");
    assert_int_equal(r->code, 4);
    cli_free(r);
    r = RUN("{'search_refused':-12}", "search", "x");
    assert_int_equal(r->code, 2);
    assert_string_equal(r->err, "vlmd: search: it was not accepted\n");
    cli_free(r);
}

static void test_search_interrupted(void **state)
{
    (void)state;
    struct ran *r = cli_start("{'search_hangs':true,'logs':true}", ARGS("search", "x"));
    cli_wait_for(r, "a log line");
    kill(r->pid, SIGINT);
    cli_finish(r);
    assert_int_equal(r->code, 130);
    cli_free(r);
}

// ---- show

#define SHOWN                                                                            \
    "{'id':7,'path':'/p/a.png','app':'Code','window':'main.c','taken_at':1773837296000," \
    "'outcome':'answered','summary':'Writing C','details':'In an editor','tags':"        \
    "'[\\\"c\\\"]','width':1920,'height':1080,'file_bytes':234567,'sent_width':768,"     \
    "'sent_height':432,'sent_bytes':45678,'hash':'ab12','model':'qwen','backend':'gpu'," \
    "'prompt':'ide/1','tier':'quick','prompt_tokens':700,'completion_tokens':80,"        \
    "'queued_ms':5,'prepare_ms':12,'request_ms':900,'described_at':1773837300000,"       \
    "'duplicates':2,'duplicates_from':1773837300000,'duplicates_until':1773837356000}"

static const char *shown_script(const char *item)
{
    static char script[8192];
    snprintf(script, sizeof(script),
             "{'items':[%s,{'id':3,'path':'/p/first.png','summary':'s'}],'history':["
             "{'at':1773837296000,'backend':'gpu','class':'timeout_stall','message':"
             "'stopped','request_ms':60000},{'at':1773837297000,'backend':'gpu',"
             "'model':'qwen','request_ms':900}]}",
             item);
    return script;
}

static void test_show(void **state)
{
    (void)state;
    struct ran *r = RUN(shown_script(SHOWN), "show", "7");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->out,
                        "picture      #7, described\n"
                        "path         /p/a.png\n"
                        "taken        2026-03-18 12:34\n"
                        "app          Code\n"
                        "window       main.c\n"
                        "size         1920 x 1080, 234.6 kB\n"
                        "sent         768 x 432, 45.7 kB\n"
                        "hash         ab12\n"
                        "duplicates   2 similar until 12:35\n"
                        "summary      Writing C\n"
                        "details      In an editor\n"
                        "tags         [\"c\"]\n"
                        "model        qwen\n"
                        "backend      gpu\n"
                        "prompt       ide/1, tier quick\n"
                        "tokens       700 in, 80 out\n"
                        "time         queued 5 ms, prepared 12 ms, asked 900 ms\n"
                        "\n"
                        "Described by qwen at gpu (2026-03-18 12:35).\n"
                        "\n"
                        "requests\n"
                        "  2026-03-18 12:34  gpu  60000 ms  timeout_stall: stopped\n"
                        "  2026-03-18 12:34  gpu  900 ms  answered\n");
    assert_has(cli_log(), "history 7\n");
    cli_free(r);
}

static void test_show_duplicate(void **state)
{
    (void)state;
    const char *item = "{'id':7,'path':'/p/a.png','outcome':'duplicate','duplicate_of':3,"
                       "'summary':'s','model':'m','backend':'b'}";
    struct ran *r = RUN(shown_script(item), "show", "#7");
    assert_has(r->out, "Same picture as #3 (/p/first.png); has its description.");
    cli_free(r);
    r = RUN(shown_script(item), "show", "7", "--json");
    assert_has(r->out, "\"duplicate_path\":\"/p/first.png\"");
    assert_has(r->out, "\"why\":\"Same picture as #3");
    assert_has(r->out,
               "\"history\":[{\"at\":\"2026-03-18T12:34:56.000Z\",\"backend\":\"gpu\"");
    assert_has(r->out,
               "\"class\":null,\"message\":\"\",\"remedy\":null,\"request_ms\":900}]}\n");
    cli_free(r);
}

static void test_show_privacy(void **state)
{
    (void)state;
    struct ran *r = RUN(shown_script("{'id':7,'path':'/p/a.png','outcome':'answered',"
                                     "'verdict':'mask','masks':'1,2,30,40;5,6,7,8'}"),
                        "show", "7");
    assert_has(r->out, "privacy      mask, 2 areas painted over: 1,2,30,40;5,6,7,8\n");
    cli_free(r);
    r = RUN(shown_script("{'id':7,'path':'/p/a.png','outcome':'blocked','verdict':"
                         "'block','reason':'a rule'}"),
            "show", "7");
    assert_has(r->out, "privacy      block\n");
    cli_free(r);
}

static void test_show_paths(void **state)
{
    (void)state;
    char expected[600];
    cli_write("pic.png", "x");
    struct ran *r = RUN("{}", "show", "./pic.png");
    assert_int_equal(r->code, 1);
    assert_has(r->err, "vlmd: ./pic.png: is not known to vlmd");
    snprintf(expected, sizeof(expected), "path=%s/pic.png id=0", cli_dir());
    assert_has(cli_log(), expected);
    cli_free(r);
    r = RUN("{}", "show", "gone.png");
    snprintf(expected, sizeof(expected), "path=%s/gone.png id=0", cli_dir());
    assert_has(cli_log(), expected);
    cli_free(r);
    r = RUN("{}", "show", "http://h/x.png");
    assert_has(cli_log(), "path=http://h/x.png id=0");
    cli_free(r);
}

// ---- jobs list

static void test_jobs_list(void **state)
{
    (void)state;
    const char *script =
        "{'items':[{'id':5,'path':'/p/a.png','app':'Firefox','outcome':'failed','class':"
        "'corrupt','queued_at':1773837296000},{'id':123,'path':'/p/"
        "b.png','state':'leased'}]}";
    struct ran *r = RUN(script, "jobs", "list", "--outcome", "failed", "--class",
                        "corrupt", "--state", "ended", "--text", "w");
    assert_string_equal(r->out,
                        " id  state    taken             app      class    path\n"
                        "  5  failed   2026-03-18 12:34  Firefox  corrupt  /p/a.png\n"
                        "123  running  1970-01-01 00:00                    /p/b.png\n");
    assert_has(cli_log(),
               "search text=w app=- tag=- path=- id=0 since=0 until=0 state=ended "
               "outcome=failed class=corrupt degraded=0 order=0 limit=50\n");
    assert_string_equal(r->err, "");
    cli_free(r);
    r = RUN(script, "jobs", "list", "--json");
    assert_has(r->out, "{\"id\":5,\"correlation_id\":\"\",\"path\":\"/p/a.png\"");
    assert_has(r->out, "{\"id\":123,");
    cli_free(r);
    r = RUN("{}", "jobs", "list");
    assert_string_equal(r->err, "vlmd: no jobs\n");
    cli_free(r);
}

static void test_jobs_limit(void **state)
{
    (void)state;
    static char script[4000] = "{'items':[{'id':1}";
    for (int i = 1; i < 50; i++) {
        strcat(script, ",{'id':1,'path':'/p'}");
    }
    strcat(script, "]}");
    struct ran *r = RUN(script, "jobs", "list");
    assert_string_equal(r->err, "vlmd: the first 50 are shown (--limit 0 shows all)\n");
    cli_free(r);
}

// ---- status

#define STATUS                                                                           \
    "{'status':{'total':1234,'queued':100,'due':97,'leased':2,'ended':1132,"             \
    "'answered':900,'cached':10,'duplicate':190,'skipped':3,'blocked':1,'failed':28,"    \
    "'degraded':12,'oldest_queued':1000,'day_total':90,'day_described':87,"              \
    "'prompt_tokens':123456,'completion_tokens':789,'database':'/x/vlmd.db',"            \
    "'database_bytes':12345678,'failures':[{'class':'corrupt','words':'is damaged',"     \
    "'todo':'save it again','n':28}],'workers':[{'pid':4242,'started_at':1000,"          \
    "'updated_at':2000,'json':'{\\\"images_per_s\\\":2.5,\\\"paused_because\\\":\\\"no " \
    "backend\\\",\\\"backends\\\":[{\\\"name\\\":\\\"gpu\\\",\\\"url\\\":\\\"http://"    \
    "g\\\","                                                                             \
    "\\\"state\\\":\\\"away\\\",\\\"reason\\\":\\\"refused\\\",\\\"model\\\":"           \
    "\\\"qwen\\\","                                                                      \
    "\\\"in_flight\\\":0,\\\"limit\\\":4}]}'},{'pid':1,'json':'broken'}]}}"

static void test_status(void **state)
{
    (void)state;
    struct ran *r = RUN(STATUS, "status");
    assert_int_equal(r->code, 0);
    assert_has(r->out, "total        1,234\n"
                       "queued       100 (97 due; the oldest waits ");
    assert_has(r->out,
               "running      2\n"
               "described    1,100 (900 own, 10 from the cache, 190 duplicates; 12 by "
               "text recognition only)\n"
               "skipped      3\n"
               "blocked      1 (by privacy rules)\n"
               "failed       28\n"
               "             28 corrupt: is damaged (save it again)\n"
               "last 24 h    87 of 90 described (96%)\n"
               "tokens       123,456 in, 789 out\n"
               "database     /x/vlmd.db (12.3 MB)\n"
               "worker       process 4242 for ");
    assert_has(r->out, ", 2.5 pictures/s\n"
                       "             paused: no backend\n"
                       "             gpu http://g: away, qwen: refused, 0/4 in flight\n"
                       "worker       process 1 for ");
    cli_free(r);
    r = RUN("{}", "status");
    assert_has(r->out, "last 24 h    no pictures\n");
    assert_has(r->out, "worker       none runs (start one: vlmd watch)\n");
    cli_free(r);
}

static void test_status_past(void **state)
{
    (void)state;
    struct ran *r = RUN("{'series':{'minutes':{'at':1000,'answered':12,'failed':1,"
                        "'answers':12,'p50':1234,'p95':61000,'tokens':4321,'cost':0.125},"
                        "'days':{'at':1000,'answered':12345}}}",
                        "status");
    assert_has(r->out, "past hour    12 described, 1 failed; half in 1.2 s, 95% in "
                       "61 s; 4,321 tokens; 0.12 spent\n"
                       "past 30 days 12,345 described, 0 failed; 0 tokens\n");
    assert_has_not(r->out, "past day");
    cli_free(r);
    r = RUN("{'series':{'hours':{'err':-14,'message':'the disk is full'}}}", "status");
    assert_int_equal(r->code, 4);
    assert_string_equal(r->err, "vlmd: status: the disk is full\n");
    cli_free(r);
}

#define DATABASE                                                                         \
    "{'database':{'path':'/x/vlmd.db','bytes':12345678,'wal':4096,'pages':1507,"         \
    "'tables':[{'name':'job','rows':1234,'bytes':9000000},"                              \
    "{'name':'job_at','of':'job','bytes':800000}]},"                                     \
    "'status':{'workers':[{'pid':4242,'json':'{\\\"database\\\":{"                       \
    "\\\"statements\\\":98765,\\\"slow\\\":3,\\\"failed\\\":1,"                          \
    "\\\"p50_ms\\\":0.02,\\\"p95_ms\\\":0.4,\\\"p99_ms\\\":7.5,"                         \
    "\\\"read_wait_p95_ms\\\":0.05,\\\"write_wait_p95_ms\\\":1.25,"                      \
    "\\\"checkpoints\\\":17}}'},{'pid':1,'json':'broken'}]}}"

static void test_db_stats(void **state)
{
    (void)state;
    struct ran *r = RUN(DATABASE, "db", "stats");
    assert_int_equal(r->code, 0);
    assert_has(r->out, "database     /x/vlmd.db\n"
                       "size         12.3 MB, write-ahead log 4.1 kB\n"
                       "pages        1,507 of 8.2 kB, 0 unused\n");
    assert_has(r->out, "job_at  job");
    assert_has(r->out, "process 4242: 98,765 statements, 3 slow, 1 failed\n"
                       "  took        p50 0.02 ms, p95 0.40 ms, p99 7.50 ms\n"
                       "  waited      reads p95 0.05 ms, writes p95 1.25 ms\n"
                       "  checkpoints 17\n");
    assert_has_not(r->out, "process 1:");
    assert_has(cli_log(), "database with sizes\n");
    cli_free(r);
    r = RUN(DATABASE, "--json", "db", "stats");
    assert_has(r->out, "{\"path\":\"/x/vlmd.db\",\"file_bytes\":12345678,");
    assert_has(r->out, "{\"name\":\"job_at\",\"index_of\":\"job\",\"rows\":-1,");
    cli_free(r);
    r = RUN("{'database':{'err':-14,'message':'the disk is full'}}", "db", "stats");
    assert_int_equal(r->code, 4);
    assert_string_equal(r->err, "vlmd: db stats: the disk is full\n");
    cli_free(r);
    r = RUN("{}", "db", "state");
    assert_int_equal(r->code, 2);
    assert_has(r->err, "\"state\"");
    cli_free(r);
    r = RUN("{}", "db");
    assert_int_equal(r->code, 2);
    cli_free(r);
}

static void test_status_json(void **state)
{
    (void)state;
    struct ran *r = RUN(STATUS, "--json", "status");
    assert_has(r->out, "{\"total\":1234,\"queued\":100,\"due\":97,\"running\":2,");
    assert_has(r->out, "\"oldest_queued_at\":\"1970-01-01T00:00:01.000Z\"");
    assert_has(r->out, "\"failures\":[{\"class\":\"corrupt\",\"n\":28,");
    assert_has(r->out, "\"workers\":[{\"pid\":4242,");
    assert_has(r->out, "\"stats\":{\"images_per_s\":2.5,");
    assert_has(r->out,
               "\"pid\":1,\"started_at\":null,\"updated_at\":null,\"stats\":null}],"
               "\"history\":{\"hour\":{\"at\":null,\"described\":0,");
    cli_free(r);
    r = RUN("{'status':{'err':-14,'message':'the disk is full'}}", "status");
    assert_int_equal(r->code, 4);
    assert_string_equal(r->err, "vlmd: status: the disk is full\n");
    cli_free(r);
    r = RUN("{'status_refused':-12}", "status");
    assert_int_equal(r->code, 2);
    cli_free(r);
}

static void test_status_watch(void **state)
{
    (void)state;
    struct ran *r = cli_start("{'status':[{'total':1},{'total':22},{'total':333}]}",
                              ARGS("status", "--watch", "--interval", "0.1", "--json"));
    cli_wait_for(r, "\"total\":333");
    kill(r->pid, SIGINT);
    cli_finish(r);
    assert_int_equal(r->code, 0);
    assert_has(r->out, "{\"total\":1,");
    assert_has(r->out, "{\"total\":22,");
    cli_free(r);
    r = cli_start_pty("{'status':[{'total':1},{'total':333}]}", 80,
                      ARGS("status", "-w", "-n", "0.1"));
    cli_wait_for(r, "333");
    kill(r->pid, SIGINT);
    cli_finish(r);
    assert_has(r->out, "\x1b[H\x1b[Jtotal        333");
    cli_free(r);
}

// ---- doctor, models

static void test_doctor(void **state)
{
    (void)state;
    const char *script =
        "{'problems':[{'error':false,'where':'VLMD_X','words':'is odd'}],"
        "'checks':[{'name':'database','result':'ok','words':'sound'},"
        "{'name':'disk','result':'warn','words':'12 MB free','todo':'free some'}]}";
    struct ran *r = RUN(script, "doctor");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->out, "warn  configuration     VLMD_X: is odd\n"
                                "ok    database          sound\n"
                                "warn  disk              12 MB free\n"
                                "                        -> free some\n"
                                "\n3/3 checks passed, 2 with a warning\n");
    cli_free(r);
    script =
        "{'checks':[{'name':'ocr','result':'fail','words':'gone','todo':'install'}]}";
    r = RUN(script, "doctor");
    assert_int_equal(r->code, 1);
    assert_has(r->out, "0/1 checks passed\n");
    cli_free(r);
    r = RUN(script, "doctor", "--json");
    assert_int_equal(r->code, 1);
    assert_string_equal(r->out,
                        "{\"check\":\"ocr\",\"result\":\"fail\",\"words\":\"gone\","
                        "\"todo\":\"install\"}\n");
    cli_free(r);
}

static void test_doctor_without_library(void **state)
{
    (void)state;
    struct ran *r =
        RUN("{'problems':[{'error':true,'where':'f:3','words':'bad'}]}", "doctor");
    assert_int_equal(r->code, 1);
    assert_has(r->out,
               "fail  configuration     f:3: bad\n                        -> correct it");
    assert_has(r->out, "0/1 checks passed\n");
    cli_free(r);
    r = RUN("{'open':{'code':-14,'message':'/x.db: is newer'}}", "doctor");
    assert_int_equal(r->code, 1);
    assert_has(r->out, "fail  database          /x.db: is newer\n");
    cli_free(r);
}

static void test_models(void **state)
{
    (void)state;
    const char *script =
        "{'models':[{'backend':'a:1','kind':'ollama','model':'qwen2.5vl:7b',"
        "'vision':true,'loaded':true,'chosen':true},"
        "{'backend':'a:1','kind':'ollama','model':'llama3','vision':false},"
        "{'backend':'a:1','kind':'ollama','model':'odd'},"
        "{'backend':'b','kind':'','model':'','error':'refused'}]}";
    struct ran *r = RUN(script, "models", "list");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->out,
                        "backend  kind    model         sees  loaded  chosen  \n"
                        "a:1      ollama  qwen2.5vl:7b  yes   yes     yes     \n"
                        "a:1      ollama  llama3        no                    \n"
                        "a:1      ollama  odd           ?                     \n"
                        "b                -                                   refused\n");
    cli_free(r);
    r = RUN(script, "models", "list", "--json");
    assert_has(r->out, "\"model\":\"qwen2.5vl:7b\",\"has_vision\":true,");
    assert_has(r->out, "\"model\":null,");
    cli_free(r);
    r = RUN("{'models':[{'backend':'a:1','kind':'vllm','model':'m','chosen':true,"
            "'vision':true,'formats':'jpeg,png','unload':'never','thinking':'none',"
            "'n_ctx':8192},{'backend':'a:1','kind':'vllm','model':'other'},"
            "{'backend':'a:1','kind':'vllm','model':'earlier','known_at':1000,"
            "'n_ctx':4321}]}",
            "models", "probe");
    assert_int_equal(r->code, 0);
    assert_has(r->out, "8192");
    assert_has(r->out, "jpeg,png");
    assert_null(strstr(r->out, "other"));
    assert_has(r->out, "4321");  // found out when it was in use
    cli_free(r);
    r = RUN("{'models':[{'backend':'a:1','kind':'ollama','model':'',"
            "'error':'the model \\'m\\' can not see pictures'}]}",
            "models", "probe");
    assert_int_equal(r->code, 3);
    assert_has(r->err, "no backend can be asked: a:1: the model");
    cli_free(r);
    r = RUN("{}", "models", "list");
    assert_int_equal(r->code, 3);
    assert_has(r->err, "no backend with models answers");
    cli_free(r);
}

// ---- terminals

static void test_colour(void **state)
{
    (void)state;
    struct ran *r = cli_start_pty(FOUND, 80, ARGS("search", "timers"));
    cli_finish(r);
    assert_has(r->out, "\x1b[1m2026-03-18 12:34  Firefox\x1b[0m  #12\r\n");
    assert_has(r->out, "  Reading about \x1b[1;33mtimers\x1b[0m in libuv\r\n");
    assert_has(r->out, "  \x1b[2m/p/a.png\x1b[0m\r\n");
    assert_has(r->out, "/p/ [31m.png");
    cli_free(r);
    setenv("NO_COLOR", "1", 1);
    r = cli_start_pty(FOUND, 80, ARGS("search", "timers"));
    cli_finish(r);
    assert_has_not(r->out, "\x1b[");
    cli_free(r);
    unsetenv("NO_COLOR");
    setenv("TERM_FOR_CLI", "dumb", 1);
    r = cli_start_pty(FOUND, 80, ARGS("search", "timers"));
    cli_finish(r);
    assert_has_not(r->out, "\x1b[");
    cli_free(r);
    unsetenv("TERM_FOR_CLI");
}

static void test_table_width(void **state)
{
    (void)state;
    const char *script =
        "{'items':[{'id':5,'outcome':'failed','path':"
        "'/a/very/long/path/that/does/not/fit/into/sixty/columns.png'}]}";
    struct ran *r = cli_start_pty(script, 60, ARGS("jobs", "list"));
    cli_finish(r);
    assert_has(r->out, "  /a/very/long/path\xe2\x80\xa6\r\n");
    cli_free(r);
    r = cli_start_pty(script, 30, ARGS("jobs", "list"));
    cli_finish(r);
    assert_has(r->out, "columns.png\r\n");
    cli_free(r);
}

#define CASE(f)                                                                          \
    cmocka_unit_test_setup_teardown(f, cli_fixture_setup, cli_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_search),
        CASE(test_search_long_snippet),
        CASE(test_search_filters),
        CASE(test_search_json),
        CASE(test_search_errors),
        CASE(test_search_interrupted),
        CASE(test_show),
        CASE(test_show_duplicate),
        CASE(test_show_privacy),
        CASE(test_show_paths),
        CASE(test_jobs_list),
        CASE(test_jobs_limit),
        CASE(test_status),
        CASE(test_status_past),
        CASE(test_db_stats),
        CASE(test_status_json),
        CASE(test_status_watch),
        CASE(test_doctor),
        CASE(test_doctor_without_library),
        CASE(test_models),
        CASE(test_colour),
        CASE(test_table_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
