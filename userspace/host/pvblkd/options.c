// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "options.h"

#define DEFAULT_STATE_DIR	"/var/lib/rcontainer"
#define DEFAULT_QUEUES		8
#define DEFAULT_WAIT_S		10
#define MAX_WAIT_S		86400
#define NO_WAIT			UINT_MAX	/* nothing was said */

static const char * const overheads[NR_OVERHEADS] = {
	[OVERHEAD_CPU]		= "device-cpu",
	[OVERHEAD_DISK]		= "disk",
	[OVERHEAD_BALLOON]	= "balloon",
};

static void usage(void)
{
	printf("\nUsage:\n"
	       " %1$s [options] --disk NAME,socket=PATH,file=PATH...\n"
	       " %1$s [options] --disk NAME,socket=PATH,nbd=URI...\n"
	       " %1$s --show STATE-FILE...\n", program_invocation_short_name);
	puts("\nServe disks to virtual machines, and tell them what each request costs.\n\n"
	     "Options:\n"
	     " -d, --disk NAME,OPTION,...  serve a disk; its options:\n"
	     "                               socket=PATH   where QEMU connects\n"
	     "                               file=PATH     image or block device\n"
	     "                               nbd=URI       or the server that has the data\n"
	     "                               model=FILE    energy model\n"
	     "                               device=NAME   physical disk, as guests see it\n"
	     "                               overhead=HOW  as --overhead, for this disk\n"
	     "                               queues=N      at most so many (default: 8)\n"
	     "                               readonly      refuse to write\n"
	     "                               direct        past the page cache\n"
	     "                             and with nbd:\n"
	     "                               net-model=FILE   the network's energy model\n"
	     "                               net-device=NAME  network, as guests see it\n"
	     "                               wait=SECONDS  for a lost server (default: 10)\n"
	     " -m, --model FILE            energy model (default: IBM Ultrastar)\n"
	     " -o, --overhead HOW          how guests pay for the CPU: 'device-cpu' (default),\n"
	     "                               'disk': as part of the disk's cost, 'balloon'\n"
	     " -s, --state-dir DIR         for totals (default: " DEFAULT_STATE_DIR ")\n"
	     " -p, --cpu-power-mw MW       reckon the own CPU time at this power\n"
	     " -r, --resmond PATH          the resource monitor's socket; 'none': publish nothing\n"
	     " -n, --subsystem NAME        as what to publish (default: the physical disk's name)\n"
	     " -S, --show                  show the totals in state files, and end\n"
	     "\n"
	     " -h, --help                  display this help\n"
	     " -V, --version               display version\n"
	     "\n"
	     "For more details see pvblkd(8).");
}

/* Up to a comma; one that is meant is there twice. */
static char *next_word(char **rest)
{
	char *word = *rest, *to = word, *from = word;

	if (!*from)
		return NULL;
	for (; *from; *to++ = *from++) {
		if (*from != ',')
			continue;
		if (from[1] != ',') {
			from++;
			break;
		}
		from++;
	}
	*rest = from;
	/* What was behind the word is copied before it is overwritten. */
	if (to < from)
		*to = '\0';
	return word;
}

static bool client_name_valid(const char *name)
{
	size_t len = 0;

	while (isalnum((unsigned char)name[len]) ||
	       (name[len] && strchr(".-_", name[len])))
		len++;
	return len && len < STATE_NAME_LEN && !name[len] && *name != '.' &&
	       *name != '-';
}

/* Return: whether it was that option. */
static bool take_value(const char *disk, const char *word, const char *key,
		       char **value)
{
	size_t len = strlen(key);

	if (strncmp(word, key, len) || word[len] != '=')
		return false;
	if (*value)
		errx(exit_failure, "--disk %s: %s is there twice", disk, key);
	if (!word[len + 1])
		errx(exit_failure, "--disk %s: %s is empty", disk, key);
	*value = format("%s", word + len + 1);
	return true;
}

static enum overhead parse_overhead(const char *option, const char *arg)
{
	enum overhead how = 0;

	while (how < NR_OVERHEADS && strcmp(overheads[how], arg))
		how++;
	if (how == NR_OVERHEADS)
		errx(exit_failure, "%s: '%s' is not 'device-cpu', 'disk' or 'balloon'",
		     option, arg);
	return how;
}

/* Return: whether it was that option, of which the last one counts. */
static bool take_number(const struct disk_options *d, const char *word,
			const char *key, uint64_t min, uint64_t max, unsigned int *number)
{
	char *value = NULL, *option;

	if (!take_value(d->name, word, key, &value))
		return false;
	option = format("disk %s: %s", d->name, key);
	*number = option_number(option, value, min, max);
	free(option);
	free(value);
	return true;
}

static void take_word(struct disk_options *d, const char *word)
{
	char *overhead = NULL, *option;

	if (!strcmp(word, "readonly")) {
		d->readonly = true;
	} else if (!strcmp(word, "direct")) {
		d->direct = true;
	} else if (take_value(d->name, word, "overhead", &overhead)) {
		option = format("--disk %s: overhead", d->name);
		d->overhead = parse_overhead(option, overhead);
		free(option);
		free(overhead);
	} else if (!take_number(d, word, "queues", 1, MAX_QUEUES, &d->queues) &&
		   !take_number(d, word, "wait", 0, MAX_WAIT_S, &d->wait_s) &&
		   !take_value(d->name, word, "socket", &d->socket) &&
		   !take_value(d->name, word, "file", &d->file) &&
		   !take_value(d->name, word, "nbd", &d->nbd) &&
		   !take_value(d->name, word, "model", &d->model) &&
		   !take_value(d->name, word, "device", &d->device) &&
		   !take_value(d->name, word, "net-model", &d->net_model) &&
		   !take_value(d->name, word, "net-device", &d->net_device)) {
		errx(exit_failure, "--disk %s: unknown option '%s'", d->name, word);
	}
}

static void check_device(const struct disk_options *d, const char *name)
{
	if (name && (!diskmodel_name_valid(name) || !strcmp(name, CPU_DEVICE_NAME)))
		errx(exit_failure, "--disk %s: '%s' cannot be a device's name",
		     d->name, name);
}

static void check_disk(const struct disk_options *d)
{
	const char *word = d->net_model ? "net-model" : d->net_device ? "net-device" :
			   d->wait_s != NO_WAIT ? "wait" : NULL;

	if (!d->socket || (!d->file && !d->nbd))
		errx(exit_failure, "--disk %s: %s is missing", d->name,
		     d->socket ? "file" : "socket");
	if (d->file && d->nbd)
		errx(exit_failure, "--disk %s: file and nbd exclude each other", d->name);
	if (!d->nbd && word)
		errx(exit_failure, "--disk %s: %s without nbd", d->name, word);
	if (d->nbd && d->direct)
		errx(exit_failure, "--disk %s: direct is for files, not for nbd", d->name);
	check_device(d, d->device);
	check_device(d, d->net_device);
}

static struct disk_options *parse_disk(const char *arg)
{
	struct disk_options *d = calloc(1, sizeof(*d));
	char *copy = format("%s", arg), *rest = copy;
	const char *word = next_word(&rest);

	if (!d)
		err(exit_failure, "cannot allocate memory");
	if (!word || !client_name_valid(word))
		errx(exit_failure, "--disk: '%s' is not up to %d letters, digits, '.', '-' and '_'",
		     word ? word : "", STATE_NAME_LEN - 1);
	d->name = format("%s", word);
	d->queues = DEFAULT_QUEUES;
	d->wait_s = NO_WAIT;
	d->overhead = NR_OVERHEADS;
	while ((word = next_word(&rest)))
		take_word(d, word);
	free(copy);
	check_disk(d);
	if (d->wait_s == NO_WAIT)
		d->wait_s = DEFAULT_WAIT_S;
	return d;
}

static void add_disk(struct options *options, const char *arg)
{
	struct disk_options **tail = &options->disks, *d = parse_disk(arg);
	unsigned int nr = 1;

	for (; *tail; tail = &(*tail)->next, nr++) {
		if (!strcmp((*tail)->name, d->name))
			errx(exit_failure, "--disk %s is there twice", d->name);
		if (!strcmp((*tail)->socket, d->socket))
			errx(exit_failure, "--disk %s: socket %s is that of %s",
			     d->name, d->socket, (*tail)->name);
	}
	if (nr > MAX_DISKS)
		errx(exit_failure, "more than %d disks", MAX_DISKS);
	*tail = d;
}

void options_parse(struct options *options, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "disk",		required_argument, NULL, 'd' },
		{ "model",		required_argument, NULL, 'm' },
		{ "overhead",		required_argument, NULL, 'o' },
		{ "state-dir",		required_argument, NULL, 's' },
		{ "cpu-power-mw",	required_argument, NULL, 'p' },
		{ "resmond",		required_argument, NULL, 'r' },
		{ "subsystem",		required_argument, NULL, 'n' },
		{ "show",		no_argument,	   NULL, 'S' },
		{ "help",		no_argument,	   NULL, 'h' },
		{ "version",		no_argument,	   NULL, 'V' },
		{ 0 }
	};
	int c;

	options->state_dir = DEFAULT_STATE_DIR;
	options->cpu_power_mw = CPU_DEFAULT_MW;
	while ((c = getopt_long(argc, argv, "d:m:o:s:p:r:n:ShV", longopts, NULL)) >= 0) {
		switch (c) {
		case 'd':
			add_disk(options, optarg);
			break;
		case 'm':
			options->model = optarg;
			break;
		case 'o':
			options->overhead = parse_overhead("--overhead", optarg);
			break;
		case 's':
			options->state_dir = optarg;
			break;
		case 'p':
			options->cpu_power_mw = option_number("cpu-power-mw", optarg,
							      0, 1000000);
			options->cpu_power_given = true;
			break;
		case 'r':
			options->resmond = optarg;
			break;
		case 'n':
			options->subsystem = optarg;
			break;
		case 'S':
			options->show = true;
			break;
		default:
			option_rest(c, usage);
		}
	}
	options->first = optind;
	if (options->show && optind == argc)
		errx(exit_failure, "--show: of which file?");
	if (!options->show && optind < argc)
		errx(exit_failure, "unexpected argument '%s'", argv[optind]);
	if (!options->show && !options->disks)
		errx(exit_failure, "--disk is missing");
	if (options->show && options->disks)
		errx(exit_failure, "--show and --disk exclude each other");
}
