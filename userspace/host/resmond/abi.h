/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * The resource monitor's interfaces: the memory that a device subsystem shares
 * with it, and the messages by which the two, and viewers, find each other.
 *
 * A device subsystem accounts the energy that virtual machines, its clients,
 * consume by means of a device.  It publishes that in a region of its own,
 * which nobody else can write to.  The region is a memfd of exactly
 * sizeof(struct resmon_region) bytes, sealed against any change of its size.
 * Nothing of it may be believed: it is as good as the subsystem that writes it.
 * All fields are in the host's byte order; the region does not leave it.
 *
 * Units.  Energy is in nanojoules: 64 bits are enough for 584 years at one
 * watt.  Subsystems charge picojoules; what does not make a nanojoule yet is
 * carried in a rest of 0 to 999 pJ beside each figure, so that
 *
 *	sum over all entries of (1000 * nJ + rest) = all that was ever charged
 *
 * to the picojoule, where the entries are the clients, @ended and @nobody.
 * The rests are in the region so that the next life of a subsystem goes on
 * from there; nobody else needs them.
 */
#ifndef RESMON_ABI_H
#define RESMON_ABI_H

#include <linux/types.h>

/* "PVRESMON" in memory order. */
#define RESMON_MAGIC		0x4e4f4d5345525650ULL

/*
 * Changes with anything a reader must know.  Fields that are reserved here are
 * zero, and can get a meaning without that.
 */
#define RESMON_VERSION		1

/* Array dimensions, part of the layout. */
#define RESMON_MAX_DEVICES	8
#define RESMON_MAX_CLIENTS	256
#define RESMON_NAME_LEN		64
#define RESMON_DEVICE_NAME_LEN	24

/* Kinds of physical devices. */
#define RESMON_OTHER		0
#define RESMON_CPU		1
#define RESMON_DISK		2
#define RESMON_NETWORK		3

/**
 * struct resmon_device - a physical device
 * @name: NUL-terminated: letters, digits, '_', '-' and '.', not '.' at first
 * @kind: RESMON_CPU, ...
 * @reserved: zero
 *
 * The kinds tell who counts what: energy of the CPU that a disk subsystem
 * consumes for a client is that subsystem's access cost on a device RESMON_CPU.
 */
struct resmon_device {
	char	name[RESMON_DEVICE_NAME_LEN];
	__u32	kind;
	__u32	reserved;
};

/**
 * struct resmon_cost - energy since the figures began
 * @base_nj: share of what device 0, the subsystem's own, consumes in any case.
 *	There is no base cost on other devices: their own subsystems account it.
 * @access_nj: what was consumed on the client's behalf, for each device
 * @base_rest_pj: picojoules beyond @base_nj, less than a nanojoule
 * @access_rest_pj: likewise beyond @access_nj
 * @reserved: zero
 */
struct resmon_cost {
	__u64	base_nj;
	__u64	access_nj[RESMON_MAX_DEVICES];
	__u16	base_rest_pj;
	__u16	access_rest_pj[RESMON_MAX_DEVICES];
	__u16	reserved[3];
};

/**
 * struct resmon_added - energy that was added from former lives' regions
 * @base_nj: base cost
 * @access_nj: access cost, on all devices together
 * @base_rest_pj: picojoules beyond @base_nj, less than a nanojoule
 * @access_rest_pj: likewise beyond @access_nj
 * @reserved: zero
 *
 * A subsystem that can count again what it had charged, as the CPU accountant
 * can, does not add: its figures of before are the same history.  It adds those
 * of another history, such as another machine's, which nobody can count again.
 * Its next life must know how much they are.
 */
struct resmon_added {
	__u64	base_nj;
	__u64	access_nj;
	__u16	base_rest_pj;
	__u16	access_rest_pj;
	__u16	reserved[2];
};

/*
 * struct resmon_client_info.flags: the client is there, not gone; all its figures
 * were added (struct resmon_added).
 */
#define RESMON_PRESENT		(1U << 0)
#define RESMON_ADDED		(1U << 1)

/**
 * struct resmon_client_info - a virtual machine, as a client of the subsystem
 * @cost: what it consumed
 * @generation: of no other client of this region, ever; 0 if the entry is free.
 *	The figures of a generation only grow.
 * @cookie: the subsystem's own note which run of the virtual machine this is
 * @updated_ns: CLOCK_MONOTONIC at the last change
 * @flags: RESMON_PRESENT, RESMON_ADDED
 * @reserved: zero
 * @name: as of struct resmon_device; once in a region
 */
struct resmon_client_info {
	struct resmon_cost cost;
	__u64	generation;
	__u64	cookie;
	__u64	updated_ns;
	__u32	flags;
	__u32	reserved;
	char	name[RESMON_NAME_LEN];
};

/**
 * struct resmon_slot - an entry, readable while it is written
 * @seq: sequence counter; @info[@seq % 2] is valid
 * @added: see struct resmon_region; zero in other entries.  It does not change
 *	once the region is shown, and readers of figures have no use for it.
 * @reserved: zero
 * @info: an even and an odd copy
 *
 * The writer fills in the copy that is not valid and then advances @seq.  A
 * reader takes @seq, reads the copy that it names, and starts anew if @seq has
 * changed.  So a writer that is preempted or killed in the midst of an update
 * neither keeps a reader waiting nor leaves a figure half written.  A reader
 * gives up after some turns all the same.
 */
struct resmon_slot {
	__u64	seq;
	struct resmon_added added;
	__u64	reserved[4];
	struct resmon_client_info info[2];
};

/**
 * struct resmon_head - what is written before a region is shown to anybody
 * @magic: RESMON_MAGIC
 * @version: RESMON_VERSION
 * @nr_devices: 1 to RESMON_MAX_DEVICES
 * @size: sizeof(struct resmon_region)
 * @id: random
 * @absorbed: @id of an earlier region of this subsystem, whose figures are
 *	included here; 0 if there is none
 * @origin: the subsystem's own note what its figures are of
 * @subsystem_version: the subsystem's own
 * @reserved: zero
 * @name: the subsystem's name, as of struct resmon_device
 * @device: the physical devices; the first is the subsystem's own
 */
struct resmon_head {
	__u64	magic;
	__u32	version;
	__u32	nr_devices;
	__u64	size;
	__u64	id;
	__u64	absorbed;
	__u64	origin;
	__u32	subsystem_version;
	__u32	reserved[3];
	char	name[RESMON_NAME_LEN];
	struct resmon_device device[RESMON_MAX_DEVICES];
};

/**
 * struct resmon_region - the shared memory
 * @head: what it is
 * @ended: sum over the clients that had to leave their entry to another one.
 *	Its generation is that of the last of them: whoever still finds that
 *	one among @client does not count it.  A change of @ended.seq between
 *	two readings means that entries read in between may be counted twice,
 *	or not at all.  What is @added is how much of @ended and @client is not
 *	of @head.origin; it does not matter which of them a figure is in by now.
 * @nobody: what was consumed while there was no client to pay.  What is @added
 *	is how much of it is not of @head.origin.
 * @client: the clients
 */
struct resmon_region {
	struct resmon_head head;
	struct resmon_slot ended;
	struct resmon_slot nobody;
	struct resmon_slot client[RESMON_MAX_CLIENTS];
};

/*
 * Messages, each one packet on a UNIX socket of type SOCK_SEQPACKET.
 *
 *	subsystem	monitor
 *	REGISTER  ->			names itself
 *		  <-	FORMER		with the region of its former life, if
 *					the monitor has one
 *	REGION	  ->			with its own, of which figures that the
 *					former one had are a part
 *		  <-	WELCOME
 *
 *	viewer
 *	LIST	  ->
 *		  <-	ENTRY ...	with a region, one for each subsystem
 *		  <-	END
 *
 * Instead of any answer there can be ERROR, and the end of the connection.  A
 * subsystem stays connected; the end of the connection is its end, or the
 * monitor's.  Who asks for a list when there are answers that it has not read is
 * refused, too.  Regions are handed over as file descriptors open for reading
 * only, by either side: nobody but the subsystem can write.
 */
#define RESMON_MSG_REGISTER	1
#define RESMON_MSG_REGION	2
#define RESMON_MSG_LIST		3
#define RESMON_MSG_FORMER	4
#define RESMON_MSG_WELCOME	5
#define RESMON_MSG_ENTRY	6
#define RESMON_MSG_END		7
#define RESMON_MSG_ERROR	8

#define RESMON_TEXT_LEN		200

/**
 * struct resmon_msg - any message
 * @type: RESMON_MSG_*
 * @version: RESMON_VERSION
 * @name: subsystem, in REGISTER and ENTRY
 * @pid: ENTRY: process that registered it, 0 if that is gone
 * @error: ERROR: an errno
 * @text: ERROR: what is wrong, for people
 */
struct resmon_msg {
	__u32	type;
	__u32	version;
	char	name[RESMON_NAME_LEN];
	__u32	pid;
	__u32	error;
	char	text[RESMON_TEXT_LEN];
};

#define RESMON_ASSERT(name, cond) \
	typedef char resmon_assert_##name[(cond) ? 1 : -1]

RESMON_ASSERT(device_size, sizeof(struct resmon_device) == 32);
RESMON_ASSERT(cost_size, sizeof(struct resmon_cost) == 96);
RESMON_ASSERT(added_size, sizeof(struct resmon_added) == 24);
RESMON_ASSERT(client_size, sizeof(struct resmon_client_info) == 192);
RESMON_ASSERT(slot_size, sizeof(struct resmon_slot) == 448);
RESMON_ASSERT(head_size, sizeof(struct resmon_head) == 384);
RESMON_ASSERT(region_size, sizeof(struct resmon_region) == 384 + 258 * 448);
RESMON_ASSERT(msg_size, sizeof(struct resmon_msg) == 280);
#define RESMON_ASSERT_OFFSET(type, field, offset) \
	RESMON_ASSERT(type##_##field, \
		      __builtin_offsetof(struct resmon_##type, field) == (offset))
RESMON_ASSERT_OFFSET(cost, access_nj, 8);
RESMON_ASSERT_OFFSET(cost, base_rest_pj, 72);
RESMON_ASSERT_OFFSET(client_info, generation, 96);
RESMON_ASSERT_OFFSET(client_info, flags, 120);
RESMON_ASSERT_OFFSET(client_info, name, 128);
RESMON_ASSERT_OFFSET(slot, added, 8);
RESMON_ASSERT_OFFSET(slot, info, 64);
RESMON_ASSERT_OFFSET(head, size, 16);
RESMON_ASSERT_OFFSET(head, origin, 40);
RESMON_ASSERT_OFFSET(head, name, 64);
RESMON_ASSERT_OFFSET(head, device, 128);
RESMON_ASSERT_OFFSET(region, ended, 384);
RESMON_ASSERT_OFFSET(region, client, 1280);

#endif /* RESMON_ABI_H */
