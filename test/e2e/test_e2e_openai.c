// test_e2e_openai.c -- a batch file in OpenAI's format in, answers and errors out.
// SPDX-License-Identifier: MIT
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 12 };

static void add_base64(FILE *out, const uint8_t *data, size_t len)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        unsigned bits = (unsigned)data[i] << 16;
        bits |= i + 1 < len ? (unsigned)data[i + 1] << 8 : 0;
        bits |= i + 2 < len ? data[i + 2] : 0;
        fputc(digits[bits >> 18], out);
        fputc(digits[bits >> 12 & 63], out);
        fputc(i + 1 < len ? digits[bits >> 6 & 63] : '=', out);
        fputc(i + 2 < len ? digits[bits & 63] : '=', out);
    }
}

static void begin_line(FILE *out, const char *id)
{
    fprintf(out,
            "{\"custom_id\":\"%s\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\","
            "\"body\":{\"model\":\"gpt-x\",\"messages\":[{\"role\":\"user\",\"content\":["
            "{\"type\":\"text\",\"text\":\"What is this?\"},"
            "{\"type\":\"image_url\",\"image_url\":{\"url\":\"",
            id);
}

static void end_line(FILE *out)
{
    fputs("\"}}]}]}}\n", out);
}

static const char *write_requests(struct place *p)
{
    const char *path = place_path(p, "in.jsonl");
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    for (int i = 0; i < N; i++) {
        char id[16];
        size_t len;
        uint8_t *png = picture_bytes(i, &len);
        snprintf(id, sizeof(id), "req-%d", i);
        begin_line(out, id);
        fputs("data:image/png;base64,", out);
        add_base64(out, png, len);
        end_line(out);
        free(png);
    }
    picture_write(place_path(p, "in"), NULL, N);
    begin_line(out, "a-file");
    fprintf(out, "file://%s", place_path(p, "in/pic-%05d.png", N));
    end_line(out);
    begin_line(out, "gone");
    fprintf(out, "file://%s", place_path(p, "in/gone.png"));
    end_line(out);
    begin_line(out, "damaged");
    fputs("data:image/png;base64,iVBORw0KGgoAAAAA", out);
    end_line(out);
    fputs("not JSON\n", out);
    fclose(out);
    return path;
}

static const cJSON *line_of(const struct rows *rows, const char *custom_id)
{
    for (int i = 0; i < rows->n; i++) {
        if (strcmp(text_of(rows->items[i], "custom_id"), custom_id) == 0) {
            return rows->items[i];
        }
    }
    fail_msg("no line for %s", custom_id);
    return NULL;
}

static const cJSON *first_choice(const cJSON *line)
{
    return cJSON_GetArrayItem(json_at(line, "response.body.choices"), 0);
}

static void assert_answered(const struct rows *rows, const char *id, int n)
{
    const cJSON *line = line_of(rows, id);
    assert_int_equal(number_at(line, "response.status_code"), 200);
    assert_true(cJSON_IsNull(json_at(line, "error")));
    assert_string_equal(text_of(line, "response.body.object"), "chat.completion");
    assert_true(number_at(line, "response.body.usage.total_tokens") > 0);
    const cJSON *choice = first_choice(line);
    assert_string_equal(text_of(choice, "finish_reason"), "stop");
    assert_string_equal(text_of(choice, "message.role"), "assistant");
    cJSON *answer = cJSON_Parse(text_of(choice, "message.content"));
    assert_non_null(answer);
    assert_true(picture_is_described(n, text_of(answer, "summary")));
    cJSON_Delete(answer);
}

static void assert_refused(const struct rows *rows, const char *id)
{
    const cJSON *line = line_of(rows, id);
    assert_true(cJSON_IsNull(json_at(line, "response")));
    assert_true(text_of(line, "error.code")[0] != 0);
    assert_true(text_of(line, "error.message")[0] != 0);
}

static void every_request_gets_its_line(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct rows rows;
    struct totals t;
    make_folder(place_path(p, "in"));
    fake_start(p, &f, "--slots 4");
    const char *in = write_requests(p), *out = place_path(p, "out.jsonl");
    for (int run = 0; run < 2; run++) {  // once more asks nothing again
        struct proc *r = VLMD_EXPECT(p, 1, "batch", "--backend", f.url, "--openai-batch",
                                     in, "-o", out);
        assert_non_null(strstr(r->err.text, "own words"));
        char *text = read_text(out);
        rows_parse(&rows, text);
        free(text);
        assert_int_equal(rows.n, N + 4);
        for (int i = 0; i < N; i++) {
            char id[16];
            snprintf(id, sizeof(id), "req-%d", i);
            assert_string_equal(text_of(rows.items[i], "custom_id"), id);  // in order
            assert_answered(&rows, id, i);
        }
        assert_answered(&rows, "a-file", N);
        assert_refused(&rows, "gone");
        assert_refused(&rows, "damaged");
        assert_refused(&rows, "");
        rows_free(&rows);
    }
    fake_totals(&f, &t);
    assert_int_equal(t.answered, N + 1);
    assert_int_equal(t.asked_twice, 0);
    fake_stop(&f);
}

static void answers_go_to_standard_output_alone(void **state)
{
    struct place *p = *state;
    struct fake f;
    struct rows rows;
    make_folder(place_path(p, "in"));
    fake_start(p, &f, "--slots 4");
    struct proc *r = VLMD_EXPECT(p, 1, "batch", "--backend", f.url, "--openai-batch",
                                 write_requests(p));
    rows_parse(&rows, r->out.text);
    assert_int_equal(rows.n, N + 4);
    rows_free(&rows);
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_request_gets_its_line, place_setup,
                                        place_teardown),
        cmocka_unit_test_setup_teardown(answers_go_to_standard_output_alone, place_setup,
                                        place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
