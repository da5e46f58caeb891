// config_paths.c -- where things are when nobody says: XDG folders, the screenshot folder.
// SPDX-License-Identifier: MIT
#include "config/config_private.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *config_home(char *out, size_t size)
{
    const char *home = getenv("HOME");
    if (home && home[0] == '/') {
        snprintf(out, size, "%s", home);
        return out;
    }
    struct passwd pw;
    struct passwd *found = NULL;
    char scratch[4096];
    if (getpwuid_r(getuid(), &pw, scratch, sizeof(scratch), &found) || !found ||
        pw.pw_dir[0] != '/') {
        return NULL;
    }
    snprintf(out, size, "%s", pw.pw_dir);
    return out;
}

// A relative XDG variable is to be ignored, says its specification.
static const char *xdg(const char *variable, const char *below_home, const char *rest,
                       char *out, size_t size)
{
    char home[CONFIG_MAX_PATH];
    const char *base = getenv(variable);
    int n = -1;
    if (base && base[0] == '/') {
        n = snprintf(out, size, "%s/%s", base, rest);
    } else if (config_home(home, sizeof(home))) {
        n = snprintf(out, size, "%s/%s/%s", home, below_home, rest);
    }
    if (n < 0 || (size_t)n >= size) {
        out[0] = 0;
    }
    return out;
}

const char *config_path(char *out, size_t size)
{
    return xdg("XDG_CONFIG_HOME", ".config", "vlmd/vlmd.yaml", out, size);
}

const char *config_default_db(char *out, size_t size)
{
    return xdg("XDG_DATA_HOME", ".local/share", "vlmd/vlmd.db", out, size);
}

// One line of user-dirs.dirs: XDG_PICTURES_DIR="$HOME/Bilder"
static bool pictures_line(const char *line, const char *home, char *out, size_t size)
{
    static const char name[] = "XDG_PICTURES_DIR=\"";
    const char *s = line + strspn(line, " \t");
    if (strncmp(s, name, sizeof(name) - 1) != 0) {
        return false;
    }
    s += sizeof(name) - 1;
    bool is_below_home = strncmp(s, "$HOME/", 6) == 0;
    int len = (int)strcspn(s, "\"\n");
    if (!is_below_home && s[0] != '/') {
        return false;
    }
    int n = is_below_home ? snprintf(out, size, "%s%.*s", home, len - 5, s + 5)
                          : snprintf(out, size, "%.*s", len, s);
    return n > 0 && (size_t)n < size;
}

static bool pictures_folder(const char *home, char *out, size_t size)
{
    const char *variable = getenv("XDG_PICTURES_DIR");
    if (variable && variable[0] == '/') {
        return (size_t)snprintf(out, size, "%s", variable) < size;
    }
    char path[CONFIG_MAX_PATH];
    char line[CONFIG_MAX_PATH];
    bool found = false;
    xdg("XDG_CONFIG_HOME", ".config", "user-dirs.dirs", path, sizeof(path));
    FILE *f = fopen(path, "re");
    while (f && !found && fgets(line, sizeof(line), f)) {
        found = pictures_line(line, home, out, size);
    }
    if (f) {
        fclose(f);
    }
    return found;
}

static bool is_folder(const char *base, const char *rest, char *out, size_t size)
{
    struct stat st;
    int n = snprintf(out, size, "%s%s", base, rest);
    return n > 0 && (size_t)n < size && stat(out, &st) == 0 && S_ISDIR(st.st_mode);
}

int config_find_folder(char *out, size_t size)
{
    char home[CONFIG_MAX_PATH];
    char pictures[CONFIG_MAX_PATH];
    if (!config_home(home, sizeof(home))) {
        return E_NOT_FOUND;
    }
    if (!pictures_folder(home, pictures, sizeof(pictures))) {
        snprintf(pictures, sizeof(pictures), "%.4000s/Pictures", home);
    }
    if (is_folder(pictures, "/Screenshots", out, size) ||
        is_folder(home, "/Pictures/Screenshots", out, size) ||
        is_folder(home, "/.memos/screenshots", out, size) ||
        is_folder(home, "/Screenshots", out, size) ||
        is_folder(pictures, "", out, size) || is_folder(home, "/Pictures", out, size)) {
        return 0;
    }
    out[0] = 0;
    return E_NOT_FOUND;
}
