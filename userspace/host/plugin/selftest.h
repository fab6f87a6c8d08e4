/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The self-test counts instructions and memory accesses a second time, in
 * other ways, and reports both whenever the guest reaches a marker.
 *
 * A marker is the no-operation "nopl 0x505600NN(%eax,%eax,1)" at the start of
 * a block, that is, after a jump to it; NN is the number of the phase that it
 * begins.  Counters are printed as they are before the marker's block, and the
 * microarchitecture forgets everything, so that each phase has the same counts
 * wherever it stands.
 */
#ifndef RCONTAINER_SELFTEST_H
#define RCONTAINER_SELFTEST_H

#include "interface.h"

/**
 * selftest_translate() - instrument a block
 * @tb: the block, before any other callback was registered for it
 */
void selftest_translate(struct qemu_plugin_tb *tb);

#endif /* RCONTAINER_SELFTEST_H */
