/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions that do nothing, by which a program in a guest tells the plugin
 * where it is: NOPs with a displacement that no compiler makes, of which the
 * last byte says what it means.
 */
#ifndef BENCH_MARK_H
#define BENCH_MARK_H

#define MARK_BEGIN	1
#define MARK_STEP	2
#define MARK_END	3

/* nopl 0xKK4b524d(%rax), but for the last byte. */
#define MARK_BYTES	{ 0x0f, 0x1f, 0x80, 0x4d, 0x52, 0x4b }

#define MARK(kind)							\
	__asm__ volatile(".byte 0x0f, 0x1f, 0x80, 0x4d, 0x52, 0x4b, %c0" \
			 : : "i" (kind) : "memory")

#endif /* BENCH_MARK_H */
