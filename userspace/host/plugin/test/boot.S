/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Start of a bare-metal guest: loaded by "qemu -kernel" as Multiboot, enters
 * main in 32-bit protected mode with flat segments, a stack, and interrupts
 * off.  When main returns, its value goes to the isa-debug-exit device at
 * port 0xf4, and QEMU's exit status is twice that plus one.
 */
	.set	MULTIBOOT_MAGIC, 0x1badb002

	.section .text.boot, "ax"
	.align	4
	.long	MULTIBOOT_MAGIC, 0, -MULTIBOOT_MAGIC

	.globl	_start
_start:
	lgdt	gdt_pointer
	ljmp	$8, $1f
1:	mov	$16, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$stack_top, %esp
	call	main
	out	%al, $0xf4
1:	cli
	hlt
	jmp	1b

	.data
	.align	8
	.globl	gdt, gdt_pointer
gdt:	.quad	0, 0x00cf9a000000ffff, 0x00cf92000000ffff
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt

	.bss
	.align	64
	.skip	65536
stack_top:

	.section .note.GNU-stack, "", @progbits
