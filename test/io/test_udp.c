// test_udp.c -- packets go at once or not at all, and a name is waited for by nobody.
// SPDX-License-Identifier: MIT
#include "io/udp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int listen_somewhere(int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static void addresses_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *port;
    } good[] = {{"127.0.0.1:8125", "127.0.0.1", "8125"},
                {"statsd.example:1", "statsd.example", "1"},
                {"[::1]:65535", "::1", "65535"}};
    static const char *const bad[] = {
        "",           "127.0.0.1",   ":8125",
        "host:",      "host:0",      "host:65536",
        "host:8125x", "::1:8125",    "[]:8125",
        "host:-1",    "host: 1",     "http://h:8125",
        "a b:1",      "u@host:8125", "host:99999999999999999999"};
    struct udp u;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(udp_is_address(good[i].text));
        assert_int_equal(udp_open(&u, good[i].text), 0);
        assert_string_equal(u.host, good[i].host);
        assert_string_equal(u.port, good[i].port);
        udp_close(&u);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (udp_is_address(bad[i])) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
        assert_int_equal(udp_open(&u, bad[i]), E_USAGE);
        udp_close(&u);
    }
}

static void is_heard(int fd, const char *words)
{
    char got[100] = "";
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 10000), 1);
    assert_true(recv(fd, got, sizeof(got) - 1, 0) > 0);
    assert_string_equal(got, words);
}

static void packets_arrive(void **state)
{
    (void)state;
    struct udp u;
    char address[64];
    int port, fd = listen_somewhere(&port);
    snprintf(address, sizeof(address), "127.0.0.1:%d", port);
    assert_int_equal(udp_open(&u, address), 0);
    assert_true(udp_is_ready(&u));  // at once: there is nothing to look up
    assert_null(u.lookup);
    assert_int_equal(udp_send(&u, "one:1|c", 7), 0);
    is_heard(fd, "one:1|c");
    udp_forget(&u);
    assert_true(udp_is_ready(&u));
    assert_int_equal(udp_send(&u, "two:1|c", 7), 0);
    is_heard(fd, "two:1|c");
    close(fd);
    // Nobody listens any more: the packet after the first one hears of it.
    int rc = udp_send(&u, "x", 1);
    for (int i = 0; i < 3 && rc == 0; i++) {
        rc = udp_send(&u, "x", 1);
    }
    assert_int_equal(rc, E_NET);
    udp_close(&u);
}

static void a_name_is_looked_up_beside(void **state)
{
    (void)state;
    struct udp u;
    char address[64];
    int port, fd = listen_somewhere(&port);
    snprintf(address, sizeof(address), "localhost:%d", port);
    assert_int_equal(udp_open(&u, address), 0);
    for (int i = 0; !udp_is_ready(&u); i++) {
        poll(NULL, 0, 10);
        assert_true(i < 3000);
    }
    udp_close(&u);
    // One that is given up before it is known.
    assert_int_equal(udp_open(&u, "no-such-host.invalid:8125"), 0);
    assert_false(udp_is_ready(&u));
    udp_close(&u);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_told_apart),
        cmocka_unit_test(packets_arrive),
        cmocka_unit_test(a_name_is_looked_up_beside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
