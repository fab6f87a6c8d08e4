/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the test programs that run in a guest share. */
#ifndef BOOT_CHECK_H
#define BOOT_CHECK_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RCFS		"/sys/fs/rcontainer"
#define MAX_EVENTS	8

/* One for all files of a program. */
__attribute__((weak)) int check_failures;

#define CHECK(cond)							\
	do {								\
		if (!(cond)) {						\
			printf("# %s:%d: failed: %s\n", __FILE__,	\
			       __LINE__, #cond);			\
			check_failures++;				\
		}							\
	} while (0)

/* A system call that must fail with this error. */
#define CHECK_ERRNO(call, error)					\
	do {								\
		long ret_ = (call);					\
		int errno_ = errno;					\
									\
		if (ret_ != -1 || errno_ != (error)) {			\
			printf("# %s:%d: %s: returned %ld (%s), expected %s\n", \
			       __FILE__, __LINE__, #call, ret_,		\
			       ret_ == -1 ? strerror(errno_) : "success", \
			       strerror(error));			\
			check_failures++;				\
		}							\
	} while (0)

/* It takes several times as long for everything. */
static inline bool is_debug_kernel(void)
{
	return !access("/proc/lockdep", F_OK);
}

/* Write a string to a file in rcfs: 0, or -1 with errno. */
static inline int rcfs_write(const char *path, const char *text)
{
	char full[4096];
	int fd, ret, saved;

	snprintf(full, sizeof(full), RCFS "/%s", path);
	fd = open(full, O_WRONLY);
	if (fd < 0)
		return -1;
	ret = write(fd, text, strlen(text)) < 0 ? -1 : 0;
	saved = errno;
	close(fd);
	errno = saved;
	return ret;
}

static inline int rcfs_bind(const char *container, pid_t pid, const char *file)
{
	char path[4096], text[32];

	snprintf(path, sizeof(path), "%s/%s", container, file);
	snprintf(text, sizeof(text), "%d\n", pid);
	return rcfs_write(path, text);
}

/* The number behind a key in a flat-keyed file, or -1. */
static inline long long rcfs_value(const char *path, const char *key)
{
	char full[4096], line[4096], name[64];
	long long value = -1, n;
	FILE *f;

	snprintf(full, sizeof(full), RCFS "/%s", path);
	f = fopen(full, "r");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %lld", name, &n) == 2 && !strcmp(name, key))
			value = n;
	fclose(f);
	return value;
}

/* Does a file in rcfs list this id? */
static inline bool rcfs_lists(const char *path, pid_t pid)
{
	char full[4096];
	bool found = false;
	int id;
	FILE *f;

	snprintf(full, sizeof(full), RCFS "/%s", path);
	f = fopen(full, "r");
	if (!f)
		return false;
	while (fscanf(f, "%d\n", &id) == 1)
		found |= id == pid;
	fclose(f);
	return found;
}

/* All energy of a container: microjoules, as the kernel adds them up. */
static inline long long rcfs_total(const char *container)
{
	char full[4096], name[64];
	long long value, sum = 0;
	FILE *f;

	snprintf(full, sizeof(full), RCFS "/%s/energy", container);
	f = fopen(full, "r");
	while (f && fscanf(f, "%63s %lld", name, &value) == 2)
		sum += value;
	if (f)
		fclose(f);
	return sum;
}

#endif /* BOOT_CHECK_H */
