/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every CPU loops for ever, with some loads and stores of its own.  The boot
 * CPU wakes the others by INIT and STARTUP to all but itself.
 */
	.set	APIC_ICR, 0xfee00300
	.set	START_PAGE, 0x8000

	.text
	.globl	main
main:
	mov	$ap_start, %esi
	mov	$START_PAGE, %edi
	mov	$ap_end - ap_start, %ecx
	rep movsb
	movl	$0xc4500, APIC_ICR			/* INIT */
	mov	$1000000, %ecx
1:	dec	%ecx
	jnz	1b
	movl	$0xc4600 | START_PAGE >> 12, APIC_ICR	/* STARTUP */
spin:
	mov	$1, %ebx
	lock xadd %ebx, next_cpu
	shl	$12, %ebx
	add	$areas, %ebx
1:	mov	$4096, %ecx
2:	mov	-4(%ebx, %ecx), %eax
	inc	%eax
	mov	%eax, -4(%ebx, %ecx)
	sub	$4, %ecx
	jnz	2b
	jmp	1b

	/* Copied to START_PAGE and executed there, in real mode. */
	.code16
ap_start:
	cli
	xor	%ax, %ax
	mov	%ax, %ds
	lgdtl	START_PAGE + ap_gdt_pointer - ap_start
	mov	%cr0, %eax
	or	$1, %al
	mov	%eax, %cr0
	ljmpl	$8, $ap_protected
ap_gdt_pointer:
	.word	23
	.long	gdt
ap_end:
	.code32
ap_protected:
	mov	$16, %eax
	mov	%eax, %ds
	jmp	spin

	.bss
	.align	4096
areas:	.skip	8 * 4096
next_cpu:
	.skip	4

	.section .note.GNU-stack, "", @progbits
