// test_cli_privacy.c -- privacy report, privacy verify, forget: what is asked and printed.
// SPDX-License-Identifier: MIT
#include "cli_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// ---- report

#define TOTALS                                                                           \
    "{'totals':{'rows':1234,'bytes':5000000,'first':1773837296000,"                      \
    "'last':1773840896000,'list':["                                                      \
    "{'by':0,'name':'allow','rows':1200,'bytes':4000000},"                               \
    "{'by':0,'name':'block','rows':34,'blocked':34,'findings':7},"                       \
    "{'by':1,'name':'card','rows':30,'findings':45,'masked':30},"                        \
    "{'by':2,'name':'Fire\\u0007fox','rows':1000},"                                      \
    "{'by':2,'name':'','rows':234},"                                                     \
    "{'by':3,'name':'lab local','rows':1200,'bytes':4000000},"                           \
    "{'by':3,'name':'','rows':34,'blocked':34}]}}"

static void test_report(void **state)
{
    (void)state;
    struct ran *r = RUN(TOTALS, "privacy", "report");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->out,
                        "1,234 rows from 2026-03-18 12:34 until 2026-03-18 13:34, 5.0 MB "
                        "sent\n"
                        "\n"
                        " rows  findings  blocked  masked    sent  verdict\n"
                        "1,200         -        -       -  4.0 MB  allow\n"
                        "   34         7       34       -       -  block\n"
                        "\n"
                        "rows  findings  blocked  masked  sent  found\n"
                        "  30        45        -      30     -  card\n"
                        "\n"
                        " rows  findings  blocked  masked  sent  app\n"
                        "1,000         -        -       -     -  Fire fox\n"
                        "  234         -        -       -     -  (not known)\n"
                        "\n"
                        " rows  findings  blocked  masked    sent  sent to\n"
                        "1,200         -        -       -  4.0 MB  lab local\n"
                        "   34         -       34       -       -  (nowhere)\n");
    assert_has(cli_log(), "totals since=0 until=0 order=0 limit=0\n");
    cli_free(r);
    r = RUN("{}", "privacy", "report", "--since", "2026-03-18", "--until", "2026-03-18");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->out, "");
    assert_string_equal(r->err, "vlmd: nothing was decided or sent in that time\n");
    assert_has(cli_log(),
               "totals since=1773792000000 until=1773878399999 order=0 limit=0\n");
    cli_free(r);
    r = RUN("{'totals':{'err':-14,'message':'the file is damaged'}}", "privacy",
            "report");
    assert_int_equal(r->code, 4);
    assert_string_equal(r->err, "vlmd: privacy: the file is damaged\n");
    cli_free(r);
}

static void test_report_json(void **state)
{
    (void)state;
    struct ran *r = RUN(TOTALS, "privacy", "report", "--json");
    assert_int_equal(r->code, 0);
    assert_has(r->out,
               "{\"rows\":1234,\"bytes_sent\":5000000,\"first\":\"2026-03-18T12:34:"
               "56.000Z\",\"last\":\"2026-03-18T13:34:56.000Z\",\"verdicts\":[{"
               "\"name\":\"allow\",\"rows\":1200,");
    assert_has(r->out, "\"apps\":[{\"name\":\"Fire\\u0007fox\",");
    assert_has(r->out,
               "\"destinations\":[{\"name\":\"lab local\",\"rows\":1200,"
               "\"findings\":0,\"blocked\":0,\"masked\":0,\"bytes_sent\":4000000}");
    cli_free(r);
    r = RUN("{}", "privacy", "report", "--json");
    assert_string_equal(r->out, "{\"rows\":0,\"bytes_sent\":0,\"first\":null,\"last\":"
                                "null,\"verdicts\":[],\"categories\":[],\"apps\":[],"
                                "\"destinations\":[]}\n");
    cli_free(r);
}

#define ROWS                                                                             \
    "{'audit':["                                                                         \
    "{'seq':12,'at':1773837296000,'job':7,'verdict':'mask','stage':'send','app':"        \
    "'Firefox','categories':'card=2','rules':'r1 r2','destination':'lab local',"         \
    "'bytes':45000,'hash':'aa','sent_hash':'bb','cid':'c1','chain':'dd'},"               \
    "{'seq':11,'at':1773837296000,'job':6,'verdict':'block','stage':'meta','rules':"     \
    "'bank'},"                                                                           \
    "{'seq':10,'at':1773837296000,'verdict':'forget','n':3},"                            \
    "{'seq':9,'at':1773837296000,'verdict':'prune','n':400,'until':1773837236000}]}"

static void test_rows(void **state)
{
    (void)state;
    struct ran *r = RUN(ROWS, "privacy", "report", "--rows");
    assert_int_equal(r->code, 0);
    assert_string_equal(
        r->out,
        "row  time              job  verdict  stage  app      sent to       sent  found\n"
        " 12  2026-03-18 12:34    7  mask     send   Firefox  lab local  45.0 kB  card=2 "
        " "
        "[r1 r2]\n"
        " 11  2026-03-18 12:34    6  block    meta                             -  "
        "[bank]\n"
        " 10  2026-03-18 12:34       forget                                    -  3 "
        "pictures\n"
        "  9  2026-03-18 12:34       prune                                     -  400 "
        "rows "
        "until 2026-03-18 12:33\n");
    assert_has(cli_log(), "audit since=0 until=0 order=0 limit=50\n");
    cli_free(r);
    r = RUN(ROWS, "privacy", "report", "--rows", "--json", "--limit", "0", "--order",
            "oldest");
    assert_has(r->out, "{\"seq\":12,\"at\":\"2026-03-18T12:34:56.000Z\",\"verdict\":"
                       "\"mask\",\"stage\":\"send\",\"job\":7,\"correlation_id\":\"c1\","
                       "\"hash\":\"aa\",\"sent_hash\":\"bb\",\"categories\":\"card=2\","
                       "\"rules\":\"r1 r2\",\"app\":\"Firefox\",\"destination\":"
                       "\"lab local\",\"bytes_sent\":45000,\"n\":0,\"until\":null,"
                       "\"chain\":\"dd\"}\n");
    assert_has(r->out, "\"verdict\":\"prune\",\"stage\":\"\",\"job\":0");
    assert_has(cli_log(), "audit since=0 until=0 order=1 limit=0\n");
    cli_free(r);
    r = RUN("{}", "privacy", "report", "--rows");
    assert_string_equal(r->err, "vlmd: nothing was decided or sent in that time\n");
    cli_free(r);
}

// ---- verify

static void test_verify(void **state)
{
    (void)state;
    struct ran *r = RUN("{'verify':{'rows':1200,'first':501,'last':1700,'pruned':500,"
                        "'pruned_until':1773837296000,'head':'ab12','words':'all is "
                        "well'}}",
                        "privacy", "verify");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->out, "rows    1,200 sound, 501 to 1700\n"
                                "pruned  500 older ones, until 2026-03-18 12:34, when "
                                "their time was up\n"
                                "head    ab12\n"
                                "\n"
                                "all is well\n"
                                "Note the head in another place: vlmd privacy verify "
                                "--expect HASH\n");
    assert_string_equal(r->err, "");
    assert_has(cli_log(), "verify -\n");
    cli_free(r);
    r = RUN("{'verify':{'rows':2,'last':2,'head':'ab','expected':1,'words':'w'}}",
            "privacy", "verify", "--expect", "cd34");
    assert_int_equal(r->code, 0);
    assert_has(r->out, "noted   the expected hash is that of row 1\n");
    assert_has_not(r->out, "Note the head");
    assert_has(cli_log(), "verify cd34\n");
    cli_free(r);
    r = RUN("{'verify':{'rows':2}}", "privacy", "verify", "--quiet");
    assert_string_equal(r->out, "");
    cli_free(r);
}

static void test_verify_broken(void **state)
{
    (void)state;
    const char *script = "{'verify':{'fault':'removed','bad':8,'rows':6,'first':1,"
                         "'words':'rows are missing before row 8'}}";
    struct ran *r = RUN(script, "privacy", "verify");
    assert_int_equal(r->code, 1);
    assert_string_equal(r->out, "rows    6 sound, 1 to 6\n");
    assert_string_equal(r->err,
                        "vlmd: privacy: removed: rows are missing before row 8\n");
    cli_free(r);
    r = RUN(script, "privacy", "verify", "--json", "--quiet");
    assert_int_equal(r->code, 1);
    assert_string_equal(r->out,
                        "{\"sound\":false,\"fault\":\"removed\",\"words\":\"rows are "
                        "missing before row 8\",\"bad_row\":8,\"rows\":6,\"first_row\":1,"
                        "\"last_row\":0,\"pruned\":0,\"pruned_until\":null,\"head\":null,"
                        "\"expected_row\":null}\n");
    cli_free(r);
    r = RUN("{'verify':{'err':-12,'message':'a hash has 64 digits'}}", "privacy",
            "verify", "--expect", "x");
    assert_int_equal(r->code, 2);
    assert_string_equal(r->err, "vlmd: privacy: a hash has 64 digits\n");
    cli_free(r);
}

static void test_privacy_usage(void **state)
{
    (void)state;
    static const struct {
        const char *args[6];
        const char *words;
    } cases[] = {
        {{"privacy"}, "say what: test|preview|rules|report|verify"},
        {{"privacy", "raport"}, "\"raport\" is none of test|preview|rules|report|verify"},
        {{"privacy", "report", "x"}, "report takes no operands"},
        {{"privacy", "report", "--expect", "ab"}, "--expect goes with verify"},
        {{"privacy", "report", "--limit", "3"}, "--limit goes with --rows"},
        {{"privacy", "report", "--rows", "--order", "best"}, "--order newest or oldest"},
        {{"privacy", "verify", "--rows"}, "--rows goes with report"},
        {{"privacy", "verify", "--since", "1d"}, "--since goes with report"},
        {{"privacy", "report", "--since", "soon"}, "is no time"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ran *r = cli_run("{}", cases[i].args);
        assert_int_equal(r->code, 2);
        assert_string_equal(r->out, "");
        assert_has(r->err, cases[i].words);
        assert_string_equal(cli_log(), "");
        cli_free(r);
    }
}

// ---- forget

static void test_forget(void **state)
{
    (void)state;
    char expected[600];
    cli_write("a.png", "x");
    struct ran *r = RUN("{'forget':{'items':1200,'requeued':1}}", "forget", "--app",
                        "Bank", "--since", "2026-03-18", "--yes");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->out,
                        "1,200 pictures forgotten (files were not touched)\n"
                        "1 picture with a description made from one of them: described "
                        "anew\n");
    assert_string_equal(r->err, "");
    assert_has(cli_log(),
               "forget text=- app=Bank tag=- path=- id=0 since=1773792000000 ");
    assert_has_not(cli_log(), "trial");
    cli_free(r);
    r = RUN("{'forget':{'items':2,'clean':false}}", "forget", "7", "a.png", "--yes");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->out, "4 pictures forgotten (files were not touched)\n");
    assert_has(r->err, "vlmd: another process still reads an old state");
    assert_has(cli_log(), "forget text=- app=- tag=- path=- id=7 ");
    snprintf(expected, sizeof(expected), "forget text=- app=- tag=- path=%s/a.png id=0 ",
             cli_dir());
    assert_has(cli_log(), expected);
    cli_free(r);
    r = RUN("{'forget':{'items':2,'requeued':3}}", "forget", "7", "-y", "--json");
    assert_string_equal(r->out, "{\"forgotten\":2,\"requeued\":3,\"clean\":true}\n");
    cli_free(r);
    r = RUN("{'forget':{'items':2,'requeued':3}}", "forget", "7", "-y", "--quiet");
    assert_string_equal(r->out, "");
    cli_free(r);
    r = RUN("{'forget':{'err':-14,'message':'the disk is full'}}", "forget", "7", "8",
            "-y");
    assert_int_equal(r->code, 4);
    assert_string_equal(r->out, "");
    assert_string_equal(r->err, "vlmd: forget: the disk is full\n");
    assert_has_not(cli_log(), "id=8 ");
    cli_free(r);
}

static void test_forget_dry_run(void **state)
{
    (void)state;
    struct ran *r = RUN("{'forget':{'items':3}}", "forget", "--until", "1w", "--dry-run");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->out, "3 pictures would be forgotten\n");
    assert_has(cli_log(), "forget trial text=-");
    assert_has_not(cli_log(), "forget text=-");
    cli_free(r);
    r = RUN("{'forget':{'items':3}}", "forget", "7", "--dry-run", "--json", "--yes");
    assert_string_equal(r->out, "{\"would_forget\":3}\n");
    assert_has_not(cli_log(), "forget text=-");
    cli_free(r);
}

static void test_forget_usage(void **state)
{
    (void)state;
    struct ran *r = RUN("{}", "forget", "--yes");
    assert_int_equal(r->code, 2);
    assert_has(r->err, "say which: an ID, a path, --app, --since or --until");
    cli_free(r);
    r = RUN("{}", "forget", "7");
    assert_int_equal(r->code, 2);
    assert_has(r->err, "there is no terminal to ask on: say --yes");
    assert_string_equal(cli_log(), "");
    cli_free(r);
    r = RUN("{}", "forget", "0", "--yes");
    assert_int_equal(r->code, 2);
    assert_string_equal(cli_log(), "");
    cli_free(r);
    r = RUN("{}", "forget", "7", "--tag", "x", "--yes");
    assert_int_equal(r->code, 2);
    assert_has(r->err, "takes no --tag");
    cli_free(r);
}

static struct ran *ask(const char *script, const char *typed, const char *const *args)
{
    struct ran *r = cli_start_pty(script, 100, args);
    cli_wait_for(r, "[y/N] ");
    assert_int_equal(write(r->out_fd, typed, strlen(typed)), (ssize_t)strlen(typed));
    cli_finish(r);
    return r;
}

static void test_forget_asks(void **state)
{
    (void)state;
    const char *script = "{'forget':{'items':1}}";
    static const char *const yes[] = {"y\n", "YES\n", "Yes\n"};
    static const char *const no[] = {"n\n", "\n", "yx\n", "yesterday\n", "\x04"};
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        struct ran *r = ask(script, yes[i], ARGS("forget", "7"));
        assert_int_equal(r->code, 0);
        assert_has(r->out, "Forget everything about 1 picture? [y/N] ");
        assert_has(r->out, "1 picture forgotten");
        assert_has(cli_log(), "forget text=-");
        cli_free(r);
    }
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        struct ran *r = ask(script, no[i], ARGS("forget", "7"));
        assert_int_equal(r->code, 1);
        assert_has(r->out, "nothing was forgotten");
        assert_has_not(cli_log(), "forget text=-");
        cli_free(r);
    }
    struct ran *r = ask(script, "\x03", ARGS("forget", "7"));
    assert_int_equal(r->code, 130);
    assert_has_not(cli_log(), "forget text=-");
    cli_free(r);
    // Nothing to ask about.
    r = cli_start_pty("{}", 100, ARGS("forget", "7"));
    cli_finish(r);
    assert_int_equal(r->code, 0);
    assert_has(r->out, "0 pictures forgotten");
    assert_has_not(r->out, "[y/N]");
    cli_free(r);
}

#define CASE(f)                                                                          \
    cmocka_unit_test_setup_teardown(f, cli_fixture_setup, cli_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_report),      CASE(test_report_json),    CASE(test_rows),
        CASE(test_verify),      CASE(test_verify_broken),  CASE(test_privacy_usage),
        CASE(test_forget),      CASE(test_forget_dry_run), CASE(test_forget_usage),
        CASE(test_forget_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
