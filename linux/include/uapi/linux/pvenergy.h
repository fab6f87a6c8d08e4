/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * Paravirtual energy interface: what a hypervisor shows a guest of the
 * physical CPUs' event counters, so that the guest can account energy to the
 * programs that caused it.
 *
 * The host gives each virtual machine a shared-memory region of its own, the
 * energy page.  The guest maps it read-only; only the host writes.  All fields
 * are little endian and naturally aligned.  The region begins with a header,
 * which does not change while the guest runs (but for the energy weights, see
 * @weight_seq, and the energy meter @base_nj), followed at @vcpu_offset by one
 * struct pvenergy_vcpu for each virtual CPU, @vcpu_stride bytes apart.
 *
 * The counters shown are those of the physical CPU: they advance with whatever
 * runs there.  What this virtual CPU consumed is
 *
 *	virtual = raw - foreign
 *
 * where foreign is the sum, over all absences of the virtual CPU from the
 * physical one, of (counters at switch-in - counters at switch-out).  The
 * host keeps that sum in the page, and beside it a log with the two readings
 * of each recent absence.  All arithmetic is modulo 2^64, so that a move to
 * another physical CPU, whose counters may be lower, is just one more absence.
 */
#ifndef _UAPI_LINUX_PVENERGY_H
#define _UAPI_LINUX_PVENERGY_H

#include <linux/types.h>

/* "PVENERGY" in memory order. */
#define PVENERGY_MAGIC		0x594752454e455650ULL

/*
 * A guest refuses a page whose version it does not know.  Fields are added
 * only in what is reserved here, zero means "not there", and do not change
 * the version.
 */
#define PVENERGY_VERSION	1

/* Array dimensions, part of the layout. */
#define PVENERGY_MAX_EVENTS	8
#define PVENERGY_NAME_LEN	24
#define PVENERGY_LOG_ENTRIES	64

/* Limits a guest may rely on when it checks a header. */
#define PVENERGY_MAX_VCPUS	1024
/* Heaviest weight: one joule per event. */
#define PVENERGY_MAX_WEIGHT_PJ	1000000000000ULL

/*
 * struct pvenergy_event.flags: the event's energy is base cost, which the
 * processor consumes even when it is idle; without it, access cost.
 */
#define PVENERGY_EVENT_BASE	(1U << 0)

/*
 * struct pvenergy_header.flags: base cost is metered by the host, see @base_nj.
 * Then events of base cost have no price of their own: it is in the meter.
 */
#define PVENERGY_METER		(1U << 0)

/*
 * Index of each event in every array of counters, as the emulated processor
 * and the Pentium 4 model use it (thesis, Table 4.1).  A guest takes names,
 * weights and number of events from the header and needs no fixed index.
 */
enum pvenergy_p4_event {
	PVENERGY_TSC			= 0,	/* time stamp counter */
	PVENERGY_UNHALTED_CYCLES	= 1,
	PVENERGY_UOP_QUEUE_WRITES	= 2,
	PVENERGY_RETIRED_BRANCHES	= 3,
	PVENERGY_MISPRED_BRANCHES	= 4,
	PVENERGY_MEMORY_RETIRED		= 5,
	PVENERGY_MOB_LOAD_REPLAYS	= 6,
	PVENERGY_L1_LOAD_MISSES		= 7,	/* retired loads only */
};

/**
 * struct pvenergy_event - what one counter counts and what it costs
 * @name: lower-case name, NUL-terminated: letters, digits and '_'
 * @weight_pj: energy of one event, in picojoules; see @weight_seq
 * @flags: PVENERGY_EVENT_*
 * @reserved: zero
 */
struct pvenergy_event {
	char	name[PVENERGY_NAME_LEN];
	__u64	weight_pj;
	__u32	flags;
	__u32	reserved;
};

/**
 * struct pvenergy_header - head of the energy page
 * @magic: PVENERGY_MAGIC; written last when the page is set up
 * @version: PVENERGY_VERSION
 * @header_size: sizeof(struct pvenergy_header) of the writer
 * @size: bytes in use, from the header to the end of the last virtual CPU
 * @nr_vcpus: number of virtual CPUs, 1 to PVENERGY_MAX_VCPUS
 * @nr_events: number of valid entries in @events, 1 to PVENERGY_MAX_EVENTS
 * @vcpu_offset: from the start of the page, a multiple of 64
 * @vcpu_stride: a multiple of 64, at least sizeof(struct pvenergy_vcpu)
 * @log_entries: PVENERGY_LOG_ENTRIES
 * @weight_seq: even/odd sequence around changes of the weights
 * @tsc_khz: rate of the event PVENERGY_TSC, 0 if there is none
 * @vm_name: the virtual machine's name on the host, NUL-terminated
 * @base_nj: with PVENERGY_METER: the energy meter, this virtual machine's share
 *	of the processors' base cost since the page was made, in nanojoules; only
 *	grows, and is written as one word
 * @flags: PVENERGY_METER
 * @reserved0: zero
 * @reserved: zero
 * @events: the events
 */
struct pvenergy_header {
	__u64	magic;
	__u32	version;
	__u32	header_size;
	__u64	size;
	__u32	nr_vcpus;
	__u32	nr_events;
	__u32	vcpu_offset;
	__u32	vcpu_stride;
	__u32	log_entries;
	__u32	weight_seq;
	__u64	tsc_khz;
	char	vm_name[PVENERGY_NAME_LEN];
	__u64	base_nj;
	__u32	flags;
	__u32	reserved0;
	__u64	reserved[4];
	struct pvenergy_event events[PVENERGY_MAX_EVENTS];
};

/**
 * struct pvenergy_log_entry - one absence from the physical CPU
 * @out: counters of the physical CPU left, at switch-out
 * @in: counters of the physical CPU entered, at switch-in
 */
struct pvenergy_log_entry {
	__u64	out[PVENERGY_MAX_EVENTS];
	__u64	in[PVENERGY_MAX_EVENTS];
};

/**
 * struct pvenergy_vcpu - one virtual CPU
 * @seq: even/odd sequence: odd while the host changes anything here but @raw
 * @id: hardware id of the virtual CPU (x86: APIC id)
 * @pcpu: physical CPU that it runs on, or ran on last
 * @pad0: zero
 * @log_head: number of absences logged so far; absence n is the entry
 *	n % PVENERGY_LOG_ENTRIES of @log, older ones are overwritten
 * @moves: how many of the absences ended on another physical CPU
 * @raw: counters of the physical CPU.  Current while the virtual CPU runs
 *	there, but for PVENERGY_TSC, which the host may refresh less often;
 *	advances without a change of @seq
 * @foreign: sum of (in - out) over all absences
 * @pad1: zero
 * @log: the most recent absences
 *
 * A reader takes @seq, reads @raw and @foreign, and starts anew if @seq was
 * odd or changed.  The host's writer can be preempted in mid-update, so the
 * reader must give up after some turns; the counts it then misses are in the
 * next reading, since everything here is cumulative.
 */
struct pvenergy_vcpu {
	__u32	seq;
	__u32	id;
	__u32	pcpu;
	__u32	pad0;
	__u64	log_head;
	__u64	moves;
	__u64	pad1[4];
	__u64	raw[PVENERGY_MAX_EVENTS];
	__u64	foreign[PVENERGY_MAX_EVENTS];
	struct pvenergy_log_entry log[PVENERGY_LOG_ENTRIES];
};

/*
 * The layout, asserted wherever this file is used.  C and C++ of any age, in
 * the kernel and outside, know an array of negative size to be an error.
 */
#define PVENERGY_ASSERT(name, cond) \
	typedef char pvenergy_assert_##name[(cond) ? 1 : -1]

PVENERGY_ASSERT(event_size, sizeof(struct pvenergy_event) == 40);
PVENERGY_ASSERT(header_size, sizeof(struct pvenergy_header) == 448);
PVENERGY_ASSERT(log_entry_size, sizeof(struct pvenergy_log_entry) == 128);
PVENERGY_ASSERT(vcpu_size, sizeof(struct pvenergy_vcpu) == 8384);
#define PVENERGY_ASSERT_OFFSET(type, field, offset) \
	PVENERGY_ASSERT(type##_##field, \
			__builtin_offsetof(struct pvenergy_##type, field) == (offset))
PVENERGY_ASSERT_OFFSET(header, size, 16);
PVENERGY_ASSERT_OFFSET(header, vcpu_offset, 32);
PVENERGY_ASSERT_OFFSET(header, tsc_khz, 48);
PVENERGY_ASSERT_OFFSET(header, base_nj, 80);
PVENERGY_ASSERT_OFFSET(header, events, 128);
PVENERGY_ASSERT_OFFSET(vcpu, log_head, 16);
PVENERGY_ASSERT_OFFSET(vcpu, raw, 64);
PVENERGY_ASSERT_OFFSET(vcpu, foreign, 128);
PVENERGY_ASSERT_OFFSET(vcpu, log, 192);

#endif /* _UAPI_LINUX_PVENERGY_H */
