// SPDX-License-Identifier: GPL-2.0-or-later
/* Regions of memory, see region.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "region.h"

#define SEALS		(F_SEAL_SHRINK | F_SEAL_GROW)

/* Turns after which a reader gives up: a writer needs far less than one. */
#define MAX_TURNS	64

#define INFO_WORDS	(sizeof(struct resmon_client_info) / sizeof(__u64))

bool region_name_valid(const char *name, size_t size)
{
	size_t len = strnlen(name, size);

	return len && len < size && name[0] != '.' &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "abcdefghijklmnopqrstuvwxyz0123456789_-.") == len;
}

static const char *check_head(const struct resmon_head *head)
{
	if (head->magic != RESMON_MAGIC)
		return "it is not a region of a device subsystem";
	if (head->version != RESMON_VERSION)
		return "its layout has another version";
	if (head->size != sizeof(struct resmon_region))
		return "it does not have the size it should";
	if (!region_name_valid(head->name, sizeof(head->name)))
		return "the subsystem has a bad name";
	if (!head->nr_devices || head->nr_devices > RESMON_MAX_DEVICES)
		return "it does not have 1 to 8 devices";
	for (unsigned int i = 0; i < head->nr_devices; i++)
		if (!region_name_valid(head->device[i].name,
				       sizeof(head->device[i].name)))
			return "a device has a bad name";
	return NULL;
}

/* Another description of the same file, whose holder cannot write. */
static int reopen_read_only(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void *map_new(int fd)
{
	void *map;

	if (fchmod(fd, 0600) || ftruncate(fd, sizeof(struct resmon_region)) ||
	    fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL))
		return NULL;
	/* All pages now: later, a lack of memory would be a SIGBUS. */
	errno = posix_fallocate(fd, 0, sizeof(struct resmon_region));
	if (errno)
		return NULL;
	map = mmap(NULL, sizeof(struct resmon_region), PROT_READ | PROT_WRITE,
		   MAP_SHARED, fd, 0);
	return map == MAP_FAILED ? NULL : map;
}

struct resmon_region *region_create(const struct resmon_head *head, int *ro_fd)
{
	struct resmon_region *region;
	struct resmon_head new = *head;
	int fd, error;

	new.magic = RESMON_MAGIC;
	new.version = RESMON_VERSION;
	new.size = sizeof(*region);
	new.absorbed = 0;
	do {
		if (getrandom(&new.id, sizeof(new.id), 0) != sizeof(new.id))
			return NULL;
	} while (!new.id);
	if (check_head(&new)) {
		errno = EINVAL;
		return NULL;
	}

	fd = memfd_create("resmon-region", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return NULL;
	*ro_fd = -1;
	region = map_new(fd);
	if (region)
		*ro_fd = reopen_read_only(fd);
	error = errno;
	close(fd);
	if (*ro_fd < 0) {
		if (region)
			region_unmap(region);
		errno = error;
		return NULL;
	}
	region->head = new;
	return region;
}

const char *region_check(int fd, struct resmon_head *head)
{
	int mode = fcntl(fd, F_GETFL), seals = fcntl(fd, F_GET_SEALS);
	struct statfs fs;
	struct stat st;

	if (mode < 0 || fstat(fd, &st) || fstatfs(fd, &fs))
		return "it cannot be looked at";
	/* Memory of huge pages has seals, too, but can fail to be there. */
	if (!S_ISREG(st.st_mode) || fs.f_type != TMPFS_MAGIC || seals < 0)
		return "it is not a memfd";
	if ((seals & SEALS) != SEALS)
		return "its size is not sealed";
	if (st.st_size != sizeof(struct resmon_region))
		return "it does not have the size it should";
	if ((mode & (O_ACCMODE | O_PATH)) != O_RDONLY)
		return "it is not handed over for reading only";
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return "others may write to it";
	if (pread(fd, head, sizeof(*head), 0) != sizeof(*head))
		return "it cannot be read";
	return check_head(head);
}

const struct resmon_region *region_map(int fd)
{
	void *map = mmap(NULL, sizeof(struct resmon_region), PROT_READ,
			 MAP_SHARED, fd, 0);

	return map == MAP_FAILED ? NULL : map;
}

void region_unmap(const struct resmon_region *region)
{
	munmap((void *)region, sizeof(*region));
}

bool region_read(const struct resmon_slot *slot, struct resmon_client_info *info)
{
	__u64 *to = (__u64 *)info;

	for (unsigned int turn = 0; turn < MAX_TURNS; turn++) {
		__u64 seq = __atomic_load_n(&slot->seq, __ATOMIC_ACQUIRE);
		const __u64 *from = (const __u64 *)&slot->info[seq & 1];

		for (size_t i = 0; i < INFO_WORDS; i++)
			to[i] = __atomic_load_n(from + i, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&slot->seq, __ATOMIC_RELAXED) == seq)
			return true;
	}
	return false;
}

void region_write(struct resmon_slot *slot, const struct resmon_client_info *info)
{
	__u64 seq = slot->seq + 1;
	__u64 *to = (__u64 *)&slot->info[seq & 1];
	const __u64 *from = (const __u64 *)info;

	/* Readers leave this copy for the other one before it changes. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	for (size_t i = 0; i < INFO_WORDS; i++)
		__atomic_store_n(to + i, from[i], __ATOMIC_RELAXED);
	__atomic_store_n(&slot->seq, seq, __ATOMIC_RELEASE);
}

const struct resmon_client_info *region_peek(const struct resmon_slot *slot)
{
	return &slot->info[slot->seq & 1];
}

/* What an honest writer never writes. */
static bool cost_valid(const struct resmon_cost *cost)
{
	bool valid = cost->base_rest_pj < RESMON_PJ_PER_NJ;

	for (unsigned int i = 0; i < RESMON_MAX_DEVICES; i++)
		valid &= cost->access_rest_pj[i] < RESMON_PJ_PER_NJ;
	return valid;
}

static bool name_taken(const struct region_view *view, const char *name)
{
	for (unsigned int i = 0; i < view->nr_clients; i++)
		if (!strcmp(view->client[i].name, name))
			return true;
	return false;
}

static void view_client(struct region_view *view, const struct resmon_slot *slot,
			unsigned int index, __u64 left)
{
	struct resmon_client_info *info = &view->client[view->nr_clients];

	if (!region_read(slot, info)) {
		view->stale = true;
		return;
	}
	if (!info->generation || info->generation == left)
		return;
	if (!region_name_valid(info->name, sizeof(info->name)) ||
	    !cost_valid(&info->cost) || name_taken(view, info->name)) {
		view->broken++;
		return;
	}
	view->slot[view->nr_clients++] = index;
}

static void view_sum(struct region_view *view, const struct resmon_slot *slot,
		     struct resmon_client_info *info)
{
	memset(info, 0, sizeof(*info));
	if (!region_read(slot, info)) {
		memset(info, 0, sizeof(*info));
		view->stale = true;
	} else if (!cost_valid(&info->cost)) {
		memset(&info->cost, 0, sizeof(info->cost));
		view->broken++;
	}
}

static void view_added(struct region_view *view, const struct resmon_slot *slot,
		       struct resmon_added *added)
{
	*added = slot->added;
	if (added->base_rest_pj < RESMON_PJ_PER_NJ &&
	    added->access_rest_pj < RESMON_PJ_PER_NJ)
		return;
	memset(added, 0, sizeof(*added));
	view->broken++;
}

bool region_view(const struct resmon_region *region, struct region_view *view)
{
	struct resmon_client_info ended, nobody;
	__u64 seq;

	view->head = region->head;
	if (check_head(&view->head))
		return false;
	for (unsigned int turn = 0; turn < MAX_TURNS; turn++) {
		view->stale = false;
		view->broken = 0;
		view->nr_clients = 0;
		seq = __atomic_load_n(&region->ended.seq, __ATOMIC_ACQUIRE);
		view_sum(view, &region->ended, &ended);
		view_sum(view, &region->nobody, &nobody);
		view_added(view, &region->ended, &view->added);
		view_added(view, &region->nobody, &view->added_nobody);
		for (unsigned int i = 0; i < RESMON_MAX_CLIENTS; i++)
			view_client(view, &region->client[i], i,
				    ended.generation);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&region->ended.seq, __ATOMIC_RELAXED) == seq)
			goto out;
		/* Nobody shall make us read it all 64 times 64 times. */
		if (view->stale)
			break;
	}
	view->stale = true;
out:
	view->ended = ended.cost;
	view->nobody = nobody.cost;
	return true;
}

void region_charge(__u64 *nj, __u16 *rest_pj, uint64_t pj)
{
	uint64_t rest = *rest_pj + pj % RESMON_PJ_PER_NJ;
	uint64_t whole = pj / RESMON_PJ_PER_NJ + rest / RESMON_PJ_PER_NJ;

	*rest_pj = rest % RESMON_PJ_PER_NJ;
	if (__builtin_add_overflow(*nj, whole, nj))
		*nj = UINT64_MAX;
}

static void add_figure(__u64 *nj, __u16 *rest_pj, uint64_t add_nj, uint16_t add_pj)
{
	region_charge(nj, rest_pj, add_pj);
	if (__builtin_add_overflow(*nj, add_nj, nj))
		*nj = UINT64_MAX;
}

void region_add_cost(struct resmon_cost *to, const struct resmon_cost *cost)
{
	add_figure(&to->base_nj, &to->base_rest_pj, cost->base_nj,
		   cost->base_rest_pj);
	for (unsigned int i = 0; i < RESMON_MAX_DEVICES; i++)
		add_figure(&to->access_nj[i], &to->access_rest_pj[i],
			   cost->access_nj[i], cost->access_rest_pj[i]);
}

void region_note_added(struct resmon_added *to, const struct resmon_cost *cost)
{
	add_figure(&to->base_nj, &to->base_rest_pj, cost->base_nj,
		   cost->base_rest_pj);
	for (unsigned int i = 0; i < RESMON_MAX_DEVICES; i++)
		add_figure(&to->access_nj, &to->access_rest_pj,
			   cost->access_nj[i], cost->access_rest_pj[i]);
}

/* A figure stops at zero. */
static void take_figure(__u64 *nj, __u16 *rest_pj, uint64_t take_nj,
			uint16_t take_pj)
{
	bool borrow = *rest_pj < take_pj;

	if (*nj < take_nj || *nj - take_nj < borrow) {
		*nj = 0;
		*rest_pj = 0;
		return;
	}
	*nj -= take_nj + borrow;
	*rest_pj += borrow * RESMON_PJ_PER_NJ - take_pj;
}

static void forget_added(struct resmon_added *from,
			 const struct resmon_cost *cost)
{
	take_figure(&from->base_nj, &from->base_rest_pj, cost->base_nj,
		    cost->base_rest_pj);
	for (unsigned int i = 0; i < RESMON_MAX_DEVICES; i++)
		take_figure(&from->access_nj, &from->access_rest_pj,
			    cost->access_nj[i], cost->access_rest_pj[i]);
}

struct resmon_cost region_added_cost(const struct resmon_added *added)
{
	return (struct resmon_cost){
		.base_nj = added->base_nj,
		.base_rest_pj = added->base_rest_pj,
		.access_nj[0] = added->access_nj,
		.access_rest_pj[0] = added->access_rest_pj,
	};
}

void region_mark_added(struct region_view *view)
{
	memset(&view->added, 0, sizeof(view->added));
	memset(&view->added_nobody, 0, sizeof(view->added_nobody));
	for (unsigned int i = 0; i < view->nr_clients; i++) {
		view->client[i].flags |= RESMON_ADDED;
		region_note_added(&view->added, &view->client[i].cost);
	}
	region_note_added(&view->added, &view->ended);
	region_note_added(&view->added_nobody, &view->nobody);
}

void region_keep_added(struct region_view *view)
{
	struct resmon_added ended = view->added;
	unsigned int n = 0;

	for (unsigned int i = 0; i < view->nr_clients; i++) {
		if (!(view->client[i].flags & RESMON_ADDED))
			continue;
		forget_added(&ended, &view->client[i].cost);
		view->client[n++] = view->client[i];
	}
	view->nr_clients = n;
	view->ended = region_added_cost(&ended);
	view->nobody = region_added_cost(&view->added_nobody);
}
