// SPDX-License-Identifier: GPL-2.0-or-later
/* pvblkd - serve disks to virtual machines, and tell what each request costs. */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "monitor.h"
#include "options.h"
#include "pvblkd.h"
#include "service.h"

static struct server server;
static bool end;

static int show(char **files)
{
	char message[STATE_ERR_LEN];
	struct state_view view;
	int status = EXIT_SUCCESS;

	for (char **file = files; *file; file++) {
		if (state_read(*file, &view, message)) {
			warnx("%s", message);
			status = EXIT_FAILURE;
			continue;
		}
		if (file != files)
			putchar('\n');
		show_state(&view);
	}
	if (fflush(stdout))
		err(EXIT_FAILURE, "cannot write");
	return status;
}

static void show_all(void)
{
	struct state_view view;

	server_meter(&server);
	for (struct disk *d = server.disks; d; d = d->next) {
		state_look(d->state, &view);
		show_state(&view);
		putchar('\n');
	}
	fflush(stdout);
}

static void resize_all(void)
{
	for (struct disk *d = server.disks; d; d = d->next)
		disk_resize(d);
}

static void on_signal(struct watch *watch)
{
	const struct signalfd_siginfo *info = (const void *)&watch->data;

	switch (info->ssi_signo) {
	case SIGHUP:
		resize_all();
		break;
	case SIGUSR1:
		show_all();
		break;
	default:
		/* Who is asked twice does not wait for what hangs. */
		if (end)
			exit(EXIT_FAILURE);
		end = true;
	}
}

static void catch_signals(void)
{
	sigset_t set;
	int fd;

	_Static_assert(sizeof(struct signalfd_siginfo) <=
		       sizeof(((struct watch *)0)->data), "");
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		err(exit_failure, "cannot receive signals");
	server.signals = watch_start(&server.io, fd, sizeof(struct signalfd_siginfo),
				     on_signal, NULL);
}

/* Return: @net with the network that the disk is behind, NULL if there is none. */
static const struct netmodel *load_net(const struct disk_options *d, struct netmodel *net)
{
	char message[MODELTEXT_ERR_LEN];
	char *file;

	if (!d->nbd)
		return NULL;
	memset(net, 0, sizeof(*net));
	file = d->net_model ? format("%s", d->net_model) : data_file("models/gigabit.net");
	if (netmodel_load(file, net, message))
		errx(exit_failure, "%s", message);
	free(file);
	if (d->net_device)
		strcpy(net->name, d->net_device);
	return net;
}

static bool same_net(const struct netmodel *a, const struct netmodel *b)
{
	return a && b ? !memcmp(a, b, sizeof(*a)) : a == b;
}

static void load_model(const struct disk_options *d, const char *file,
		       const struct netmodel *net, struct diskmodel *model)
{
	char message[DISKMODEL_ERR_LEN];

	if (diskmodel_load(file, model, message))
		errx(exit_failure, "%s", message);
	if (d->device)
		strcpy(model->name, d->device);
	if (!strcmp(model->name, CPU_DEVICE_NAME))
		errx(exit_failure, "%s: '%s' cannot be a device's name", file,
		     CPU_DEVICE_NAME);
	if (net && (!strcmp(net->name, model->name) || !strcmp(net->name, CPU_DEVICE_NAME)))
		errx(exit_failure, "--disk %s: '%s' is the name of two devices", d->name,
		     net->name);
}

/* Disks on the same device are on one physical disk, so they share its model. */
static struct physical *find_physical(const struct disk_options *d,
				      const char *file)
{
	struct netmodel loaded, *copy;
	const struct netmodel *net = load_net(d, &loaded);
	struct diskmodel model;
	struct physical *p;

	load_model(d, file, net, &model);
	for (p = server.physicals; p; p = p->next) {
		if (strcmp(p->model.name, model.name))
			continue;
		if (memcmp(&p->model, &model, sizeof(model)))
			errx(exit_failure, "--disk %s: device %s has another model, %s",
			     d->name, p->model.name, p->file);
		if (!same_net(p->net, net))
			errx(exit_failure, "--disk %s: device %s is not behind the same network",
			     d->name, p->model.name);
		return p;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		err(exit_failure, "cannot allocate memory");
	p->model = model;
	p->file = format("%s", file);
	if (net) {
		copy = malloc(sizeof(*copy));
		if (!copy)
			err(exit_failure, "cannot allocate memory");
		*copy = *net;
		p->net = copy;
	}
	cost_disk_init(&p->cost, &p->model);
	p->meter.power_mw = p->model.speed[0].idle_power_mw;
	p->meter.last_ns = monotonic_ns();
	speed_init(&p->speed, &p->model, p->meter.last_ns);
	p->next = server.physicals;
	server.physicals = p;
	return p;
}

static void open_state(struct disk *disk, const char *dir)
{
	char device[NR_DEVICES][PVBLK_NAME_LEN] = { [DEVICE_CPU] = CPU_DEVICE_NAME };
	char *path = format("%s/%s.state", dir, disk->name);
	char message[STATE_ERR_LEN];

	strcpy(device[DEVICE_DISK], disk->physical->model.name);
	if (disk->physical->net)
		strcpy(device[DEVICE_NET], disk->physical->net->name);
	disk->state = state_open(path, disk->name, device, disk_devices(disk),
				 disk->physical->cost.rate, message);
	if (!disk->state)
		errx(exit_failure, "%s", message);
	free(path);
}

static void add_disk(const struct disk_options *d, const struct options *options,
		     const char *default_model)
{
	const char *model = d->model ? d->model : options->model;
	struct disk *disk = calloc(1, sizeof(*disk)), **tail = &server.disks;

	if (!disk)
		err(exit_failure, "cannot allocate memory");
	disk->server = &server;
	disk->name = d->name;
	disk->file = d->file ? d->file : d->nbd;
	disk->socket = d->socket;
	disk->readonly = d->readonly;
	disk->direct = d->direct;
	disk->nr_queues = d->queues;
	disk->physical = find_physical(d, model ? model : default_model);
	disk->overhead = d->overhead != NR_OVERHEADS ? d->overhead : options->overhead;
	if (d->nbd)
		disk->nbd = nbd_open(disk, d->nbd, d->wait_s);
	open_state(disk, options->state_dir);
	disk->params.path = format("%s/%s.params", options->state_dir, disk->name);
	disk_open(disk);
	while (*tail)
		tail = &(*tail)->next;
	*tail = disk;
}

static void serve(struct disk *disk)
{
	disk_listen(disk);
	printf("%s: %s, %" PRIu64 " bytes%s%s, at %s, on %s of %s%s%s\n", disk->name,
	       disk->file, disk->sectors * SECTOR_SIZE,
	       disk->readonly ? ", read-only" : "",
	       disk->direct ? ", direct" : "", disk->socket,
	       disk->physical->model.name, disk->physical->file,
	       disk->nbd ? ", behind " : "", disk->nbd ? disk->physical->net->name : "");
}

static void start(const struct options *options)
{
	char *default_model = data_file("models/ultrastar.disk");
	struct cpu_source *source = NULL;
	char text[128];

	if (!options->cpu_power_given)
		source = cpu_source_perf();
	if (!source)
		source = cpu_source_clock(options->cpu_power_mw);
	server_init(&server, source);
	source->describe(source, text, sizeof(text));
	printf("own CPU: %s; %" PRIu64 " mW without requests\n", text,
	       server.cpu_meter.power_mw);
	catch_signals();
	if (mkdir(options->state_dir, 0700) && errno != EEXIST)
		err(exit_failure, "%s", options->state_dir);
	for (const struct disk_options *d = options->disks; d; d = d->next)
		add_disk(d, options, default_model);
	free(default_model);
	server_take_over(&server);
	if (!options->resmond || strcmp(options->resmond, "none"))
		monitor_open(&server, options->subsystem, options->resmond);
	/* Who connects now finds all well. */
	for (struct disk *d = server.disks; d; d = d->next)
		serve(d);
	puts("ready");
	fflush(stdout);
	service_notify("READY=1", -1);
}

static void remove_sockets(void)
{
	for (struct disk *d = server.disks; d; d = d->next)
		unlink(d->socket);
}

int main(int argc, char **argv)
{
	/* What it points to is there for as long as the program. */
	static struct options options;

	/* A connected disk has up to 30. */
	raise_fd_limit();
	options_parse(&options, argc, argv);
	if (options.show)
		return show(argv + options.first);
	start(&options);
	while (!end)
		server_step(&server, true);
	service_notify("STOPPING=1", -1);
	remove_sockets();
	server_stop(&server);
	for (struct disk *d = server.disks; d; d = d->next)
		nbd_end(d->nbd);
	/* What was cancelled has ended then, and is freed. */
	server_step(&server, false);
	show_all();
	monitor_close(&server);
	/* That has cancelled something, too. */
	io_run(&server.io, false);
	io_exit(&server.io);
	return EXIT_SUCCESS;
}
