// privacy.h -- pure decisions on what may leave, and where to.
//
// Decided from metadata before the picture is opened, and again for each (job, backend)
// pair before any byte is sent.  When in doubt, don't send.
// SPDX-License-Identifier: MIT
#ifndef VLMD_PRIVACY_PRIVACY_H
#define VLMD_PRIVACY_PRIVACY_H

#include <stdbool.h>
#include <stddef.h>

enum privacy_verdict { PRIVACY_ALLOW, PRIVACY_BLOCK };

struct privacy_config {
    bool allow_remote;                // send to anything but this machine
    bool need_metadata;               // block what has neither app nor window
    const char *const *exclude_apps;  // globs, case ignored; NULL ends; borrowed
    const char *const *exclude_windows;
    const char *const *exclude_paths;
};

struct privacy_subject {
    const char *app;  // "" = not known
    const char *window;
    const char *path;  // or URL
};

// why gets a short reason that names the rule, never the window's text.
// Matching: fnmatch(3), letters compared without case; a pattern without * or ? matches as
// a part of the text.
enum privacy_verdict privacy_check_meta(const struct privacy_config *c,
                                        const struct privacy_subject *s, char *why,
                                        size_t why_size);
enum privacy_verdict privacy_check_destination(const struct privacy_config *c,
                                               bool is_remote, char *why,
                                               size_t why_size);

#endif
