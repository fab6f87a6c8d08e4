/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The emulated machine: memory shared on the host by the QEMU processes whose
 * virtual CPUs take turns on the same emulated physical CPUs, and by the CPU
 * accountant.  No guest sees it; what a guest sees is in linux/pvenergy.h.
 *
 * Time on a physical CPU is cut into turns.  One virtual CPU at a time holds
 * the physical CPU; at each switch to another virtual machine the counters of
 * the physical CPU are recorded.  Whatever the counters advance between two
 * records belongs to the virtual machine that held the CPU, idle time
 * included, so that the turns partition the counters exactly.
 *
 * The counters of a physical CPU are the sum of what each virtual machine
 * counted there (@own, one writer each, never reset), but for the time stamp
 * counter, which is a clock.  Hence, for every physical CPU and counter:
 *
 *	@unowned + sum of @total + turn that still runs = counters now
 *
 * A virtual machine that takes over the slot of one that ended goes on from
 * its counts; who wants the counts of one virtual machine takes differences.
 */
#ifndef RCONTAINER_MACHINE_H
#define RCONTAINER_MACHINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <linux/pvenergy.h>

#define MACHINE_MAGIC		0x454e494843414d50ULL	/* "PMACHINE" */
#define MACHINE_VERSION		2
#define MACHINE_MAX_PCPUS	8
#define MACHINE_MAX_VMS		256
#define MACHINE_NO_VM		UINT32_MAX
/* At 100,000 switches a second, eight of the accountant's periods of 20 ms. */
#define MACHINE_LOG_ENTRIES	16384

/*
 * Rate of the emulated time stamp counter: that of the Pentium 4 in Lang, Energy
 * Accounting for Virtual Machines (Karlsruhe 2006), 5.1.
 */
#define MACHINE_TSC_KHZ		1500000

/* Files in the machine's directory. */
#define MACHINE_FILE		"machine"
#define MACHINE_PAGE_SUFFIX	".page"

/**
 * struct machine_set - a set of slots
 * @word: slot n is bit n % 64 of word n / 64
 *
 * Changes are made by one at a time, under a lock; who looks without it sees
 * each word whole.
 */
struct machine_set {
	uint64_t word[MACHINE_MAX_VMS / 64];
};

static inline void machine_set_add(struct machine_set *set, unsigned int slot)
{
	uint64_t *word = &set->word[slot / 64];

	__atomic_store_n(word, *word | 1ULL << slot % 64, __ATOMIC_RELAXED);
}

static inline void machine_set_remove(struct machine_set *set, unsigned int slot)
{
	uint64_t *word = &set->word[slot / 64];

	__atomic_store_n(word, *word & ~(1ULL << slot % 64), __ATOMIC_RELAXED);
}

static inline bool machine_set_has(const struct machine_set *set, unsigned int slot)
{
	return set->word[slot / 64] >> slot % 64 & 1;
}

static inline unsigned int machine_set_count(const struct machine_set *set)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < MACHINE_MAX_VMS / 64; i++)
		count += __builtin_popcountll(set->word[i]);
	return count;
}

/* The first slot of the set from @slot on; MACHINE_MAX_VMS if there is none. */
static inline unsigned int machine_set_next(const struct machine_set *set,
					    unsigned int slot)
{
	for (; slot < MACHINE_MAX_VMS; slot = (slot | 63) + 1) {
		uint64_t rest = set->word[slot / 64] >> slot % 64;

		if (rest)
			return slot + __builtin_ctzll(rest);
	}
	return MACHINE_MAX_VMS;
}

#define machine_set_for_each(slot, set) \
	for (slot = machine_set_next(set, 0); slot < MACHINE_MAX_VMS; \
	     slot = machine_set_next(set, slot + 1))

/* Is any slot but @slot in the set?  For a look without the lock. */
static inline bool machine_set_has_other(const struct machine_set *set,
					 unsigned int slot)
{
	uint64_t any = 0;

	for (unsigned int i = 0; i < MACHINE_MAX_VMS / 64; i++) {
		uint64_t word = __atomic_load_n(&set->word[i], __ATOMIC_RELAXED);

		any |= i == slot / 64 ? word & ~(1ULL << slot % 64) : word;
	}
	return any;
}

/**
 * struct machine_switch - one entry of a physical CPU's host log
 * @from: slot of the virtual machine that left, MACHINE_NO_VM at first
 * @to: slot of the virtual machine that enters
 * @counters: the physical CPU's counters at this moment
 */
struct machine_switch {
	uint32_t from;
	uint32_t to;
	uint64_t counters[PVENERGY_MAX_EVENTS];
};

/**
 * struct machine_vm - a slot for one virtual machine
 * @pid: its QEMU process, 0 if the slot is free
 * @generation: how many virtual machines have used the slot
 * @name: NUL-terminated
 */
struct machine_vm {
	uint32_t pid;
	uint32_t generation;
	char name[PVENERGY_NAME_LEN];
};

/* Microarchitectural state of a physical CPU; see plugin/uarch.h. */
#define MACHINE_UARCH_SIZE	65536

/**
 * struct machine_redo - a switch in the making
 * @valid: the fields below are complete, the switch may be half done
 * @from: as in the log entry
 * @to: as in the log entry
 * @reserved: zero
 * @log_head: of the physical CPU, after the switch
 * @counters: the physical CPU's counters at the switch
 * @total: of @from, after the switch
 *
 * A switch changes several fields, and its maker can be killed in between.
 * What they shall become is noted here first, so that whoever takes the lock
 * next can finish the switch.
 */
struct machine_redo {
	uint32_t valid;
	uint32_t from;
	uint32_t to;
	uint32_t reserved;
	uint64_t log_head;
	uint64_t counters[PVENERGY_MAX_EVENTS];
	uint64_t total[PVENERGY_MAX_EVENTS];
};

/**
 * struct machine_pcpu - an emulated physical CPU
 * @lock: robust, process-shared, taken with machine_pcpu_lock(); protects all
 *	but @own and @uarch, which belong to the holder, and @heartbeat
 * @owner: slot of the virtual machine that holds the CPU or, if it does not
 *	run (idle), held it last; MACHINE_NO_VM before the first
 * @running: @owner executes code
 * @turn: futex word, changes with every grant and release
 * @reserved: zero
 * @waiting: the slots that want the CPU
 * @heartbeat: advances while the owner executes
 * @log_head: number of switches logged so far
 * @at_switch: the counters at the last switch
 * @unowned: what the counters advanced before the first switch
 * @redo: the switch in the making
 * @total: per slot, what it was charged in all its finished turns
 * @own: per slot, what its virtual CPU here has counted
 * @log: switch n is in log[n % MACHINE_LOG_ENTRIES]
 * @uarch: branch predictor and caches
 */
struct machine_pcpu {
	pthread_mutex_t lock __attribute__((aligned(64)));
	uint32_t owner;
	uint32_t running;
	uint32_t turn;
	uint32_t reserved;
	struct machine_set waiting;
	uint64_t heartbeat;
	uint64_t log_head;
	uint64_t at_switch[PVENERGY_MAX_EVENTS];
	uint64_t unowned[PVENERGY_MAX_EVENTS];
	struct machine_redo redo;
	uint64_t total[MACHINE_MAX_VMS][PVENERGY_MAX_EVENTS];
	uint64_t own[MACHINE_MAX_VMS][PVENERGY_MAX_EVENTS]
		__attribute__((aligned(64)));
	struct machine_switch log[MACHINE_LOG_ENTRIES];
	unsigned char uarch[MACHINE_UARCH_SIZE] __attribute__((aligned(64)));
};

/**
 * struct machine - the shared file
 * @magic: MACHINE_MAGIC, written last
 * @version: MACHINE_VERSION
 * @nr_pcpus: 1 to MACHINE_MAX_PCPUS
 * @size: sizeof(struct machine)
 * @tsc_khz: rate of the time stamp counter
 * @tsc_zero_ns: CLOCK_MONOTONIC at which it was zero
 * @lock: robust, process-shared; protects @vm and @nr_slots
 * @nr_slots: all slots that were ever used are below; never shrinks, and there
 *	is nothing but zeroes in those above
 * @reserved: zero
 * @vm: the virtual machines
 * @pcpu: the physical CPUs
 */
struct machine {
	uint64_t magic;
	uint32_t version;
	uint32_t nr_pcpus;
	uint64_t size;
	uint64_t tsc_khz;
	uint64_t tsc_zero_ns;
	pthread_mutex_t lock;
	uint32_t nr_slots;
	uint32_t reserved;
	struct machine_vm vm[MACHINE_MAX_VMS];
	struct machine_pcpu pcpu[MACHINE_MAX_PCPUS];
};

/**
 * machine_create() - make a machine's shared file
 * @dir: directory, exists
 * @nr_pcpus: number of emulated physical CPUs
 * @tsc_khz: rate of the time stamp counter
 *
 * Creates @dir/MACHINE_FILE.  If another process was first, that is no error.
 *
 * Return: 0, or a negative errno.
 */
int machine_create(const char *dir, unsigned int nr_pcpus, uint64_t tsc_khz);

/**
 * machine_open() - map a machine's shared file
 * @dir: directory
 * @writable: map for writing too
 * @err: set to a negative errno on failure
 *
 * Return: the mapping, checked for magic, version and size, or NULL.
 */
struct machine *machine_open(const char *dir, int writable, int *err);
void machine_close(struct machine *m);

/**
 * machine_lock() - take a robust lock, recovering it if its holder died
 * @lock: of a struct machine
 *
 * Every update of @vm under this lock is consistent at each step, so a dead
 * holder's work needs no repair.
 */
void machine_lock(pthread_mutex_t *lock);
void machine_unlock(pthread_mutex_t *lock);

/**
 * machine_pcpu_lock() - lock a physical CPU
 * @m: the machine, mapped for writing
 * @pcpu: the physical CPU
 *
 * Finishes the switch of a holder that died in the midst of it.  One that was
 * stopped (SIGSTOP) there is waited for until it continues.
 */
void machine_pcpu_lock(struct machine *m, unsigned int pcpu);
void machine_pcpu_unlock(struct machine *m, unsigned int pcpu);

/* The time stamp counter of all physical CPUs, now. */
uint64_t machine_tsc(const struct machine *m);

/**
 * machine_vm_add() - take a slot
 * @m: the machine, mapped for writing
 * @name: the virtual machine's name, shorter than PVENERGY_NAME_LEN
 * @pid: its process
 *
 * A slot whose process is gone is free; one that was never used is preferred,
 * so that the counts of virtual machines that ended stay readable.
 *
 * Return: the slot, -EEXIST if a living virtual machine has the name, -ENOSPC.
 */
int machine_vm_add(struct machine *m, const char *name, uint32_t pid);
void machine_vm_remove(struct machine *m, unsigned int slot);

/* How many slots there are to look at: see @nr_slots. */
unsigned int machine_slots(const struct machine *m);

/* Does a process still use the slot?  (A zombie counts as alive.) */
int machine_vm_alive(const struct machine *m, unsigned int slot);

/* The physical CPU's counters, now: the sum of @own, and the clock. */
void machine_pcpu_counters(const struct machine *m, unsigned int pcpu,
			   uint64_t counters[PVENERGY_MAX_EVENTS]);

/**
 * machine_pcpu_switch() - give a physical CPU to a virtual machine
 * @m: the machine, mapped for writing
 * @pcpu: the physical CPU, its lock held
 * @to: slot of the virtual machine
 *
 * Ends the owner's turn at the counters of this moment: adds the turn to its
 * @total, writes @at_switch and the log entry, and makes @to the owner.  @to
 * may be the owner: then only the turn ends.
 */
void machine_pcpu_switch(struct machine *m, unsigned int pcpu, unsigned int to);

#endif /* RCONTAINER_MACHINE_H */
