// SPDX-License-Identifier: GPL-2.0-or-later
/* Access to rcfs: opening, names, files, ids. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rcfs.h"

/* More than any file of one container, so that one read serves. */
#define READ_SIZE	16384

static int sysroot_path(const struct rcfs *fs, const char *path, char *buf)
{
	int len = snprintf(buf, PATH_MAX, "%s%s", fs->sysroot, path);

	return len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int rcfs_open(struct rcfs *fs, const char *sysroot)
{
	char path[PATH_MAX];
	int ret;

	fs->sysroot = sysroot ? sysroot : "";
	fs->fd = -1;

	ret = sysroot_path(fs, RCFS_MOUNT, path);
	if (ret)
		return ret;
	fs->fd = rcfs_open_dir(AT_FDCWD, path);
	if (fs->fd < 0)
		return fs->fd;

	/* Unmounted, the mount point is an empty directory of sysfs. */
	if (!sysroot && faccessat(fs->fd, "tasks", F_OK, 0)) {
		ret = -errno;
		rcfs_close(fs);
	}
	return ret;
}

void rcfs_close(struct rcfs *fs)
{
	if (fs->fd >= 0)
		close(fs->fd);
	fs->fd = -1;
}

int rcfs_supported(const struct rcfs *fs)
{
	struct rcfs_buf buf = { 0 };
	char path[PATH_MAX], *cursor, *line;
	int ret, found = 0;

	ret = sysroot_path(fs, "/proc/filesystems", path);
	if (!ret)
		ret = rcfs_read(AT_FDCWD, path, &buf);
	if (!ret) {
		cursor = buf.data;
		while (!found && rcfs_next_line(&cursor, &line) > 0) {
			char *type = strrchr(line, '\t');

			found = type && !strcmp(type + 1, RCFS_TYPE);
		}
	}
	rcfs_buf_free(&buf);
	return ret ? ret : found;
}

static const char *check_component(const char *comp, size_t len, bool first)
{
	size_t i;

	if (len > NAME_MAX)
		return "a part of the name is longer than 255 bytes";
	if (comp[0] == '.' && (len == 1 || (len == 2 && comp[1] == '.')))
		return "'.' and '..' are not allowed in container names";
	for (i = 0; i < len; i++)
		if (isspace((unsigned char)comp[i]) ||
		    iscntrl((unsigned char)comp[i]))
			return "spaces and control characters are not allowed in container names";
	if (first && len == 4 && !strncmp(comp, "info", 4))
		return "'info' is reserved and not a container";
	return NULL;
}

const char *rcfs_check_name(const char *name, char **path)
{
	const size_t mount = strlen(RCFS_MOUNT);
	const char *p = name, *wrong;
	char *out;

	*path = NULL;
	if (!*p)
		return "the name is empty ('/' is the root container)";
	if (!strncmp(p, RCFS_MOUNT, mount) && (!p[mount] || p[mount] == '/'))
		p += mount;
	else if (*p == '/' && p[strspn(p, "/")])
		return "names are relative to " RCFS_MOUNT ", without a leading '/'";

	out = malloc(strlen(p) + 2);
	if (!out)
		return "out of memory";
	*path = out;
	for (p += strspn(p, "/"); *p; p += strspn(p, "/")) {
		size_t len = strcspn(p, "/");

		wrong = check_component(p, len, out == *path);
		if (wrong) {
			free(*path);
			*path = NULL;
			return wrong;
		}
		if (out != *path)
			*out++ = '/';
		out = mempcpy(out, p, len);
		p += len;
	}
	if (out == *path)
		*out++ = '.';
	*out = '\0';
	return NULL;
}

const char *rcfs_show_name(const char *path)
{
	return strcmp(path, ".") ? path : "/";
}

bool rcfs_is_builtin(const char *path)
{
	return !strcmp(path, "idle") || !strcmp(path, "interrupt");
}

int rcfs_open_dir(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int rcfs_read(int dirfd, const char *name, struct rcfs_buf *buf)
{
	int fd, ret = 0;

	buf->len = 0;
	fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;

	for (;;) {
		ssize_t got;

		if (buf->size - buf->len < 2) {
			size_t size = buf->size ? 2 * buf->size : READ_SIZE;
			char *data = realloc(buf->data, size);

			if (!data) {
				ret = -ENOMEM;
				break;
			}
			buf->data = data;
			buf->size = size;
		}
		got = read(fd, buf->data + buf->len, buf->size - buf->len - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			ret = -errno;
		if (got <= 0)
			break;
		buf->len += got;
	}
	close(fd);
	if (!ret) {
		buf->data[buf->len] = '\0';
		if (memchr(buf->data, '\0', buf->len))
			ret = -EBADMSG;
	}
	return ret;
}

void rcfs_buf_free(struct rcfs_buf *buf)
{
	free(buf->data);
	memset(buf, 0, sizeof(*buf));
}

int rcfs_next_line(char **cursor, char **line)
{
	char *end;

	if (!**cursor)
		return 0;
	end = strchr(*cursor, '\n');
	if (!end)
		return -EBADMSG;
	*end = '\0';
	*line = *cursor;
	*cursor = end + 1;
	return 1;
}

int rcfs_parse_u64(const char *text, uint64_t *value)
{
	uint64_t v = 0;

	if (!*text)
		return -EBADMSG;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EBADMSG;
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, *text - '0', &v))
			return -ERANGE;
	}
	*value = v;
	return 0;
}

/* Cut "KEY NUMBER"; all values of energy and events files are numbers. */
static int next_key(char **cursor, char **key, uint64_t *value)
{
	char *space;
	int ret = rcfs_next_line(cursor, key);

	if (ret <= 0)
		return ret;
	space = strchr(*key, ' ');
	if (!space || space == *key)
		return -EBADMSG;
	*space = '\0';
	ret = rcfs_parse_u64(space + 1, value);
	return ret ? ret : 1;
}

/* Grow an array by one zeroed element. */
static void *grow(void **array, size_t *count, size_t size)
{
	/* Few elements, each with a small string: no need for doubling. */
	char *bigger = reallocarray(*array, *count + 1, size);

	if (!bigger)
		return NULL;
	*array = bigger;
	return memset(bigger + size * (*count)++, 0, size);
}

const struct rcfs_device *rcfs_find_device(const struct rcfs_energy *energy,
					   const char *name)
{
	size_t i;

	for (i = 0; i < energy->ndevs; i++)
		if (!strcmp(energy->dev[i].name, name))
			return &energy->dev[i];
	return NULL;
}

static struct rcfs_device *get_device(struct rcfs_energy *energy,
				      const char *name)
{
	struct rcfs_device *dev;

	dev = (struct rcfs_device *)rcfs_find_device(energy, name);
	if (dev)
		return dev;
	dev = grow((void **)&energy->dev, &energy->ndevs, sizeof(*dev));
	if (!dev)
		return NULL;
	dev->name = strdup(name);
	if (!dev->name) {
		energy->ndevs--;
		return NULL;
	}
	return dev;
}

int rcfs_parse_energy(struct rcfs_buf *buf, struct rcfs_energy *energy)
{
	char *cursor = buf->data, *key;
	uint64_t value;
	int ret;

	memset(energy, 0, sizeof(*energy));
	while ((ret = next_key(&cursor, &key, &value)) > 0) {
		/* The last dot: a device may be called "disk.0". */
		char *dot = strrchr(key, '.');
		struct rcfs_device *dev;
		bool access;

		if (!dot || dot == key)
			continue;
		access = !strcmp(dot, ".access_uj");
		if (!access && strcmp(dot, ".base_uj"))
			continue;
		*dot = '\0';
		dev = get_device(energy, key);
		if (!dev)
			return -ENOMEM;
		*(access ? &dev->access : &dev->base) = value;
	}
	return ret;
}

int rcfs_read_energy(int dirfd, const char *name, struct rcfs_buf *buf,
		     struct rcfs_energy *energy)
{
	int ret = rcfs_read(dirfd, name, buf);

	memset(energy, 0, sizeof(*energy));
	if (!ret)
		ret = rcfs_parse_energy(buf, energy);
	/* Half a file would be a wrong sum. */
	if (ret)
		rcfs_energy_free(energy);
	return ret;
}

void rcfs_energy_free(struct rcfs_energy *energy)
{
	size_t i;

	for (i = 0; i < energy->ndevs; i++)
		free(energy->dev[i].name);
	free(energy->dev);
	memset(energy, 0, sizeof(*energy));
}

static uint64_t sub_sat(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

void rcfs_energy_subtract(struct rcfs_energy *energy,
			  const struct rcfs_energy *old)
{
	size_t i;

	for (i = 0; i < energy->ndevs; i++) {
		struct rcfs_device *dev = &energy->dev[i];
		const struct rcfs_device *was = rcfs_find_device(old, dev->name);

		if (was) {
			dev->access = sub_sat(dev->access, was->access);
			dev->base = sub_sat(dev->base, was->base);
		}
	}
}

int rcfs_energy_copy(struct rcfs_energy *copy, const struct rcfs_energy *energy)
{
	size_t i;

	memset(copy, 0, sizeof(*copy));
	for (i = 0; i < energy->ndevs; i++) {
		struct rcfs_device *dev = get_device(copy, energy->dev[i].name);

		if (!dev) {
			rcfs_energy_free(copy);
			return -ENOMEM;
		}
		dev->access = energy->dev[i].access;
		dev->base = energy->dev[i].base;
	}
	return 0;
}

static uint64_t add_sat(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

uint64_t rcfs_energy_access(const struct rcfs_energy *energy)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < energy->ndevs; i++)
		sum = add_sat(sum, energy->dev[i].access);
	return sum;
}

uint64_t rcfs_energy_base(const struct rcfs_energy *energy)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < energy->ndevs; i++)
		sum = add_sat(sum, energy->dev[i].base);
	return sum;
}

uint64_t rcfs_energy_total(const struct rcfs_energy *energy)
{
	return add_sat(rcfs_energy_access(energy), rcfs_energy_base(energy));
}

int rcfs_parse_events(struct rcfs_buf *buf, struct rcfs_events *events)
{
	char *cursor = buf->data, *key;
	uint64_t value;
	int ret;

	memset(events, 0, sizeof(*events));
	while ((ret = next_key(&cursor, &key, &value)) > 0) {
		struct rcfs_event *ev;

		ev = grow((void **)&events->ev, &events->nevents, sizeof(*ev));
		if (!ev)
			return -ENOMEM;
		ev->count = value;
		ev->name = strdup(key);
		if (!ev->name)
			return -ENOMEM;
	}
	return ret;
}

int rcfs_read_events(int dirfd, const char *name, struct rcfs_buf *buf,
		     struct rcfs_events *events)
{
	int ret = rcfs_read(dirfd, name, buf);

	memset(events, 0, sizeof(*events));
	if (!ret)
		ret = rcfs_parse_events(buf, events);
	if (ret)
		rcfs_events_free(events);
	return ret;
}

void rcfs_events_free(struct rcfs_events *events)
{
	size_t i;

	for (i = 0; i < events->nevents; i++)
		free(events->ev[i].name);
	free(events->ev);
	memset(events, 0, sizeof(*events));
}

int rcfs_count_ids(const struct rcfs_buf *buf, size_t *count)
{
	const char *p = buf->data;

	for (*count = 0; *p; ++*count) {
		size_t digits = strspn(p, "0123456789");

		if (!digits || p[digits] != '\n')
			return -EBADMSG;
		p += digits + 1;
	}
	return 0;
}

int rcfs_write(int dirfd, const char *file, const char *text)
{
	ssize_t len = strlen(text);
	int fd, ret = 0;

	fd = openat(dirfd, file, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	errno = 0;
	if (write(fd, text, len) != len)
		ret = errno ? -errno : -EIO;
	close(fd);
	return ret;
}

int rcfs_write_id(int dirfd, const char *file, unsigned int id)
{
	char text[16];

	snprintf(text, sizeof(text), "%u\n", id);
	return rcfs_write(dirfd, file, text);
}

void rcfs_comm(const struct rcfs *fs, unsigned int id, char *comm, size_t size)
{
	struct rcfs_buf buf = { 0 };
	char path[PATH_MAX], file[32];
	const char *name = "?";

	snprintf(file, sizeof(file), "/proc/%u/comm", id);
	if (!sysroot_path(fs, file, path) &&
	    !rcfs_read(AT_FDCWD, path, &buf) && buf.len) {
		char *p;

		/* Anyone may name a thread: let nothing reach the terminal. */
		buf.data[strcspn(buf.data, "\n")] = '\0';
		for (p = buf.data; *p; p++)
			if (iscntrl((unsigned char)*p))
				*p = '?';
		name = buf.data;
	}
	snprintf(comm, size, "%s", name);
	rcfs_buf_free(&buf);
}
