// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvblkd with its last words replaced: a back end that answers with what can't
 * be.  The linker puts the functions here in front of pvblkd's own (--wrap).
 *
 * Of two disks, "victim" is the one that is served so.  How, the guest says in
 * the first sector of the other, "control", which is an honest one:
 *
 *	SERIAL MODE ARGUMENT COUNT
 *
 * A new serial number makes it a new order.  It holds for COUNT answers, and
 * the mode says what an answer is.
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli.h"
#include "iov.h"
#include "pvblkd.h"

void __real_queue_commit(struct queue *q);
void __real_vring_put(struct vqueue *vr, uint16_t n, uint16_t head, uint32_t len);
void __real_vring_publish(struct vqueue *vr, uint16_t n);
size_t __real_iov_write(const struct iovec *iov, unsigned int nr, uint64_t offset,
			const void *buf, size_t len);
void __real_disk_model(const struct disk *disk, struct pvblk_model *model);
void __real_disk_config(const struct disk *disk, struct virtio_blk_config *config);

void __wrap_queue_commit(struct queue *q);
void __wrap_vring_put(struct vqueue *vr, uint16_t n, uint16_t head, uint32_t len);
void __wrap_vring_publish(struct vqueue *vr, uint16_t n);
size_t __wrap_iov_write(const struct iovec *iov, unsigned int nr, uint64_t offset,
			const void *buf, size_t len);
void __wrap_disk_model(const struct disk *disk, struct pvblk_model *model);
void __wrap_disk_config(const struct disk *disk, struct virtio_blk_config *config);

static struct order {
	unsigned int serial;
	char mode[32];
	uint64_t argument;
	unsigned int count;
} order;

static const char *control;

/* Whose batch is being committed, and which of its requests is next. */
static struct queue *victim;
static struct request *request;

static uint16_t last_head;

static void look(const struct disk *disk)
{
	struct order new;

	for (const struct disk *d = disk->server->disks; d && !control; d = d->next) {
		if (strcmp(d->name, "control"))
			continue;
		control = mmap(NULL, SECTOR_SIZE, PROT_READ, MAP_SHARED, d->fd, 0);
		if (control == MAP_FAILED)
			err(EXIT_FAILURE, "mmap");
	}
	if (!control ||
	    sscanf(control, "%u %31s %" SCNu64 " %u", &new.serial, new.mode,
		   &new.argument, &new.count) != 4 || new.serial == order.serial)
		return;
	order = new;
	printf("order %u: %s %" PRIu64 ", %u times\n", order.serial, order.mode,
	       order.argument, order.count);
	fflush(stdout);
}

static bool is(const char *mode)
{
	return order.count && !strcmp(order.mode, mode);
}

/* Whether it is to be done, once more. */
static bool now(const char *mode)
{
	if (!is(mode))
		return false;
	order.count--;
	return true;
}

static void bad_costs(struct pvblk_reply *reply)
{
	const struct cost_disk *cost = &victim->disk->physical->cost;
	uint64_t bound = cost->max_request_pj +
			 request->transferred * cost->max_byte_pj;

	if (now("cost")) {
		reply->access_pj[DEVICE_DISK] = order.argument;
		reply->access_pj[DEVICE_CPU] = 0;
	} else if (now("cost-ones")) {
		memset(reply->access_pj, 0xff, sizeof(reply->access_pj));
	} else if (now("cost-above")) {
		reply->access_pj[DEVICE_DISK] = bound + 1;
		reply->access_pj[DEVICE_CPU] = COST_CPU_MAX_PJ + 1;
	} else if (now("cost-bound")) {
		reply->access_pj[DEVICE_DISK] = bound;
		reply->access_pj[DEVICE_CPU] = COST_CPU_MAX_PJ;
	} else if (now("cost-beyond")) {
		reply->access_pj[DEVICE_DISK] = order.argument;
		for (int i = NR_DEVICES; i < PVBLK_MAX_DEVICES; i++)
			reply->access_pj[i] = i;
	} else if (now("cost-top")) {
		reply->access_pj[DEVICE_DISK] = 1ULL << 63;
		reply->access_pj[DEVICE_CPU] = 0;
	}
}

/* Replies are written while a batch is committed, data before. */
size_t __wrap_iov_write(const struct iovec *iov, unsigned int nr, uint64_t offset,
			const void *buf, size_t len)
{
	struct pvblk_reply reply;

	if (!victim || !request)
		return __real_iov_write(iov, nr, offset, buf, len);
	if (now("no-reply"))
		return len;
	if (len == sizeof(reply)) {
		memcpy(&reply, buf, sizeof(reply));
		bad_costs(&reply);
	} else {
		memset(&reply, 0, sizeof(reply));
		reply.status = *(const uint8_t *)buf;
	}
	if (now("status"))
		reply.status = order.argument;
	return __real_iov_write(iov, nr, offset,
				len == sizeof(reply) ? (void *)&reply : &reply.status, len);
}

void __wrap_vring_put(struct vqueue *vr, uint16_t n, uint16_t head, uint32_t len)
{
	if (victim) {
		request = request->next;
		last_head = head;
		if (now("used-len"))
			len = order.argument;
	}
	__real_vring_put(vr, n, head, len);
}

/* What the guest sees and what we think are two things from then on. */
static void put_extra(struct vqueue *vr, uint32_t id)
{
	volatile struct vring_used_elem *elem = &vr->used->ring[vr->used_idx % vr->num];

	elem->id = id;
	elem->len = 1;
	__atomic_store_n(&vr->used->idx, vr->used_idx + 1, __ATOMIC_RELEASE);
}

void __wrap_vring_publish(struct vqueue *vr, uint16_t n)
{
	__real_vring_publish(vr, n);
	if (!victim)
		return;
	if (now("duplicate"))
		put_extra(vr, last_head);
	else if (now("wild-id"))
		put_extra(vr, order.argument);
	else if (now("used-idx"))
		__atomic_store_n(&vr->used->idx, vr->used_idx + order.argument,
				 __ATOMIC_RELEASE);
}

void __wrap_queue_commit(struct queue *q)
{
	bool is_victim = !strcmp(q->disk->name, "victim");

	if (is_victim) {
		look(q->disk);
		if (now("silence"))
			usleep(order.argument * 1000);
		if (now("storm"))
			vhost_config_changed(q->disk);
		victim = q;
		request = q->done;
	}
	__real_queue_commit(q);
	victim = NULL;
	request = NULL;
}

static void bad_name(char name[PVBLK_NAME_LEN], const char *is)
{
	memset(name, 0, PVBLK_NAME_LEN);
	memcpy(name, is, strlen(is));
}

void __wrap_disk_model(const struct disk *disk, struct pvblk_model *model)
{
	static unsigned int times;
	struct pvblk_device *d = model->devices;
	char name[PVBLK_NAME_LEN];

	__real_disk_model(disk, model);
	if (strcmp(disk->name, "victim"))
		return;
	look(disk);
	times++;
	if (now("model-version"))
		model->version = order.argument;
	else if (now("model-devices"))
		model->nr_devices = order.argument;
	else if (now("model-endless"))
		memset(d[0].name, 'a', sizeof(d[0].name));
	else if (now("model-unnamed"))
		memset(d[1].name, 0, sizeof(d[1].name));
	else if (now("model-upper"))
		bad_name(d[0].name, "Disk");
	else if (now("model-newline"))
		bad_name(d[0].name, "disk\nroot");
	else if (now("model-twice"))
		memcpy(d[1].name, d[0].name, sizeof(d[1].name));
	else if (now("model-cpu"))
		bad_name(d[1].name, "cpu");
	else if (now("model-request"))
		d[0].max_request_pj = PVBLK_MAX_REQUEST_PJ + 1;
	else if (now("model-byte"))
		d[0].max_byte_pj = PVBLK_MAX_BYTE_PJ + 1;
	else if (now("model-base"))
		d[0].base_uj = order.argument;
	else if (now("model-ones"))
		memset(model, 0xff, sizeof(*model));
	else if (now("model-short"))
		memset(model, 0, sizeof(*model));
	else if (now("model-swap") && times % 2) {
		/* The same devices, the other way round. */
		struct pvblk_device first = d[0];

		d[0] = d[1];
		d[1] = first;
	} else if (now("model-new")) {
		snprintf(name, sizeof(name), "new%u", times);
		bad_name(d[0].name, name);
	}
}

void __wrap_disk_config(const struct disk *disk, struct virtio_blk_config *config)
{
	static unsigned int times;

	__real_disk_config(disk, config);
	if (!strcmp(disk->name, "victim") && is("storm"))
		config->capacity -= ++times % 2 * 8;
}
