// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvblkd_published - for tests: what the resource monitor has of a disk, and
 * what its state file says, to the picojoule.
 *
 *	pvblkd_published SUBSYSTEM STATE-FILE
 *
 * Prints both; the exit status is 0 if they are the same, and there were requests.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "figures.h"
#include "resmond/region.h"
#include "resmond/wire.h"

static struct region_view region;

/* Return: whether the monitor has it. */
static bool look(const char *subsystem)
{
	struct resmon_msg msg = { .type = RESMON_MSG_LIST };
	char *path = wire_default_socket();
	int sock = wire_connect(path), fd, ret;
	const struct resmon_region *map;
	struct resmon_head head;
	bool found = false;

	if (sock < 0 || wire_send(sock, &msg, -1))
		errx(EXIT_FAILURE, "no resource monitor at %s", path);
	while ((ret = wire_receive(sock, &msg, &fd)) == 1 || ret == -EAGAIN) {
		if (ret != 1) {
			usleep(1000);
			continue;
		}
		if (msg.type != RESMON_MSG_ENTRY)
			break;
		if (!strcmp(msg.name, subsystem) && !region_check(fd, &head)) {
			map = region_map(fd);
			found = map && region_view(map, &region) && !region.stale;
		}
		close(fd);
	}
	close(sock);
	free(path);
	return found;
}

static void print(const char *what, energy_t pj)
{
	printf(" %s %llu.%09llu", what, (unsigned long long)(pj / 1000000000),
	       (unsigned long long)(pj % 1000000000));
}

static void print_figures(const char *title, const struct state_view *view,
			  const struct figures *f)
{
	printf("%s, mJ: base", title);
	print("", f->base);
	for (unsigned int i = 0; i < view->nr_devices; i++)
		print(view->device[i], f->access[i]);
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct figures published, charged;
	char message[STATE_ERR_LEN];
	struct state_view view;

	if (argc != 3)
		errx(EXIT_FAILURE, "usage: pvblkd_published SUBSYSTEM STATE-FILE");
	if (!look(argv[1]))
		errx(EXIT_FAILURE, "no subsystem '%s'", argv[1]);
	if (state_read(argv[2], &view, message))
		errx(EXIT_FAILURE, "%s", message);
	figures_of_region(&region, &view, &published);
	figures_of_state(&view, &charged);
	print_figures("published", &view, &published);
	print_figures("charged  ", &view, &charged);
	return charged.access[0] &&
	       !memcmp(&published, &charged, sizeof(charged)) ?
		EXIT_SUCCESS : EXIT_FAILURE;
}
