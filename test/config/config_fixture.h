// config_fixture.h -- loads a configuration from a text and collects what is said about it.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_CONFIG_FIXTURE_H
#define VLMD_TEST_CONFIG_FIXTURE_H

#include "config/config_private.h"

struct loaded {
    struct config *c;  // NULL after an error
    int rc;
    int errors;
    int warnings;
    char said[16384];  // "error vlmd.yaml:3: words\n" each; folders of files removed
};

// A temp folder that is also HOME; XDG_* and VLMD_* variables are removed.
int config_fixture_setup(void **state);
int config_fixture_teardown(void **state);
const char *config_fixture_dir(void);
const char *config_fixture_write(const char *name, const void *text, size_t len,
                                 int mode);
const char *config_fixture_text(const char *text);  // into vlmd.yaml

void load_options(struct loaded *out, const struct vlmd_options *options);
void load_text(struct loaded *out, const char *text);
// As a process at work does it that runs with another configuration.
void load_again(struct loaded *out, const struct config *running, const char *text);
void load_bytes(struct loaded *out, const void *text, size_t len);
void unload(struct loaded *l);
// Value and origin of a key, borrowed until unload.
const char *value_of(const struct loaded *l, const char *key);
const char *origin_of(const struct loaded *l, const char *key);

#endif
