// locate.c -- finds vlmd-ocr: as configured, beside us, installed.
//
// VLMD_LIBEXEC_DIR comes from the build: the folder where `install` puts the helper.
// SPDX-License-Identifier: MIT
#include "ocr/locate.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "vlmd-ocr"

// Sets errno when it is not.
static bool is_program(const char *path)
{
    struct stat st;
    if (stat(path, &st)) {
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        errno = EACCES;
        return false;
    }
    return access(path, X_OK) == 0;
}

static bool join(char *out, size_t size, const char *folder, const char *name)
{
    int n = snprintf(out, size, "%s/%s", folder, name);
    return n > 0 && (size_t)n < size;
}

// A name without a folder would be looked up in PATH by exec but not by stat.
static int configured(const char *helper, char *out, size_t size, struct err *e)
{
    int n = snprintf(out, size, "%s", helper);
    if (!strchr(helper, '/') || n < 0 || (size_t)n >= size) {
        return err_set(e, E_OCR,
                       "ocr.helper: %s: is not a path (name the whole path of " NAME ")",
                       helper);
    }
    if (!is_program(out)) {
        return err_set(e, E_OCR, "ocr.helper: %s: %s (name the whole path of " NAME ")",
                       helper, strerror(errno));
    }
    return 0;
}

// In the build tree the helper stands beside us; in an installed tree, wherever it was
// moved to, it is one folder up and down again.
static bool near_us(char *out, size_t size)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n <= 0) {
        return false;
    }
    self[n] = 0;
    char *slash = strrchr(self, '/');
    if (!slash) {
        return false;
    }
    *slash = 0;
    if (join(out, size, self, NAME) && is_program(out)) {
        return true;
    }
    return join(out, size, self, "../libexec/vlmd/" NAME) && is_program(out);
}

int locate_helper(const char *helper, char *out, size_t size, struct err *e)
{
    if (helper && helper[0]) {
        return configured(helper, out, size, e);
    }
    if (near_us(out, size)) {
        return 0;
    }
    if (join(out, size, VLMD_LIBEXEC_DIR, NAME) && is_program(out)) {
        return 0;
    }
    return err_set(e, E_OCR,
                   NAME ": is neither beside this program nor in " VLMD_LIBEXEC_DIR
                        " (install vlmd whole, or set ocr.helper)");
}
