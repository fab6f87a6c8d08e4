/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small files of text, such as those of /proc and /sys. */
#ifndef RCONTAINER_TEXTFILE_H
#define RCONTAINER_TEXTFILE_H

#include <stddef.h>
#include <sys/types.h>

/**
 * text_read() - read the beginning of a file
 * @dir: directory in which a relative @path begins, or AT_FDCWD
 * @path: the file
 * @text: filled in, up to @size - 1 bytes and a NUL; a NUL alone after an error
 * @size: of @text
 *
 * Return: the number of bytes before the NUL, or a negative errno.
 */
ssize_t text_read(int dir, const char *path, char *text, size_t size);

#endif /* RCONTAINER_TEXTFILE_H */
