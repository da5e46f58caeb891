// test_models.c -- which of a server's models is taken.
// SPDX-License-Identifier: MIT
#include "backend/models.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct model_list list;

// "name" and marks behind a blank: v sees, n is blind, L is loaded, R is remote, a number is
// its size.
static void add(const char *text)
{
    char name[MODEL_NAME];
    const char *marks = strchr(text, ' ');
    snprintf(name, sizeof(name), "%.*s", (int)(marks ? marks - text : (int)strlen(text)),
             text);
    struct model_row *m = models_add(&list, name);
    assert_non_null(m);
    for (; marks && *marks; marks++) {
        m->vision = *marks == 'v' ? VISION_YES : *marks == 'n' ? VISION_NO : m->vision;
        m->is_loaded = m->is_loaded || *marks == 'L';
        m->is_remote = m->is_remote || *marks == 'R';
        m->size_bytes = *marks >= '1' && *marks <= '9' ? *marks - '0' : m->size_bytes;
    }
}

static const struct row {
    const char *have[5];
    const char *configured;
    const char *chosen;  // NULL = expected is an error
    int expected;
} rows[] = {
    {{NULL}, "", NULL, E_MODEL_MISSING},
    {{"a v"}, "", "a", 0},
    {{"a n"}, "", NULL, E_NO_VISION},
    {{"a n", "b v"}, "", "b", 0},
    // loaded before installed
    {{"qwen2.5vl v", "llava vL"}, "", "llava", 0},
    {{"qwen2.5vl vL", "llava v"}, "", "qwen2.5vl", 0},
    {{"llava vL", "qwen2.5vl vL"}, "", "qwen2.5vl", 0},
    // a loaded one that is not known to see does not
    {{"llava v", "mystery L"}, "", "llava", 0},
    {{"llava v", "blind nL"}, "", "llava", 0},
    // known to see before a promising name
    {{"qwen2.5vl", "odd v"}, "", "odd", 0},
    // names order what is not told
    {{"llama3", "qwen2.5vl"}, "", "qwen2.5vl", 0},
    {{"llama3", "mistral"}, "", "llama3", 0},
    {{"llama3", "mistral L"}, "", "mistral", 0},
    {{"moondream v", "gemma3 v"}, "", "gemma3", 0},
    // the smaller one of the same family
    {{"qwen2.5vl:32b v9", "qwen2.5vl:7b v5"}, "", "qwen2.5vl:7b", 0},
    // never these by themselves
    {{"gemma4:cloud vR"}, "", NULL, E_NO_VISION},
    {{"gemma4:cloud vRL", "llava v"}, "", "llava", 0},
    {{"text-embedding-3", "whisper-1", "gpt-4o"}, "", "gpt-4o", 0},
    {{"nomic-embed-vision v"}, "", NULL, E_NO_VISION},
    // configured
    {{"llava v", "qwen2.5vl v"}, "llava", "llava", 0},
    {{"llava:latest v"}, "llava", "llava:latest", 0},
    {{"llava v"}, "llava:latest", "llava", 0},
    {{"LLaVA:7b v"}, "llava:7B", "LLaVA:7b", 0},
    {{"llava:7b v"}, "llava", NULL, E_MODEL_MISSING},
    {{"llava v"}, "nosuch", NULL, E_MODEL_MISSING},
    {{"blind n"}, "blind", NULL, E_NO_VISION},
    {{"gemma4:cloud vR"}, "gemma4:cloud", "gemma4:cloud", 0},
    {{"mystery"}, "mystery", "mystery", 0},
    {{"/models/qwen2.5-vl-q4.gguf"}, "qwen2.5-VL-q4", "/models/qwen2.5-vl-q4.gguf", 0},
    {{"qwen/qwen3-vl-4b v", "qwen3-vl-4b v"}, "qwen3-vl-4b", "qwen3-vl-4b", 0},
    {{"qwen/qwen3-vl-4b v"}, "qwen3-vl-4b", "qwen/qwen3-vl-4b", 0},
};

static void choices_are_as_in_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct model_row *m = NULL;
        struct err e = {0};
        list.n = 0;
        for (int k = 0; rows[i].have[k]; k++) {
            add(rows[i].have[k]);
        }
        int rc = models_choose(&list, rows[i].configured, &m, &e);
        if (rc != rows[i].expected) {
            fail_msg("row %zu: %s", i, err_name(rc));
        }
        if (rows[i].chosen) {
            assert_string_equal(m->name, rows[i].chosen);
        } else {
            assert_null(m);
            assert_int_equal(e.code, rc);
        }
    }
}

static void words_name_what_is_there(void **state)
{
    (void)state;
    struct model_row *m;
    struct err e;
    list.n = 0;
    add("one n");
    add("two n");
    assert_int_equal(models_choose(&list, "", &m, &e), E_NO_VISION);
    assert_non_null(strstr(e.msg, "one, two"));
    assert_int_equal(models_choose(&list, "three", &m, &e), E_MODEL_MISSING);
    assert_non_null(strstr(e.msg, "one, two"));
    assert_non_null(strstr(e.msg, "three"));
    list.n = 0;
    assert_int_equal(models_choose(&list, "three", &m, &e), E_MODEL_MISSING);
    assert_non_null(strstr(e.msg, "none"));
}

static void names_are_checked_and_kept_once(void **state)
{
    (void)state;
    char name[MODEL_NAME + 1];
    list.n = 0;
    assert_null(models_add(&list, NULL));
    assert_null(models_add(&list, ""));
    memset(name, 'x', sizeof(name));
    name[MODEL_NAME] = 0;
    assert_null(models_add(&list, name));
    name[MODEL_NAME - 1] = 0;
    struct model_row *m = models_add(&list, name);
    assert_non_null(m);
    assert_ptr_equal(models_add(&list, name), m);
    for (int i = 1; i < MAX_MODELS; i++) {
        snprintf(name, sizeof(name), "m%d", i);
        assert_non_null(models_add(&list, name));
    }
    assert_null(models_add(&list, "one too many"));
    assert_non_null(models_add(&list, "m7"));
}

static void the_report_begins_with_the_best(void **state)
{
    (void)state;
    struct backend_facts f = {0};
    struct model_row *m;
    struct err e;
    char name[32];
    list.n = 0;
    add("blind nL");
    add("unknown");
    add("llava");
    add("seer v");
    add("chosen vL");
    assert_int_equal(models_choose(&list, "", &m, &e), 0);
    models_report(&list, m, &f);
    assert_int_equal(f.n_models, 5);
    assert_string_equal(f.models[0], "chosen");
    assert_string_equal(f.models[1], "llava");
    assert_string_equal(f.models[2], "seer");
    assert_string_equal(f.models[3], "unknown");
    assert_string_equal(f.models[4], "blind");
    assert_true(f.model_loaded[0] && f.model_loaded[4] && !f.model_loaded[1]);
    assert_true(f.model_vision[0] && f.model_vision[1] && f.model_vision[2]);
    assert_false(f.model_vision[3] || f.model_vision[4]);
    // more than fit: the chosen one is among them
    list.n = 0;
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "m%d n", i);
        add(name);
    }
    add("eye v");
    assert_int_equal(models_choose(&list, "", &m, &e), 0);
    models_report(&list, m, &f);
    assert_int_equal(f.n_models, 32);
    assert_string_equal(f.models[0], "eye");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(choices_are_as_in_the_table),
        cmocka_unit_test(words_name_what_is_there),
        cmocka_unit_test(names_are_checked_and_kept_once),
        cmocka_unit_test(the_report_begins_with_the_best),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
