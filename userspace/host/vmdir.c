// SPDX-License-Identifier: GPL-2.0-or-later
/* The directory of an emulated machine; see vmdir.h. */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "machine.h"
#include "page.h"
#include "vmdir.h"

/* Return: whether it was there or made just now, and is still in its place. */
static bool open_locked(struct vmdir *d)
{
	struct stat st, there;

	d->created = !mkdir(d->path, 0700);
	if (!d->created && errno != EEXIST)
		err(exit_failure, "%s: cannot create", d->path);
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->fd < 0) {
		if (errno == ENOENT)
			return false;
		err(exit_failure, "%s: cannot open directory", d->path);
	}
	if (flock(d->fd, LOCK_EX) || fstat(d->fd, &st))
		err(exit_failure, "%s: cannot lock", d->path);
	if (lstat(d->path, &there) || there.st_ino != st.st_ino ||
	    there.st_dev != st.st_dev) {
		close(d->fd);
		return false;
	}
	if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
		errx(exit_failure, "%s: others may write there", d->path);
	return true;
}

void vmdir_enter(struct vmdir *d, const char *path)
{
	*d = (struct vmdir){ .path = path, .fd = -1, .page_fd = -1 };

	/* A launcher that ends may remove it under our hands. */
	while (!open_locked(d))
		;
}

static unsigned int host_pcpus(unsigned int min)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (n > MACHINE_MAX_PCPUS)
		n = MACHINE_MAX_PCPUS;
	return n < (long)min ? min : n;
}

void vmdir_machine(struct vmdir *d, unsigned int nr_pcpus,
		   unsigned int min_pcpus, uint64_t tsc_khz)
{
	struct machine *m;
	int ret;

	m = machine_open(d->path, 1, &ret);
	if (!m && ret == -ENOENT) {
		ret = machine_create(d->path,
				     nr_pcpus ? nr_pcpus : host_pcpus(min_pcpus),
				     tsc_khz ? tsc_khz : MACHINE_TSC_KHZ);
		if (ret)
			errx(exit_failure, "%s/" MACHINE_FILE ": cannot create: %s",
			     d->path, strerror(-ret));
		m = machine_open(d->path, 1, &ret);
	}
	if (!m && (ret == -EPROTO || ret == -EINVAL))
		errx(exit_failure, "%s/" MACHINE_FILE
		     ": not a machine, or of another version", d->path);
	if (!m)
		errx(exit_failure, "%s/" MACHINE_FILE ": %s", d->path,
		     strerror(-ret));

	if (nr_pcpus && nr_pcpus != m->nr_pcpus)
		errx(exit_failure, "%s: the machine has %u physical CPUs, not %u",
		     d->path, m->nr_pcpus, nr_pcpus);
	if (min_pcpus > m->nr_pcpus)
		errx(exit_failure,
		     "%s: physical CPU %u asked for, the machine's last is %u",
		     d->path, min_pcpus - 1, m->nr_pcpus - 1);
	if (tsc_khz && tsc_khz != m->tsc_khz)
		errx(exit_failure, "%s: the machine's rate is %ju kHz, not %ju",
		     d->path, (uintmax_t)m->tsc_khz, (uintmax_t)tsc_khz);
	d->machine = m;
}

/* A process that ended but was not waited for still has its id. */
static bool has_ended(pid_t pid)
{
	struct pollfd p = { .fd = pidfd_open(pid, 0), .events = POLLIN };
	bool ended;

	if (p.fd < 0)
		return errno == ESRCH;
	ended = poll(&p, 1, 0) == 1;
	close(p.fd);
	return ended;
}

void vmdir_claim_name(const struct vmdir *d, const char *name)
{
	struct machine *m = d->machine;
	int holder = -1;
	pid_t pid = 0;

	machine_lock(&m->lock);
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++) {
		if (machine_vm_alive(m, slot) &&
		    !strncmp(m->vm[slot].name, name, PVENERGY_NAME_LEN)) {
			holder = slot;
			pid = m->vm[slot].pid;
		}
	}
	machine_unlock(&m->lock);
	if (holder < 0)
		return;
	if (!has_ended(pid))
		errx(exit_failure, "%s: virtual machine '%s' is running", d->path,
		     name);
	machine_vm_remove(m, holder);
}

static void remove_stale_page(const struct vmdir *d, const char *page,
			      const char *name)
{
	int fd = open(page, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		if (errno == ENOENT)
			return;
		err(exit_failure, "%s", page);
	}
	if (flock(fd, LOCK_EX | LOCK_NB))
		errx(exit_failure, "%s: virtual machine '%s' is running", d->path,
		     name);
	if (unlink(page))
		err(exit_failure, "%s: cannot replace", page);
	close(fd);
}

void vmdir_create_page(struct vmdir *d, const char *name, unsigned int nr_vcpus,
		       const struct model *model, uint32_t flags)
{
	char *page = format("%s/%s" MACHINE_PAGE_SUFFIX, d->path, name);
	int fd;

	remove_stale_page(d, page, name);
	fd = page_create(page, name, nr_vcpus, model, flags,
			 d->machine->tsc_khz);
	if (fd < 0)
		errx(exit_failure, "%s: cannot create: %s", page, strerror(-fd));
	/* Nobody else tries before the directory is unlocked. */
	if (flock(fd, LOCK_EX | LOCK_NB))
		err(exit_failure, "%s: cannot lock", page);
	d->page = page;
	d->page_fd = fd;
}

void vmdir_unlock(struct vmdir *d)
{
	flock(d->fd, LOCK_UN);
}

static bool only_machine_left(const struct vmdir *d)
{
	DIR *dir = opendir(d->path);
	struct dirent *entry;
	bool only = true;

	if (!dir)
		return false;
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
		    strcmp(entry->d_name, MACHINE_FILE))
			only = false;
	closedir(dir);
	for (unsigned int slot = 0; d->machine && slot < MACHINE_MAX_VMS; slot++)
		if (machine_vm_alive(d->machine, slot))
			only = false;
	return only;
}

void vmdir_leave(struct vmdir *d, bool keep)
{
	if (d->fd < 0)
		return;
	flock(d->fd, LOCK_EX);
	if (!keep && d->page)
		unlink(d->page);
	if (!keep && d->created && only_machine_left(d)) {
		unlinkat(d->fd, MACHINE_FILE, 0);
		rmdir(d->path);
	}
	if (d->page_fd >= 0)
		close(d->page_fd);
	free(d->page);
	if (d->machine)
		machine_close(d->machine);
	close(d->fd);
}
