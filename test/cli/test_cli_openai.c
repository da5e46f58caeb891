// test_cli_openai.c -- what is taken from a batch file, and what is not.
// SPDX-License-Identifier: MIT
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "cli/openai_batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/vlmd-openai-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command);
}

static const char *write_file(const char *text, size_t len)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/in.jsonl", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    fclose(f);
    return path;
}

static void read_text_of(struct openai_batch *b, const char *text)
{
    assert_int_equal(openai_read(b, write_file(text, strlen(text))), 0);
}

#define HEAD   "{\"custom_id\":\"a\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\","
#define ASK(u) "{\"type\":\"image_url\",\"image_url\":{\"url\":\"" u "\"}}"
#define BODY(p)                                                                          \
    "\"body\":{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[" p "]}]}}" \
                                                                                 "\n"
#define PNG "data:image/png;base64,iVBORw0KGgo="

static void each_line_is_taken_or_refused_alone(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *picture;  // its end; NULL = refused
        const char *code;
    } rows[] = {
        {HEAD BODY(ASK(PNG)), ".png", NULL},
        {HEAD BODY(ASK("data:image/jpeg;base64,/9j/ 4AAQ\\n")), ".jpg", NULL},
        {HEAD BODY(ASK("DATA:image/webp;base64,UklGRg")), ".webp", NULL},
        {HEAD BODY(ASK("http://h/a.png")), "http://h/a.png", NULL},
        {HEAD BODY(ASK("file:///shots/a%20b.png")), "/shots/a b.png", NULL},
        {HEAD BODY("{\"type\":\"image_url\",\"image_url\":\"https://h/x\"}"),
         "https://h/x", NULL},
        {HEAD BODY("{\"type\":\"text\",\"text\":\"What?\"}," ASK("http://h/q")),
         "http://h/q", NULL},
        {"no JSON\n", NULL, "invalid_json_line"},
        {"[1,2]\n", NULL, "invalid_json_line"},
        {"{\"url\":\"/v1/chat/completions\"}\n", NULL, "missing_required_parameter"},
        {"{\"custom_id\":7}\n", NULL, "missing_required_parameter"},
        {"{\"custom_id\":\"a\",\"url\":\"/v1/embeddings\"}\n", NULL, "invalid_url"},
        {"{\"custom_id\":\"a\",\"method\":\"GET\",\"url\":\"/v1/chat/completions\"}\n",
         NULL, "invalid_url"},
        {HEAD "\"body\":{}}\n", NULL, "invalid_request"},
        {HEAD "\"body\":7}\n", NULL, "invalid_request"},
        {HEAD BODY("{\"type\":\"text\",\"text\":\"no picture\"}"), NULL,
         "invalid_request"},
        {HEAD BODY(ASK("http://h/1") "," ASK("http://h/2")), NULL, "invalid_request"},
        {HEAD BODY(ASK("data:image/gif;base64,R0lG")), NULL, "unsupported_image_format"},
        {HEAD BODY(ASK("data:image/png,raw")), NULL, "unsupported_image_format"},
        {HEAD BODY(ASK("data:image/png;base64,")), NULL, "invalid_base64"},
        {HEAD BODY(ASK("data:image/png;base64,a$b")), NULL, "invalid_base64"},
        {HEAD BODY(ASK("ftp://h/a.png")), NULL, "invalid_image_url"},
        {HEAD BODY(ASK("file://host/a.png")), NULL, "invalid_image_url"},
        {HEAD BODY(ASK("file:///a%00b")), NULL, "invalid_image_url"},
        {HEAD BODY(ASK("file:///a%0Ab")), NULL, "invalid_image_url"},
        {HEAD BODY(ASK("a.png")), NULL, "invalid_image_url"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct openai_batch b;
        read_text_of(&b, rows[i].line);
        assert_int_equal(b.n, 1);
        const struct openai_request *r = &b.requests[0];
        if (!r->picture != !rows[i].picture) {
            fail_msg("row %zu: %s", i, r->picture ? r->picture : r->words);
        }
        if (r->picture) {
            size_t n = strlen(r->picture), m = strlen(rows[i].picture);
            assert_true(n >= m && strcmp(r->picture + n - m, rows[i].picture) == 0);
        } else {
            assert_string_equal(r->code, rows[i].code);
        }
        assert_int_equal(b.n_refused, !rows[i].picture);
        openai_fini(&b);
    }
}

static void the_same_picture_is_written_once(void **state)
{
    (void)state;
    struct openai_batch b;
    struct stat first, again;
    read_text_of(&b, HEAD BODY(ASK(PNG)) "\n  \n" HEAD BODY(ASK(PNG)));
    assert_int_equal(b.n, 2);
    assert_string_equal(b.requests[0].picture, b.requests[1].picture);
    assert_int_equal(stat(b.requests[0].picture, &first), 0);
    assert_int_equal(first.st_size, 8);
    assert_false(b.has_words);
    openai_fini(&b);
    read_text_of(&b, HEAD BODY(ASK(PNG)));
    assert_int_equal(stat(b.requests[0].picture, &again), 0);
    assert_int_equal(first.st_ino, again.st_ino);  // it is the same version of the file
    assert_int_equal(first.st_mtim.tv_nsec, again.st_mtim.tv_nsec);
    openai_fini(&b);
}

static void a_picture_can_not_choose_its_name(void **state)
{
    (void)state;
    struct openai_batch b;
    read_text_of(&b,
                 "{\"custom_id\":\"../../etc/x\",\"url\":\"/v1/chat/completions\"," BODY(
                     ASK(PNG)));
    assert_int_equal(strncmp(b.requests[0].picture, b.folder, strlen(b.folder)), 0);
    assert_null(strstr(b.requests[0].picture + strlen(b.folder), ".."));
    openai_fini(&b);
}

static void a_line_without_end_is_not_kept(void **state)
{
    (void)state;
    struct openai_batch b;
    size_t len = 33 << 20;
    char *text = test_malloc(len + 1);
    memset(text, 'x', len);
    text[len] = '\n';
    assert_int_equal(openai_read(&b, write_file(text, len + 1)), 0);
    assert_int_equal(b.n, 1);
    assert_string_equal(b.requests[0].words, "the line is longer than 32 MiB");
    openai_fini(&b);
    memset(text, 0, 1000);
    text[999] = '\n';
    assert_int_equal(openai_read(&b, write_file(text, 1000)), 0);
    openai_fini(&b);
    test_free(text);
}

static void more_requests_than_openai_takes_are_refused(void **state)
{
    (void)state;
    struct openai_batch b;
    size_t len = 3 * 50001;
    char *text = test_malloc(len);
    for (size_t i = 0; i < len; i += 3) {
        memcpy(text + i, "{}\n", 3);
    }
    assert_int_equal(openai_read(&b, write_file(text, len)), CLI_USAGE);
    openai_fini(&b);
    test_free(text);
}

static void a_file_that_is_not_there_is_said(void **state)
{
    (void)state;
    struct openai_batch b;
    assert_int_equal(openai_read(&b, "/nowhere/in.jsonl"), CLI_USAGE);
    openai_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_is_taken_or_refused_alone),
        cmocka_unit_test(the_same_picture_is_written_once),
        cmocka_unit_test(a_picture_can_not_choose_its_name),
        cmocka_unit_test(a_line_without_end_is_not_kept),
        cmocka_unit_test(more_requests_than_openai_takes_are_refused),
        cmocka_unit_test(a_file_that_is_not_there_is_said),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
