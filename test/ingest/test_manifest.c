// test_manifest.c -- batch input: folders, files, patterns, URLs, lists, standard input.
// SPDX-License-Identifier: MIT
#include "ingest/ingest_kit.h"

#include "ingest/manifest.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const k_tiers[] = {"quick", "deep", NULL};

struct reader_kit {
    struct loop loop;
    struct manifest *m;
    struct sighting *seen;  // with copied strings
    int n_seen;
    struct record *problems;
    int n_problems;
    int n_ends;
    int end_err;
    char end_words[256];
    bool is_closed;
    uv_thread_t thread;  // of the loop
    int pause_at;  // pauses after so many sightings; 0 = never
    int close_at;
    bool is_late;
    uv_timer_t guard;
};

static char *copy(const char *s)
{
    return s ? strdup(s) : NULL;
}

static void on_closed(void *arg)
{
    ((struct reader_kit *)arg)->is_closed = true;
}

static void on_sighting(void *arg, const struct sighting *s)
{
    struct reader_kit *k = arg;
    assert_true(k->n_seen < MAX_RECORDS);
    assert_int_equal(k->n_ends, 0);
    assert_false(s->is_live);
    struct sighting *c = &k->seen[k->n_seen++];
    *c = *s;
    c->root = copy(s->root);
    c->path = copy(s->path);
    c->url = copy(s->url);
    if (k->n_seen == k->pause_at) {
        manifest_pause(k->m, true);
    }
    if (k->n_seen == k->close_at) {
        manifest_close(k->m, on_closed, k);
    }
}

static void on_problem(void *arg, const char *path, int code, const char *words)
{
    struct reader_kit *k = arg;
    assert_true(k->n_problems < MAX_RECORDS);
    assert_int_equal(k->n_ends, 0);
    struct record *r = &k->problems[k->n_problems++];
    *r = (struct record){.code = code};
    snprintf(r->path, sizeof(r->path), "%s", path);
    snprintf(r->words, sizeof(r->words), "%s", words);
}

static void on_end(void *arg, int err, const char *words)
{
    struct reader_kit *k = arg;
    k->n_ends++;
    k->end_err = err;
    snprintf(k->end_words, sizeof(k->end_words), "%s", words);
}

// Not on the loop: it may take long.
static void clean(void *arg, struct ingest_meta *m)
{
    const struct reader_kit *k = arg;
    const uv_thread_t self = uv_thread_self();
    const bool is_loop = uv_thread_equal(&self, &k->thread) != 0;
    if (strcmp(m->window, "secret") == 0) {
        snprintf(m->window, sizeof(m->window), "%s", is_loop ? "on the loop" : "clean");
    }
}

static void begin(struct reader_kit *k, const char *const *inputs, int n)
{
    memset(k, 0, sizeof(*k));
    k->thread = uv_thread_self();
    k->seen = calloc(MAX_RECORDS, sizeof(*k->seen));
    k->problems = calloc(MAX_RECORDS, sizeof(*k->problems));
    assert_int_equal(loop_init(&k->loop), 0);
    uv_timer_init(&k->loop.uv, &k->guard);
    uv_unref((uv_handle_t *)&k->guard);
    struct ingest_config c;
    ingest_config_default(&c);
    c.tiers = k_tiers;
    c.clean = clean;
    c.clean_arg = k;
    struct manifest_events events = {
        .arg = k, .on_sighting = on_sighting, .on_problem = on_problem, .on_end = on_end};
    assert_int_equal(manifest_open(&k->m, &k->loop, &c, inputs, n, &events), 0);
    assert_int_equal(k->n_seen, 0);  // never from inside open
}

static void on_guard(uv_timer_t *t)
{
    container_of(t, struct reader_kit, guard)->is_late = true;
}

#define until(k, condition)                                                              \
    do {                                                                                 \
        uv_update_time(&(k)->loop.uv);                                                   \
        uv_timer_start(&(k)->guard, on_guard, 10000, 0);                                 \
        while (!(condition)) {                                                           \
            uv_run(&(k)->loop.uv, UV_RUN_ONCE);                                          \
            assert_false((k)->is_late);                                                  \
        }                                                                                \
        uv_timer_stop(&(k)->guard);                                                      \
    } while (0)

static void end(struct reader_kit *k)
{
    if (!k->close_at) {
        manifest_close(k->m, on_closed, k);
    }
    until(k, k->is_closed);
    uv_close((uv_handle_t *)&k->guard, NULL);
    uv_run(&k->loop.uv, UV_RUN_DEFAULT);
    assert_int_equal(loop_fini(&k->loop), 0);
    for (int i = 0; i < k->n_seen; i++) {
        free((char *)k->seen[i].root);
        free((char *)k->seen[i].path);
        free((char *)k->seen[i].url);
    }
    free(k->seen);
    free(k->problems);
}

static void read_all(struct reader_kit *k, const char *const *inputs, int n)
{
    begin(k, inputs, n);
    until(k, k->n_ends == 1);
}

static void check_problem(const struct reader_kit *k, int i, const char *path, int code,
                          const char *words)
{
    assert_true(i < k->n_problems);
    assert_string_equal(k->problems[i].path, path);
    assert_int_equal(k->problems[i].code, code);
    if (!strstr(k->problems[i].words, words)) {
        fail_msg("\"%s\" is not in \"%s\"", words, k->problems[i].words);
    }
}

static void make_file(const struct folder *f, const char *name, time_t mtime)
{
    write_text(in(f, name), "12345");
    struct timespec t[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};
    assert_int_equal(utimensat(AT_FDCWD, in(f, name), t, 0), 0);
}

static void walks_folders_newest_first(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    mkdir(in(&f, "sub"), 0755);
    mkdir(in(&f, ".git"), 0755);
    make_file(&f, "old.png", 1000);
    make_file(&f, "new.png", 3000);
    make_file(&f, "mid.jpg", 2000);
    make_file(&f, "sub/a.webp", 4000);
    make_file(&f, "notes.txt", 4000);
    make_file(&f, ".git/x.png", 4000);
    assert_int_equal(symlink("new.png", in(&f, "link.png")), 0);
    assert_int_equal(symlink("/dev/zero", in(&f, "zero.png")), 0);
    assert_int_equal(symlink("..", in(&f, "sub/up")), 0);
    assert_int_equal(mkfifo(in(&f, "pipe.png"), 0644), 0);
    struct reader_kit k;
    const char *inputs[] = {f.path};
    read_all(&k, inputs, 1);
    assert_int_equal(k.end_err, 0);
    assert_int_equal(k.n_seen, 5);
    // The link itself is new; it has its target's size and time.
    assert_string_equal(k.seen[0].path, "link.png");
    assert_int_equal(k.seen[0].mtime_ns, INT64_C(3000000000000));
    assert_string_equal(k.seen[1].path, "new.png");
    assert_string_equal(k.seen[2].path, "mid.jpg");
    assert_string_equal(k.seen[3].path, "old.png");
    assert_string_equal(k.seen[4].path, "sub/a.webp");
    assert_string_equal(k.seen[4].root, f.path);
    assert_int_equal(k.seen[4].size_bytes, 5);
    assert_int_equal(k.n_problems, 2);
    for (int i = 0; i < 2; i++) {
        bool is_pipe = strstr(k.problems[i].path, "pipe") != NULL;
        check_problem(&k, i, in(&f, is_pipe ? "pipe.png" : "zero.png"),
                      is_pipe ? E_NOT_FILE : E_OUTSIDE,
                      is_pipe ? "named pipe" : "leads out of");
    }
    end(&k);
    folder_remove(&f);
}

static void takes_what_is_named(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    make_file(&f, "a.bin", 1000);
    make_file(&f, "b[1].png", 1000);
    mkdir(in(&f, "dir"), 0755);
    make_file(&f, "dir/c.png", 1000);
    assert_int_equal(symlink("dir", in(&f, "dirlink")), 0);
    char file[256], bracket[256], none[256], linked[256], dotted[256];
    snprintf(file, sizeof(file), "%s", in(&f, "a.bin"));
    snprintf(bracket, sizeof(bracket), "%s", in(&f, "b[1].png"));
    snprintf(none, sizeof(none), "%s", in(&f, "none.png"));
    snprintf(linked, sizeof(linked), "%s", in(&f, "dirlink/c.png"));
    snprintf(dotted, sizeof(dotted), "%s", in(&f, "dir/."));
    const char *inputs[] = {file,   bracket,     none, linked,
                            dotted, "/dev/zero", "",   "https://example.org/a.png?x=1#y"};
    struct reader_kit k;
    read_all(&k, inputs, 8);
    assert_int_equal(k.n_seen, 5);
    assert_null(k.seen[0].root);
    assert_string_equal(k.seen[0].path, file);
    assert_int_equal(k.seen[0].size_bytes, 5);
    assert_int_equal(k.seen[0].mtime_ns, INT64_C(1000000000000));
    assert_string_equal(k.seen[1].path, bracket);
    assert_string_equal(k.seen[2].path, in(&f, "dir/c.png"));  // one file, one path
    assert_string_equal(k.seen[3].path, "c.png");
    assert_string_equal(k.seen[3].root, in(&f, "dir"));
    assert_string_equal(k.seen[4].url, "https://example.org/a.png?x=1#y");
    assert_null(k.seen[4].path);
    assert_int_equal(k.seen[4].size_bytes, -1);
    assert_int_equal(k.n_problems, 3);
    check_problem(&k, 0, none, E_NOT_FOUND, "does not exist");
    check_problem(&k, 1, "/dev/zero", E_NOT_FILE, "is not a regular file");
    check_problem(&k, 2, "", E_NOT_FOUND, "does not exist");
    end(&k);
    folder_remove(&f);
}

static void makes_relative_paths_absolute(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    make_file(&f, "a.png", 1000);
    char before[4096];
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(f.path), 0);
    const char *inputs[] = {"a.png", "./a.png", "../", ".."};
    struct reader_kit k;
    read_all(&k, inputs, 2);
    assert_int_equal(k.n_seen, 2);
    assert_string_equal(k.seen[0].path, in(&f, "a.png"));
    assert_string_equal(k.seen[1].path, in(&f, "a.png"));
    end(&k);
    assert_int_equal(chdir(before), 0);
    folder_remove(&f);
}

static void expands_patterns(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    mkdir(in(&f, "day1"), 0755);
    mkdir(in(&f, "day2"), 0755);
    make_file(&f, "day1/a.png", 1000);
    make_file(&f, "day2/b.png", 1000);
    make_file(&f, "day2/b.txt", 1000);
    make_file(&f, "day2/c.dat", 1000);
    char all[256], any[256], dirs[256], none[256], braces[256];
    snprintf(all, sizeof(all), "%s", in(&f, "day*/*"));
    snprintf(any, sizeof(any), "%s", in(&f, "day?/*.dat"));
    snprintf(dirs, sizeof(dirs), "%s", in(&f, "day[2]"));
    snprintf(none, sizeof(none), "%s", in(&f, "night*/*.png"));
    snprintf(braces, sizeof(braces), "%s", in(&f, "day{1,3}/a.png"));
    const char *inputs[] = {all, any, dirs, none, braces};
    struct reader_kit k;
    read_all(&k, inputs, 5);
    assert_int_equal(k.n_seen, 5);
    assert_string_equal(k.seen[0].path, in(&f, "day1/a.png"));
    assert_string_equal(k.seen[1].path, in(&f, "day2/b.png"));
    assert_string_equal(k.seen[2].path, in(&f, "day2/c.dat"));
    assert_string_equal(k.seen[3].path, "b.png");
    assert_string_equal(k.seen[3].root, in(&f, "day2"));
    assert_string_equal(k.seen[4].path, in(&f, "day1/a.png"));
    assert_int_equal(k.n_problems, 1);
    check_problem(&k, 0, none, E_NOT_FOUND, "matches nothing");
    end(&k);
    folder_remove(&f);
}

static void refuses_odd_urls(void **state)
{
    (void)state;
    static char longest[9000];
    snprintf(longest, sizeof(longest), "http://h/%0*d", 8500, 0);
    const char *inputs[] = {
        "ftp://h/a.png",
        "file:///etc/passwd",
        "https://me:secret@h/a.png",
        "http://token@h/a.png",
        "http://",
        "http:///a.png",
        "http://h/a b.png",
        longest,
        "HTTPS://h/ok.png?u=a@b",
        "http://h:80/ok@2x.png",
        "javascript:x",
    };
    struct reader_kit k;
    read_all(&k, inputs, 11);
    assert_int_equal(k.n_seen, 2);
    assert_string_equal(k.seen[0].url, "HTTPS://h/ok.png?u=a@b");
    assert_string_equal(k.seen[1].url, "http://h:80/ok@2x.png");
    assert_int_equal(k.n_problems, 9);
    check_problem(&k, 0, "ftp://h/a.png", E_USAGE, "only http and https");
    check_problem(&k, 1, "file:///etc/passwd", E_USAGE, "only http and https");
    // The secret is not repeated.
    check_problem(&k, 2, "https://***@h/a.png", E_USAGE, "password");
    check_problem(&k, 3, "http://***@h/a.png", E_USAGE, "password");
    check_problem(&k, 4, "http://", E_USAGE, "no host");
    check_problem(&k, 5, "http:///a.png", E_USAGE, "no host");
    check_problem(&k, 6, "http://h/a b.png", E_USAGE, "blank");
    assert_int_equal(k.problems[7].code, E_TOOBIG);
    check_problem(&k, 8, "javascript:x", E_NOT_FOUND, "does not exist");
    end(&k);
}

// A list of one line of each kind.  The second %s is the name of the list.
static void write_list(const struct folder *f, const char *list)
{
    FILE *o = fopen(in(f, list), "wb");
    assert_non_null(o);
    fprintf(o, "%s\r\n", in(f, "a.png"));
    fprintf(o, "\n");
    fprintf(o, "https://example.org/b.png\n");
    fprintf(
        o,
        "{\"path\": \"%s\", \"app\": \"Mail\", \"window\": \"In\\u00e9\", \"screen\": "
        "\"2\", \"page_url\": \"https://x/\", \"taken_at\": 1795255872, \"z\": [1]}\n",
        in(f, "a.png"));
    fprintf(o, "{\"url\": \"http://h/c.png\", \"taken_at\": \"2026-11-21T10:11:12Z\"}\n");
    fprintf(o, "{\"path\": \"%s\", \"window\": \"App - Title\", \"taken_at\": null}\n",
            in(f, "a.png"));
    fprintf(o, "{\"path\": \"x\"\n");                           // 7
    fprintf(o, "{\"path\": 5}\n");                              // 8
    fprintf(o, "{\"path\": \"x\", \"url\": \"http://h/\"}\n");  // 9
    fprintf(o, "{\"path\": \"a.png\\u0000.txt\"}\n");           // 10
    fprintf(o, "{\"path\": \"x\", \"taken_at\": \"soon\"}\n");  // 11
    fprintf(o, "{\"path\": \"x\", \"taken_at\": [1]}\n");       // 12
    fprintf(o, "{\"path\": \"\"}\n");                           // 13
    fprintf(o, "a%cb.png\n", 0);                                // 14
    fprintf(o, "%s/missing.png\n", f->path);                    // 15
    fprintf(o, "http://user@h/x.png\n");                        // 16
    fprintf(o, "%070000d\n", 0);                                // 17
    fprintf(o, "%s\n", f->path);                                // 18: a folder
    fprintf(o, "%s", in(f, "a.png"));                           // 19, no line feed
    fclose(o);
}

static void reads_lists(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    make_file(&f, "a.png", 1000);
    write_list(&f, "list.txt");
    char input[256];
    snprintf(input, sizeof(input), "@%s", in(&f, "list.txt"));
    const char *inputs[] = {input};
    struct reader_kit k;
    read_all(&k, inputs, 1);
    const char *list = input + 1;
    assert_int_equal(k.end_err, 0);
    assert_int_equal(k.n_seen, 7);
    assert_string_equal(k.seen[0].path, in(&f, "a.png"));
    assert_string_equal(k.seen[1].url, "https://example.org/b.png");
    const struct ingest_meta *m = &k.seen[2].meta;
    assert_string_equal(m->app, "Mail");
    assert_string_equal(m->window, "In\xc3\xa9");
    assert_string_equal(m->screen, "2");
    assert_string_equal(m->url, "https://x/");
    assert_int_equal(m->taken_at_ms, INT64_C(1795255872000));
    assert_int_equal(k.seen[3].meta.taken_at_ms, INT64_C(1795255872000));
    assert_string_equal(k.seen[4].meta.app, "App");
    assert_string_equal(k.seen[5].path, "a.png");
    assert_string_equal(k.seen[5].root, f.path);
    assert_string_equal(k.seen[6].path, in(&f, "a.png"));
    assert_int_equal(k.n_problems, 11);
    check_problem(&k, 0, list, E_USAGE, "line 7: is not valid JSON");
    check_problem(&k, 1, list, E_USAGE, "line 8: needs either \"path\" or \"url\"");
    check_problem(&k, 2, list, E_USAGE, "line 9: needs either");
    check_problem(&k, 3, list, E_USAGE, "line 10: is not valid JSON");
    check_problem(&k, 4, list, E_USAGE, "line 11: \"taken_at\"");
    check_problem(&k, 5, list, E_USAGE, "line 12: \"taken_at\"");
    check_problem(&k, 6, list, E_USAGE, "line 13: names nothing");
    check_problem(&k, 7, list, E_USAGE, "line 14: has a NUL");
    check_problem(&k, 8, in(&f, "missing.png"), E_NOT_FOUND, "(line 15 of ");
    check_problem(&k, 9, "http://***@h/x.png", E_USAGE, "(line 16 of ");
    check_problem(&k, 10, list, E_TOOBIG, "line 17: is longer than 64 KiB");
    end(&k);
    folder_remove(&f);
}

static const char *tier_of(const struct reader_kit *k, const char *path_end)
{
    for (int i = 0; i < k->n_seen; i++) {
        const char *name = k->seen[i].path ? k->seen[i].path : k->seen[i].url;
        size_t n = strlen(name), m = strlen(path_end);
        if (n >= m && strcmp(name + n - m, path_end) == 0) {
            return k->seen[i].tier ? k->seen[i].tier : "";
        }
    }
    fail_msg("%s was not seen", path_end);
    return "";
}

static void what_a_list_tells_is_cleaned_before_it_is_told(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    make_file(&f, "a.png", 1000);
    FILE *o = fopen(in(&f, "list.txt"), "wb");
    assert_non_null(o);
    fprintf(o, "{\"path\": \"%s\", \"window\": \"secret\"}\n", in(&f, "a.png"));
    fprintf(o, "{\"url\": \"http://h/d.png\", \"window\": \"secret\"}\n");
    fclose(o);
    char input[256];
    snprintf(input, sizeof(input), "@%s", in(&f, "list.txt"));
    const char *inputs[] = {input};
    struct reader_kit k;
    read_all(&k, inputs, 1);
    assert_int_equal(k.n_seen, 2);
    assert_string_equal(k.seen[0].meta.window, "clean");
    assert_string_equal(k.seen[1].meta.window, "clean");
    end(&k);
    folder_remove(&f);
}

static void a_line_may_name_a_tier(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    make_file(&f, "a.png", 1000);
    make_file(&f, "b.png", 1000);
    mkdir(in(&f, "below"), 0755);
    make_file(&f, "below/c.png", 1000);
    FILE *o = fopen(in(&f, "list.txt"), "wb");
    assert_non_null(o);
    fprintf(o, "{\"path\": \"%s\", \"tier\": \"deep\"}\n", in(&f, "a.png"));
    fprintf(o, "{\"path\": \"%s\", \"tier\": null}\n", in(&f, "b.png"));
    fprintf(o, "{\"path\": \"%s\", \"tier\": \"quick\"}\n", in(&f, "below"));
    fprintf(o, "{\"url\": \"http://h/d.png\", \"tier\": \"quick\"}\n");
    fprintf(o, "{\"path\": \"x\", \"tier\": \"huge\"}\n");  // 5
    fprintf(o, "{\"path\": \"x\", \"tier\": 2}\n");         // 6
    fclose(o);
    char input[256];
    snprintf(input, sizeof(input), "@%s", in(&f, "list.txt"));
    const char *inputs[] = {input};
    struct reader_kit k;
    read_all(&k, inputs, 1);
    assert_int_equal(k.n_seen, 4);
    assert_string_equal(tier_of(&k, "a.png"), "deep");
    assert_string_equal(tier_of(&k, "b.png"), "");
    assert_string_equal(tier_of(&k, "c.png"), "quick");  // of its folder
    assert_string_equal(tier_of(&k, "d.png"), "quick");
    assert_int_equal(k.n_problems, 2);
    check_problem(&k, 0, input + 1, E_USAGE, "line 5: \"tier\" is none of quick, deep");
    check_problem(&k, 1, input + 1, E_USAGE, "line 6: \"tier\" is none of quick, deep");
    end(&k);
    folder_remove(&f);
}

static void says_when_a_list_can_not_be_read(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    make_file(&f, "a.png", 1000);
    char none[256], dir[256], file[256];
    snprintf(none, sizeof(none), "@%s", in(&f, "none.txt"));
    snprintf(dir, sizeof(dir), "@%s", f.path);
    snprintf(file, sizeof(file), "%s", in(&f, "a.png"));
    const char *inputs[] = {none, dir, "@/dev/zero", file};
    struct reader_kit k;
    read_all(&k, inputs, 4);
    assert_int_equal(k.n_problems, 3);
    check_problem(&k, 0, none + 1, E_NOT_FOUND, "does not exist");
    check_problem(&k, 1, dir + 1, E_NOT_FILE, "is a folder, not a list");
    check_problem(&k, 2, "/dev/zero", E_TOOBIG, "over a size limit");
    assert_int_equal(k.n_seen, 1);  // the others are not lost
    assert_int_equal(k.end_err, E_NOT_FOUND);
    assert_non_null(strstr(k.end_words, "none.txt: does not exist"));
    end(&k);
    folder_remove(&f);
}

// Standard input is replaced by a pipe; returns its other end.
static int pipe_stdin(int *saved)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    *saved = dup(STDIN_FILENO);
    assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
    close(fds[0]);
    return fds[1];
}

static void restore_stdin(int saved)
{
    dup2(saved, STDIN_FILENO);
    close(saved);
}

static void reads_standard_input_as_it_comes(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    make_file(&f, "a.png", 1000);
    int saved;
    int to = pipe_stdin(&saved);
    const char *inputs[] = {"-"};
    struct reader_kit k;
    begin(&k, inputs, 1);
    char line[256];
    int n = snprintf(line, sizeof(line), "%s\n", in(&f, "a.png"));
    for (int i = 1; i <= 3; i++) {
        // In two pieces: half a line is not a line.
        assert_int_equal(write(to, line, 5), 5);
        assert_int_equal(write(to, line + 5, (size_t)n - 5), n - 5);
        until(&k, k.n_seen == i);
    }
    assert_int_equal(k.n_ends, 0);
    assert_int_equal(write(to, "none.png\n", 9), 9);
    close(to);
    until(&k, k.n_ends == 1);
    assert_int_equal(k.end_err, 0);
    check_problem(&k, 0, "none.png", E_NOT_FOUND, "(line 4 of -)");
    end(&k);
    restore_stdin(saved);
    folder_remove(&f);
}

static void closes_while_input_never_ends(void **state)
{
    (void)state;
    int saved;
    int to = pipe_stdin(&saved);
    const char *inputs[] = {"-"};
    for (int i = 0; i < 20; i++) {
        struct reader_kit k;
        begin(&k, inputs, 1);
        for (int t = 0; t < i % 3; t++) {
            uv_run(&k.loop.uv, UV_RUN_NOWAIT);
        }
        end(&k);
        assert_int_equal(k.n_ends, 0);
    }
    close(to);
    restore_stdin(saved);
    // A named pipe that nobody writes to.
    struct folder f;
    folder_make(&f);
    assert_int_equal(mkfifo(in(&f, "list"), 0644), 0);
    char input[256];
    snprintf(input, sizeof(input), "@%s", in(&f, "list"));
    const char *lists[] = {input};
    struct reader_kit k;
    begin(&k, lists, 1);
    uv_run(&k.loop.uv, UV_RUN_NOWAIT);
    end(&k);
    folder_remove(&f);
}

static void says_when_standard_input_can_not_be_read(void **state)
{
    (void)state;
    int saved = dup(STDIN_FILENO);
    int unreadable = open("/dev/null", O_WRONLY);
    assert_int_equal(dup2(unreadable, STDIN_FILENO), STDIN_FILENO);
    close(unreadable);
    const char *inputs[] = {"-"};
    struct reader_kit k;
    read_all(&k, inputs, 1);
    assert_int_equal(k.end_err, E_IO);
    check_problem(&k, 0, "-", E_IO, "could not be read");
    end(&k);
    restore_stdin(saved);
}

static void pauses_and_goes_on(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    for (int i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%04d.png", i);
        write_text(in(&f, name), "");
    }
    const char *inputs[] = {f.path};
    struct reader_kit k;
    begin(&k, inputs, 1);
    k.pause_at = 300;
    until(&k, k.n_seen == 300);
    // Nothing comes while it is paused: the loop has nothing to do.
    for (int i = 0; i < 50; i++) {
        uv_run(&k.loop.uv, UV_RUN_NOWAIT);
    }
    assert_int_equal(k.n_seen, 300);
    manifest_pause(k.m, true);
    manifest_pause(k.m, false);
    assert_int_equal(k.n_seen, 300);  // never from inside
    until(&k, k.n_ends == 1);
    assert_int_equal(k.n_seen, 1000);
    assert_int_equal(k.n_ends, 1);
    end(&k);
    // Paused at the very last: the end waits too.
    begin(&k, inputs, 1);
    k.pause_at = 1000;
    until(&k, k.n_seen == 1000);
    for (int i = 0; i < 50; i++) {
        uv_run(&k.loop.uv, UV_RUN_NOWAIT);
    }
    assert_int_equal(k.n_ends, 0);
    manifest_pause(k.m, false);
    until(&k, k.n_ends == 1);
    end(&k);
    // Closed in the middle, from a callback.
    begin(&k, inputs, 1);
    k.close_at = 17;
    until(&k, k.is_closed);
    assert_int_equal(k.n_seen, 17);
    assert_int_equal(k.n_ends, 0);
    end(&k);
    folder_remove(&f);
}

static void ends_at_once_without_inputs(void **state)
{
    (void)state;
    struct reader_kit k;
    read_all(&k, NULL, 0);
    assert_int_equal(k.n_seen + k.n_problems, 0);
    end(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_folders_newest_first),
        cmocka_unit_test(takes_what_is_named),
        cmocka_unit_test(makes_relative_paths_absolute),
        cmocka_unit_test(expands_patterns),
        cmocka_unit_test(refuses_odd_urls),
        cmocka_unit_test(reads_lists),
        cmocka_unit_test(what_a_list_tells_is_cleaned_before_it_is_told),
        cmocka_unit_test(a_line_may_name_a_tier),
        cmocka_unit_test(says_when_a_list_can_not_be_read),
        cmocka_unit_test(reads_standard_input_as_it_comes),
        cmocka_unit_test(closes_while_input_never_ends),
        cmocka_unit_test(says_when_standard_input_can_not_be_read),
        cmocka_unit_test(pauses_and_goes_on),
        cmocka_unit_test(ends_at_once_without_inputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
