// test_e2e_socket.c -- sockets that the service manager opened: TCP, Unix, and who came early.
// SPDX-License-Identifier: MIT
#include "e2e_vlmd.h"

#include "base/json.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct served {
    int sockets[2];  // as systemd gives them: TCP, Unix
    struct sockaddr_in tcp;
    struct sockaddr_un local;
    struct fake f;
    struct proc *run;
};

static void open_sockets(struct place *p, struct served *s)
{
    socklen_t len = sizeof(s->tcp);
    s->tcp = (struct sockaddr_in){.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    s->sockets[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->sockets[0], (struct sockaddr *)&s->tcp, len), 0);
    assert_int_equal(getsockname(s->sockets[0], (struct sockaddr *)&s->tcp, &len), 0);
    s->local.sun_family = AF_UNIX;
    snprintf(s->local.sun_path, sizeof(s->local.sun_path), "%s",
             place_path(p, "http.sock"));
    s->sockets[1] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->sockets[1], (struct sockaddr *)&s->local, sizeof(s->local)),
                     0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(listen(s->sockets[i], 8), 0);
    }
}

static void start(struct place *p, struct served *s)
{
    // Of no account beside the sockets that were given.
    static const char *const env[] = {"VLMD_ADMIN_LISTEN=127.0.0.1:1", NULL};
    const struct spawn how = {.env = env, .sockets = s->sockets, .n_sockets = 2};
    s->run = VLMD_START_WITH(p, &how, "serve", "--backend", s->f.url);
}

static void stop(struct served *s)
{
    proc_signal(s->run, SIGINT);
    proc_expect(s->run, 130);
}

static int connect_to(const void *address, socklen_t len, int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, address, len), 0);
    return fd;
}

static int connect_tcp(const struct served *s)
{
    return connect_to(&s->tcp, sizeof(s->tcp), AF_INET);
}

static int connect_local(const struct served *s)
{
    return connect_to(&s->local, sizeof(s->local), AF_UNIX);
}

static void expect(int fd, int status)
{
    struct reply r;
    client_read(fd, &r);
    if (r.status != status) {
        fail_msg("%d instead of %d: %s", r.status, status, r.body);
    }
    reply_free(&r);
    close(fd);
}

static void sockets_are_taken_over(void **state)
{
    struct served s = {0};
    char key[200];
    fake_start(*state, &s.f, "--loaded");
    open_sockets(*state, &s);
    // They came before it did, and are answered.
    int early = connect_tcp(&s), early_local = connect_local(&s);
    client_send(early, "GET", "/healthz", "Host: localhost\r\n", NULL, 0);
    client_send(early_local, "GET", "/v1/stats", "Host: localhost\r\n", NULL, 0);
    start(*state, &s);
    expect(early, 200);
    expect(early_local, 200);
    char *token = read_text(place_path(*state, "data/vlmd/api-token"));
    token[64] = 0;
    snprintf(key, sizeof(key), "Host: localhost\r\nAuthorization: Bearer %s\r\n", token);
    free(token);
    int fd = connect_tcp(&s);
    client_send(fd, "GET", "/v1/stats", key, NULL, 0);
    expect(fd, 200);
    fd = connect_tcp(&s);
    client_send(fd, "GET", "/v1/stats", "Host: localhost\r\n", NULL, 0);
    expect(fd, 401);  // other users of the machine can reach this one
    fd = connect_local(&s);
    client_send(fd, "GET", "/v1/stats", "Host: localhost\r\n", NULL, 0);
    expect(fd, 200);
    stop(&s);
    // They are the service manager's: the next one gets the same, and nobody is refused.
    fd = connect_local(&s);
    client_send(fd, "GET", "/healthz", "Host: localhost\r\n", NULL, 0);
    start(*state, &s);
    expect(fd, 200);
    stop(&s);
    fake_stop(&s.f);
    close(s.sockets[0]);
    close(s.sockets[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sockets_are_taken_over, place_setup,
                                        place_teardown),
    };
    e2e_filter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
