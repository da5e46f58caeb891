// cli_admin.c -- vlmd token and vlmd open; the page beside a command that works.
// SPDX-License-Identifier: MIT
#include "admin/admin.h"
#include "admin/auth.h"
#include "base/json.h"
#include "base/slice.h"
#include "cli.h"
#include "face/timefmt.h"
#include "out.h"

#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { DEFAULT_LIFE_S = 3600, MAX_LIFE_S = 366 * 86400 };

// ---- serving

static void note(void *arg, const char *words)
{
    const struct cli *c = arg;
    char safe[1000];
    text_safe(words, safe, sizeof(safe));
    // A service has it in its log.
    if (!cli_has(c, OPT_QUIET) && term_err()) {
        say("vlmd: %s", safe);
    }
}

int cli_serve(struct cli *c)
{
    struct err e = {0};
    slice_make_short();  // people wait for this thread, and it never works for long
    int rc = admin_open(&c->admin, c->v, note, c, &e);
    if (rc) {
        cli_failed("admin", rc, e.msg);
        return rc == E_USAGE ? CLI_USAGE : CLI_SOME_FAILED;
    }
    return 0;
}

const char *cli_page_url(const struct cli *c)
{
    return c->admin ? admin_url(c->admin) : "";
}

// ---- what the configuration says

struct places {
    char dir[4096];  // of the database
    char listen[200];
    char keys_file[4096];
};

static void on_key(void *arg, const struct vlmd_key *key)
{
    struct places *p = arg;
    if (strcmp(key->key, "db") == 0) {
        snprintf(p->dir, sizeof(p->dir), "%s", key->value);
        char *slash = strrchr(p->dir, '/');
        if (slash) {
            slash[slash == p->dir] = 0;
        }
    } else if (strcmp(key->key, "admin.listen") == 0) {
        snprintf(p->listen, sizeof(p->listen), "%s", key->value);
    } else if (strcmp(key->key, "admin.keys_file") == 0) {
        snprintf(p->keys_file, sizeof(p->keys_file), "%s", key->value);
    }
}

static void on_problem(void *arg, bool is_error, const char *where, const char *words)
{
    (void)arg;
    if (is_error) {
        say("vlmd: %s: %s", where, words);
    }
}

static int open_auth(struct cli *c, struct places *p, struct auth *a)
{
    struct vlmd_options options;
    struct err e = {0};
    *p = (struct places){0};
    cli_options_of(c, VLMD_CLIENT, &options);
    int rc = vlmd_config_check(&options, on_key, on_problem, p);
    if (rc) {
        return cli_exit_of(rc);
    }
    if (access(p->dir, W_OK)) {
        return cli_failed(NULL, VLMD_ERR_STORE,
                          "there is no database yet (start `vlmd watch` once)");
    }
    rc = auth_open(a, p->dir, p->keys_file, &e);
    if (rc) {
        auth_close(a);
        return cli_failed(NULL, rc, e.msg);
    }
    return 0;
}

// ---- vlmd token

static int life_of(struct cli *c, int64_t usual_s, int64_t *seconds)
{
    static const struct {
        char letter;
        int64_t s;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    const char *text = c->values[OPT_LIFE];
    char *end = NULL;
    *seconds = usual_s;
    if (!text) {
        return 0;
    }
    long n = strtol(text, &end, 10);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (end != text && *end == units[i].letter && !end[1] && n > 0 &&
            n <= MAX_LIFE_S / units[i].s) {
            *seconds = n * units[i].s;
            return 0;
        }
    }
    return cli_usage(c, "--life \"%s\" is no time up to 366 days: 30m, 12h, 90d", text);
}

static void print_made(const struct cli *c, const char *kind, const char *text,
                       const char *scopes, int64_t expires_s)
{
    char at[64] = "";
    struct buf out = {.max_bytes = 1 << 16};
    struct json_writer w;
    if (!cli_has(c, OPT_JSON)) {
        out_printf("%s\n", text);
        return;
    }
    time_iso(expires_s * 1000, at, sizeof(at));
    json_init(&w, &out);
    json_object(&w, NULL);
    json_str(&w, "kind", kind);
    json_str(&w, "token", text);
    json_str(&w, "scopes", scopes);
    json_str(&w, "expires_at", expires_s ? at : NULL);
    json_object_end(&w);
    out_printf("%s\n", w.rc ? "" : buf_str(&out));
    buf_fini(&out);
}

// A named key lives until its line is removed (or --life); without a name a JWT is made.
static int make(struct cli *c, struct auth *a, unsigned bits)
{
    char text[JWT_MAX], scopes[64];
    const char *name = c->values[OPT_NAME];
    struct auth_who who = {.name = "jwt", .scopes = bits};
    struct err e = {0};
    int64_t life_s;
    int rc = life_of(c, name ? 0 : DEFAULT_LIFE_S, &life_s);
    if (rc) {
        return rc;
    }
    int64_t expires_s = life_s ? time_wall_ms() / 1000 + life_s : 0;
    auth_scopes_text(bits, scopes, sizeof(scopes));
    rc = name ? auth_add_key(a, name, bits, expires_s, text, sizeof(text), &e)
              : auth_make_jwt(a, &who, "api", expires_s, text, sizeof(text));
    if (rc) {
        return cli_failed("token", rc, e.msg[0] ? e.msg : err_words(rc));
    }
    print_made(c, name ? "key" : "jwt", text, scopes, expires_s);
    return 0;
}

int cli_run_token(struct cli *c)
{
    struct places p;
    struct auth a;
    unsigned bits;
    const char *scope = c->values[OPT_SCOPE] ? c->values[OPT_SCOPE] : "read";
    if (c->n_args) {
        return cli_usage(c, "takes no operands");
    }
    if (!auth_parse_scopes(scope, &bits)) {
        return cli_usage(c, "--scope \"%s\" is none of read, submit, admin", scope);
    }
    int rc = open_auth(c, &p, &a);
    if (rc == 0) {
        rc = make(c, &a, bits);
        auth_close(&a);
    }
    return rc;
}

// ---- vlmd open

static bool start_browser(const char *url)
{
    char *argv[] = {"xdg-open", (char *)(uintptr_t)url, NULL};
    pid_t pid;
    int status = 0;
    bool has_screen = getenv("DISPLAY") || getenv("WAYLAND_DISPLAY");
    return has_screen && posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) == 0 &&
           waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

// "8011" and ":8011" are on this machine.
static void make_url(const char *listen, const char *code, char *out, size_t size)
{
    const char *colon = strrchr(listen, ':');
    bool has_host = colon && colon != listen;
    snprintf(out, size, "http://%s%s/login?code=%s", has_host ? "" : "127.0.0.1:",
             has_host          ? listen
             : colon == listen ? listen + 1
                               : listen,
             code);
}

int cli_run_open(struct cli *c)
{
    struct places p;
    struct auth a;
    char code[JWT_MAX], url[JWT_MAX + 4400];
    struct auth_who who = {.name = "browser",
                           .scopes = AUTH_READ | AUTH_SUBMIT | AUTH_ADMIN};
    if (c->n_args) {
        return cli_usage(c, "takes no operands");
    }
    int rc = open_auth(c, &p, &a);
    if (rc) {
        return rc;
    }
    rc = auth_make_jwt(&a, &who, "login", time_wall_ms() / 1000 + AUTH_LOGIN_S, code,
                       sizeof(code));
    auth_close(&a);
    if (strcmp(p.listen, "off") == 0) {
        return cli_failed("open", VLMD_ERR_USAGE,
                          "admin.listen is off: there is no page (see `vlmd config`)");
    }
    if (rc) {
        return cli_failed("open", E_BUG, "the code can not be made");
    }
    make_url(p.listen, code, url, sizeof(url));
    if (cli_has(c, OPT_PRINT) || !start_browser(url)) {
        out_printf("%s\n", url);
        say("vlmd: open this within a minute; it works once");
    }
    return 0;
}
