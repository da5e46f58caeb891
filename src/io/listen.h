// listen.h -- listening sockets: TCP, Unix, and those that systemd hands over.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IO_LISTEN_H
#define VLMD_IO_LISTEN_H

#include "base/err.h"

#include <stdbool.h>

enum { LISTEN_BACKLOG = 128, LISTEN_MAX_INHERITED = 8 };

// Sockets are non-blocking and close on exec.  host: a literal address; port 0 = any free
// one.  Errors: E_BUSY (taken), E_ACCESS, E_USAGE (no address), E_IO.
MUST_USE int listen_tcp(const char *host, int port, int *fd, struct err *e);
// Only this user may connect.  A socket file nobody listens on any more is replaced; any
// other file is not.  Errors: as above, E_NOT_FILE.
MUST_USE int listen_unix(const char *path, int *fd, struct err *e);
// Those that the service manager opened for this process (sd_listen_fds(3)), at most max;
// returns how many.  The variables that say so are left for others to read.
int listen_inherited(int *fds, int max);

// "127.0.0.1:8011", "[::1]:8011" or the path; returns out.
const char *listen_name(int fd, char *out, int size);
int listen_port(int fd);  // 0 = no TCP
bool listen_is_unix(int fd);
// Only this machine can connect.
bool listen_is_local(int fd);
// Splits "HOST:PORT", "[::1]:PORT", ":PORT" (loopback) or "PORT".  false = it is neither.
bool listen_parse(const char *text, char *host, int host_size, int *port);

#endif
