// SPDX-License-Identifier: GPL-2.0-or-later
/* Subsystems and the registry: what they promise, and to whom not. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monitor.h"

static void test_alone(void **state)
{
	unsigned int before = count_fds();
	struct subsystem *s;

	s = subsystem_open(&vda);
	assert_non_null(s);
	for (int i = 0; i < 3; i++)
		subsystem_poll(s);
	usleep(1000);
	assert_true(subsystem_poll(s) || *subsystem_status(s));
	assert_false(subsystem_registered(s));
	assert_non_null(strstr(subsystem_status(s), "no resource monitor"));
	assert_int_equal(subsystem_client_add(s, "a b", 0), -EINVAL);
	assert_int_equal(subsystem_client_add(s, "", 0), -EINVAL);
	subsystem_charge_base(s, subsystem_client_add(s, "vm1", 0), 5);

	start_registry();
	assert_true(pump(s, true));
	assert_int_equal(total_pj(), 5);
	subsystem_close(s);
	stop_registry();
	assert_int_equal(count_fds(), before);

	assert_null(subsystem_open(&(struct subsystem_config){
		.name = "a/b", .nr_devices = 1, .device = { { .name = "x" } } }));
	assert_null(subsystem_open(&(struct subsystem_config){ .name = "ab" }));
	assert_null(subsystem_open(&(struct subsystem_config){
		.name = "ab", .nr_devices = 9 }));
	assert_int_equal(count_fds(), before);
}

static void test_clients(void **state)
{
	unsigned __int128 charged = 0;
	struct subsystem *s;
	char name[20];
	int vm;

	start_registry();
	s = subsystem_open(&vda);
	assert_true(pump(s, true));
	for (unsigned int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "vm%u", i);
		vm = subsystem_client_add(s, name, 0);
		assert_true(vm >= 0);
		subsystem_charge_base(s, vm, 1001 * i);
		subsystem_charge_access(s, vm, 0, 999);
		subsystem_charge_access(s, vm, 1, i);
		charged += 1001 * i + 999 + i;
		if (i >= 200)
			subsystem_client_remove(s, vm);
	}
	subsystem_charge_base(s, SUBSYSTEM_NOBODY, 123);
	charged += 123;
	assert_true(total_pj() == charged);
	assert_int_equal(view.nr_clients, RESMON_MAX_CLIENTS);
	assert_non_null(client("vm0"));
	assert_non_null(client("vm999"));
	assert_null(client("vm300"));
	assert_int_equal(view.nobody.base_rest_pj, 123);

	/* The same run goes on, another begins anew. */
	assert_int_equal(subsystem_client_add(s, "vm999", 0), vm);
	total_pj();
	assert_int_equal(client("vm999")->flags, RESMON_PRESENT);
	assert_int_equal(client("vm999")->generation, 1000);
	assert_int_equal(subsystem_client_add(s, "vm999", 1), vm);
	assert_true(total_pj() == charged);
	assert_int_equal(client("vm999")->generation, 1001);
	assert_int_equal(cost_pj(&client("vm999")->cost), 0);

	for (unsigned int i = 201; i < RESMON_MAX_CLIENTS; i++) {
		snprintf(name, sizeof(name), "more%u", i);
		assert_true(subsystem_client_add(s, name, 0) >= 0);
	}
	assert_int_equal(subsystem_client_add(s, "full", 0), -ENOSPC);
	assert_true(total_pj() == charged);
	subsystem_close(s);
	assert_true(total_pj() == charged);
	assert_int_equal(client("vm0")->flags, 0);
	stop_registry();
}

static void test_monitor_restarts(void **state)
{
	struct subsystem *s;
	uint64_t id;
	int vm;

	start_registry();
	s = subsystem_open(&vda);
	vm = subsystem_client_add(s, "vm", 0);
	assert_true(pump(s, true));
	id = registry.subsystem[0]->head.id;
	for (unsigned int i = 1; i <= 3; i++) {
		stop_registry();
		subsystem_charge_base(s, vm, 10);
		subsystem_poll(s);
		assert_false(subsystem_registered(s));
		assert_true(subsystem_fd(s) >= 0);
		start_registry();
		assert_true(pump(s, true));
		assert_true(registry.subsystem[0]->head.id == id);
		assert_true(total_pj() == 10 * i);
	}
	subsystem_close(s);
	stop_registry();
}

/* A region that was killed while a client's figures went into the sum. */
static void test_killed_in_between(void **state)
{
	struct resmon_client_info ended = { .generation = 1, .cost.base_nj = 7 };
	struct resmon_region *region;
	struct subsystem_config sub = vda;
	struct subsystem *s;
	int fd;

	start_registry();
	region = make_region(&fd);
	put_client(region, 0, "left", 1, 7);
	put_client(region, 1, "stays", 2, 8);
	region_write(&region->ended, &ended);
	region_unmap(region);
	assert_null(registry_adopt(&registry, fd));
	assert_int_equal(total_pj(), 15000);
	sub.name = "sub";
	s = subsystem_open(&sub);
	assert_true(pump(s, true));
	assert_int_equal(total_pj(), 15000);
	assert_null(client("left"));
	assert_int_equal(view.ended.base_nj, 7);
	subsystem_close(s);
	stop_registry();
}

/* The monitor was killed between keeping the new region and dropping the old. */
static void test_adopt(void **state)
{
	struct resmon_region *old, *new;
	int fds[5];

	for (int order = 0; order < 2; order++) {
		start_registry();
		old = make_region(&fds[0]);
		new = make_region(&fds[1]);
		new->head.absorbed = old->head.id;
		assert_null(registry_adopt(&registry, fds[order]));
		assert_null(registry_adopt(&registry, fds[1 - order]));
		assert_int_equal(registry.nr_subsystems, 1);
		assert_true(registry.subsystem[0]->head.id == new->head.id);
		region_unmap(old);
		region_unmap(new);
		old = make_region(&fds[2]);
		assert_non_null(registry_adopt(&registry, fds[2]));
		region_unmap(old);
		assert_non_null(registry_adopt(&registry, open("/dev/null", O_RDONLY)));
		stop_registry();
	}
}

static int connect_raw(void)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
				    pair), 0);
	registry_add_peer(&registry, pair[0]);
	return pair[1];
}

static struct resmon_msg ask(int sock, uint32_t type, const char *name, int fd)
{
	struct resmon_msg msg = { .type = type }, got = { 0 };
	int got_fd;

	strcpy(msg.name, name);
	assert_int_equal(wire_send(sock, &msg, fd), 0);
	registry_run(&registry, NULL);
	if (wire_receive(sock, &got, &got_fd) != 1)
		got.type = 0;
	else if (got_fd >= 0)
		close(got_fd);
	return got;
}

static void error_is(struct resmon_msg msg, uint32_t error, const char *text)
{
	assert_int_equal(msg.type, RESMON_MSG_ERROR);
	assert_int_equal(msg.error, error);
	assert_non_null(strstr(msg.text, text));
}

static void test_protocol(void **state)
{
	unsigned int before = count_fds();
	struct resmon_region *region, *second;
	int a, b, fd, fd2;

	start_registry();
	region = make_region(&fd);
	second = make_region(&fd2);

	/* Each mistake ends the connection, so there is one for each. */
#define MISTAKE(error, text, ...) do {				\
	a = connect_raw();					\
	error_is(ask(a, __VA_ARGS__), error, text);		\
	close(a);						\
	registry_run(&registry, NULL);				\
} while (0)
	MISTAKE(EINVAL, "bad name", RESMON_MSG_REGISTER, "a b", -1);
	MISTAKE(EINVAL, "bad name", RESMON_MSG_REGISTER, "", -1);
	MISTAKE(EINVAL, "no name", RESMON_MSG_REGION, "sub", fd);
	MISTAKE(EINVAL, "unknown", RESMON_MSG_WELCOME, "sub", -1);
	MISTAKE(EINVAL, "unknown", 12345, "sub", fd);
	assert_int_equal(registry.nr_peers, 0);
	assert_int_equal(registry.nr_subsystems, 0);

	a = connect_raw();
	assert_int_equal(ask(a, RESMON_MSG_REGISTER, "sub", -1).type,
			 RESMON_MSG_FORMER);
	b = connect_raw();
	error_is(ask(b, RESMON_MSG_REGISTER, "sub", -1), EBUSY, "process");
	close(b);
	assert_int_equal(ask(a, RESMON_MSG_REGION, "", fd).type,
			 RESMON_MSG_WELCOME);
	error_is(ask(a, RESMON_MSG_REGION, "", fd2), EINVAL, "already");
	close(a);
	registry_run(&registry, NULL);
	assert_int_equal(registry.nr_subsystems, 1);

	/* Another region that does not include the one there. */
	a = connect_raw();
	ask(a, RESMON_MSG_REGISTER, "sub", -1);
	error_is(ask(a, RESMON_MSG_REGION, "", fd2), EINVAL, "not included");
	close(a);
	a = connect_raw();
	ask(a, RESMON_MSG_REGISTER, "other", -1);
	error_is(ask(a, RESMON_MSG_REGION, "", fd2), EINVAL, "another name");
	close(a);
	a = connect_raw();
	ask(a, RESMON_MSG_REGISTER, "sub", -1);
	error_is(ask(a, RESMON_MSG_REGION, "", open("/dev/null", O_RDONLY)),
		 EINVAL, "memfd");
	close(a);
	a = connect_raw();
	ask(a, RESMON_MSG_REGISTER, "sub", -1);
	second->head.absorbed = region->head.id;
	assert_int_equal(ask(a, RESMON_MSG_REGION, "", fd2).type,
			 RESMON_MSG_WELCOME);
	close(a);
	registry_run(&registry, NULL);
	assert_int_equal(registry.nr_subsystems, 1);
	assert_true(registry.subsystem[0]->head.id == second->head.id);

	region_unmap(region);
	region_unmap(second);
	close(fd);
	close(fd2);
	stop_registry();
	/* That of /dev/null above. */
	assert_int_equal(count_fds(), before + 1);
}

static void test_garbage(void **state)
{
	static char large[100000];
	unsigned int before = count_fds();
	struct resmon_msg msg = { .type = RESMON_MSG_LIST, .version = 99 };
	int sock, fd;

	start_registry();
	for (size_t len = 0; len < sizeof(large); len += len < 300 ? 1 : 9999) {
		sock = connect_raw();
		memset(large, len, sizeof(large));
		send(sock, large, len, 0);
		registry_run(&registry, NULL);
		registry_run(&registry, NULL);
		assert_int_equal(registry.nr_peers, 0);
		close(sock);
	}
	sock = connect_raw();
	send(sock, &msg, sizeof(msg), 0);
	registry_run(&registry, NULL);
	assert_int_equal(wire_receive(sock, &msg, &fd), 1);
	error_is(msg, EPROTO, "another version");
	close(sock);
	registry_run(&registry, NULL);
	stop_registry();
	assert_int_equal(count_fds(), before);
}

/* Descriptors that nobody asked for are not kept, however many. */
static void test_many_fds(void **state)
{
	unsigned int before = count_fds();
	struct resmon_msg msg = { .type = RESMON_MSG_LIST,
				  .version = RESMON_VERSION };
	union {
		char buf[CMSG_SPACE(20 * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { &msg, sizeof(msg) };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf) };
	int sock, fds[20];

	start_registry();
	for (int i = 0; i < 20; i++)
		fds[i] = 0;
	for (int n = 1; n <= 20; n++) {
		sock = connect_raw();
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(n * sizeof(int));
		hdr.msg_controllen = CMSG_SPACE(n * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds, n * sizeof(int));
		assert_true(sendmsg(sock, &hdr, 0) > 0);
		registry_run(&registry, NULL);
		close(sock);
		registry_run(&registry, NULL);
	}
	assert_int_equal(registry.nr_peers, 0);
	stop_registry();
	assert_int_equal(count_fds(), before);
}

/* Who does not read, or only connects, keeps nobody else from anything. */
static void test_crowd(void **state)
{
	struct resmon_msg msg = { .type = RESMON_MSG_LIST };
	int sock[REGISTRY_MAX_PEERS + 10], fd, deaf;
	struct subsystem *s;

	start_registry();
	s = subsystem_open(&vda);
	assert_true(pump(s, true));
	deaf = connect_raw();
	for (int i = 0; i < 5000; i++) {
		if (wire_send(deaf, &msg, -1))
			break;
		registry_run(&registry, NULL);
	}
	assert_int_equal(registry.nr_peers, 1);
	close(deaf);
	for (unsigned int i = 0; i < REGISTRY_MAX_PEERS + 10; i++) {
		sock[i] = connect_raw();
		assert_true(registry.nr_peers < REGISTRY_MAX_PEERS);
	}
	assert_int_equal(wire_receive(sock[REGISTRY_MAX_PEERS], &msg, &fd), 1);
	error_is(msg, EUSERS, "too many");
	for (unsigned int i = 0; i < REGISTRY_MAX_PEERS + 10; i++)
		close(sock[i]);
	registry_run(&registry, NULL);
	assert_true(subsystem_registered(s));
	subsystem_close(s);
	stop_registry();
}

static int accept_raw(int listener, struct subsystem *s)
{
	int sock = -1;

	for (int i = 0; i < 150 && sock < 0; i++) {
		subsystem_poll(s);
		sock = accept(listener, NULL, NULL);
		if (sock < 0)
			usleep(10000);
	}
	assert_true(sock >= 0);
	return sock;
}

/* A monitor that is none cannot hurt a subsystem. */
static void test_hostile_monitor(void **state)
{
	static const uint32_t types[] = {
		RESMON_MSG_FORMER, RESMON_MSG_WELCOME, RESMON_MSG_ERROR,
		RESMON_MSG_LIST, 4711,
	};
	unsigned int before = count_fds();
	struct subsystem *s = subsystem_open(&vda);
	int vm = subsystem_client_add(s, "vm", 0);
	int listener = wire_listen(path);

	for (unsigned int i = 0; i < 5; i++) {
		struct resmon_msg msg = { .type = types[i] };
		int sock = accept_raw(listener, s);

		memset(msg.text, 'x', sizeof(msg.text));
		wire_send(sock, &msg, listener);
		subsystem_poll(s);
		assert_false(subsystem_registered(s));
		subsystem_charge_base(s, vm, 1000);
		/* And it is gone before the subsystem writes. */
		close(sock);
		subsystem_poll(s);
	}
	close(listener);
	start_registry();
	assert_true(pump(s, true));
	assert_int_equal(total_pj(), 5000);
	subsystem_close(s);
	stop_registry();
	assert_int_equal(count_fds(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_clients),
		cmocka_unit_test(test_monitor_restarts),
		cmocka_unit_test(test_killed_in_between),
		cmocka_unit_test(test_adopt),
		cmocka_unit_test(test_protocol),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_many_fds),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_hostile_monitor),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
