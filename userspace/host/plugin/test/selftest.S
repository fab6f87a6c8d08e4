/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code of known counts, one phase after the other, for the plugin's self-test
 * (../selftest.h).  What each phase must count is in test_selftest.sh.
 *
 * A phase lasts from its marker to the next one: it includes its marker, and
 * the jump to the next.
 */
	.macro	phase nr
	jmp	phase\nr
	.balign	64
phase\nr:
	.byte	0x0f, 0x1f, 0x84, 0x00		/* nopl 0x505600NN(%eax,%eax) */
	.long	0x50560000 + \nr
	.endm

	.set	N, 1000

	.text
	.globl	main
main:
	movl	$divide_error, %eax
	mov	%ax, idt
	shr	$16, %eax
	mov	%ax, idt + 6
	lidt	idt_pointer

	phase	0				/* nothing */

	phase	1				/* registers only */
	mov	$N, %ecx
1:	dec	%ecx
	jnz	1b

	phase	2				/* a load and a store */
	mov	$N, %ecx
1:	mov	area, %eax
	mov	%eax, area + 64
	dec	%ecx
	jnz	1b

	phase	3				/* narrow store, wide load */
	mov	$N, %ecx
1:	mov	%al, area + 1
	mov	area, %edx
	dec	%ecx
	jnz	1b

	phase	4				/* wide store, narrow load */
	mov	$N, %ecx
1:	mov	%eax, area
	mov	area + 2, %dl
	dec	%ecx
	jnz	1b

	phase	5				/* store and load across 8 bytes */
	mov	%eax, area + 6
	mov	area + 6, %edx			/* the same: forwarded */
	mov	%ax, area + 8
	mov	area + 6, %edx			/* blocked */
	mov	area + 2, %dx			/* other bytes */

	phase	6				/* twice 16 KiB: always misses */
	call	stride_16k
	call	stride_16k

	phase	7				/* twice 4 KiB: misses once */
	call	stride_4k
	call	stride_4k

	phase	8				/* loads across lines */
	mov	area + 62, %eax
	mov	area + 62, %eax
	mov	area + 128, %eax
	mov	area + 190, %eax		/* one line is in */

	phase	9				/* jump to the same place */
	mov	$N, %ecx
	mov	$2f, %eax
1:	jmp	*%eax
2:	dec	%ecx
	jnz	1b

	phase	10				/* call two places in turn */
	mov	$N, %ecx
	mov	$even, %eax
	mov	$odd, %ebx
1:	call	*%eax
	xchg	%eax, %ebx
	dec	%ecx
	jnz	1b

	phase	11				/* 20 calls deep, stack of 16 */
	mov	$20, %ecx
	call	deep

	phase	12				/* taken and not, in turn */
	mov	$N, %ecx
1:	test	$1, %cl
	jz	2f
	nop
2:	dec	%ecx
	jnz	1b

	phase	13				/* repeated string instruction */
	mov	$100, %ecx
	mov	$area, %edi
	rep stosb

	phase	14				/* read-modify-write */
	mov	$N, %ecx
1:	incl	area
	dec	%ecx
	jnz	1b

	phase	15				/* the same, atomic */
	mov	$N, %ecx
1:	lock incl area
	dec	%ecx
	jnz	1b

	phase	16				/* two accesses an iteration */
	mov	$100, %ecx
	mov	$area, %esi
	mov	$area + 256, %edi
	rep movsb

	phase	17				/* two loads; then no iteration */
	mov	$50, %ecx
	mov	$area, %esi
	mov	$area + 256, %edi
	repe cmpsb
	xor	%ecx, %ecx
	rep stosb

	phase	18				/* fault in mid-block */
	xor	%ecx, %ecx
	div	%ecx
	nop
	nop

	phase	19
	xor	%eax, %eax
	ret

stride_16k:
	mov	$area + 16384, %esi
	jmp	1f
stride_4k:
	mov	$area + 4096, %esi
1:	sub	$64, %esi
	mov	(%esi), %eax
	cmp	$area, %esi
	jne	1b
	ret

even:	ret
odd:	ret

deep:	dec	%ecx
	jz	1f
	call	deep
1:	ret

/* Divide error: step over the two bytes of the division. */
divide_error:
	addl	$2, (%esp)
	iret

	.data
	.balign	8
idt:	.word	0, 8, 0x8e00, 0		/* main fills in divide_error */
idt_pointer:
	.word	7
	.long	idt

	.bss
	.balign	4096
area:	.skip	16384 + 64

	.section .note.GNU-stack, "", @progbits
