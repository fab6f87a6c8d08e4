// SPDX-License-Identifier: GPL-2.0-or-later
/* As what guests are charged, and what is published for those that are not. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"

#define DISK_PJ(bytes)	((bytes) * 2631000000000 / 57000000)
#define CPU_PJ		1234

static char params[200];

static struct pvblk_model *model(void)
{
	struct pvblk_model *m = driver_at(&d, BUFFER);

	assert_int_equal(request(0, PVBLK_T_MODEL, 0, sizeof(*m), false), 0);
	return m;
}

/* From here on each of the next requests costs CPU_PJ. */
static void consume(void)
{
	for (unsigned int i = fixture.server.cpu.requests; i < COST_CPU_REQUESTS; i++)
		assert_int_equal(request(1, VIRTIO_BLK_T_GET_ID, 0, 20, false), 0);
	fixture.consumed += COST_CPU_REQUESTS * CPU_PJ;
}

static energy_t returned_of(enum device device)
{
	return state_pj(totals().totals.returned[device]);
}

static void test_apart(void **state)
{
	uint64_t *costs = driver_at(&d, REPLY);

	start(0);
	assert_int_equal(model()->nr_devices, 2);
	assert_int_equal(model()->devices[1].flags, 0);
	consume();
	assert_int_equal(request(0, VIRTIO_BLK_T_IN | COST, 0, 4096, false), 0);
	assert_int_equal(costs[0], DISK_PJ(4096));
	assert_int_equal(costs[1], CPU_PJ);
}

static void test_with_the_disk(void **state)
{
	uint64_t *costs = driver_at(&d, REPLY), sum = 0;
	struct pvblk_model *m;
	uint64_t base;

	fixture.disk.overhead = OVERHEAD_DISK;
	/* A joule and a half, and half a microjoule. */
	state_add_base(fixture.disk.state, (energy_t[]){ 1000000500000, 500000500000 }, 0);
	start(0);
	usleep(1000);
	m = model();
	assert_int_equal(m->nr_devices, 1);
	assert_string_equal(m->devices[0].name, "disk");
	assert_int_equal(m->devices[0].max_byte_pj, 46158);
	assert_int_equal(m->devices[0].max_request_pj, 1 + COST_CPU_MAX_PJ);
	assert_int_equal(m->devices[0].flags, 0);
	base = (state_base(fixture.disk.state, 0) + state_base(fixture.disk.state, 1)) / 1000000;
	assert_int_equal(m->devices[0].base_uj, base);
	assert_true(base > 1500001);
	assert_int_equal(m->devices[1].name[0], 0);
	consume();
	for (int i = 0; i < 10; i++) {
		assert_int_equal(request(0, VIRTIO_BLK_T_IN | COST, 0, 512, false), 0);
		sum += costs[0];
		assert_int_equal(costs[1], 0);
	}
	assert_int_equal(sum, DISK_PJ(5120) + 10 * CPU_PJ);
	/* Here they stay apart. */
	assert_true(returned_of(DEVICE_DISK) == DISK_PJ(5120));
	assert_true(returned_of(DEVICE_CPU) == 10 * CPU_PJ);
}

static void test_balloon(void **state)
{
	uint64_t *costs = driver_at(&d, REPLY);

	fixture.disk.overhead = OVERHEAD_BALLOON;
	start(0);
	assert_int_equal(model()->nr_devices, 2);
	assert_int_equal(model()->devices[0].flags, 0);
	assert_string_equal(model()->devices[1].name, "disk-cpu");
	assert_int_equal(model()->devices[1].flags, PVBLK_DEVICE_BALLOON);
	consume();
	assert_int_equal(request(0, VIRTIO_BLK_T_IN | COST, 0, 512, false), 0);
	assert_int_equal(costs[0], DISK_PJ(512));
	assert_int_equal(costs[1], CPU_PJ);
}

/* A network is behind the CPU, wherever that is. */
static void test_network(void **state)
{
	static const struct netmodel net = { "lan", 8, 1000, 1448 };
	uint64_t pj[NR_DEVICES] = { 100, 20, 3 };
	struct pvblk_reply reply = { 0 };
	struct pvblk_model m;

	fixture.physical.net = &net;
	strcpy(fixture.disk.state->device[DEVICE_NET], "lan");
	disk_model(&fixture.disk, &m);
	assert_int_equal(m.nr_devices, 3);
	assert_string_equal(m.devices[2].name, "lan");
	assert_int_equal(m.devices[2].max_byte_pj, 8 + 1 + 1);
	assert_int_equal(m.devices[2].max_request_pj, 1090 * (44 * 8 + 3 * 1000));
	reply_costs(&fixture.disk, pj, &reply);
	assert_int_equal(reply.access_pj[2], 3);
	fixture.disk.overhead = OVERHEAD_DISK;
	disk_model(&fixture.disk, &m);
	assert_int_equal(m.nr_devices, 2);
	assert_string_equal(m.devices[1].name, "lan");
	memset(&reply, 0, sizeof(reply));
	reply_costs(&fixture.disk, pj, &reply);
	assert_int_equal(reply.access_pj[0], 120);
	assert_int_equal(reply.access_pj[1], 3);
	assert_int_equal(reply.access_pj[2], 0);
	fixture.physical.net = NULL;
}

static void expect_params(const struct params_of *of, uint64_t idle, uint64_t active,
			  uint64_t rate)
{
	char text[PARAMS_TEXT_LEN], message[DISKMODEL_ERR_LEN];
	struct diskmodel m;
	FILE *f;

	params_format(of, text);
	f = fmemopen(text, strlen(text), "r");
	assert_non_null(f);
	assert_int_equal(diskmodel_read(f, "P", &m, message), 0);
	fclose(f);
	assert_string_equal(m.name, of->model->name);
	assert_int_equal(m.nr_speeds, 1);
	assert_int_equal(m.speed[0].idle_power_mw, idle);
	assert_int_equal(m.speed[0].active_power_mw, active);
	assert_int_equal(m.speed[0].transfer_rate, rate);
}

static void test_params(void **state)
{
	static const struct diskmodel two = {
		.name = "drpm", .nr_speeds = 2,
		.speed = { { "slow", 1000, 3000, 6000000 }, { "fast", 4000, 9000, 10000000 } },
	};
	struct params_of of = { .disk = "vm", .model = &two, .clients = 1 };

	expect_params(&of, 1000, 3000, 6000000);
	of.clients = 3;
	expect_params(&of, 333, 2333, 6000000);
	/* Two milliwatts of the CPU for two disks; 333.3 + 1 mW. */
	of.cpu_mw = 2;
	of.cpu_clients = 2;
	expect_params(&of, 334, 2334, 6000000);
	/* 50 nJ a byte at six megabytes per second are 300 mW. */
	of.overhead_pj = 50000000;
	of.bytes = 1000;
	expect_params(&of, 334, 2634, 6000000);
	/* Of 3 W more, who uses the disk pays half; 50 nJ are 500 mW now. */
	of.speed = 1;
	of.users = 2;
	expect_params(&of, 334, 5834, 10000000);
	of.user = true;
	expect_params(&of, 1834, 7334, 10000000);
}

static void expect_file(uint64_t idle)
{
	char message[DISKMODEL_ERR_LEN];
	struct diskmodel m;

	assert_int_equal(diskmodel_load(params, &m, message), 0);
	assert_int_equal(m.speed[0].idle_power_mw, idle);
	assert_int_equal(m.speed[0].active_power_mw, idle + 2631);
}

static void test_params_file(void **state)
{
	struct stat before, after;

	snprintf(params, sizeof(params), "%s/vm.params", fixture.dir);
	fixture.disk.params.path = params;
	server_meter(&fixture.server);
	expect_file(4083);
	assert_int_equal(stat(params, &before), 0);
	server_meter(&fixture.server);
	assert_int_equal(stat(params, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	/* Another virtual machine comes. */
	fixture.physical.clients++;
	server_meter(&fixture.server);
	expect_file(2042);
	fixture.physical.clients--;
	server_meter(&fixture.server);
	expect_file(4083);
	/* What cannot be written is tried again. */
	fixture.disk.params.path = "/proc/none/vm.params";
	fixture.physical.clients++;
	server_meter(&fixture.server);
	assert_true(fixture.disk.params.failed);
	fixture.disk.params.path = params;
	fixture.physical.clients--;
	server_meter(&fixture.server);
	expect_file(4083);
	leave();
	assert_int_equal(access(params, F_OK), -1);
	join();
	expect_file(4083);
	unlink(params);
	fixture.disk.params.path = NULL;
}

/* The disk gets faster by what the guest does, and the guest pays for that. */
static void test_speed_of_requests(void **state)
{
	static const struct diskmodel two = {
		.name = "disk", .window_ms = 500, .busy_percent = 50, .nr_speeds = 2,
		.speed = { { "slow", 1000, 3000, 5000 }, { "fast", 4000, 9000, 10000 } },
	};
	struct physical *p = &fixture.physical;
	uint64_t *costs = driver_at(&d, REPLY);
	energy_t before, base;
	uint64_t begin;

	leave();
	p->model = two;
	assert_true(cost_disk_init(&p->cost, &p->model));
	p->meter.power_mw = 1000;
	speed_init(&p->speed, &p->model, monotonic_ns());
	p->meter.last_ns = p->speed.meter.last_ns;
	fixture.disk.state->rate = p->cost.rate;
	join();
	start(0);
	before = state_base(fixture.disk.state, 0);
	begin = p->meter.last_ns;
	/* At 400 and 500 microjoules a byte. */
	assert_int_equal(request(0, VIRTIO_BLK_T_IN | COST, 0, 2048, false), 0);
	assert_int_equal(costs[0], 2048 * 400000000ULL);
	while (monotonic_ns() < p->speed.end_ns)
		usleep(1000);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN | COST, 0, 2048, false), 0);
	assert_int_equal(costs[0], 2048 * 500000000ULL);
	assert_int_equal(p->speed.current, 1);
	assert_true(fixture.disk.speed.user);
	usleep(1100000);
	server_meter(&fixture.server);
	assert_int_equal(p->speed.current, 0);
	/* Two windows were fast, at 3 W more. */
	base = state_base(fixture.disk.state, 0) - before;
	assert_true(base == (energy_t)(p->meter.last_ns - begin) * 1000 +
		    2 * 500000000ULL * 3000);
}

/* The disk went on turning for those whose server was killed, for a while. */
static void test_take_over(void **state)
{
	const uint64_t minute = 60000000000, now = monotonic_ns();
	struct state_file *file = fixture.disk.state;
	energy_t before, cpu;

	leave();
	assert_int_equal(state_metered_until(file), 0);
	before = state_base(file, 0);
	cpu = state_base(file, 1);
	server_take_over(&fixture.server);
	assert_true(state_base(file, 0) == before);

	state_add_base(file, (energy_t[]){ 0, 0 }, now - 1000000);
	server_take_over(&fixture.server);
	assert_in_range((state_base(file, 0) - before) / 4083, 1000000,
			monotonic_ns() - now + 1000000);
	assert_int_equal(state_metered_until(file), 0);
	before = state_base(file, 0);
	server_take_over(&fixture.server);
	assert_true(state_base(file, 0) == before);

	state_add_base(file, (energy_t[]){ 0, 0 }, 1);
	server_take_over(&fixture.server);
	assert_true(state_base(file, 0) - before ==
		    (energy_t)4083 * (now < minute ? now - 1 : minute));
	assert_true(state_base(file, 1) == cpu);
	join();
	assert_int_not_equal(state_metered_until(file), 0);
	/* In good order there is no gap; nor when totals are shown after that. */
	server_stop(&fixture.server);
	server_meter(&fixture.server);
	assert_int_equal(state_metered_until(file), 0);
	assert_int_equal(fixture.server.clients, 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_apart),
		test(test_with_the_disk),
		test(test_balloon),
		test(test_network),
		cmocka_unit_test(test_params),
		test(test_params_file),
		test(test_speed_of_requests),
		test(test_take_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
