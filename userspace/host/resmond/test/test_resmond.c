// SPDX-License-Identifier: GPL-2.0-or-later
/* Subsystems: what they promise, whoever is killed. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "resmond/wire.h"

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
		cmocka_unit_test(test_hostile_monitor),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
