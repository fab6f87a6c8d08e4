// SPDX-License-Identifier: GPL-2.0-or-later
/* See textfile.h. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "textfile.h"

ssize_t text_read(int dir, const char *path, char *text, size_t size)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0, len = 0;

	*text = '\0';
	if (fd < 0)
		return -errno;
	while (len < (ssize_t)size - 1 && (n = read(fd, text + len, size - 1 - len)) > 0)
		len += n;
	if (n < 0)
		len = -errno;
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	return len;
}
