// fv_control.h -- the control endpoint under /__fake/, for tests and the curious.
// SPDX-License-Identifier: MIT
#ifndef FV_CONTROL_H
#define FV_CONTROL_H

struct call;

// Answers a request to /__fake/...; needs no key and is not counted.
void control_handle(struct call *c);

#endif
