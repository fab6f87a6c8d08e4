// SPDX-License-Identifier: GPL-2.0-or-later
/* The registry: what it promises, and to whom not. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "resmond/wire.h"
#include "util.h"

static unsigned int nr_dropped;
static uint64_t dropped;

static void on_store(const struct registry_subsystem *new,
		     const struct resmon_head *old)
{
	assert_null(new);
	nr_dropped++;
	dropped = old->id;
}

/* The monitor was killed between keeping the new region and dropping the old. */
static void test_adopt(void **state)
{
	struct resmon_region *old, *new;
	int fds[4];

	for (int order = 0; order < 2; order++) {
		start_registry();
		registry.store = on_store;
		nr_dropped = 0;
		old = make_region(&fds[0]);
		new = make_region(&fds[1]);
		new->head.absorbed = old->head.id;
		fds[3] = dup(fds[1]);
		assert_null(registry_adopt(&registry, fds[order]));
		assert_int_equal(nr_dropped, 0);
		assert_null(registry_adopt(&registry, fds[1 - order]));
		assert_int_equal(registry.nr_subsystems, 1);
		assert_true(registry.subsystem[0]->head.id == new->head.id);
		assert_int_equal(nr_dropped, 1);
		assert_true(dropped == old->head.id);
		/* It may be kept twice. */
		assert_null(registry_adopt(&registry, fds[3]));
		assert_int_equal(registry.nr_subsystems, 1);
		region_unmap(old);
		region_unmap(new);
		old = make_region(&fds[2]);
		assert_non_null(registry_adopt(&registry, fds[2]));
		region_unmap(old);
		assert_non_null(registry_adopt(&registry, open("/dev/null", O_RDONLY)));
		assert_int_equal(nr_dropped, 1);
		stop_registry();
	}
}

/* A region says what its owner likes, also that it follows another's. */
static void test_adopt_others(void **state)
{
	static const struct { uid_t old, new; bool follows; } pairs[] = {
		{ 1000, 1000, true }, { 1000, 0, true },
		{ 1000, 1001, false }, { 0, 1000, false },
	};
	struct resmon_region *old, *new;
	int fds[2];

	if (geteuid())
		skip();
	for (unsigned int i = 0; i < 2 * sizeof(pairs) / sizeof(*pairs); i++) {
		start_registry();
		old = make_region(&fds[0]);
		new = make_region(&fds[1]);
		new->head.absorbed = old->head.id;
		assert_int_equal(fchown(fds[0], pairs[i / 2].old, -1), 0);
		assert_int_equal(fchown(fds[1], pairs[i / 2].new, -1), 0);
		assert_null(registry_adopt(&registry, fds[i % 2]));
		assert_int_equal(!registry_adopt(&registry, fds[1 - i % 2]),
				 pairs[i / 2].follows);
		region_unmap(old);
		region_unmap(new);
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
	/* It counts until it is really gone. */
	assert_int_equal(registry.nr_peers, 2);
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

/* Take a message. Return: its type; 0 at the end. */
static uint32_t next(int sock)
{
	struct resmon_msg msg;
	int fd, ret = wire_receive(sock, &msg, &fd);

	assert_true(ret >= 0);
	if (!ret)
		return 0;
	assert_int_equal(fd >= 0, msg.type == RESMON_MSG_ENTRY);
	if (fd >= 0)
		close(fd);
	return msg.type;
}

static void list(int sock)
{
	struct resmon_msg msg = { .type = RESMON_MSG_LIST };

	wire_send(sock, &msg, -1);
	registry_run(&registry, NULL);
}

/* The next list is for who has read the last one, and then as often as it likes. */
static void test_unread(void **state)
{
	struct subsystem *s;
	int sock;

	start_registry();
	s = subsystem_open(&vda);
	assert_true(pump(s, true));
	sock = connect_raw();
	for (int i = 0; i < 1000; i++) {
		list(sock);
		assert_int_equal(next(sock), RESMON_MSG_ENTRY);
		assert_int_equal(next(sock), RESMON_MSG_END);
	}
	list(sock);
	assert_int_equal(next(sock), RESMON_MSG_ENTRY);
	list(sock);
	list(sock);
	assert_int_equal(next(sock), RESMON_MSG_END);
	assert_int_equal(next(sock), RESMON_MSG_ERROR);
	assert_int_equal(next(sock), 0);
	close(sock);
	subsystem_close(s);
	stop_registry();
}

/* What is not read is bounded, even if who does not read ends its connections. */
static void test_deaf(void **state)
{
	unsigned int before = count_fds(), answered = 0;
	int sock[2 * REGISTRY_MAX_PEERS];
	struct subsystem *s;

	start_registry();
	s = subsystem_open(&vda);
	assert_true(pump(s, true));
	for (unsigned int i = 0; i < 2 * REGISTRY_MAX_PEERS; i++) {
		sock[i] = connect_raw();
		list(sock[i]);
		shutdown(sock[i], SHUT_WR);
		registry_run(&registry, NULL);
	}
	for (unsigned int i = 0; i < 2 * REGISTRY_MAX_PEERS; i++) {
		answered += next(sock[i]) == RESMON_MSG_ENTRY;
		close(sock[i]);
	}
	/* Without the subsystem's, and the one that is told that there is no room. */
	assert_int_equal(answered, REGISTRY_MAX_PEERS - 2);
	sock[0] = connect_raw();
	assert_int_equal(registry.nr_peers, 2);
	list(sock[0]);
	assert_int_equal(next(sock[0]), RESMON_MSG_ENTRY);
	close(sock[0]);
	assert_true(subsystem_registered(s));
	subsystem_close(s);
	stop_registry();
	assert_int_equal(count_fds(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adopt),
		cmocka_unit_test(test_adopt_others),
		cmocka_unit_test(test_protocol),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_many_fds),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_deaf),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
