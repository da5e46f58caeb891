// udp.h -- packets to one address, sent at once or not at all.
//
// A name is looked up by a thread of its own, which nothing waits for: neither the loop nor
// the end of the program.
// Thread: loop.
// SPDX-License-Identifier: MIT
#ifndef VLMD_IO_UDP_H
#define VLMD_IO_UDP_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { UDP_HOST_BYTES = 256, UDP_PORT_BYTES = 8 };

struct udp_lookup;

struct udp {
    char host[UDP_HOST_BYTES];  // private, like the rest
    char port[UDP_PORT_BYTES];
    int fd;                     // -1 = the address is not known yet
    struct udp_lookup *lookup;  // one of our two references; NULL = none is under way
};

// Is text HOST:PORT or [IPV6]:PORT?
bool udp_is_address(const char *text);
// Errors: E_USAGE (udp_is_address says no).
MUST_USE int udp_open(struct udp *u, const char *address);
void udp_close(struct udp *u);  // accepts zeroed
// Can be sent to; a name that is not known yet is asked for, so call again later.
bool udp_is_ready(struct udp *u);
// Errors: E_BUSY (the system takes no more now), E_NET (nobody listens, no way there): the
// packet is lost.
MUST_USE int udp_send(struct udp *u, const char *packet, size_t len);
// The name is looked up anew before the next packet: its machine may have moved.
void udp_forget(struct udp *u);

#endif
