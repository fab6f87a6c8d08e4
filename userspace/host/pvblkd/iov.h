/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scattered guest memory.  A piece whose base is NULL stands for addresses that
 * are not the guest's: it has a length, but nothing is read or written there.
 */
#ifndef PVBLKD_IOV_H
#define PVBLKD_IOV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Copy between @buf and the bytes from @offset; return how many were copied. */
size_t iov_read(const struct iovec *iov, unsigned int nr, uint64_t offset,
		void *buf, size_t len);
size_t iov_write(const struct iovec *iov, unsigned int nr, uint64_t offset,
		 const void *buf, size_t len);

/* The sum of all pieces, of which each is less than 4 GiB. */
uint64_t iov_length(const struct iovec *iov, unsigned int nr);

/**
 * iov_slice() - name a part of scattered memory
 * @iov: what is scattered
 * @nr: pieces there
 * @offset: where the part begins
 * @len: how long it is; the memory ends no earlier
 * @part: filled in, room for @nr pieces
 *
 * Return: the number of pieces.
 */
unsigned int iov_slice(const struct iovec *iov, unsigned int nr, uint64_t offset,
		       uint64_t len, struct iovec *part);

#endif /* PVBLKD_IOV_H */
