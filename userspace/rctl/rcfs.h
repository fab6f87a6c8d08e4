/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Access to rcfs, the resource container file system: opening it, checking
 * names, reading its files, writing ids.  Nothing here prints.
 *
 * Functions that return int return 0 or a negative errno.  -EBADMSG is "the
 * file does not have the promised format", -ENODEV or -ENOENT "the container
 * is gone".
 */
#ifndef RCTL_RCFS_H
#define RCTL_RCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RCFS_TYPE	"rcontainer"
#define RCFS_MOUNT	"/sys/fs/rcontainer"

/**
 * struct rcfs - an open rcfs
 * @sysroot: directory that stands for "/", "" for the running system
 * @fd: the root container's directory
 */
struct rcfs {
	const char *sysroot;
	int fd;
};

/**
 * struct rcfs_buf - a file's text, reused from file to file
 * @data: the text, always followed by a NUL
 * @len: bytes read
 * @size: bytes allocated
 */
struct rcfs_buf {
	char *data;
	size_t len;
	size_t size;
};

/**
 * struct rcfs_device - the energy of one physical device
 * @name: "cpu", "disk", ...
 * @access: microjoules for what was done
 * @base: microjoules for being there
 */
struct rcfs_device {
	char *name;
	uint64_t access;
	uint64_t base;
};

/**
 * struct rcfs_energy - one "energy" or "energy.local" file
 * @dev: devices in the file's order
 * @ndevs: number of devices; 0 means that nothing is metered
 */
struct rcfs_energy {
	struct rcfs_device *dev;
	size_t ndevs;
};

/**
 * struct rcfs_event - one line of an "events" file
 * @name: event, as in info/counters
 * @count: how often
 */
struct rcfs_event {
	char *name;
	uint64_t count;
};

/**
 * struct rcfs_events - one "events" file
 * @ev: events in the file's order
 * @nevents: number of events
 */
struct rcfs_events {
	struct rcfs_event *ev;
	size_t nevents;
};

/**
 * rcfs_open() - open the mounted rcfs, or a recorded one
 * @fs: filled in
 * @sysroot: directory of a recorded tree, or NULL for the running system
 *
 * A recorded tree need not be a mount.  -ENOENT says that there is no rcfs;
 * rcfs_supported() then helps to say why.
 */
int rcfs_open(struct rcfs *fs, const char *sysroot);
void rcfs_close(struct rcfs *fs);

/**
 * rcfs_supported() - does /proc/filesystems list rcfs?
 * @fs: rcfs that could not be opened
 *
 * Returns 1 or 0, or a negative errno if the list cannot be read.
 */
int rcfs_supported(const struct rcfs *fs);

/**
 * rcfs_check_name() - bring a container's name into canonical form
 * @name: what the user typed
 * @path: canonical path relative to the root, "." for the root itself; to be
 *	freed
 *
 * Names are relative to the root container; "/" is the root container, and
 * absolute paths may lead to it ("/sys/fs/rcontainer/web").  Returns NULL, or
 * what is wrong with @name, made to follow "'NAME': ".
 */
const char *rcfs_check_name(const char *name, char **path);

/* The name to show for a canonical path. */
const char *rcfs_show_name(const char *path);

/* Is @path one of the containers that the kernel made for itself? */
bool rcfs_is_builtin(const char *path);

/* Open the directory of the container @path, relative to @dirfd. */
int rcfs_open_dir(int dirfd, const char *path);

/**
 * rcfs_read() - read a whole file
 * @dirfd: container's directory, or any
 * @name: file, relative to it
 * @buf: receives the text; may be used again
 */
int rcfs_read(int dirfd, const char *name, struct rcfs_buf *buf);
void rcfs_buf_free(struct rcfs_buf *buf);

/**
 * rcfs_next_line() - cut the next line from a text
 * @cursor: where to go on; moved
 * @line: the line, its newline replaced by NUL
 *
 * Returns 1, 0 at the end, or -EBADMSG if the last line has no newline: it may
 * have been cut in the middle of a number.
 */
int rcfs_next_line(char **cursor, char **line);

/**
 * rcfs_parse_u64() - read an unsigned decimal number
 * @text: digits and nothing else, no sign, no spaces
 * @value: set on success
 */
int rcfs_parse_u64(const char *text, uint64_t *value);

/**
 * rcfs_parse_energy() - parse the text of an energy file
 * @buf: text; destroyed
 * @energy: filled in; to be freed even on error
 *
 * Keys other than DEVICE.access_uj and DEVICE.base_uj are ignored, for later
 * kernels may have more to say.
 */
int rcfs_parse_energy(struct rcfs_buf *buf, struct rcfs_energy *energy);
/* Read and parse; on error @energy is empty. */
int rcfs_read_energy(int dirfd, const char *name, struct rcfs_buf *buf,
		     struct rcfs_energy *energy);
void rcfs_energy_free(struct rcfs_energy *energy);
const struct rcfs_device *rcfs_find_device(const struct rcfs_energy *energy,
					   const char *name);

/**
 * rcfs_energy_subtract() - turn a reading into what was used since another
 * @energy: later reading
 * @old: earlier one; devices it does not have are new, and began at zero
 *
 * A difference stops at zero: readings are rounded.
 */
void rcfs_energy_subtract(struct rcfs_energy *energy,
			  const struct rcfs_energy *old);
/* Make @copy, to be freed; on error it is empty. */
int rcfs_energy_copy(struct rcfs_energy *copy, const struct rcfs_energy *energy);

/* Sums over devices; they stop at UINT64_MAX rather than wrap. */
uint64_t rcfs_energy_access(const struct rcfs_energy *energy);
uint64_t rcfs_energy_base(const struct rcfs_energy *energy);
uint64_t rcfs_energy_total(const struct rcfs_energy *energy);

/* Like rcfs_parse_energy(), for "events". */
int rcfs_parse_events(struct rcfs_buf *buf, struct rcfs_events *events);
/* Read and parse; on error @events is empty. */
int rcfs_read_events(int dirfd, const char *name, struct rcfs_buf *buf,
		     struct rcfs_events *events);
void rcfs_events_free(struct rcfs_events *events);

/**
 * rcfs_count_ids() - count the lines of "tasks" or "procs"
 * @buf: text
 * @count: number of ids
 */
int rcfs_count_ids(const struct rcfs_buf *buf, size_t *count);

/**
 * rcfs_write_id() - bind a task or a process
 * @dirfd: container's directory
 * @file: "tasks" or "procs"
 * @id: thread or process id, 0 for the caller
 */
int rcfs_write_id(int dirfd, const char *file, unsigned int id);

/* Write @text to a file in one write, as rcfs wants it. */
int rcfs_write(int dirfd, const char *file, const char *text);

/**
 * rcfs_comm() - the command name of a process or thread
 * @fs: where /proc is
 * @id: process or thread id
 * @comm: receives the name, or "?"
 * @size: of @comm
 */
void rcfs_comm(const struct rcfs *fs, unsigned int id, char *comm, size_t size);

#endif
