/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of QEMU's TCG plugin interface that the plugin uses, in versions 1
 * (QEMU 7.2) to 7 (QEMU 11.1).  Debian installs no header for it.  Names, types
 * and values are QEMU's ABI; functions are resolved against the QEMU executable
 * when the plugin is loaded.  A function that only some versions have is weak,
 * and NULL in the others.  interface.c knows which version has what.
 */
#ifndef RCONTAINER_QEMU_PLUGIN_API_H
#define RCONTAINER_QEMU_PLUGIN_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QEMU_PLUGIN_EXPORT	__attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;

/* What QEMU tells a plugin about itself at installation. */
typedef struct {
	const char *target_name;
	struct {
		int min;
		int cur;
	} version;
	bool system_emulation;
	struct {
		int smp_vcpus;
		int max_vcpus;
	} system;
} qemu_info_t;

/*
 * Opaque: a block and an instruction in translation, memory of each virtual
 * CPU's own, a memory access.
 */
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_scoreboard;
typedef uint32_t qemu_plugin_meminfo_t;

/* Does a callback touch guest registers?  Ours never do. */
enum qemu_plugin_cb_flags {
	QEMU_PLUGIN_CB_NO_REGS,
	QEMU_PLUGIN_CB_R_REGS,
	QEMU_PLUGIN_CB_RW_REGS,
};

enum qemu_plugin_mem_rw {
	QEMU_PLUGIN_MEM_R = 1,
	QEMU_PLUGIN_MEM_W,
	QEMU_PLUGIN_MEM_RW,
};

enum qemu_plugin_op {
	QEMU_PLUGIN_INLINE_ADD_U64,
};

/* From version 2 on: 64 bits in each virtual CPU's part of a scoreboard. */
typedef struct {
	struct qemu_plugin_scoreboard *score;
	size_t offset;
} qemu_plugin_u64;

typedef void (*qemu_plugin_vcpu_udata_cb_t)(unsigned int vcpu, void *udata);
typedef void (*qemu_plugin_vcpu_mem_cb_t)(unsigned int vcpu,
					  qemu_plugin_meminfo_t info,
					  uint64_t vaddr, void *udata);

/* The plugin's side: both symbols are looked up by name. */
extern QEMU_PLUGIN_EXPORT int qemu_plugin_version;
QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id,
					   const qemu_info_t *info,
					   int argc, char **argv);

/*
 * Events of the process, of a virtual CPU's life, and of translation.  Up to
 * version 6 a callback's first argument is @id, followed by what happened to
 * whom; @udata is passed for qemu_plugin_register_atexit_cb() alone, and the
 * others do not take it.  From version 7 on there is no @id, and @udata comes
 * last.
 */
typedef void (*qemu_plugin_any_cb_t)(void);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
				    qemu_plugin_any_cb_t cb, void *udata);
void qemu_plugin_register_flush_cb(qemu_plugin_id_t id,
				   qemu_plugin_any_cb_t cb, void *udata);
void qemu_plugin_register_vcpu_exit_cb(qemu_plugin_id_t id,
				       qemu_plugin_any_cb_t cb, void *udata);
void qemu_plugin_register_vcpu_idle_cb(qemu_plugin_id_t id,
				       qemu_plugin_any_cb_t cb, void *udata);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   qemu_plugin_any_cb_t cb, void *udata);

/* Callbacks that the translated code calls. */
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  qemu_plugin_vcpu_udata_cb_t cb,
					  enum qemu_plugin_cb_flags flags,
					  void *udata);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    qemu_plugin_vcpu_udata_cb_t cb,
					    enum qemu_plugin_cb_flags flags,
					    void *udata);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
				      qemu_plugin_vcpu_mem_cb_t cb,
				      enum qemu_plugin_cb_flags flags,
				      enum qemu_plugin_mem_rw rw, void *udata);

/* Up to version 1, and from version 2 on. */
#define QEMU_PLUGIN_WEAK __attribute__((weak))
QEMU_PLUGIN_WEAK
void qemu_plugin_register_vcpu_mem_inline(struct qemu_plugin_insn *insn,
					  enum qemu_plugin_mem_rw rw,
					  enum qemu_plugin_op op, void *counter,
					  uint64_t imm);
QEMU_PLUGIN_WEAK
void qemu_plugin_register_vcpu_mem_inline_per_vcpu(struct qemu_plugin_insn *insn,
						   enum qemu_plugin_mem_rw rw,
						   enum qemu_plugin_op op,
						   qemu_plugin_u64 counter,
						   uint64_t imm);
QEMU_PLUGIN_WEAK
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn,
						enum qemu_plugin_op op,
						void *counter, uint64_t imm);
QEMU_PLUGIN_WEAK
void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn *insn,
							 enum qemu_plugin_op op,
							 qemu_plugin_u64 counter,
							 uint64_t imm);
QEMU_PLUGIN_WEAK
struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t element_size);
QEMU_PLUGIN_WEAK uint64_t qemu_plugin_u64_sum(qemu_plugin_u64 counter);

/* From version 6 on; present, it tells the version. */
QEMU_PLUGIN_WEAK void qemu_plugin_set_pc(uint64_t vaddr);

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t idx);
/* Up to version 2, returns the bytes and ignores @dest and @len. */
uintptr_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *dest,
				size_t len);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info);

#endif /* RCONTAINER_QEMU_PLUGIN_API_H */
