// test_cli_export.c -- jsonl, csv, files that appear whole, and sidecars' rules.
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
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#define TWO                                                                              \
    "{'items':[{'id':1,'path':'/p/a.png','summary':'First, \\\"quoted\\\"'},"            \
    "{'id':2,'path_hex':'2f702fff2e706e67','state':'queued'}]}"

static void test_jsonl(void **state)
{
    (void)state;
    struct ran *r = RUN(TWO, "export", "jsonl");
    assert_int_equal(r->code, 0);
    char *line = r->out;
    for (int i = 1; i <= 2; i++) {
        size_t len = strcspn(line, "\n");
        struct cJSON *json = json_parse(line, len);
        assert_non_null(json);
        assert_int_equal(json_get_int(json, "id", 0), i);
        if (i == 2) {
            assert_string_equal(json_get_str(json, "path"), "/p/\xef\xbf\xbd.png");
            assert_string_equal(json_get_str(json, "path_hex"), "2f702fff2e706e67");
        }
        json_free(json);
        line += len + 1;
    }
    assert_string_equal(line, "");
    assert_has(cli_log(), "degraded=0 order=0 limit=0\n");
    cli_free(r);
}

static void test_csv(void **state)
{
    (void)state;
    struct ran *r = RUN(TWO, "export", "csv", "--limit", "5", "--outcome", "answered");
    assert_int_equal(r->code, 0);
    assert_has(r->out, "id,path,hash,");
    assert_has(r->out, "created_at\r\n1,/p/a.png,,ended,,,,\"First, \"\"quoted\"\"\",");
    assert_has(r->out, "\r\n2,/p/\xff.png,,queued,");
    assert_has(cli_log(), "outcome=answered class=- degraded=0 order=0 limit=5\n");
    cli_free(r);
}

static void test_file(void **state)
{
    (void)state;
    struct stat st;
    struct ran *r = RUN(TWO, "export", "jsonl", "-o", "out.jsonl");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->out, "");
    assert_has(r->err, "vlmd: 2 pictures written to ");
    assert_has(cli_read("out.jsonl"), "{\"id\":1,");
    assert_int_equal(stat("out.jsonl", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(cli_files(), 3);  // with the fake's script and log
    cli_free(r);
    // A failed search keeps what was there before.
    r = RUN("{'items':[{'id':9}],'search_end':{'err':-14,'message':'bad disk'}}",
            "export", "jsonl", "-o", "out.jsonl");
    assert_int_equal(r->code, 4);
    assert_has(cli_read("out.jsonl"), "{\"id\":1,");
    assert_int_equal(cli_files(), 3);
    cli_free(r);
    r = RUN(TWO, "export", "csv", "-o", "no/such/folder.csv");
    assert_int_equal(r->code, 2);
    assert_string_equal(r->err,
                        "vlmd: export: no/such/folder.csv: No such file or directory "
                        "(name another file with -o)\n");
    cli_free(r);
    r = RUN(TWO, "export", "csv", "-o", "/tmp");
    assert_int_equal(r->code, 2);
    assert_has(r->err, "Is a directory");
    cli_free(r);
    r = RUN(TWO, "export", "csv", "-o", "/dev/stdout");
    assert_has(r->out, "created_at\r\n");
    cli_free(r);
    r = RUN(TWO, "export", "csv", "-o", "-");
    assert_has(r->out, "created_at\r\n");
    cli_free(r);
}

static void test_full_disk(void **state)
{
    (void)state;
    struct ran *r = RUN(TWO, "export", "csv", "-o", "/dev/full");
    assert_int_equal(r->code, 1);
    assert_has(r->err, "No space left on device (nothing was replaced)");
    cli_free(r);
    cli_write("run.sh", "exec \"$0\" search x > /dev/full\n");
    char command[600];
    snprintf(
        command, sizeof(command),
        "FAKE_VLMD=%s/fake.json sh -c 'exec \"$0\" export jsonl > /dev/full' %s 2> err",
        cli_dir(), FAKE_CLI);
    int status = system(command);
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_string_equal(cli_read("err"),
                        "vlmd: standard output: No space left on device\n");
}

// More than a pipe holds, and a reader that goes away.
static void test_closed_pipe(void **state)
{
    (void)state;
    static char script[200000] = "{'items':[{'id':1}";
    size_t n = strlen(script);
    for (int i = 0; i < 9000; i++) {
        n += (size_t)sprintf(script + n, ",{'id':%d}", i);
    }
    strcpy(script + n, "]}");
    cli_free(RUN(script, "version"));
    char command[600];
    snprintf(command, sizeof(command),
             "export FAKE_VLMD=%s/fake.json; (%s export jsonl 2> err; echo $? > code) | "
             "head -n 1 "
             "> first",
             cli_dir(), FAKE_CLI);
    assert_int_equal(system(command), 0);
    assert_string_equal(cli_read("err"), "");
    assert_string_equal(cli_read("code"), "0\n");
    assert_has(cli_read("first"), "{\"id\":1,");
}

static void test_interrupted_file(void **state)
{
    (void)state;
    struct ran *r = cli_start("{'search_hangs':true,'logs':true}",
                              ARGS("export", "jsonl", "-o", "out.jsonl"));
    cli_wait_for(r, "a log line");
    kill(r->pid, SIGTERM);
    cli_finish(r);
    assert_int_equal(r->code, 130);
    assert_false(cli_exists("out.jsonl"));
    assert_int_equal(cli_files(), 2);
    cli_free(r);
}

// ---- sidecars

static const char *beside_script(void)
{
    static char script[1024];
    snprintf(script, sizeof(script),
             "{'items':[{'id':1,'path':'%s/pics/a.png','summary':'One','details':'More',"
             "'text':'words'},{'id':2,'path':'%s/pics/b.png','state':'queued'},"
             "{'id':3,'path':'http://h/c.png','is_url':true,'summary':'Three'}]}",
             cli_dir(), cli_dir());
    return script;
}

static void test_sidecar_beside(void **state)
{
    (void)state;
    assert_int_equal(mkdir("pics", 0700), 0);
    cli_write("pics/a.png", "picture");
    struct ran *r = RUN(beside_script(), "export", "sidecar", "--beside");
    assert_int_equal(r->code, 1);
    assert_string_equal(r->out,
                        "2 files written, 1 pictures not described yet, 0 files of "
                        "others left alone, 1 failed\n");
    assert_string_equal(r->err,
                        "vlmd: export: http://h/c.png: there is no place beside a URL "
                        "(use --dir)\n");
    assert_string_equal(cli_read("pics/a.png"), "picture");
    assert_string_equal(cli_read("pics/a.png.txt"),
                        "One\n\nMore\n\nwords\n\n-- described by vlmd\n");
    const char *text = cli_read("pics/a.png.json");
    struct cJSON *json = json_parse(text, strlen(text));
    assert_int_equal(json_get_int(json, "vlmd_sidecar", 0), 1);
    assert_string_equal(json_get_str(json, "description"), "One\n\nMore");
    json_free(json);
    assert_false(cli_exists("pics/b.png.txt"));
    assert_has(cli_log(), "order=1 limit=0");
    cli_free(r);
    // Once more: ours are replaced.
    r = RUN(beside_script(), "export", "sidecar", "--beside", "--json", "--format",
            "txt");
    assert_string_equal(
        r->out, "{\"written\":1,\"not_described\":1,\"refused\":0,\"failed\":1}\n");
    cli_free(r);
}

static void test_sidecar_of_others(void **state)
{
    (void)state;
    assert_int_equal(mkdir("pics", 0700), 0);
    cli_write("pics/a.png.txt", "my own notes\n");
    assert_int_equal(symlink("a.png.txt", "pics/a.png.json"), 0);
    struct ran *r = RUN(beside_script(), "export", "sidecar", "--beside");
    assert_int_equal(r->code, 1);
    assert_has(r->err, "/pics/a.png.txt: was not written by vlmd and stays as it is\n");
    assert_has(r->err, "/pics/a.png.json: was not written by vlmd and stays as it is\n");
    assert_has(r->out, "0 files written");
    assert_has(r->out, "2 files of others left alone");
    assert_string_equal(cli_read("pics/a.png.txt"), "my own notes\n");
    cli_free(r);
}

static void test_sidecar_dir(void **state)
{
    (void)state;
    const char *script =
        "{'items':[{'id':1,'path':'/p/x/../../etc/a.png','summary':'One'},"
        "{'id':3,'path':'http://h/c.png','is_url':true,'summary':'Three'}]}";
    struct ran *r =
        RUN(script, "export", "sidecar", "--dir", "out/side", "--format", "json");
    assert_int_equal(r->code, 0);
    assert_string_equal(r->err, "");
    assert_has(cli_read("out/side/p/x/_/_/etc/a.png.json"), "\"summary\":\"One\"");
    assert_has(cli_read("out/side/http:/h/c.png.json"), "\"summary\":\"Three\"");
    assert_int_equal(cli_files(), 4);
    cli_free(r);
    r = RUN(script, "export", "sidecar", "--dir", "/proc/nowhere", "--quiet");
    assert_int_equal(r->code, 1);
    assert_string_equal(r->out, "");
    assert_has(r->err,
               "/proc/nowhere/p/x/_/_/etc/a.png.txt: No such file or directory\n");
    cli_free(r);
    static char many[40000] = "{'items':[{'id':1,'path':'/q','summary':'x'}";
    for (int i = 0; i < 12; i++) {
        strcat(many, ",{'id':1,'path':'/q','summary':'x'}");
    }
    r = RUN(strcat(many, "]}"), "export", "sidecar", "--dir", "/proc/nowhere");
    assert_has(r->err, "vlmd: export: further ones are only counted\n");
    assert_has(r->out, "26 failed\n");
    cli_free(r);
}

#define CASE(f)                                                                          \
    cmocka_unit_test_setup_teardown(f, cli_fixture_setup, cli_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_jsonl),          CASE(test_csv),
        CASE(test_file),           CASE(test_full_disk),
        CASE(test_closed_pipe),    CASE(test_interrupted_file),
        CASE(test_sidecar_beside), CASE(test_sidecar_of_others),
        CASE(test_sidecar_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
