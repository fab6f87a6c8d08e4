// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * resmon_feed - a device subsystem for tests: publishes what it is told.
 *
 *	resmon_feed [--origin N] [--former add|instead|drop] NAME DEVICE:KIND...
 *
 * Commands come on standard input, one a line; each is answered by a line when
 * it is done.  At the end of input, or at "quit", it closes the subsystem in good
 * order.
 *
 *	add VM [COOKIE]		remove VM
 *	base VM PJ		access VM DEVICE PJ	(VM may be (nobody))
 *	spin VM TIMES PJ	base and access of device 0 at once, many times
 *	wait STATUS		until the status has these words in it
 *	status
 */
#include <err.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "resmond/subsystem.h"

#define WAIT_TURNS	1000

static struct subsystem *s;
static struct {
	char name[RESMON_NAME_LEN];
	int client;
} vms[RESMON_MAX_CLIENTS + 1];
static int nr_vms;

static enum subsystem_former former_is;

static enum subsystem_former on_former(void *arg, const struct region_view *v)
{
	return former_is;
}

static int find(const char *name)
{
	if (!strcmp(name, "(nobody)"))
		return SUBSYSTEM_NOBODY;
	for (int i = nr_vms; i-- > 0;)
		if (!strcmp(vms[i].name, name))
			return vms[i].client;
	errx(1, "no VM '%s'", name);
}

static void add(const char *name, uint64_t cookie)
{
	int client = subsystem_client_add(s, name, cookie);

	if (client < 0) {
		printf("error %s\n", strerror(-client));
		return;
	}
	snprintf(vms[nr_vms].name, sizeof(vms[0].name), "%s", name);
	vms[nr_vms].client = client;
	nr_vms = (nr_vms + 1) % (RESMON_MAX_CLIENTS + 1);
	puts("ok");
}

static void wait_for(const char *words)
{
	struct pollfd p = { .fd = subsystem_fd(s), .events = POLLIN };

	for (int i = 0; i < WAIT_TURNS; i++) {
		subsystem_poll(s);
		if (strstr(subsystem_status(s), words)) {
			puts("ok");
			return;
		}
		poll(&p, 1, 10);
	}
	printf("timeout: %s\n", subsystem_status(s));
}

static void spin(int client, uint64_t times, uint64_t pj)
{
	const uint64_t access_pj[RESMON_MAX_DEVICES] = { pj };

	while (times--)
		subsystem_charge(s, client, pj, access_pj);
	puts("ok");
}

static void command(char *line)
{
	char vm[RESMON_NAME_LEN] = "", word[160] = "";
	uint64_t a = 0, b = 0;

	if (sscanf(line, "add %63s %" SCNu64, vm, &a) >= 1) {
		add(vm, a);
	} else if (sscanf(line, "remove %63s", vm) == 1) {
		subsystem_client_remove(s, find(vm));
		puts("ok");
	} else if (sscanf(line, "base %63s %" SCNu64, vm, &a) == 2) {
		subsystem_charge_base(s, find(vm), a);
		puts("ok");
	} else if (sscanf(line, "access %63s %" SCNu64 " %" SCNu64, vm, &a, &b) == 3) {
		subsystem_charge_access(s, find(vm), a, b);
		puts("ok");
	} else if (sscanf(line, "spin %63s %" SCNu64 " %" SCNu64, vm, &a, &b) == 3) {
		spin(find(vm), a, b);
	} else if (sscanf(line, "wait %159[^\n]", word) == 1) {
		wait_for(word);
	} else if (!strcmp(line, "status\n")) {
		printf("%s\n", subsystem_status(s));
	} else {
		errx(1, "unknown command: %s", line);
	}
}

static void parse_device(struct subsystem_config *config, char *arg)
{
	static const char *const kinds[] = { "other", "cpu", "disk", "network" };
	struct resmon_device *device = &config->device[config->nr_devices++];
	char *kind = strchr(arg, ':');

	if (!kind)
		errx(1, "no kind in '%s'", arg);
	*kind++ = '\0';
	snprintf(device->name, sizeof(device->name), "%s", arg);
	for (unsigned int i = 0; i < 4; i++)
		if (!strcmp(kinds[i], kind))
			device->kind = i;
}

int main(int argc, char **argv)
{
	struct subsystem_config config = { .version = 1, .former = on_former };
	struct pollfd p[2];
	char *line = NULL;
	size_t size = 0;
	int i = 1;

	for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
		if (!strcmp(argv[i], "--origin"))
			config.origin = strtoull(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--former"))
			former_is = *argv[i + 1] == 'a' ? SUBSYSTEM_ADD :
				    *argv[i + 1] == 'i' ? SUBSYSTEM_INSTEAD :
				    SUBSYSTEM_DROP;
	}
	if (i >= argc)
		errx(1, "no name");
	config.name = argv[i++];
	while (i < argc)
		parse_device(&config, argv[i++]);
	s = subsystem_open(&config);
	if (!s)
		err(1, "cannot open subsystem");
	setvbuf(stdin, NULL, _IONBF, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);

	p[0] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = subsystem_fd(s), .events = POLLIN };
	for (;;) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents)
			subsystem_poll(s);
		if (!p[0].revents)
			continue;
		if (getline(&line, &size, stdin) < 0 || !strcmp(line, "quit\n"))
			break;
		command(line);
	}
	free(line);
	subsystem_close(s);
	return 0;
}
