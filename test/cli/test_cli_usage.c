// test_cli_usage.c -- parsing, suggestions, help, completions, version, config.
// SPDX-License-Identifier: MIT
#include "cli_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void test_wrong_usage(void **state)
{
    (void)state;
    static const struct {
        const char *args[6];
        const char *err;
    } rows[] = {
        {{"statsu"}, "there is no command \"statsu\": did you mean \"status\"?"},
        {{"qqqqqqqq"}, "there is no command \"qqqqqqqq\" (see"},
        {{"--limt", "3"}, "vlmd: there is no flag --limt"},
        {{"search", "--limt", "3"},
         "vlmd search: there is no flag --limt: did you mean --limit?"},
        {{"status", "--tag", "x"}, "vlmd status: this command takes no --tag"},
        {{"--tag", "x", "status"}, "vlmd: vlmd without a command takes no --tag"},
        {{"search", "--tag"}, "vlmd search: --tag needs a value"},
        {{"search", "--json=yes", "x"}, "vlmd search: --json takes no value"},
        {{"search", "-z", "x"}, "there is no flag -z"},
        {{"search"}, "vlmd search: say what to look for"},
        {{"search", "x", "--since", "tomorrow"}, "--since \"tomorrow\" is no time"},
        {{"search", "x", "--until", "3"}, "--until \"3\" is no time"},
        {{"search", "x", "--since", "1h", "--until", "2h"},
         "--since is later than --until"},
        {{"search", "x", "--limit", "many"}, "--limit \"many\" is no number"},
        {{"search", "x", "--order", "odd"},
         "--order \"odd\" is none of best|newest|oldest"},
        {{"--tier", "huge", "status"}, "--tier \"huge\" is none of quick|standard|deep"},
        {{"--set", "x", "status"}, "--set wants KEY=VALUE, not \"x\""},
        {{"--set", "=x", "status"}, "--set wants KEY=VALUE"},
        {{"jobs"}, "vlmd jobs: say what: list|retry|redo|drop"},
        {{"jobs", "lst"}, "\"lst\" is none of list|retry|redo|drop"},
        {{"jobs", "list", "3"}, "list takes filters, no operands"},
        {{"jobs", "drop"}, "say which: an ID, a path, a filter"},
        {{"jobs", "drop", "0"}, "there is no picture 0"},
        {{"jobs", "redo", "--limit", "3"}, "--limit and --order go with list only"},
        {{"jobs", "list", "--state", "x"},
         "--state \"x\" is none of queued|leased|ended"},
        {{"show"}, "name one picture by its ID or path"},
        {{"show", "1", "2"}, "name one picture"},
        {{"batch"}, "name pictures, folders, patterns or URLs"},
        {{"status", "x"}, "takes no operands"},
        {{"status", "--watch", "--interval", "0"},
         "--interval \"0\" is no number of seconds"},
        {{"status", "-w", "-n", "1x"}, "--interval \"1x\""},
        {{"doctor", "x"}, "takes no operands"},
        {{"models"}, "say what: list|probe"},
        {{"models", "list", "x"}, "list and probe take no operands"},
        {{"config", "check", "x"}, "\"x\" is too much"},
        {{"config", "show", "--force"}, "go with init only"},
        {{"export"}, "say what: jsonl|csv|sidecar"},
        {{"export", "xml"}, "\"xml\" is none of jsonl|csv|sidecar"},
        {{"export", "csv", "x"}, "\"x\" is too much"},
        {{"export", "csv", "--beside"}, "go with sidecar only"},
        {{"export", "sidecar"}, "say where: --dir DIR, or --beside"},
        {{"export", "sidecar", "--dir", "d", "--beside"}, "say where"},
        {{"export", "sidecar", "--beside", "-o", "x"}, "do not go with sidecar"},
        {{"completion", "tcsh"}, "\"tcsh\" is none of bash|zsh|fish"},
        {{"help", "nothing"}, "there is no command \"nothing\""},
        {{"version", "x"}, "takes no operands"},
        {{"bad\x1b[31m"}, "there is no command \"bad [31m\""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ran *r = cli_run("{}", rows[i].args);
        if (r->code != 2 || !strstr(r->err, rows[i].err) || r->out_len) {
            fail_msg("row %zu: %d\n%s\n%s", i, r->code, r->err, r->out);
        }
        assert_has(r->err, "--help`)\n");
        if (*cli_log()) {
            fail_msg("row %zu: %s", i, cli_log());  // nothing may be opened
        }
        cli_free(r);
    }
}

static void test_help(void **state)
{
    (void)state;
    static const char *const none[] = {NULL};
    struct ran *r = cli_run("{}", none);
    assert_int_equal(r->code, 0);
    assert_has(r->out, "Usage: vlmd COMMAND [FLAGS] [OPERANDS]");
    assert_has(r->out, "  batch        describe a set of pictures and end\n");
    assert_has(r->out, "  -b, --backend URL ");
    assert_string_equal(r->err, "");
    struct ran *h = RUN("{}", "--help");
    assert_string_equal(h->out, r->out);
    cli_free(h);
    h = RUN("{}", "help");
    assert_string_equal(h->out, r->out);
    cli_free(h);
    cli_free(r);
    r = RUN("{}", "search", "--help");
    assert_has(r->out,
               "vlmd search -- find pictures by what is on them\n\nUsage: vlmd search");
    assert_has(r->out, "--since TIME");
    assert_has(r->out, "--order best|newest|oldest");
    assert_has_not(r->out, "--beside");
    h = RUN("{}", "help", "search");
    assert_string_equal(h->out, r->out);
    cli_free(h);
    h = RUN("{}", "--help", "search");
    assert_string_equal(h->out, r->out);
    cli_free(h);
    cli_free(r);
}

// The table of flags has the order of their numbers.
static void test_help_shows_its_own_flags(void **state)
{
    (void)state;
    struct ran *r = RUN("{}", "privacy", "--help");
    assert_has(r->out, "--url ADDRESS");
    assert_has_not(r->out, "--scope");
    cli_free(r);
    r = RUN("{}", "top", "--help");
    assert_has(r->out, "--interval SECONDS");
    assert_has_not(r->out, "--watch");
    cli_free(r);
    r = RUN("{}", "token", "--help");
    assert_has(r->out, "--scope SCOPES");
    assert_has(r->out, "--name NAME");
    assert_has(r->out, "--life TIME");
    assert_has_not(r->out, "--print");
    cli_free(r);
}

// Each command and flag of the tables must be in what is generated from them.
static void test_generated(void **state)
{
    (void)state;
    static const char *const what[][2] = {{"help", "man"},
                                          {"completion", "bash"},
                                          {"completion", "zsh"},
                                          {"completion", "fish"}};
    for (size_t i = 0; i < 4; i++) {
        struct ran *r = RUN("{}", what[i][0], what[i][1]);
        assert_int_equal(r->code, 0);
        assert_has(r->out, "completion");
        assert_has(r->out, i == 0 ? "log\\-level" : "log-level");
        assert_has(r->out, i == 1 ? "quick standard deep" : "quick");
        assert_has(r->out, "beside");
        cli_write(what[i][1], r->out);
        cli_free(r);
    }
    assert_has(cli_read("man"), ".TH VLMD 1 \"\" \"vlmd 1.2.3\"");
    // bash itself must be able to read it, and to complete.
    assert_int_equal(system("bash -n bash"), 0);
    assert_int_equal(
        system("bash -c '. ./bash; COMP_WORDS=(vlmd jobs re); COMP_CWORD=2; _vlmd;"
               "test \"${COMPREPLY[*]}\" = \"retry redo\"'"),
        0);
    assert_int_equal(
        system("bash -c '. ./bash; COMP_WORDS=(vlmd --tier d); COMP_CWORD=2; _vlmd;"
               "test \"${COMPREPLY[*]}\" = deep'"),
        0);
    assert_int_equal(
        system("bash -c '. ./bash; COMP_WORDS=(vlmd sta); COMP_CWORD=1; _vlmd;"
               "test \"${COMPREPLY[*]}\" = status'"),
        0);
}

static void test_version(void **state)
{
    (void)state;
    struct ran *r = RUN("{}", "version");
    assert_string_equal(r->out, "vlmd 1.2.3\n");
    cli_free(r);
    r = RUN("{}", "--version");
    assert_string_equal(r->out, "vlmd 1.2.3\n");
    cli_free(r);
    r = RUN("{}", "version", "--json");
    assert_string_equal(r->out, "{\"version\":\"1.2.3\"}\n");
    cli_free(r);
}

static void test_settings(void **state)
{
    (void)state;
    struct ran *r =
        RUN("{}", "--db", "/x.db", "-b", "http://a:1", "search", "--backend=ocr", "-m",
            "m", "w", "--set", "image.quality=90", "--tier", "deep", "-c", "f.yaml",
            "--concurrency", "3", "--log-level", "debug", "--log-format", "json");
    assert_int_equal(r->code, 0);
    assert_has(
        cli_log(),
        "open client config=f.yaml db=/x.db(--db) backends=http://a:1(--backend) "
        "backends=ocr(--backend) model=m(--model) image.quality=90(--set) "
        "tier=deep(--tier) concurrency=3(--concurrency) log.level=debug(--log-level) "
        "log.format=json(--log-format)");
    cli_free(r);
    const char *args[140] = {"search", "x"};
    for (int i = 2; i < 28; i++) {
        args[i] = "--set=a=b";
    }
    r = cli_run("{}", args);
    assert_int_equal(r->code, 0);
    cli_free(r);
}

static void test_config_problems(void **state)
{
    (void)state;
    const char *script = "{'problems':[{'error':true,'where':'/f.yaml:3','words':'tier: "
                         "\\'x\\' is wrong'},"
                         "{'error':false,'where':'VLMD_X','words':'unknown'},"
                         "{'error':true,'where':'--model','words':'bad'}]}";
    struct ran *r =
        RUN("{'problems':[{'error':true,'where':'/f.yaml:3','words':'tier is wrong'},"
            "{'error':false,'where':'VLMD_X','words':'unknown'},"
            "{'error':true,'where':'--model','words':'bad'}]}",
            "status");
    (void)script;
    assert_int_equal(r->code, 2);
    assert_string_equal(r->err, "vlmd: /f.yaml:3: tier is wrong\nvlmd: --model: bad\n");
    assert_has_not(cli_log(), "open");
    cli_free(r);
    const char *warn = "{'problems':[{'error':false,'where':'VLMD_X','words':'unknown'}],"
                       "'events':[{'type':'batch'}]}";
    r = RUN(warn, "batch", "x");
    assert_has(r->err, "vlmd: warning: VLMD_X: unknown\n");
    cli_free(r);
    r = RUN(warn, "batch", "x", "--quiet");
    assert_string_equal(r->err, "");
    cli_free(r);
    r = RUN(warn, "config", "check");
    assert_string_equal(r->out, "warning: VLMD_X: unknown\n0 errors, 1 warning\n");
    assert_int_equal(r->code, 0);
    cli_free(r);
    r = RUN("{'problems':[{'error':true,'where':'f:1','words':'bad'}]}", "config",
            "check", "--json");
    assert_int_equal(r->code, 2);
    assert_string_equal(r->out, "{\"problems\":[{\"level\":\"error\",\"where\":\"f:1\","
                                "\"words\":\"bad\"}],\"ok\":false}\n");
    cli_free(r);
    r = RUN("{'problems':[{'error':true,'where':'f:1','words':'bad'}]}", "config",
            "show");
    assert_int_equal(r->code, 2);
    assert_string_equal(r->out, "");
    assert_has(r->err, "there are 1 errors");
    cli_free(r);
}

static void test_config_show(void **state)
{
    (void)state;
    const char *script = "{'keys':[{'key':'db','value':'/x/vlmd.db','origin':'--db'},"
                         "{'key':'model','value':'','def':''}]}";
    struct ran *r = RUN(script, "config", "show");
    assert_string_equal(r->out, "key    from     change   value\n"
                                "db     --db     restart  /x/vlmd.db\n"
                                "model  default  restart  \n");
    cli_free(r);
    r = RUN(script, "config", "show", "--json");
    assert_has(r->out, "[{\"key\":\"db\",\"value\":\"/x/vlmd.db\",\"origin\":\"--db\",");
    cli_free(r);
}

static void test_config_init(void **state)
{
    (void)state;
    struct ran *r = RUN("{}", "config", "init");
    assert_int_equal(r->code, 0);
    assert_has(r->out, "/.config/vlmd/vlmd.yaml is written");
    assert_string_equal(cli_read(".config/vlmd/vlmd.yaml"), "# sample\n#db: x\n");
    cli_free(r);
    cli_write(".config/vlmd/vlmd.yaml", "mine\n");
    r = RUN("{}", "config", "init");
    assert_int_equal(r->code, 2);
    assert_has(r->err, "is there already (--force replaces it)");
    assert_string_equal(cli_read(".config/vlmd/vlmd.yaml"), "mine\n");
    cli_free(r);
    r = RUN("{}", "config", "init", "--force", "--quiet");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->out, "");
    assert_string_equal(cli_read(".config/vlmd/vlmd.yaml"), "# sample\n#db: x\n");
    cli_free(r);
    r = RUN("{}", "config", "init", "-o", "-");
    assert_string_equal(r->out, "# sample\n#db: x\n");
    cli_free(r);
    r = RUN("{}", "config", "init", "-o", "/proc/nowhere/x.yaml");
    assert_int_equal(r->code, 2);
    assert_has(r->err, "vlmd: /proc/nowhere/x.yaml: ");
    cli_free(r);
    r = RUN("{}", "--config", "own.yaml", "config", "init");
    assert_string_equal(cli_read("own.yaml"), "# sample\n#db: x\n");
    cli_free(r);
}

static void test_open_errors(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        int code;
        const char *err;
    } rows[] = {
        {"{'open':{'code':-14,'message':'/x.db: is newer'}}", 4,
         "vlmd: /x.db: is newer\n"},
        {"{'open':{'code':-13,'message':'bad'}}", 2, "vlmd: bad\n"},
        {"{'open':{'code':-5,'message':''}}", 1, "vlmd: internal error\n"},
        {"{'open':{'code':-30,'message':'none'}}", 3, "vlmd: none\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ran *r = RUN(rows[i].script, "status");
        assert_int_equal(r->code, rows[i].code);
        assert_string_equal(r->err, rows[i].err);
        cli_free(r);
    }
}

static void test_log(void **state)
{
    (void)state;
    struct ran *r = RUN("{'logs':true}", "status");
    assert_has(r->err,
               "2023-11-14T22:13:20.123Z warn  fake     a log line with \"quotes\"\n");
    cli_free(r);
    r = RUN("{'logs':true,'keys':[{'key':'log.format','value':'json'},"
            "{'key':'log.level','value':'debug','origin':'VLMD_LOG_LEVEL'}]}",
            "status");
    assert_has(r->err, "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"warn\",");
    assert_has_not(cli_log(), "log.level");
    cli_free(r);
    r = RUN("{'keys':[{'key':'log.level','value':'info'}],'events':[{'type':'batch'}]}",
            "batch", "x");
    assert_has(cli_log(), "log.level=warn(vlmd)");
    cli_free(r);
}

#define CASE(f)                                                                          \
    cmocka_unit_test_setup_teardown(f, cli_fixture_setup, cli_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_wrong_usage),
        CASE(test_help),
        CASE(test_help_shows_its_own_flags),
        CASE(test_generated),
        CASE(test_version),
        CASE(test_settings),
        CASE(test_config_problems),
        CASE(test_config_show),
        CASE(test_config_init),
        CASE(test_open_errors),
        CASE(test_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
