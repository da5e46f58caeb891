// fake_server.h -- the fake backend as a process, for tests that look at one backend.
// SPDX-License-Identifier: MIT
#ifndef VLMD_TEST_FAKE_SERVER_H
#define VLMD_TEST_FAKE_SERVER_H

// flags are separated by blanks.  One at a time.
void fake_start(const char *kind, const char *flags);
void fake_stop(void);  // also when none runs
int fake_port(void);
// POST to its control endpoint; fails the test when it says no.
void fake_control(const char *path, const char *json);

#endif
