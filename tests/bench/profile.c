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

#include "mark.h"
#include "qemu-plugin-api.h"

/* Not among what the other plugin uses. */
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn,
						enum qemu_plugin_op op, void *counter,
						uint64_t imm);

int qemu_plugin_version = QEMU_PLUGIN_VERSION;

#define MAX_EVENTS	8

struct symbol {
	uint64_t addr;
	uint64_t count;
	uint64_t at_begin;
	uint64_t calls;
	uint64_t calls_at_begin;
	char name[64];
};

/* The first one is for what has none. */
static struct symbol *symbols;
static size_t nr_symbols;

static const char *event_name[MAX_EVENTS];
static unsigned int nr_events;

static struct {
	uint64_t instructions;
	uint64_t event[MAX_EVENTS];
} now, last;

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

static struct symbol *find_symbol(uint64_t addr)
{
	size_t low = 0, high = nr_symbols;

	/* Kernel addresses are negative. */
	if (addr >> 63 == 0)
		return symbols;
	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (symbols[middle].addr <= addr)
			low = middle;
		else
			high = middle;
	}
	return &symbols[low];
}

static void begin_profile(void)
{
	for (size_t i = 0; i < nr_symbols; i++) {
		symbols[i].at_begin = symbols[i].count;
		symbols[i].calls_at_begin = symbols[i].calls;
	}
}

static void end_profile(void)
{
	for (size_t i = 0; i < nr_symbols; i++)
		if (symbols[i].count != symbols[i].at_begin)
			fprintf(out, "function %" PRIu64 " %s %" PRIu64 "\n",
				symbols[i].count - symbols[i].at_begin, symbols[i].name,
				symbols[i].calls - symbols[i].calls_at_begin);
	fflush(out);
}

static void on_mark(unsigned int vcpu, void *udata)
{
	if (vcpu)
		return;
	if ((uintptr_t)udata == MARK_STEP && in_profile) {
		fprintf(out, "step %" PRIu64, now.instructions - last.instructions);
		for (unsigned int i = 0; i < nr_events; i++)
			fprintf(out, " %" PRIu64, now.event[i] - last.event[i]);
		fputc('\n', out);
	} else if ((uintptr_t)udata == MARK_BEGIN) {
		begin_profile();
		in_profile = true;
	} else if ((uintptr_t)udata == MARK_END && in_profile) {
		end_profile();
		in_profile = false;
	}
	last = now;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	static const unsigned char mark[] = MARK_BYTES;
	size_t n = qemu_plugin_tb_n_insns(tb);

	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const unsigned char *data = qemu_plugin_insn_data(insn);
		struct symbol *s = find_symbol(qemu_plugin_insn_vaddr(insn));

		qemu_plugin_register_vcpu_insn_exec_inline(insn,
				QEMU_PLUGIN_INLINE_ADD_U64, &s->count, 1);
		qemu_plugin_register_vcpu_insn_exec_inline(insn,
				QEMU_PLUGIN_INLINE_ADD_U64, &now.instructions, 1);
		if (qemu_plugin_insn_size(insn) == sizeof(mark) + 1 &&
		    !memcmp(data, mark, sizeof(mark)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark,
				QEMU_PLUGIN_CB_NO_REGS,
				(void *)(uintptr_t)data[sizeof(mark)]);
		if (qemu_plugin_insn_vaddr(insn) != s->addr)
			continue;
		qemu_plugin_register_vcpu_insn_exec_inline(insn,
				QEMU_PLUGIN_INLINE_ADD_U64, &s->calls, 1);
		for (unsigned int e = 0; e < nr_events; e++)
			if (!strcmp(event_name[e], s->name))
				qemu_plugin_register_vcpu_insn_exec_inline(insn,
					QEMU_PLUGIN_INLINE_ADD_U64, &now.event[e], 1);
	}
}

static void on_exit_(qemu_plugin_id_t id, void *udata)
{
	fclose(out);
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
			char **argv)
{
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
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	qemu_plugin_register_atexit_cb(id, on_exit_, NULL);
	return 0;
}
