// SPDX-License-Identifier: GPL-2.0-or-later
/* See interface.h. */
#include <stdlib.h>
#include <string.h>

#include "interface.h"

/* The versions that changed something that the plugin uses. */
#define VERSION_OLD		1
#define VERSION_SCOREBOARD	2
#define VERSION_INSN_COPY	3
#define VERSION_NO_ID		7

QEMU_PLUGIN_EXPORT int qemu_plugin_version = VERSION_OLD;

static const struct interface_callbacks *callbacks;
/* QEMU's own version; qemu_plugin_version is the one declared to QEMU. */
static int version;

/* The counters of QEMU versions with and without scoreboards. */
static struct qemu_plugin_scoreboard *counter_score;
static uint64_t *counters;

static void __attribute__((constructor)) declare_version(void)
{
	const char *told = getenv(INTERFACE_ENV);

	if (qemu_plugin_set_pc)
		qemu_plugin_version = VERSION_NO_ID;
	else if (qemu_plugin_scoreboard_new)
		qemu_plugin_version = VERSION_SCOREBOARD;
	if (told && *told)
		qemu_plugin_version = atoi(told);
}

/* Up to version 6. */
static void translate_id(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	callbacks->translate(tb);
}

static void release_id(qemu_plugin_id_t id, unsigned int index)
{
	callbacks->release(index);
}

static void flush_id(qemu_plugin_id_t id)
{
	callbacks->flush();
}

static void end_id(qemu_plugin_id_t id, void *udata)
{
	callbacks->end();
}

/* From version 7 on. */
static void translate_udata(struct qemu_plugin_tb *tb, void *udata)
{
	callbacks->translate(tb);
}

static void release_udata(unsigned int index, void *udata)
{
	callbacks->release(index);
}

static void flush_udata(void *udata)
{
	callbacks->flush();
}

static void end_udata(void *udata)
{
	callbacks->end();
}

void interface_register(qemu_plugin_id_t id, const qemu_info_t *info,
			const struct interface_callbacks *cb)
{
#define CHOOSE(event) \
	(info->version.cur >= VERSION_NO_ID ? (qemu_plugin_any_cb_t)event ## _udata : \
					      (qemu_plugin_any_cb_t)event ## _id)
	version = info->version.cur;
	callbacks = cb;
	qemu_plugin_register_vcpu_tb_trans_cb(id, CHOOSE(translate), NULL);
	qemu_plugin_register_vcpu_idle_cb(id, CHOOSE(release), NULL);
	qemu_plugin_register_vcpu_exit_cb(id, CHOOSE(release), NULL);
	qemu_plugin_register_flush_cb(id, CHOOSE(flush), NULL);
	qemu_plugin_register_atexit_cb(id, CHOOSE(end), NULL);
#undef CHOOSE
}

size_t interface_insn_data(const struct qemu_plugin_insn *insn, uint8_t *data)
{
	size_t size = qemu_plugin_insn_size(insn);

	if (size > INTERFACE_MAX_INSN)
		size = INTERFACE_MAX_INSN;
	if (version >= VERSION_INSN_COPY)
		qemu_plugin_insn_data(insn, data, size);
	else
		memcpy(data, (const void *)qemu_plugin_insn_data(insn, NULL, 0), size);
	return size;
}

bool interface_read_modify_write(qemu_plugin_meminfo_t info)
{
	/* Version 1 has the direction there, and nothing to ask for it. */
	return version == VERSION_OLD && (info >> 16 & 3) == QEMU_PLUGIN_MEM_RW;
}

bool interface_counts_iterations(void)
{
	return version != VERSION_OLD;
}

void interface_make_counters(size_t nr)
{
	if (version == VERSION_OLD)
		counters = calloc(nr, sizeof(*counters));
	else
		counter_score = qemu_plugin_scoreboard_new(nr * sizeof(uint64_t));
	if (!counters && !counter_score)
		abort();
}

static qemu_plugin_u64 score_of(size_t counter)
{
	return (qemu_plugin_u64){ counter_score, counter * sizeof(uint64_t) };
}

void interface_count_executions(struct qemu_plugin_insn *insn, size_t counter)
{
	if (version == VERSION_OLD)
		qemu_plugin_register_vcpu_insn_exec_inline(insn,
				QEMU_PLUGIN_INLINE_ADD_U64, &counters[counter], 1);
	else
		qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn,
				QEMU_PLUGIN_INLINE_ADD_U64, score_of(counter), 1);
}

void interface_count_accesses(struct qemu_plugin_insn *insn, size_t counter)
{
	if (version == VERSION_OLD)
		qemu_plugin_register_vcpu_mem_inline(insn, QEMU_PLUGIN_MEM_RW,
				QEMU_PLUGIN_INLINE_ADD_U64, &counters[counter], 1);
	else
		qemu_plugin_register_vcpu_mem_inline_per_vcpu(insn, QEMU_PLUGIN_MEM_RW,
				QEMU_PLUGIN_INLINE_ADD_U64, score_of(counter), 1);
}

uint64_t interface_counter(size_t counter)
{
	if (version == VERSION_OLD)
		return counters[counter];
	return qemu_plugin_u64_sum(score_of(counter));
}
