// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvlaunch - start one virtual machine in QEMU, on the physical CPUs of an
 * emulated machine that it shares with others, with an energy page.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "machine.h"
#include "model.h"
#include "page.h"
#include "plugin/interface.h"
#include "qemu.h"
#include "qemuversion.h"
#include "supervise.h"
#include "vmdir.h"

/* Exit status; lower ones are the guest's own, higher ones 128 + signal. */
#define STATUS_GUEST_RESET	123
#define STATUS_TIMED_OUT	124
#define STATUS_ERROR		125
#define STATUS_SIGNAL		128

#define MAX_TSC_KHZ		100000000
#define MAX_SLICE_US		1000000
/* The virtio device has no more. */
#define MAX_QUEUES		1024

struct settings {
	struct qemu_config qemu;
	const char *model;
	bool no_plugin;
	bool meter;
	unsigned int nr_pcpus;
	uint64_t tsc_khz;
	uint64_t timeout_ms;
	bool keep;
};

/* What leave() undoes, however the program ends. */
static struct vmdir vmdir = { .fd = -1 };
static bool keep_files;

static void leave(void)
{
	vmdir_leave(&vmdir, keep_files);
}

static void usage(void)
{
	char *dir = default_machine_dir();

	printf("\nUsage:\n %s --name NAME [options] [-- QEMU arguments]\n",
	       program_invocation_short_name);
	puts("\nStart a virtual machine on a shared, emulated machine.\n\n"
	     "Options:");
	printf(" -M, --machine DIR      the emulated machine (default: %s)\n", dir);
	puts(" -n, --name NAME        the virtual machine's name\n"
	     " -k, --kernel FILE      guest kernel\n"
	     " -i, --initrd FILE      initial RAM disk\n"
	     " -a, --append STRING    kernel command line\n"
	     "                          (default: console=ttyS0 panic=-1)\n"
	     " -p, --pcpus LIST       a virtual CPU on each of these physical CPUs\n"
	     "                          (default: 0)\n"
	     " -m, --memory MIB       guest memory (default: 512)\n"
	     " -d, --disk SOCKET[,queues=N]\n"
	     "                        a disk that is served there, as by pvblkd;\n"
	     "                          may be repeated\n"
	     "     --model FILE       energy weights (default: Pentium 4)\n"
	     "     --nr-pcpus N       physical CPUs of a new machine\n"
	     "     --tsc-khz N        time stamp counter's rate of a new machine\n"
	     "     --slice-us N       longest turn while others wait (default: 1000)\n"
	     "     --meter            base cost is metered by cpuacctd, which runs\n"
	     "     --no-subtract      do not log absences in the energy page\n"
	     "     --no-memory        do not look at memory accesses\n"
	     "     --no-page          do not show the guest its energy page\n"
	     "     --no-plugin        count nothing\n"
	     "     --plugin FILE      QEMU plugin (default: the one that comes\n"
	     "                          with this program)\n"
	     "     --icount           virtual time by instructions: runs repeat\n"
	     "     --serial FILE      serial port's output, or 'stdio' (default)\n"
	     "     --timeout SECONDS  end the virtual machine after that time\n"
	     "     --keep             leave files in the machine's directory\n"
	     "     --qemu PROGRAM     (default: qemu-system-x86_64)\n"
	     "\n"
	     " -h, --help             display this help\n"
	     " -V, --version          display version\n"
	     "\n"
	     "For more details see pvlaunch(8).");
	free(dir);
}

static void add_pcpu(struct qemu_config *q, unsigned long pcpu, const char *list)
{
	if (pcpu >= MACHINE_MAX_PCPUS)
		errx(STATUS_ERROR, "--pcpus %s: the highest physical CPU is %d",
		     list, MACHINE_MAX_PCPUS - 1);
	/* A virtual machine counts at one place per physical CPU. */
	for (unsigned int i = 0; i < q->nr_vcpus; i++)
		if (q->pcpu[i] == pcpu)
			errx(STATUS_ERROR, "--pcpus %s: %lu is there twice", list,
			     pcpu);
	q->pcpu[q->nr_vcpus++] = pcpu;
}

/* Numbers and ranges, as "0,2-3". */
static void parse_pcpus(struct qemu_config *q, const char *list)
{
	const char *s = list;

	q->nr_vcpus = 0;
	for (;;) {
		unsigned int first, last;
		int end = 0;

		if (*s < '0' || *s > '9' || sscanf(s, "%4u%n", &first, &end) < 1)
			break;
		s += end;
		last = first;
		if (*s == '-') {
			s++;
			if (*s < '0' || *s > '9' ||
			    sscanf(s, "%4u%n", &last, &end) < 1 || last < first)
				break;
			s += end;
		}
		for (unsigned int pcpu = first; pcpu <= last; pcpu++)
			add_pcpu(q, pcpu, list);
		if (!*s)
			return;
		if (*s++ != ',')
			break;
	}
	errx(STATUS_ERROR, "--pcpus: '%s' is not a list of numbers", list);
}

static void add_disk(struct qemu_config *q, char *arg)
{
	static const char suffix[] = ",queues=";
	struct qemu_disk *d = &q->disks[q->nr_disks];
	char *queues = strstr(arg, suffix);
	struct stat st;

	if (q->nr_disks++ == QEMU_MAX_DISKS)
		errx(STATUS_ERROR, "--disk: no more than %d", QEMU_MAX_DISKS);
	if (queues) {
		d->queues = option_number("disk", queues + strlen(suffix), 1,
					  MAX_QUEUES);
		*queues = '\0';
	}
	d->socket = arg;
	/* QEMU would wait for it without a word. */
	if (stat(arg, &st))
		err(STATUS_ERROR, "--disk %s", arg);
	if (!S_ISSOCK(st.st_mode))
		errx(STATUS_ERROR, "--disk %s: not a socket", arg);
}

enum {
	OPT_MODEL = 256, OPT_NR_PCPUS, OPT_TSC_KHZ, OPT_SLICE_US, OPT_METER, OPT_NO_SUBTRACT,
	OPT_NO_MEMORY, OPT_NO_PAGE, OPT_NO_PLUGIN, OPT_PLUGIN, OPT_ICOUNT, OPT_SERIAL,
	OPT_TIMEOUT, OPT_KEEP, OPT_QEMU,
};

static const struct option options[] = {
	{ "machine",	 required_argument, NULL, 'M' },
	{ "name",	 required_argument, NULL, 'n' },
	{ "kernel",	 required_argument, NULL, 'k' },
	{ "initrd",	 required_argument, NULL, 'i' },
	{ "append",	 required_argument, NULL, 'a' },
	{ "pcpus",	 required_argument, NULL, 'p' },
	{ "memory",	 required_argument, NULL, 'm' },
	{ "disk",	 required_argument, NULL, 'd' },
	{ "model",	 required_argument, NULL, OPT_MODEL },
	{ "nr-pcpus",	 required_argument, NULL, OPT_NR_PCPUS },
	{ "tsc-khz",	 required_argument, NULL, OPT_TSC_KHZ },
	{ "slice-us",	 required_argument, NULL, OPT_SLICE_US },
	{ "meter",	 no_argument,	    NULL, OPT_METER },
	{ "no-subtract", no_argument,	    NULL, OPT_NO_SUBTRACT },
	{ "no-memory",	 no_argument,	    NULL, OPT_NO_MEMORY },
	{ "no-page",	 no_argument,	    NULL, OPT_NO_PAGE },
	{ "no-plugin",	 no_argument,	    NULL, OPT_NO_PLUGIN },
	{ "plugin",	 required_argument, NULL, OPT_PLUGIN },
	{ "icount",	 no_argument,	    NULL, OPT_ICOUNT },
	{ "serial",	 required_argument, NULL, OPT_SERIAL },
	{ "timeout",	 required_argument, NULL, OPT_TIMEOUT },
	{ "keep",	 no_argument,	    NULL, OPT_KEEP },
	{ "qemu",	 required_argument, NULL, OPT_QEMU },
	{ "help",	 no_argument,	    NULL, 'h' },
	{ "version",	 no_argument,	    NULL, 'V' },
	{ 0 }
};

static void parse_option(int c, struct settings *s)
{
	struct qemu_config *q = &s->qemu;

	switch (c) {
	case 'M':
		q->machine_dir = optarg;
		break;
	case 'n':
		q->name = optarg;
		break;
	case 'k':
		q->kernel = optarg;
		break;
	case 'i':
		q->initrd = optarg;
		break;
	case 'a':
		q->append = optarg;
		break;
	case 'p':
		parse_pcpus(q, optarg);
		break;
	case 'm':
		q->memory_mib = option_number("memory", optarg, 1, 1 << 20);
		break;
	case 'd':
		add_disk(q, optarg);
		break;
	case OPT_MODEL:
		s->model = optarg;
		break;
	case OPT_NR_PCPUS:
		s->nr_pcpus = option_number("nr-pcpus", optarg, 1,
					    MACHINE_MAX_PCPUS);
		break;
	case OPT_TSC_KHZ:
		s->tsc_khz = option_number("tsc-khz", optarg, 1, MAX_TSC_KHZ);
		break;
	case OPT_SLICE_US:
		q->slice_us = option_number("slice-us", optarg, 1, MAX_SLICE_US);
		break;
	case OPT_METER:
		s->meter = true;
		break;
	case OPT_NO_SUBTRACT:
		q->no_subtract = true;
		break;
	case OPT_NO_MEMORY:
		q->no_memory = true;
		break;
	case OPT_NO_PAGE:
		q->show_page = false;
		break;
	case OPT_NO_PLUGIN:
		s->no_plugin = true;
		break;
	case OPT_PLUGIN:
		q->plugin = optarg;
		break;
	case OPT_ICOUNT:
		q->icount = true;
		break;
	case OPT_SERIAL:
		q->serial = optarg;
		break;
	case OPT_TIMEOUT:
		s->timeout_ms = option_milliseconds("timeout", optarg);
		break;
	case OPT_KEEP:
		s->keep = true;
		break;
	case OPT_QEMU:
		q->qemu = optarg;
		break;
	default:
		option_rest(c, usage);
	}
}

static void need_file(const char *file)
{
	int fd;

	if (!file)
		return;
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err(STATUS_ERROR, "cannot read %s", file);
	close(fd);
}

static void parse(int argc, char **argv, struct settings *s)
{
	struct qemu_config *q = &s->qemu;
	int c;

	while ((c = getopt_long(argc, argv, "+M:n:k:i:a:p:m:d:hV", options, NULL)) >= 0)
		parse_option(c, s);
	if (optind < argc && strcmp(argv[optind - 1], "--"))
		errx(STATUS_ERROR, "unexpected argument '%s'; QEMU's go after '--'",
		     argv[optind]);
	q->extra = argv + optind;

	if (!q->name)
		errx(STATUS_ERROR, "--name is missing");
	if (!page_vm_name_valid(q->name))
		errx(STATUS_ERROR, "--name '%s': up to %d letters, digits, '_', '-' and '.'",
		     q->name, PVENERGY_NAME_LEN - 1);
	if (!q->kernel && (q->initrd || q->append))
		errx(STATUS_ERROR, "--initrd and --append need --kernel");
	if (s->no_plugin && (q->plugin || q->no_subtract || q->no_memory || q->slice_us))
		errx(STATUS_ERROR, "--no-plugin excludes --plugin, --no-subtract, --no-memory and --slice-us");
	if (q->kernel && !q->append)
		q->append = "console=ttyS0 panic=-1";
	if (!q->machine_dir)
		q->machine_dir = default_machine_dir();
	if (!s->no_plugin && !q->plugin)
		q->plugin = data_file("pvplugin.so");
	need_file(q->kernel);
	need_file(q->initrd);
	need_file(q->plugin);
}

/* Which QEMU there is, and what its plugin has to know of that. */
static void look_at_qemu(struct qemu_config *q)
{
	q->version = qemu_version(q->qemu);
	if (q->version && q->version < QEMU_VERSION_OLDEST)
		errx(STATUS_ERROR, "%s: QEMU %u.%u is too old: 7.2 to 11.1 are supported",
		     q->qemu, q->version / 100, q->version % 100);
	/* The one version that the plugin can't tell from the next by itself. */
	if (q->version == QEMU_VERSION(11, 0))
		setenv(INTERFACE_ENV, "6", 1);
}

/* Claim the virtual machine's place in the machine, and make its page. */
static void set_up(struct settings *s, const struct model *model)
{
	struct qemu_config *q = &s->qemu;
	unsigned int min_pcpus = 0;

	for (unsigned int i = 0; i < q->nr_vcpus; i++)
		if (min_pcpus < q->pcpu[i] + 1)
			min_pcpus = q->pcpu[i] + 1;

	keep_files = s->keep;
	atexit(leave);
	vmdir_enter(&vmdir, q->machine_dir);
	vmdir_machine(&vmdir, s->nr_pcpus, min_pcpus, s->tsc_khz);
	vmdir_claim_name(&vmdir, q->name);
	vmdir_create_page(&vmdir, q->name, q->nr_vcpus, model,
			  s->meter ? PVENERGY_METER : 0);
	vmdir_unlock(&vmdir);
	q->page = vmdir.page;
	q->page_size = page_file_size(q->nr_vcpus);
}

/* isa-debug-exit: QEMU's status is twice the guest's, plus one. */
static int exit_status(const struct settings *s, const struct outcome *o)
{
	int status = WEXITSTATUS(o->wait_status);

	if (o->signal)
		return STATUS_SIGNAL + o->signal;
	if (o->timed_out) {
		warnx("%s: time is over", s->qemu.name);
		return STATUS_TIMED_OUT;
	}
	if (WIFSIGNALED(o->wait_status)) {
		warnx("%s: %s", s->qemu.qemu, strsignal(WTERMSIG(o->wait_status)));
		return STATUS_SIGNAL + WTERMSIG(o->wait_status);
	}
	if (!o->started) {
		warnx("%s: could not start the virtual machine", s->qemu.qemu);
		if (s->qemu.plugin && s->qemu.version > QEMU_VERSION_NEWEST)
			warnx("QEMU %u.%u is newer than what the plugin was made for: 7.2 to 11.1 are supported",
			      s->qemu.version / 100, s->qemu.version % 100);
		return STATUS_ERROR;
	}
	if (o->reset) {
		warnx("%s: the guest reset itself", s->qemu.name);
		return STATUS_GUEST_RESET;
	}
	return status & 1 ? status / 2 : status;
}

int main(int argc, char **argv)
{
	/* What it points to is there for as long as the program. */
	static struct settings s = {
		.qemu = {
			.qemu = "qemu-system-x86_64",
			.nr_vcpus = 1,
			.memory_mib = 512,
			.serial = "stdio",
			.show_page = true,
		},
	};
	struct outcome outcome;
	struct qemu_args args;
	struct model model;
	sigset_t mask;
	int control[2];

	exit_failure = STATUS_ERROR;
	parse(argc, argv, &s);
	look_at_qemu(&s.qemu);
	option_model(s.model, &model);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control))
		err(STATUS_ERROR, "cannot create sockets");
	s.qemu.qmp_fd = control[1];

	supervise_begin(&mask);
	set_up(&s, &model);
	qemu_args_make(&args, &s.qemu);
	outcome = supervise(args.argv, control[0],
			    (const int[]){ control[1], vmdir.page_fd, -1 },
			    s.timeout_ms, !strcmp(s.qemu.serial, "stdio"), &mask);
	qemu_args_free(&args);
	return exit_status(&s, &outcome);
}
