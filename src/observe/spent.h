// spent.h -- what earlier runs have spent in the day and the month, told to the budgets.
// SPDX-License-Identifier: MIT
#ifndef VLMD_SPENT_H
#define VLMD_SPENT_H

#include "app.h"

// Reads the sums once; nothing is done when no backend has a budget.
void spent_recall(struct app *a);

#endif
