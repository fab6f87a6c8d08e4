// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program that was not written for us reads our energy: Debian's
 * prometheus-node-exporter, which shows what is in /sys/class/powercap.  It is
 * given a listening socket, as systemd does, since this kernel has no Internet
 * protocol.  Needs counters, but those of a guest whose zones nobody charges
 * meanwhile are compared exactly.
 */
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "check.h"

#define EXPORTER	"/usr/bin/prometheus-node-exporter"
#define CLASS		"/sys/class/powercap"

static const struct sockaddr_un address = {
	.sun_family = AF_UNIX, .sun_path = "/tmp/exporter",
};

/* The file descriptor after the standard ones is the socket. */
static pid_t start_exporter(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char pid_text[16];
	pid_t pid;

	CHECK(!bind(fd, (const struct sockaddr *)&address, sizeof(address)));
	CHECK(!listen(fd, 8));
	pid = fork();
	if (pid) {
		close(fd);
		return pid;
	}
	if (fd != 3) {
		dup2(fd, 3);
		close(fd);
	}
	snprintf(pid_text, sizeof(pid_text), "%d", getpid());
	setenv("LISTEN_PID", pid_text, 1);
	setenv("LISTEN_FDS", "1", 1);
	execl(EXPORTER, EXPORTER, "--web.systemd-socket", "--web.disable-exporter-metrics",
	      "--collector.disable-defaults", "--collector.rapl", "--log.level=error",
	      NULL);
	_exit(127);
}

/* All its metrics; it has begun to listen before it is ready. */
static char *scrape(void)
{
	static const char request[] = "GET /metrics HTTP/1.0\r\n\r\n";
	static char text[262144];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t len = 0;
	ssize_t n;

	CHECK(!connect(fd, (const struct sockaddr *)&address, sizeof(address)));
	CHECK(write(fd, request, sizeof(request) - 1) == sizeof(request) - 1);
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	text[len] = '\0';
	close(fd);
	return text;
}

/* In microjoules, or -1; @zone is the zone's name, as the metric's name has it. */
static long long metric(const char *text, const char *zone)
{
	char name[128];
	const char *line;
	double joules;

	snprintf(name, sizeof(name), "\nnode_rapl_%s_joules_total{", zone);
	line = strstr(text, name);
	line = line ? strchr(line, '}') : NULL;
	if (!line || sscanf(line, "} %lf", &joules) != 1)
		return -1;
	return joules * 1e6 + 0.5;
}

static void spend(const char *container)
{
	int status;
	long long uj;
	pid_t pid = fork();

	if (!pid) {
		if (rcfs_bind(container, 0, "procs"))
			_exit(1);
		for (volatile int i = 0; i < 20000000; i++)
			;
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && !status);
	/* Its last instructions are charged when its parent was told already. */
	do {
		uj = rcfs_total(container);
		usleep(20000);
	} while (rcfs_total(container) != uj);
}

/* A zone's file, of the zone that has this name; false if there is none. */
static bool zone_file(const char *zone, const char *file, char *text, size_t size)
{
	char path[128];
	FILE *f;
	int i;

	for (i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), CLASS "/rcontainer:0:%x/name", i);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (!fgets(text, size, f))
			*text = '\0';
		fclose(f);
		text[strcspn(text, "\n")] = '\0';
		if (strcmp(text, zone))
			continue;
		snprintf(path, sizeof(path), CLASS "/rcontainer:0:%x/%s", i, file);
		f = fopen(path, "r");
		if (!f || !fgets(text, size, f))
			*text = '\0';
		if (f)
			fclose(f);
		return true;
	}
	return false;
}

/*
 * Zones come and go some time after containers do, those of the same name, too:
 * wait until the zone's file has this text; NULL: until there is no such zone.
 */
static bool zone_shows(const char *zone, const char *file, const char *wanted)
{
	char text[64];
	int i;

	for (i = 0; i < 100; i++) {
		bool there = zone_file(zone, file, text, sizeof(text));

		if (wanted ? there && !strcmp(text, wanted) : !there)
			return true;
		usleep(50000);
	}
	return false;
}

static bool zone_appears(const char *zone, bool there)
{
	char name[64];

	snprintf(name, sizeof(name), "%s\n", zone);
	return zone_shows(zone, "name", there ? name : NULL);
}

static void test_zones(void)
{
	char path[64], text[64];
	int i;

	CHECK(!mkdir(RCFS "/z", 0755));
	CHECK(!mkdir(RCFS "/z/below", 0755));
	CHECK(zone_appears("z", true));
	CHECK(zone_file("z", "max_energy_range_uj", text, sizeof(text)));
	CHECK(!strcmp(text, "9223372036854775807\n"));
	CHECK(zone_file("z", "enabled", text, sizeof(text)) && !strcmp(text, "1\n"));
	CHECK(!zone_file("below", "name", text, sizeof(text)));
	CHECK(!zone_file("idle", "name", text, sizeof(text)));
	spend("z/below");
	CHECK(zone_file("z", "energy_uj", text, sizeof(text)));
	CHECK(atoll(text) == rcfs_total("z") && atoll(text) > 0);

	CHECK(!rename(RCFS "/z", RCFS "/y"));
	CHECK(zone_appears("y", true));
	CHECK(zone_appears("z", false));
	CHECK(zone_file("y", "energy_uj", text, sizeof(text)));
	CHECK(atoll(text) == rcfs_total("y"));
	CHECK(!rmdir(RCFS "/y/below"));

	/* Again and again under the same name. */
	for (i = 0; i < 50; i++) {
		CHECK(!rmdir(RCFS "/y"));
		CHECK(!mkdir(RCFS "/y", 0755));
	}
	CHECK(zone_shows("y", "energy_uj", "0\n"));
	CHECK(!rmdir(RCFS "/y"));
	CHECK(zone_appears("y", false));

	/* No more than there may be; those that are gone make room. */
	for (i = 0; i < 70; i++) {
		snprintf(path, sizeof(path), RCFS "/n%d", i);
		CHECK(!mkdir(path, 0755));
	}
	CHECK(zone_appears("n63", true));
	usleep(500000);
	CHECK(!zone_file("n64", "name", text, sizeof(text)));
	CHECK(!rmdir(RCFS "/n0"));
	CHECK(zone_appears("n0", false));
	CHECK(!mkdir(RCFS "/late", 0755));
	CHECK(zone_appears("late", true));
	CHECK(!rmdir(RCFS "/late"));
	for (i = 1; i < 70; i++) {
		snprintf(path, sizeof(path), RCFS "/n%d", i);
		CHECK(!rmdir(path));
	}
	CHECK(zone_appears("n63", false));
}

int main(void)
{
	long long machine, before, after;
	char *text;
	pid_t pid;
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (access(CLASS, F_OK)) {
		printf("# no powercap\n");
		return 77;
	}
	test_zones();

	CHECK(!mkdir(RCFS "/job", 0755));
	CHECK(zone_appears("job", true));
	spend("job");
	pid = start_exporter();
	before = rcfs_total("");
	text = scrape();
	after = rcfs_total("");
	machine = metric(text, "machine");
	printf("# machine: %lld <= %lld <= %lld uJ; job: %lld uJ\n", before, machine, after,
	       rcfs_total("job"));
	CHECK(before > 0 && before <= machine && machine <= after);
	for (i = 0; i < 3; i++) {
		CHECK(metric(text, "job") == rcfs_total("job"));
		CHECK(rcfs_total("job") > 0);
		spend("job");
		text = scrape();
	}
	CHECK(metric(text, "machine") > machine);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK(!rmdir(RCFS "/job"));
	return check_failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
