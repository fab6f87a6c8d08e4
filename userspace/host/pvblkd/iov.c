// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "iov.h"

enum direction { FROM_GUEST, TO_GUEST };

static size_t transfer(const struct iovec *iov, unsigned int nr, uint64_t offset,
		       char *buf, size_t len, enum direction direction)
{
	size_t copied = 0, done = 0;

	for (unsigned int i = 0; i < nr && done < len; i++) {
		size_t n = iov[i].iov_len;
		char *piece = iov[i].iov_base;

		if (offset >= n) {
			offset -= n;
			continue;
		}
		n -= offset;
		if (n > len - done)
			n = len - done;
		if (piece) {
			if (direction == FROM_GUEST)
				memcpy(buf + done, piece + offset, n);
			else
				memcpy(piece + offset, buf + done, n);
			copied += n;
		}
		done += n;
		offset = 0;
	}
	return copied;
}

size_t iov_read(const struct iovec *iov, unsigned int nr, uint64_t offset,
		void *buf, size_t len)
{
	return transfer(iov, nr, offset, buf, len, FROM_GUEST);
}

size_t iov_write(const struct iovec *iov, unsigned int nr, uint64_t offset,
		 const void *buf, size_t len)
{
	return transfer(iov, nr, offset, (char *)buf, len, TO_GUEST);
}

unsigned int iov_slice(const struct iovec *iov, unsigned int nr, uint64_t offset,
		       uint64_t len, struct iovec *part)
{
	unsigned int pieces = 0;

	for (unsigned int i = 0; i < nr && len; i++) {
		size_t n = iov[i].iov_len;

		if (offset >= n) {
			offset -= n;
			continue;
		}
		n -= offset;
		if (n > len)
			n = len;
		part[pieces].iov_base = iov[i].iov_base ?
			(char *)iov[i].iov_base + offset : NULL;
		part[pieces++].iov_len = n;
		len -= n;
		offset = 0;
	}
	return pieces;
}

uint64_t iov_length(const struct iovec *iov, unsigned int nr)
{
	uint64_t sum = 0;

	while (nr--)
		sum += iov++->iov_len;
	return sum;
}
