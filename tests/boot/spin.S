/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program of exactly known length: 20 x N instructions of which N are
 * branches, none touches memory; N = 10^7, or as the first argument's number
 * of millions says.  No C library, so that nothing else is executed but a few
 * dozen instructions.
 */
	.text
	.globl _start
#ifdef __aarch64__
_start:
	mov	x1, #10
	ldr	x0, [sp]		/* argc */
	cmp	x0, #2
	b.lo	1f
	ldr	x0, [sp, #16]		/* argv[1] */
	mov	x1, #0
	mov	x3, #10
0:	ldrb	w2, [x0], #1
	cbz	w2, 1f
	sub	w2, w2, #'0'
	madd	x1, x1, x3, x2
	b	0b
1:	mov	x3, #16960		/* 1000000 */
	movk	x3, #15, lsl #16
	mul	x1, x1, x3
	mov	x0, #0
	.p2align 6
2:
	.rept 18
	add	x0, x0, #1
	.endr
	subs	x1, x1, #1
	b.ne	2b

	mov	x8, #93			/* exit(0) */
	mov	x0, #0
	svc	#0
#else
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
#endif
