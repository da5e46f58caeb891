// cli_examine.h -- the verbs of vlmd privacy that look at a picture, a text or the rules.
// SPDX-License-Identifier: MIT
#ifndef VLMD_CLI_CLI_EXAMINE_H
#define VLMD_CLI_CLI_EXAMINE_H

#include "cli.h"

int cli_privacy_test(struct cli *c);
int cli_privacy_preview(struct cli *c);
int cli_privacy_rules(struct cli *c);

#endif
