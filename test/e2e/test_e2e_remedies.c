// test_e2e_remedies.c -- what is changed after a failure reaches the server, helps, and can be
// read afterwards.
// SPDX-License-Identifier: MIT
#include "e2e_pictures.h"
#include "e2e_vlmd.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char config[] = "retry:\n"
                             "  base: 20ms\n"
                             "  cap: 100ms\n"
                             "backend:\n"
                             "  vision: yes\n"
                             "  max_tokens: 24\n"
                             "tiers:\n"
                             "  quick_max_tokens: 24\n"
                             "fallback: off\n";

static void start(struct place *p, struct fake *f, const char *more)
{
    char flags[512];
    make_folder(place_path(p, "kept"));
    snprintf(flags, sizeof(flags), "--keep %.200s %.250s", place_path(p, "kept"), more);
    fake_start(p, f, flags);
    picture_write(place_path(p, "in"), NULL, 7);
    place_config(p, config);
}

// The bodies of chats, in the order they came; those that hold text.
static int bodies_with(struct place *p, const char *text, int *n)
{
    glob_t found = {0};
    int with = 0;
    *n = 0;
    assert_int_equal(glob(place_path(p, "kept/body-*.json"), 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *body = read_text(found.gl_pathv[i]);
        bool is_chat = strstr(body, "base64,") != NULL;
        *n += is_chat;
        with += is_chat && strstr(body, text);
        free(body);
    }
    globfree(&found);
    return with;
}

static const char *remedy_of(const cJSON *shown, int i)
{
    const cJSON *a = cJSON_GetArrayItem(json_at(shown, "history"), i);
    const cJSON *r = json_at(a, "remedy");
    return r && r->valuestring ? r->valuestring : "";
}

static cJSON *show(struct place *p)
{
    struct proc *run = VLMD_EXPECT(p, 0, "show", "1", "--json");
    cJSON *shown = json_of(run);
    proc_free(p, run);
    return shown;
}

static void a_model_that_only_thinks_is_told_not_to(void **state)
{
    struct place *p = *state;
    struct fake f;
    int n;
    start(p, &f, "--kind lmstudio --thinking --model qwen/qwen3-vl-4b");
    VLMD_EXPECT(p, 0, "batch", "--json", "--backend", f.url, place_path(p, "in"));
    int told = bodies_with(p, "/no_think\"", &n);
    assert_true(n >= 2);
    assert_int_equal(told, n - 1);  // all but the first
    cJSON *shown = show(p);
    assert_string_equal(remedy_of(shown, 0), "twice the length allowed, thinking off");
    cJSON_Delete(shown);
    struct proc *run = VLMD_EXPECT(p, 0, "show", "1");
    assert_non_null(strstr(run->out.text, "then: twice the length allowed"));
    proc_free(p, run);
    fake_stop(&f);
}

static void a_picture_that_is_not_understood_is_sent_as_png(void **state)
{
    struct place *p = *state;
    struct fake f;
    int n;
    start(p, &f, "--kind llama-server --fault words:1");
    control(&f.b, "/__fake/config", "{\"words\":\"Failed to load image or audio file\"}");
    VLMD_EXPECT(p, 0, "batch", "--json", "--set", "backend.max_tokens=500", "--backend",
                f.url, place_path(p, "in"));
    assert_int_equal(bodies_with(p, "data:image/png;base64,", &n), 1);
    assert_int_equal(n, 2);
    cJSON *shown = show(p);
    assert_string_equal(remedy_of(shown, 0), "sent as PNG");
    const cJSON *summary = json_at(shown, "description");
    assert_true(picture_is_described(7, summary->valuestring));
    cJSON_Delete(shown);
    fake_stop(&f);
}

static void what_no_form_of_it_helps_fails_with_words(void **state)
{
    struct place *p = *state;
    struct fake f;
    int n;
    start(p, &f, "--kind llama-server --fault words");
    control(&f.b, "/__fake/config", "{\"words\":\"Failed to load image or audio file\"}");
    VLMD_EXPECT(p, 1, "batch", "--json", "--backend", f.url, place_path(p, "in"));
    assert_int_equal(bodies_with(p, "data:image/png;base64,", &n), 2);
    assert_int_equal(n, 3);
    struct proc *run = VLMD_EXPECT(p, 0, "show", "1");
    assert_non_null(strstr(run->out.text, "Failed to load image"));
    assert_non_null(strstr(run->out.text, "then: sent as PNG"));
    assert_non_null(strstr(run->out.text, "then: a smaller picture"));
    proc_free(p, run);
    fake_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_model_that_only_thinks_is_told_not_to,
                                        place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(a_picture_that_is_not_understood_is_sent_as_png,
                                        place_setup, place_teardown),
        cmocka_unit_test_setup_teardown(what_no_form_of_it_helps_fails_with_words,
                                        place_setup, place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
