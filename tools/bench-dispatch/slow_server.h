// slow_server.h -- a server that takes every post and answers it after a fixed time.
//
// Nothing is decoded: what is measured is who asks.  One thread, epoll.
// SPDX-License-Identifier: MIT
#ifndef BENCH_SLOW_SERVER_H
#define BENCH_SLOW_SERVER_H

#include <sys/types.h>

// A process of its own on a free port of 127.0.0.1.  Returns its id, -1 on failure.
pid_t slow_server_start(int latency_ms, int *port);

#endif
