// SPDX-License-Identifier: GPL-2.0-or-later
/* The emulated machine's shared memory; see machine.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "machine.h"

static int lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;
	int ret;

	ret = pthread_mutexattr_init(&attr);
	if (ret)
		return -ret;
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	ret = -pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return ret;
}

static int machine_init(struct machine *m, unsigned int nr_pcpus,
			uint64_t tsc_khz)
{
	unsigned int i;
	int ret;

	m->version = MACHINE_VERSION;
	m->nr_pcpus = nr_pcpus;
	m->size = sizeof(*m);
	m->tsc_khz = tsc_khz;
	m->tsc_zero_ns = monotonic_ns();
	ret = lock_init(&m->lock);
	for (i = 0; i < MACHINE_MAX_PCPUS && !ret; i++) {
		m->pcpu[i].owner = MACHINE_NO_VM;
		ret = lock_init(&m->pcpu[i].lock);
	}
	m->magic = MACHINE_MAGIC;
	return ret;
}

static int machine_write(const char *path, unsigned int nr_pcpus,
			 uint64_t tsc_khz)
{
	struct machine *m;
	int fd, ret;

	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	/* Blocks are allocated now: later, a full disk would be a SIGBUS. */
	ret = -posix_fallocate(fd, 0, sizeof(*m));
	if (ret)
		goto out;
	m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED) {
		ret = -errno;
		goto out;
	}
	ret = machine_init(m, nr_pcpus, tsc_khz);
	munmap(m, sizeof(*m));
out:
	close(fd);
	return ret;
}

int machine_create(const char *dir, unsigned int nr_pcpus, uint64_t tsc_khz)
{
	char *path = NULL, *tmp = NULL;
	int ret;

	if (!nr_pcpus || nr_pcpus > MACHINE_MAX_PCPUS || !tsc_khz)
		return -EINVAL;
	if (asprintf(&path, "%s/" MACHINE_FILE, dir) < 0)
		return -ENOMEM;
	if (asprintf(&tmp, "%s.%d", path, getpid()) < 0) {
		free(path);
		return -ENOMEM;
	}
	/* link() makes the file appear complete, and for one creator only. */
	ret = machine_write(tmp, nr_pcpus, tsc_khz);
	if (!ret && link(tmp, path) && errno != EEXIST)
		ret = -errno;
	unlink(tmp);
	free(tmp);
	free(path);
	return ret;
}

static int machine_check(const struct machine *m)
{
	if (m->magic != MACHINE_MAGIC || m->size != sizeof(*m))
		return -EINVAL;
	if (m->version != MACHINE_VERSION)
		return -EPROTO;
	if (!m->nr_pcpus || m->nr_pcpus > MACHINE_MAX_PCPUS || !m->tsc_khz)
		return -EINVAL;
	return 0;
}

struct machine *machine_open(const char *dir, int writable, int *err)
{
	struct machine *m = NULL;
	struct stat st;
	char *path;
	int fd;

	if (asprintf(&path, "%s/" MACHINE_FILE, dir) < 0) {
		*err = -ENOMEM;
		return NULL;
	}
	fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	*err = fd < 0 ? -errno : 0;
	free(path);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st)) {
		*err = -errno;
		goto out;
	}
	if (!S_ISREG(st.st_mode) || st.st_size != sizeof(*m)) {
		*err = -EINVAL;
		goto out;
	}
	m = mmap(NULL, sizeof(*m), PROT_READ | (writable ? PROT_WRITE : 0),
		 MAP_SHARED, fd, 0);
	if (m == MAP_FAILED) {
		*err = -errno;
		m = NULL;
		goto out;
	}
	*err = machine_check(m);
	if (*err) {
		machine_close(m);
		m = NULL;
	}
out:
	close(fd);
	return m;
}

void machine_close(struct machine *m)
{
	munmap(m, sizeof(*m));
}

void machine_lock(pthread_mutex_t *lock)
{
	int ret = pthread_mutex_lock(lock);

	if (ret == EOWNERDEAD)
		ret = pthread_mutex_consistent(lock);
	if (ret) {
		/* Only a damaged file brings us here: there is no way on. */
		fprintf(stderr, "machine: lock: %s\n", strerror(ret));
		abort();
	}
}

void machine_unlock(pthread_mutex_t *lock)
{
	pthread_mutex_unlock(lock);
}

/*
 * May be repeated any number of times, from any step on.  The fences keep the
 * compiler from moving a change across the store that makes it redoable; a
 * killed process leaves its stores in program order.
 */
static void redo_apply(struct machine_pcpu *p)
{
	const struct machine_redo *r = &p->redo;
	struct machine_switch *entry;
	uint64_t *total;

	entry = &p->log[(r->log_head - 1) % MACHINE_LOG_ENTRIES];
	total = r->from < MACHINE_MAX_VMS ? p->total[r->from] : p->unowned;
	entry->from = r->from;
	entry->to = r->to;
	memcpy(entry->counters, r->counters, sizeof(r->counters));
	memcpy(total, r->total, sizeof(r->total));
	memcpy(p->at_switch, r->counters, sizeof(r->counters));
	__atomic_store_n(&p->log_head, r->log_head, __ATOMIC_RELEASE);
	__atomic_store_n(&p->owner, r->to, __ATOMIC_RELEASE);
	__atomic_store_n(&p->redo.valid, 0, __ATOMIC_RELEASE);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void machine_pcpu_lock(struct machine *m, unsigned int pcpu)
{
	struct machine_pcpu *p = &m->pcpu[pcpu];

	machine_lock(&p->lock);
	if (p->redo.valid)
		redo_apply(p);
}

void machine_pcpu_unlock(struct machine *m, unsigned int pcpu)
{
	machine_unlock(&m->pcpu[pcpu].lock);
}

uint64_t machine_tsc(const struct machine *m)
{
	unsigned __int128 ns = monotonic_ns() - m->tsc_zero_ns;

	return ns * m->tsc_khz / 1000000;
}

unsigned int machine_slots(const struct machine *m)
{
	uint32_t nr = __atomic_load_n(&m->nr_slots, __ATOMIC_ACQUIRE);

	return nr < MACHINE_MAX_VMS ? nr : MACHINE_MAX_VMS;
}

int machine_vm_alive(const struct machine *m, unsigned int slot)
{
	uint32_t pid = __atomic_load_n(&m->vm[slot].pid, __ATOMIC_RELAXED);

	return pid && (!kill(pid, 0) || errno != ESRCH);
}

/* A virtual machine that ended may have left requests behind. */
static void forget_requests(struct machine *m, unsigned int slot)
{
	unsigned int i;

	for (i = 0; i < m->nr_pcpus; i++) {
		machine_pcpu_lock(m, i);
		machine_set_remove(&m->pcpu[i].waiting, slot);
		machine_pcpu_unlock(m, i);
	}
}

int machine_vm_add(struct machine *m, const char *name, uint32_t pid)
{
	int i, used = -1, fresh = -1, ret;
	struct machine_vm *vm;

	if (!*name || strlen(name) >= PVENERGY_NAME_LEN || !pid)
		return -EINVAL;

	machine_lock(&m->lock);
	for (i = MACHINE_MAX_VMS - 1; i >= 0; i--) {
		vm = &m->vm[i];
		if (machine_vm_alive(m, i)) {
			if (!strncmp(vm->name, name, sizeof(vm->name))) {
				ret = -EEXIST;
				goto out;
			}
		} else if (vm->generation) {
			used = i;
		} else {
			fresh = i;
		}
	}
	ret = fresh >= 0 ? fresh : used;
	if (ret < 0) {
		ret = -ENOSPC;
		goto out;
	}
	vm = &m->vm[ret];
	if (m->nr_slots <= (unsigned int)ret)
		__atomic_store_n(&m->nr_slots, ret + 1, __ATOMIC_RELEASE);
	vm->pid = 0;
	forget_requests(m, ret);
	memset(vm->name, 0, sizeof(vm->name));
	memcpy(vm->name, name, strlen(name));
	vm->generation++;
	__atomic_store_n(&vm->pid, pid, __ATOMIC_RELEASE);
out:
	machine_unlock(&m->lock);
	return ret;
}

void machine_vm_remove(struct machine *m, unsigned int slot)
{
	machine_lock(&m->lock);
	__atomic_store_n(&m->vm[slot].pid, 0, __ATOMIC_RELEASE);
	machine_unlock(&m->lock);
}

void machine_pcpu_counters(const struct machine *m, unsigned int pcpu,
			   uint64_t counters[PVENERGY_MAX_EVENTS])
{
	const struct machine_pcpu *p = &m->pcpu[pcpu];
	unsigned int slots = machine_slots(m), slot, i;

	memset(counters, 0, PVENERGY_MAX_EVENTS * sizeof(*counters));
	for (slot = 0; slot < slots; slot++)
		for (i = 0; i < PVENERGY_MAX_EVENTS; i++)
			counters[i] += __atomic_load_n(&p->own[slot][i],
						       __ATOMIC_RELAXED);
	counters[PVENERGY_TSC] = machine_tsc(m);
}

void machine_pcpu_switch(struct machine *m, unsigned int pcpu, unsigned int to)
{
	struct machine_pcpu *p = &m->pcpu[pcpu];
	struct machine_redo *r = &p->redo;
	const uint64_t *total;
	unsigned int i;

	r->from = p->owner;
	r->to = to;
	r->log_head = p->log_head + 1;
	machine_pcpu_counters(m, pcpu, r->counters);
	total = r->from < MACHINE_MAX_VMS ? p->total[r->from] : p->unowned;
	for (i = 0; i < PVENERGY_MAX_EVENTS; i++)
		r->total[i] = total[i] + r->counters[i] - p->at_switch[i];
	__atomic_store_n(&r->valid, 1, __ATOMIC_RELEASE);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	redo_apply(p);
}
