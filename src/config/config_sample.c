// config_sample.c -- the commented sample file, written from the key table.
//
// Every value is its default and commented out, so the file changes nothing until somebody
// removes a "#".
// SPDX-License-Identifier: MIT
#include "config/config_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char head[] =
    "# vlmd.yaml -- configuration of vlmd (YAML; JSON is accepted too).\n"
    "#\n"
    "# vlmd works without this file.  To change something remove the # before its key.\n"
    "# Environment variables (VLMD_IMAGE_QUALITY=80) and flags go before this file.\n"
    "# Check it with `vlmd config check`; see what is in force with `vlmd config "
    "show`.\n"
    "#\n"
    "# A service that gets SIGHUP reads it again; what it takes up only when it is "
    "started\n"
    "# anew says so.\n";

static const char backends_example[] = "#backends:\n"
                                       "#  - http://127.0.0.1:11434\n"
                                       "#  - url: https://gpu-box:8000\n"
                                       "#    name: gpu\n"
                                       "#    model: Qwen/Qwen2.5-VL-7B-Instruct\n"
                                       "#    api_key_file: ~/.config/vlmd/gpu.key\n"
                                       "#  - ocr\n";

// Help text in comment lines of at most 78 characters.
static int wrap(struct buf *out, const char *indent, const char *text)
{
    int rc = 0;
    while (*text && rc == 0) {
        size_t len = strlen(text);
        if (len > 74) {
            for (len = 74; len > 0 && text[len] != ' '; len--) {
            }
        }
        rc = buf_printf(out, "%s# %.*s\n", indent, (int)len, text);
        text += len + strspn(text + len, " ");
    }
    return rc;
}

static int quoted(struct buf *out, const char *value)
{
    int rc = buf_add_str(out, "\"");
    for (; *value && rc == 0; value++) {
        rc = buf_printf(out, "%s%c", *value == '"' || *value == '\\' ? "\\" : "", *value);
    }
    return rc ? rc : buf_add_str(out, "\"\n");
}

static int assignment(struct buf *out, const char *indent, const char *name,
                      const struct config_key *k, const char *def)
{
    if (k->type == CONFIG_BACKENDS) {
        return buf_add_str(out, backends_example);
    }
    int rc = buf_printf(out, "%s#%s: ", indent, name);
    if (rc) {
        return rc;
    }
    bool is_list = k->type == CONFIG_PATHS || k->type == CONFIG_TEXTS ||
                   k->type == CONFIG_HOURS || k->type == CONFIG_URLS ||
                   k->type == CONFIG_RULES;
    if (is_list) {
        return buf_add_str(out, "[]\n");
    }
    bool is_plain =
        *def && strspn(def, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                            "0123456789./_-") == strlen(def);
    return is_plain ? buf_printf(out, "%s\n", def) : quoted(out, def);
}

static int one_key(struct buf *out, const struct config_key *k, const char *def)
{
    const char *dot = strchr(k->name, '.');
    const char *indent = dot ? "  " : "";
    char range[256];
    config_range(k, range, sizeof(range));
    int rc = buf_add_str(out, "\n");
    if (rc == 0) {
        rc = wrap(out, indent, k->help);
    }
    if (rc == 0) {
        rc = buf_printf(out, "%s# (%s%s%s; default %s%s)\n", indent, config_type_name(k),
                        *range ? ", " : "", range, *def ? def : "empty",
                        k->needs_restart ? "; needs a restart" : "");
    }
    return rc ? rc : assignment(out, indent, dot ? dot + 1 : k->name, k, def);
}

// What the keys of a section inside a section have in common; they have one line each.
static const struct {
    const char *name;
    const char *help;
} inner[] = {
    {"privacy.local",
     "What is done with what is found on a picture before it goes to a model on this "
     "machine.  allow: nothing; safe: the model is asked not to quote; mask: it is "
     "painted "
     "over; block: the picture is not sent."},
    {"privacy.remote", "The same for models on other machines."},
};

static const char *inner_help(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++) {
        if (strlen(inner[i].name) == len && strncmp(inner[i].name, name, len) == 0) {
            return inner[i].help;
        }
    }
    return NULL;
}

static int inner_key(struct buf *out, const struct config_key *k, const char *def,
                     const char *previous)
{
    const char *dot = strrchr(k->name, '.');
    size_t len = (size_t)(dot - k->name);
    int rc = 0;
    if (strncmp(previous, k->name, len + 1) != 0) {
        const char *help = inner_help(k->name, len);
        assert(help);
        rc = buf_add_str(out, "\n");
        rc = rc ? rc : wrap(out, "  ", help);
        rc = rc ? rc
                : buf_printf(out, "  %.*s:\n", (int)(len - strcspn(k->name, ".") - 1),
                             strchr(k->name, '.') + 1);
    }
    char value[64];
    snprintf(value, sizeof(value), "#%s: %s", dot + 1, def);
    return rc ? rc : buf_printf(out, "    %-22s # %s\n", value, k->help);
}

static int section(struct buf *out, const char *name, char *last, size_t size)
{
    size_t len = strcspn(name, ".");
    if (name[len] == 0 || (strncmp(last, name, len) == 0 && last[len] == 0)) {
        return 0;
    }
    snprintf(last, size, "%.*s", (int)len, name);
    return buf_printf(out, "\n%s:\n", last);
}

static bool is_inner(const char *name)
{
    return strchr(name, '.') != strrchr(name, '.');
}

static int write_all(struct buf *out, const struct config *c)
{
    char last[64] = "";
    int rc = buf_add_str(out, head);
    for (int i = 0; i < n_config_keys && rc == 0; i++) {
        rc = section(out, config_keys[i].name, last, sizeof(last));
        if (rc == 0 && is_inner(config_keys[i].name)) {
            rc = inner_key(out, &config_keys[i], c->values[i].def,
                           config_keys[i - 1].name);
        } else if (rc == 0) {
            rc = one_key(out, &config_keys[i], c->values[i].def);
        }
    }
    return rc;
}

char *config_sample(void)
{
    const struct vlmd_options none = {.config_file = "", .ignore_environment = true};
    struct config *c;
    // Only a missing home folder makes defaults fail; a sample needs a place for the database.
    const struct vlmd_setting db = {"db", "vlmd.db", "sample"};
    struct vlmd_options with_db = none;
    with_db.settings = &db;
    with_db.n_settings = 1;
    if (config_load(&c, &none, NULL, NULL) && config_load(&c, &with_db, NULL, NULL)) {
        return NULL;
    }
    struct buf out = {.max_bytes = CONFIG_MAX_FILE};
    int rc = write_all(&out, c);
    config_free(c);
    if (rc) {
        buf_fini(&out);
        return NULL;
    }
    return (char *)out.data;
}
