// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A TCG plugin that counts the instructions a guest executes between marks, and
 * in which functions of the kernel.
 *
 *	profile.so,map=SYSTEM.MAP,out=FILE[,event=FUNCTION...]
 *
 * Marks are instructions that do nothing, which a program in the guest executes;
 * see mark.h.  The output has a line for each MARK_STEP, and one for each
 * function in which instructions were executed between MARK_BEGIN and MARK_END:
 *
 *	step INSTRUCTIONS EVENTS...	since the mark before; how often each
 *					event's function was entered
 *	function COUNT NAME CALLS	"user" is all that is not the kernel's; how
 *					often its first instruction was executed
 *
 * Each instruction is counted when it is executed, so the counts are exact.  For
 * a kernel that runs where it was linked (nokaslr), and virtual CPUs that share one
 * thread (-icount).  All are counted; only the first one's marks are.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interface.h"
#include "mark.h"

#define MAX_EVENTS	8

struct symbol {
	uint64_t addr;
	uint64_t at_begin;
	uint64_t calls_at_begin;
	char name[64];
};

/* Counters: of all instructions, of each event, and two for each symbol. */
#define INSTRUCTIONS	0
#define EVENT(e)	(1 + (e))
#define COUNT(i)	(1 + MAX_EVENTS + 2 * (i))
#define CALLS(i)	(COUNT(i) + 1)

/* The first one is for what has none. */
static struct symbol *symbols;
static size_t nr_symbols;

static const char *event_name[MAX_EVENTS];
static unsigned int nr_events;

/* At the mark before. */
static uint64_t last[1 + MAX_EVENTS];

static bool in_profile;
static FILE *out;

static int by_addr(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static bool read_map(const char *file)
{
	FILE *f = fopen(file, "r");
	struct symbol s = { .name = "user" };
	char type;

	if (!f)
		return false;
	do {
		if (!(nr_symbols & (nr_symbols - 1)))
			symbols = realloc(symbols, 2 * (nr_symbols + 1) * sizeof(s));
		if (!symbols)
			abort();
		symbols[nr_symbols++] = s;
		while (fscanf(f, "%" SCNx64 " %c %63s%*[^\n]", &s.addr, &type, s.name) == 3)
			if (strchr("tTwW", type))
				break;
	} while (!feof(f) && !ferror(f));
	fclose(f);
	qsort(symbols, nr_symbols, sizeof(s), by_addr);
	return nr_symbols > 1;
}

static size_t find_symbol(uint64_t addr)
{
	size_t low = 0, high = nr_symbols;

	/* Kernel addresses are negative. */
	if (addr >> 63 == 0)
		return 0;
	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (symbols[middle].addr <= addr)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static void begin_profile(void)
{
	for (size_t i = 0; i < nr_symbols; i++) {
		symbols[i].at_begin = interface_counter(COUNT(i));
		symbols[i].calls_at_begin = interface_counter(CALLS(i));
	}
}

static void end_profile(void)
{
	for (size_t i = 0; i < nr_symbols; i++) {
		uint64_t count = interface_counter(COUNT(i)) - symbols[i].at_begin;

		if (count)
			fprintf(out, "function %" PRIu64 " %s %" PRIu64 "\n", count, symbols[i].name,
				interface_counter(CALLS(i)) - symbols[i].calls_at_begin);
	}
	fflush(out);
}

static void on_mark(unsigned int vcpu, void *udata)
{
	if (vcpu)
		return;
	if ((uintptr_t)udata == MARK_STEP && in_profile) {
		fputs("step", out);
		for (unsigned int i = 0; i <= nr_events; i++)
			fprintf(out, " %" PRIu64, interface_counter(i) - last[i]);
		fputc('\n', out);
	} else if ((uintptr_t)udata == MARK_BEGIN) {
		begin_profile();
		in_profile = true;
	} else if ((uintptr_t)udata == MARK_END && in_profile) {
		end_profile();
		in_profile = false;
	}
	for (unsigned int i = 0; i <= nr_events; i++)
		last[i] = interface_counter(i);
}

static void on_translation(struct qemu_plugin_tb *tb)
{
	static const unsigned char mark[] = MARK_BYTES;
	size_t n = qemu_plugin_tb_n_insns(tb);

	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		size_t symbol = find_symbol(qemu_plugin_insn_vaddr(insn));
		uint8_t data[INTERFACE_MAX_INSN];

		interface_count_executions(insn, COUNT(symbol));
		interface_count_executions(insn, INSTRUCTIONS);
		if (interface_insn_data(insn, data) == sizeof(mark) + 1 &&
		    !memcmp(data, mark, sizeof(mark)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark,
				QEMU_PLUGIN_CB_NO_REGS,
				(void *)(uintptr_t)data[sizeof(mark)]);
		if (qemu_plugin_insn_vaddr(insn) != symbols[symbol].addr)
			continue;
		interface_count_executions(insn, CALLS(symbol));
		for (unsigned int e = 0; e < nr_events; e++)
			if (!strcmp(event_name[e], symbols[symbol].name))
				interface_count_executions(insn, EVENT(e));
	}
}

static void on_release(unsigned int vcpu)
{
}

static void on_flush(void)
{
}

static void on_end(void)
{
	fclose(out);
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
			char **argv)
{
	static const struct interface_callbacks callbacks = {
		.translate = on_translation,
		.release = on_release,
		.flush = on_flush,
		.end = on_end,
	};

	for (int i = 0; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (!value)
			return -1;
		*value++ = '\0';
		if (!strcmp(argv[i], "map") && !read_map(value)) {
			perror(value);
			return -1;
		}
		if (!strcmp(argv[i], "out")) {
			out = fopen(value, "w");
			if (!out) {
				perror(value);
				return -1;
			}
		}
		if (!strcmp(argv[i], "event")) {
			if (nr_events == MAX_EVENTS)
				return -1;
			event_name[nr_events++] = strdup(value);
		}
	}
	if (!symbols || !out)
		return -1;
	interface_register(id, info, &callbacks);
	interface_make_counters(COUNT(nr_symbols));
	return 0;
}
