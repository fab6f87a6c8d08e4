/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program of exactly known length: 20 x N instructions of which N are
 * branches, none touches memory; N = 10^7, or as the first argument's number
 * of millions says.  No C library, so that nothing else is executed but a few
 * dozen instructions.
 */
	.text
	.globl _start
_start:
	mov	$10, %ecx
	cmpq	$2, (%rsp)		/* argc */
	jb	1f
	mov	16(%rsp), %rsi		/* argv[1] */
	xor	%ecx, %ecx
0:	movzbl	(%rsi), %eax
	test	%eax, %eax
	jz	1f
	imul	$10, %ecx, %ecx
	lea	-'0'(%rcx,%rax), %ecx
	inc	%rsi
	jmp	0b
1:	imul	$1000000, %rcx, %rcx
	xor	%eax, %eax
	.p2align 6
2:
	.rept 18
	add	$1, %rax
	.endr
	dec	%rcx
	jnz	2b

	mov	$60, %eax		/* exit(0) */
	xor	%edi, %edi
	syscall
