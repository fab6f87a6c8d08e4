/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Turns: which virtual machine has the emulated physical CPU.
 *
 * A virtual CPU must hold its physical CPU to execute a block.  It keeps it
 * for a slice of host CPU time if others want it, as long as it likes if not, and
 * gives it back when it halts.  An idle physical CPU stays with the virtual
 * machine that ran there last, until another one is switched in.
 *
 * Nobody can be made to give a physical CPU back: the holder may be dead, or
 * blocked within QEMU.  The latter may even be due to us: a virtual CPU that
 * waits here keeps its virtual machine from doing what needs all of its CPUs
 * stopped (flushing the code cache, say), and there the sibling waits that
 * holds the physical CPU for which a virtual CPU of the other machine waits,
 * and so on around the circle.  So whoever waits, and sees no heartbeat of the
 * holder for some time, steals the CPU.  The robbed one finds out before its
 * next block and queues up like everyone.
 *
 * That does not disturb the accounts.  What is counted in a turn is what the
 * counters advance between two switches, whoever made them advance, so the
 * turns always partition the counters; and a virtual machine's virtual
 * counters are defined as the sum of its turns.  A robbed virtual CPU's events
 * up to the end of the block that it is in may fall into the thief's turn.
 */
#ifndef RCONTAINER_TURN_H
#define RCONTAINER_TURN_H

#include "vcpu.h"

/* No heartbeat for so long: the holder is blocked. */
#define TURN_STALL_MS	20

/**
 * turn_init() - set up the turns of all virtual CPUs
 *
 * Reads the host CPUs on which we are allowed to run: in multi-threaded mode
 * each thread that executes a virtual CPU pins itself to the one that stands
 * for its physical CPU.
 */
void turn_init(void);

/**
 * turn_acquire() - wait for the physical CPU, and switch in
 * @v: the virtual CPU, in the thread that executes it
 */
void turn_acquire(struct vcpu *v);

/**
 * turn_tick() - refresh the clock, and hand over if the slice has ended
 * @v: the virtual CPU, holding its physical CPU, as it does on return
 */
void turn_tick(struct vcpu *v);

/**
 * turn_release() - give the physical CPU to somebody who wants it
 * @v: the virtual CPU, holding its physical CPU or not
 */
void turn_release(struct vcpu *v);

/* The process exits: who tries to acquire from now on, waits for the end. */
void turn_stop(void);

#endif /* RCONTAINER_TURN_H */
