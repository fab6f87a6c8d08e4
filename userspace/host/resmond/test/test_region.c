// SPDX-License-Identifier: GPL-2.0-or-later
/* Regions: what readers are safe from. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

static void test_charge(void **state)
{
	struct resmon_cost cost = { 0 }, twice = { 0 };
	unsigned __int128 sum = 0;
	uint64_t x = 1;

	for (int i = 0; i < 20000; i++) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		region_charge(&cost.base_nj, &cost.base_rest_pj, x >> (x & 63));
		sum += x >> (x & 63);
	}
	assert_true(pj(cost.base_nj, cost.base_rest_pj) == sum);
	region_add_cost(&twice, &cost);
	region_add_cost(&twice, &cost);
	assert_true(cost_pj(&twice) == 2 * sum);

	cost.base_nj = UINT64_MAX;
	cost.base_rest_pj = 999;
	region_charge(&cost.base_nj, &cost.base_rest_pj, 1);
	assert_true(cost.base_nj == UINT64_MAX);
}

static void test_names(void **state)
{
	static const char endless[4] = { 'a', 'b', 'c', 'd' };

	assert_true(region_name_valid("a", 4));
	assert_true(region_name_valid("abc", 4));
	assert_false(region_name_valid(endless, sizeof(endless)));
	assert_false(region_name_valid("", 4));
	assert_false(region_name_valid(".a", 4));
	assert_false(region_name_valid("a b", 4));
	assert_false(region_name_valid("a\n", 4));
	assert_false(region_name_valid("\"", 4));
}

static void refused(int fd)
{
	struct resmon_head head;

	assert_non_null(region_check(fd, &head));
	if (fd >= 0)
		close(fd);
}

static int reopened(int fd, int flags)
{
	char name[40];
	int new;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	new = open(name, flags);
	close(fd);
	return new;
}

static int memfd(off_t size, int seals, const struct resmon_head *head)
{
	int fd = memfd_create("test", MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	fchmod(fd, 0600);
	assert_int_equal(ftruncate(fd, size), 0);
	if (head)
		assert_int_equal(pwrite(fd, head, sizeof(*head), 0), sizeof(*head));
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void test_check(void **state)
{
	const size_t size = sizeof(struct resmon_region);
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW;
	struct resmon_region *region;
	struct resmon_head head;
	int fd, pipes[2];

	region = make_region(&fd);
	assert_null(region_check(fd, &head));
	assert_string_equal(head.name, "sub");
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_true(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) ==
		    MAP_FAILED);
	head = region->head;
	region_unmap(region);
	close(fd);

	/* The one that is right, but made by hand. */
	fd = reopened(memfd(size, seals, &head), O_RDONLY);
	assert_null(region_check(fd, &head));
	refused(reopened(fd, O_RDONLY | O_PATH));
	refused(memfd(size, seals, &head));
	refused(reopened(memfd(size, seals, NULL), O_RDONLY));
	refused(reopened(memfd(size, 0, &head), O_RDONLY));
	refused(reopened(memfd(size, F_SEAL_SHRINK, &head), O_RDONLY));
	refused(reopened(memfd(size, F_SEAL_GROW, &head), O_RDONLY));
	refused(reopened(memfd(size - 1, seals, &head), O_RDONLY));
	refused(reopened(memfd(size + 1, seals, &head), O_RDONLY));
	refused(reopened(memfd(sizeof(head), seals, &head), O_RDONLY));
	fd = memfd(size, seals, &head);
	fchmod(fd, 0666);
	refused(reopened(fd, O_RDONLY));

	assert_int_equal(pipe(pipes), 0);
	refused(pipes[0]);
	refused(pipes[1]);
	refused(open("/dev/zero", O_RDONLY));
	refused(open("/proc/self/exe", O_RDONLY));
	refused(open("/tmp", O_RDONLY));
	refused(-1);
}

static void head_refused(const struct resmon_head *head)
{
	int fd = memfd(sizeof(struct resmon_region), F_SEAL_SHRINK | F_SEAL_GROW,
		       head);

	refused(reopened(fd, O_RDONLY));
}

static void test_hostile_heads(void **state)
{
	struct resmon_head good, bad;
	struct resmon_region *region;
	int fd;

	region = make_region(&fd);
	good = region->head;
	region_unmap(region);
	close(fd);

#define REFUSED(change) do { bad = good; change; head_refused(&bad); } while (0)
	REFUSED(bad.magic++);
	REFUSED(bad.version++);
	REFUSED(bad.size--);
	REFUSED(bad.nr_devices = 0);
	REFUSED(bad.nr_devices = RESMON_MAX_DEVICES + 1);
	REFUSED(bad.nr_devices = UINT32_MAX);
	REFUSED(bad.nr_devices = 2);
	REFUSED(memset(bad.name, 'a', sizeof(bad.name)));
	REFUSED(strcpy(bad.name, "../x"));
	REFUSED(memset(bad.device[0].name, 'a', sizeof(bad.device[0].name)));
	REFUSED(strcpy(bad.device[0].name, "a,b"));
}

static void test_hostile_entries(void **state)
{
	struct resmon_client_info info = { .generation = 9 };
	char endless[RESMON_NAME_LEN + 1];
	struct resmon_region *region;
	int fd;

	region = make_region(&fd);
	memset(endless, 'a', RESMON_NAME_LEN);
	endless[RESMON_NAME_LEN] = '\0';
	put_client(region, 0, "good", 1, 10);
	put_client(region, 1, endless, 2, 20);
	put_client(region, 2, "", 3, 30);
	put_client(region, 3, "good", 4, 40);
	put_client(region, 4, "a\033[2J", 5, 50);
	strcpy(info.name, "rest");
	info.cost.access_rest_pj[7] = 1000;
	region_write(&region->client[5], &info);
	put_client(region, RESMON_MAX_CLIENTS - 1, "last", 6, 60);
	assert_true(region_view(region, &view));
	assert_int_equal(view.broken, 5);
	assert_int_equal(view.nr_clients, 2);
	assert_int_equal(client("good")->cost.base_nj, 10);
	assert_int_equal(client("last")->cost.base_nj, 60);

	/* Left for good, while its entry is still there. */
	info = (struct resmon_client_info){ .generation = 6, .cost.base_nj = 60 };
	region_write(&region->ended, &info);
	assert_true(region_view(region, &view));
	assert_null(client("last"));
	assert_int_equal(view.ended.base_nj, 60);

	info.cost.base_rest_pj = 65535;
	region_write(&region->nobody, &info);
	region_write(&region->ended, &info);
	assert_true(region_view(region, &view));
	assert_int_equal(view.ended.base_nj, 0);
	assert_int_equal(view.broken, 7);

	region->ended.added.base_nj = 1;
	region->ended.added.base_rest_pj = 1000;
	region->nobody.added.access_nj = 2;
	region->nobody.added.access_rest_pj = 999;
	assert_true(region_view(region, &view));
	assert_int_equal(view.broken, 8);
	assert_int_equal(view.added.base_nj, 0);
	assert_int_equal(view.added_nobody.access_nj, 2);

	region->head.magic = 0;
	assert_false(region_view(region, &view));
	region_unmap(region);
	close(fd);
}

/* Of what was added, nothing is kept twice, and no less than there was. */
static void test_added(void **state)
{
	struct resmon_client_info own = { .cost = { .base_nj = 5 } };
	unsigned __int128 ended, nobody;
	uint64_t x = 1;

	memset(&view, 0, sizeof(view));
	for (int i = 0; i < 100; i++) {
		struct resmon_cost *cost = &view.client[i].cost;

		for (int d = 0; d < RESMON_MAX_DEVICES; d++) {
			x = x * 6364136223846793005ULL + 1442695040888963407ULL;
			cost->access_nj[d] = x >> 40;
			cost->access_rest_pj[d] = x % RESMON_PJ_PER_NJ;
		}
		cost->base_rest_pj = i * 10;
	}
	view.nr_clients = 100;
	view.ended = view.client[0].cost;
	view.nobody = view.client[1].cost;
	ended = cost_pj(&view.ended) + cost_pj(&view.client[2].cost);
	nobody = cost_pj(&view.nobody);
	region_mark_added(&view);
	/* This life goes on: the sum has more, one has left, another has come. */
	region_add_cost(&view.ended, &own.cost);
	region_add_cost(&view.ended, &view.client[2].cost);
	region_add_cost(&view.nobody, &own.cost);
	view.client[2] = own;
	region_keep_added(&view);
	assert_int_equal(view.nr_clients, 99);
	assert_true(cost_pj(&view.ended) == ended);
	assert_true(cost_pj(&view.nobody) == nobody);

	/* A figure that cannot be is no reason to have less than nothing. */
	view.added.base_nj = 0;
	view.added.base_rest_pj = 1;
	region_keep_added(&view);
	assert_int_equal(view.ended.base_nj, 0);
	assert_int_equal(view.ended.base_rest_pj, 0);
}

static void test_torn(void **state)
{
	struct resmon_client_info info;
	struct resmon_region *region;
	int fd;

	region = make_region(&fd);
	put_client(region, 0, "vm", 1, 42);
	/* A writer is killed in the midst of its next update. */
	memset(&region->client[0].info[(region->client[0].seq + 1) & 1], 0xff, 100);
	assert_true(region_read(&region->client[0], &info));
	assert_int_equal(info.cost.base_nj, 42);
	put_client(region, 0, "vm", 1, 43);
	assert_true(region_read(&region->client[0], &info));
	assert_int_equal(info.cost.base_nj, 43);
	assert_int_equal(info.cost.access_nj[3], 0);
	region_unmap(region);
	close(fd);
}

static bool stop;

static void *write_pairs(void *arg)
{
	struct resmon_slot *slot = arg;
	struct resmon_client_info info = *region_peek(slot);

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		info.cost.base_nj++;
		for (int i = 0; i < RESMON_MAX_DEVICES; i++)
			info.cost.access_nj[i]++;
		region_write(slot, &info);
	}
	return NULL;
}

static void test_concurrent(void **state)
{
	struct resmon_client_info info;
	struct resmon_region *region;
	unsigned int read = 0;
	pthread_t thread;
	int fd;

	region = make_region(&fd);
	put_client(region, 0, "vm", 1, 0);
	stop = false;
	assert_int_equal(pthread_create(&thread, NULL, write_pairs,
					&region->client[0]), 0);
	for (int i = 0; i < 200000; i++) {
		if (!region_read(&region->client[0], &info))
			continue;
		read++;
		for (int d = 0; d < RESMON_MAX_DEVICES; d++)
			assert_true(info.cost.access_nj[d] == info.cost.base_nj);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_true(read > 1000);
	region_unmap(region);
	close(fd);
}

static void *run_wild(void *arg)
{
	struct resmon_region *region = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		__atomic_add_fetch(&region->ended.seq, 1, __ATOMIC_RELAXED);
		for (int i = 0; i < 4; i++)
			__atomic_add_fetch(&region->client[i].seq, 1,
					   __ATOMIC_RELAXED);
	}
	return NULL;
}

/* It ends, and says so.  Without a CPU more, the two never run at once. */
static void test_wild(void **state)
{
	time_t end = time(NULL) + 20;
	struct resmon_region *region;
	pthread_t thread;
	int fd;

	region = make_region(&fd);
	stop = false;
	assert_int_equal(pthread_create(&thread, NULL, run_wild, region), 0);
	do {
		assert_true(region_view(region, &view));
	} while (!view.stale && time(NULL) < end);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	region_unmap(region);
	close(fd);
	if (!view.stale)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_charge),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_hostile_heads),
		cmocka_unit_test(test_hostile_entries),
		cmocka_unit_test(test_added),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_concurrent),
		cmocka_unit_test(test_wild),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
