// file.h -- files that appear whole or not at all.
// SPDX-License-Identifier: MIT
#ifndef VLMD_CLI_FILE_H
#define VLMD_CLI_FILE_H

#include "base/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct file {
    int fd;
    bool is_direct;  // a device or pipe: written as it comes
    char path[PATH_MAX];
    char temp[PATH_MAX];  // beside path, renamed at the end
};

// FILE_NEW: EEXIST when something of that name is there, even when it came meanwhile.
enum file_how { FILE_NEW, FILE_REPLACE };

// All return 0 or an errno value.
MUST_USE int file_begin(struct file *f, const char *path);
MUST_USE int file_add(struct file *f, const void *data, size_t len);
// err not 0: the file is given up and err returned.
MUST_USE int file_end(struct file *f, int err, enum file_how how);
MUST_USE int file_make_folder_of(const char *path);

#endif
