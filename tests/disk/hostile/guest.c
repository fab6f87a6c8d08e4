// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest whose disk /dev/pvda lies to it.  See hostile.c for what the orders
 * mean that are given through /dev/pvdb, and must always work.
 *
 * What must hold whatever comes: data is right or an error is returned, no
 * request hangs, a cost beyond the bound is counted and not charged, a legal one
 * is charged exactly, what was returned is what was charged, and the disk can be
 * had again by binding the driver anew.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/aio_abi.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../boot/check.h"

#define BLOCK		4096
#define DRIVER		"/sys/bus/virtio/drivers/pvblk/"
#define OWN		"hostile"
#define DEPTH		16

static char buf[DEPTH][BLOCK] __attribute__((aligned(BLOCK)));
static char sector[512] __attribute__((aligned(512)));
static char victim_dev[64];
static int control_fd, victim_fd = -1, kmsg_fd;
static unsigned int serial, tests;

static void order(const char *mode, uint64_t argument, unsigned int count)
{
	memset(sector, 0, sizeof(sector));
	snprintf(sector, sizeof(sector), "%u %s %" PRIu64 " %u\n", ++serial, mode,
		 argument, count);
	CHECK(pwrite(control_fd, sector, sizeof(sector), 0) == sizeof(sector));
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) > 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static void open_victim(void)
{
	int i;

	for (i = 0; i < 100 && access("/dev/pvda", F_OK); i++)
		usleep(20000);
	victim_fd = open("/dev/pvda", O_RDWR | O_DIRECT);
	CHECK(victim_fd >= 0);
	/* So that the timeout is looked at while nobody answers. */
	CHECK(write_file("/sys/block/pvda/queue/io_timeout", "300"));
}

static void unbind(void)
{
	if (victim_fd >= 0)
		close(victim_fd);
	victim_fd = -1;
	CHECK(write_file(DRIVER "unbind", victim_dev));
}

static void bind_again(void)
{
	CHECK(write_file(DRIVER "bind", victim_dev));
	open_victim();
}

/* The kernel's messages since the last call: how many have that text? */
static char messages[1 << 16];

static void read_messages(void)
{
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(messages) - 1) {
		n = read(kmsg_fd, messages + len, sizeof(messages) - 1 - len);
		if (n > 0)
			len += n;
		else if (errno != EPIPE)
			break;
	}
	messages[len] = '\0';
	/* On the console warnings are not to be seen. */
	CHECK(!strstr(messages, "WARNING: "));
	CHECK(!strstr(messages, "BUG: "));
	CHECK(!strstr(messages, "possible recursive") &&
	      !strstr(messages, "possible circular"));
}

static int said(const char *text)
{
	int n = 0;

	for (char *s = messages; (s = strstr(s, text)); s++)
		n++;
	return n;
}

static long long charged(const char *device)
{
	char key[64];

	snprintf(key, sizeof(key), "%s.access_pj", device);
	return rcfs_value(OWN "/events", key);
}

static long long refused(const char *device)
{
	char key[64];

	snprintf(key, sizeof(key), "%s.refused", device);
	return rcfs_value("info/devices", key);
}

static bool conserved(void)
{
	return !system("rctl check >/dev/null");
}

/* A block of its own for each number. */
static void fill(char *block, unsigned int number)
{
	for (unsigned int i = 0; i < BLOCK / sizeof(int); i++)
		((unsigned int *)block)[i] = number * 2654435761U + i;
}

static bool put(int fd, unsigned int number)
{
	fill(buf[0], number);
	return pwrite(fd, buf[0], BLOCK, (off_t)(number + 1) * BLOCK) == BLOCK;
}

static bool get(int fd, unsigned int number)
{
	memset(buf[1], 0, BLOCK);
	return pread(fd, buf[1], BLOCK, (off_t)(number + 1) * BLOCK) == BLOCK;
}

static bool same(unsigned int number)
{
	fill(buf[0], number);
	return !memcmp(buf[0], buf[1], BLOCK);
}

/* The honest disk works, and so does the other if it is bound anew. */
static void works(int fd)
{
	static unsigned int number = 100;

	for (int i = 0; i < 8; i++, number++) {
		CHECK(put(fd, number));
		CHECK(get(fd, number));
		CHECK(same(number));
	}
}

static void result(const char *format, ...)
{
	static int before;
	char name[128];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	works(control_fd);
	CHECK(conserved());
	read_messages();
	printf("%s %u - %s\n", check_failures == before ? "ok" : "not ok", ++tests, name);
	before = check_failures;
}

/* Blocks that are read and written without an error, N of them. */
static void transfer(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (i % 2) {
			CHECK(get(victim_fd, i - 1));
			CHECK(same(i - 1));
		} else {
			CHECK(put(victim_fd, i));
		}
	}
}

/*
 * 40 requests that cost this.  @pj is what is charged for each, negative for
 * that much beyond whole bytes at some price.
 */
static void costs(const char *mode, uint64_t argument, long long pj,
		  int disk_refused, int cpu_refused)
{
	long long disk = charged("disk");
	long long refused0 = refused("disk"), cpu_refused0 = refused("disk-cpu");
	static bool warned;
	const int n = 40;

	order(mode, argument, n);
	transfer(n);
	order("none", 0, 0);
	CHECK(refused("disk") - refused0 == n * disk_refused);
	CHECK(refused("disk-cpu") - cpu_refused0 == n * cpu_refused);
	disk = charged("disk") - disk;
	printf("# %s: charged %lld pJ\n", mode, disk);
	if (pj >= 0)
		CHECK(disk == n * pj);
	else
		CHECK(disk > n * BLOCK && (disk + n * pj) % (n * BLOCK) == 0);
	read_messages();
	/* Ten in five seconds, and a word about what was left out. */
	CHECK(said("impossible cost") <= 11);
	if (!disk_refused && !cpu_refused)
		CHECK(!said("impossible cost"));
	else if (!warned)
		CHECK(said("impossible cost") >= 1);
	warned |= disk_refused || cpu_refused;
	result("costs: %s %" PRIu64, mode, argument);
}

/* Requests at once: each ends, with or without an error. */
static void storm(int *good, int *bad)
{
	struct iocb iocb[DEPTH], *list[DEPTH];
	struct io_event event[DEPTH];
	aio_context_t context = 0;
	struct timespec limit = { .tv_sec = 30 };
	long nr;

	*good = *bad = 0;
	CHECK(!syscall(SYS_io_setup, DEPTH, &context));
	for (int i = 0; i < DEPTH; i++) {
		iocb[i] = (struct iocb){
			.aio_fildes = victim_fd,
			.aio_lio_opcode = i % 2 ? IOCB_CMD_PREAD : IOCB_CMD_PWRITE,
			.aio_buf = (uintptr_t)buf[i],
			.aio_nbytes = BLOCK,
			.aio_offset = (200 + i) * BLOCK,
		};
		list[i] = &iocb[i];
	}
	CHECK(syscall(SYS_io_submit, context, DEPTH, list) == DEPTH);
	nr = syscall(SYS_io_getevents, context, DEPTH, DEPTH, event, &limit);
	CHECK(nr == DEPTH);
	for (int i = 0; i < nr; i++) {
		if (event[i].res == BLOCK)
			++*good;
		else
			++*bad;
	}
	syscall(SYS_io_destroy, context);
}

/* Until the guest has noticed, or there is nothing to be noticed. */
static void ring(const char *mode, uint64_t argument, bool many)
{
	int good, bad, all_good = 0;

	/* One request is answered as it should be, and then there is the lie. */
	read_messages();
	order(mode, argument, 1);
	get(victim_fd, 1);
	usleep(100000);
	read_messages();
	CHECK(said("device failed, no more requests") == 1);
	CHECK(!put(victim_fd, 1) && errno == EIO);
	order("none", 0, 0);
	unbind();
	bind_again();
	works(victim_fd);

	/* With many in flight. */
	if (!many) {
		result("ring: %s %" PRIu64, mode, argument);
		return;
	}
	order(mode, argument, 1000);
	for (int i = 0; i < 20; i++) {
		storm(&good, &bad);
		all_good += good;
		if (bad == DEPTH)
			break;
	}
	printf("# %s: %d requests done before the device failed\n", mode, all_good);
	CHECK(bad == DEPTH);
	order("none", 0, 0);
	read_messages();
	CHECK(said("device failed, no more requests") == 1);
	unbind();
	bind_again();
	works(victim_fd);
	result("ring: %s %" PRIu64, mode, argument);
}

static void status(unsigned int value, int error)
{
	long long before = charged("disk");

	order("status", value, 10);
	for (int i = 0; i < 10; i++) {
		errno = 0;
		if (error)
			CHECK(!get(victim_fd, 2 + i) && errno == error);
		else
			CHECK(get(victim_fd, 2 + i));
	}
	order("none", 0, 0);
	/* What failed has a cost all the same: the disk did it. */
	CHECK(charged("disk") > before);
	works(victim_fd);
	result("status %u", value);
}

/* A model that can't be: the disk works, and asks for no costs. */
static void model(const char *mode, uint64_t argument, const char *why)
{
	char text[128];
	long long before;

	/* The message is rate limited, to ten in five seconds. */
	usleep(700000);
	order(mode, argument, 1000);
	unbind();
	bind_again();
	read_messages();
	snprintf(text, sizeof(text), "no energy costs: %s", why);
	CHECK(said(text) == 1);
	if (said(text) != 1)
		printf("# %s\n", messages);
	order("cost-ones", 0, 1000);
	before = charged("disk");
	transfer(20);
	CHECK(charged("disk") == before);
	order("none", 0, 0);
	unbind();
	bind_again();
	works(victim_fd);
	CHECK(charged("disk") > before);
	result("model: %s %" PRIu64, mode, argument);
}

static void find_victim(void)
{
	char link[256];
	char *name;
	ssize_t n = readlink("/sys/block/pvda/device", link, sizeof(link) - 1);

	CHECK(n > 0);
	link[n > 0 ? n : 0] = '\0';
	name = strrchr(link, '/');
	snprintf(victim_dev, sizeof(victim_dev), "%s", name ? name + 1 : link);
}

static void other_words(void)
{
	static const uint32_t lens[] = { 0, 1, 64, UINT32_MAX };
	long long before;
	int good, bad;

	/* Its length does not matter where the reply is there. */
	for (unsigned int i = 0; i < 4; i++) {
		before = refused("disk");
		order("used-len", lens[i], 20);
		transfer(20);
		order("none", 0, 0);
		CHECK(refused("disk") == before);
		result("used length %u", lens[i]);
	}

	before = charged("disk");
	order("no-reply", 0, 10);
	for (int i = 0; i < 10; i++)
		CHECK(!get(victim_fd, 2 + i) && errno == EIO);
	order("none", 0, 0);
	CHECK(charged("disk") == before);
	works(victim_fd);
	result("replies that are not written");

	order("silence", 2000, 1);
	storm(&good, &bad);
	CHECK(good == DEPTH);
	result("no answer for two seconds");
}

/* Reads and writes that the device has not answered. */
static int in_flight(void)
{
	FILE *f = fopen("/sys/block/pvda/inflight", "r");
	int reads = 0, writes = 0;

	CHECK(f && fscanf(f, "%d %d", &reads, &writes) == 2);
	if (f)
		fclose(f);
	return reads + writes;
}

/*
 * The driver is taken away while a request is not answered: for a while, or, if
 * the used ring's index is held back, for ever.
 */
static void unbind_under_load(const char *mode, uint64_t argument, bool all_good)
{
	int good, bad, state;
	pid_t pid;

	order(mode, argument, 1000);
	pid = fork();
	if (!pid) {
		check_failures = 0;
		storm(&good, &bad);
		if (all_good)
			CHECK(!bad);
		printf("# %d done, %d failed\n", good, bad);
		_exit(check_failures ? 1 : 0);
	}
	/* All or none: what comes after the driver has gone fails. */
	for (int i = 0; i < 10000 && in_flight() < DEPTH; i++)
		usleep(1000);
	printf("# %d in flight\n", in_flight());
	unbind();
	CHECK(waitpid(pid, &state, 0) == pid);
	CHECK(WIFEXITED(state) && !WEXITSTATUS(state));
	order("none", 0, 0);
	bind_again();
	works(victim_fd);
	result("unbound under load: %s", mode);
}

/* What the meter of the disk is said to show is counted, whatever it is. */
static void meter(const char *what, uint64_t uj, bool back)
{
	long long before = rcfs_value("info/devices", "disk.meter_steps_back");

	CHECK(!rcfs_write("info/base_policy", "equal"));
	order("model-base", uj, 1000);
	for (int i = 0; i < 3; i++) {
		/* Not what was read just before. */
		usleep(30000);
		CHECK(conserved());
	}
	CHECK(rcfs_value("info/devices", "disk.meter_steps_back") == before + back);
	CHECK(!rcfs_write("info/base_policy", "access"));
	CHECK(conserved());
	CHECK(!rcfs_write("info/base_policy", "root"));
	result("a meter that shows %s", what);
}

static void changes(void)
{
	long long before;
	int good, bad, fd;
	char text[512];

	/* Between two looks the devices change places. */
	order("model-swap", 0, 1000);
	unbind();
	bind_again();
	for (int i = 0; i < 10; i++) {
		fd = open("/sys/block/pvda/energy", O_RDONLY);
		CHECK(fd >= 0 && read(fd, text, sizeof(text)) > 0);
		close(fd);
		storm(&good, &bad);
		CHECK(good == DEPTH);
	}
	order("none", 0, 0);
	unbind();
	bind_again();
	result("a model that changes between reads");

	before = refused("disk");
	order("storm", 0, 300);
	for (int i = 0; i < 100; i++) {
		storm(&good, &bad);
		CHECK(good == DEPTH);
	}
	order("none", 0, 0);
	CHECK(refused("disk") == before);
	works(victim_fd);
	result("a storm of changes of the configuration");

	/* Ever new devices: there is an end, and the known ones go on. */
	read_messages();
	order("model-new", 0, 1000);
	for (int i = 0; i < 10; i++) {
		unbind();
		bind_again();
		works(victim_fd);
	}
	read_messages();
	CHECK(said("no energy costs: too many devices") >= 1);
	order("none", 0, 0);
	unbind();
	bind_again();
	before = charged("disk");
	works(victim_fd);
	CHECK(charged("disk") > before);
	result("ever new devices");
}

int main(void)
{
	signal(SIGALRM, SIG_DFL);
	alarm(150);
	kmsg_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	control_fd = open("/dev/pvdb", O_RDWR | O_DIRECT);
	CHECK(kmsg_fd >= 0 && control_fd >= 0);
	CHECK(!mkdir(RCFS "/" OWN, 0755));
	CHECK(!rcfs_bind(OWN, 0, "tasks"));
	find_victim();
	open_victim();
	works(victim_fd);
	/* So the meters are read when somebody asks: orders are for so many answers. */
	CHECK(!rcfs_write("info/base_policy", "root"));
	result("both disks work");

	costs("cost", 0, 0, 0, 0);
	costs("cost", 12345, 12345, 0, 0);
	costs("cost-beyond", 12345, 12345, 0, 0);
	costs("cost-bound", 0, -1, 0, 0);
	costs("cost-above", 0, 0, 1, 1);
	costs("cost-ones", 0, 0, 1, 1);
	costs("cost-top", 0, 0, 1, 0);

	meter("nothing", 0, true);
	meter("the most there is", ~0ULL, false);
	meter("next to nothing", 5, true);
	meter("half of all", 1ULL << 63, false);
	order("none", 0, 0);

	status(0, 0);
	status(1, EIO);
	status(2, EOPNOTSUPP);
	status(3, EIO);
	status(0xff, EIO);
	other_words();

	ring("duplicate", 0, true);
	ring("wild-id", 77, true);
	ring("wild-id", 0xffff, true);
	ring("wild-id", 0xffffffff, true);
	ring("used-idx", 1, true);
	ring("used-idx", 100, true);
	ring("used-idx", 0x8000, true);
	/*
	 * Backwards, behind what was taken before.  Of many requests that would
	 * only hold back the answers to some.
	 */
	ring("used-idx", 0xfffe, false);
	unbind_under_load("silence", 700, true);
	unbind_under_load("used-idx", 0xffff, false);

	model("model-version", 0, "unknown version");
	model("model-version", 2, "unknown version");
	model("model-devices", 0, "number of devices out of range");
	model("model-devices", 9, "number of devices out of range");
	model("model-devices", 0xffffffff, "number of devices out of range");
	model("model-endless", 0, "bad device name");
	model("model-unnamed", 0, "bad device name");
	model("model-upper", 0, "bad device name");
	model("model-newline", 0, "bad device name");
	model("model-twice", 0, "device named twice");
	model("model-cpu", 0, "reserved device name");
	model("model-request", 0, "bound of the costs out of range");
	model("model-byte", 0, "bound of the costs out of range");
	model("model-ones", 0, "unknown version");
	model("model-short", 0, "unknown version");
	model("status", 1, "model not readable");
	changes();

	printf("1..%u\n", tests);
	return check_failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
