// SPDX-License-Identifier: GPL-2.0-or-later
#include <err.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pvblkd.h"

#define PROTOCOL_FEATURES	(1ULL << VHOST_PROTOCOL_MQ | \
				 1ULL << VHOST_PROTOCOL_REPLY_ACK | \
				 1ULL << VHOST_PROTOCOL_BACKEND_REQ | \
				 1ULL << VHOST_PROTOCOL_CONFIG | \
				 1ULL << VHOST_PROTOCOL_INFLIGHT)

#define CONFIG_HEADER	12

/*
 * Handlers return 0, or REPLIED if they have answered, or a negative errno.
 * Descriptors that they keep they replace by -1.
 */
#define REPLIED		1

static int reply(struct disk *disk, struct vhost_msg *msg, size_t size, int fd)
{
	char control[CMSG_SPACE(sizeof(fd))] = "";
	struct iovec iov = { msg, VHOST_HEADER_SIZE + size };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	msg->flags = VHOST_VERSION | VHOST_REPLY;
	msg->size = size;
	if (fd >= 0) {
		hdr.msg_control = control;
		hdr.msg_controllen = sizeof(control);
		cmsg = CMSG_FIRSTHDR(&hdr);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	/* Who does not read answers gets no more of them. */
	if (sendmsg(disk->conn->fd, &hdr, MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)iov.iov_len)
		return -EPIPE;
	return REPLIED;
}

static int reply_u64(struct disk *disk, struct vhost_msg *msg, uint64_t value)
{
	msg->u64 = value;
	return reply(disk, msg, sizeof(msg->u64), -1);
}

static struct queue *queue_at(struct disk *disk, uint32_t index)
{
	return index < disk->nr_queues ? &disk->queue[index] : NULL;
}

static bool any_started(const struct disk *disk)
{
	for (unsigned int i = 0; i < disk->nr_queues; i++)
		if (disk->queue[i].started)
			return true;
	return false;
}

static int get_features(struct disk *disk, struct vhost_rx *rx)
{
	return reply_u64(disk, &rx->msg, disk_features(disk));
}

/* Rings are enabled from the beginning if the client cannot do it. */
static int set_features(struct disk *disk, struct vhost_rx *rx)
{
	uint64_t features = rx->msg.u64;

	if (features & ~disk_features(disk))
		return -EINVAL;
	if (features != disk->features && any_started(disk))
		return -EBUSY;
	disk->features = features;
	if (!(features >> VHOST_F_PROTOCOL_FEATURES & 1))
		for (unsigned int i = 0; i < disk->nr_queues; i++)
			disk->queue[i].enabled = true;
	return 0;
}

static int set_owner(struct disk *disk, struct vhost_rx *rx)
{
	return 0;
}

static int get_protocol_features(struct disk *disk, struct vhost_rx *rx)
{
	return reply_u64(disk, &rx->msg, PROTOCOL_FEATURES);
}

static int set_protocol_features(struct disk *disk, struct vhost_rx *rx)
{
	if (rx->msg.u64 & ~PROTOCOL_FEATURES)
		return -EINVAL;
	disk->protocol_features = rx->msg.u64;
	return 0;
}

static int get_queue_num(struct disk *disk, struct vhost_rx *rx)
{
	return reply_u64(disk, &rx->msg, disk->nr_queues);
}

/* Nothing is in flight, so nothing points into the old memory. */
static int set_mem_table(struct disk *disk, struct vhost_rx *rx)
{
	struct mem_area area[MEM_MAX_REGIONS];
	uint32_t nr = rx->msg.memory.nr;
	int ret;

	if (nr > MEM_MAX_REGIONS || rx->nr_fds != nr ||
	    rx->msg.size != offsetof(struct vhost_msg, memory.area[nr]) -
			    VHOST_HEADER_SIZE)
		return -EINVAL;
	memcpy(area, rx->msg.memory.area, nr * sizeof(*area));
	mem_unmap(&disk->mem);
	disk->lost = false;
	ret = mem_map(&disk->mem, area, rx->fds, nr);
	for (unsigned int i = 0; i < disk->nr_queues; i++) {
		struct queue *q = &disk->queue[i];

		if (q->started && queue_remap(q)) {
			queue_break(q, "not in the new memory");
			q->started = false;
		}
	}
	return ret;
}

static int set_vring_num(struct disk *disk, struct vhost_rx *rx)
{
	struct queue *q = queue_at(disk, rx->msg.state.index);
	uint32_t num = rx->msg.state.num;

	if (!q || !num || num > VRING_MAX_SIZE || num & (num - 1))
		return -EINVAL;
	if (q->started)
		return -EBUSY;
	q->vring.num = num;
	return 0;
}

static int set_vring_addr(struct disk *disk, struct vhost_rx *rx)
{
	struct queue *q = queue_at(disk, rx->msg.addr.index);

	if (!q || rx->msg.addr.flags)
		return -EINVAL;
	if (q->started)
		return -EBUSY;
	q->place = rx->msg.addr.place;
	return 0;
}

static int set_vring_base(struct disk *disk, struct vhost_rx *rx)
{
	struct queue *q = queue_at(disk, rx->msg.state.index);

	if (!q || rx->msg.state.num > UINT16_MAX)
		return -EINVAL;
	if (q->started)
		return -EBUSY;
	q->vring.last_avail = rx->msg.state.num;
	return 0;
}

static int get_vring_base(struct disk *disk, struct vhost_rx *rx)
{
	struct queue *q = queue_at(disk, rx->msg.state.index);

	if (!q)
		return -EINVAL;
	queue_stop(q);
	rx->msg.state.num = q->vring.last_avail;
	return reply(disk, &rx->msg, sizeof(rx->msg.state), -1);
}

/*
 * An eventfd for a queue, or none.  Any other file could be always ready, or
 * never.
 */
static int take_eventfd(struct disk *disk, struct vhost_rx *rx, struct queue **q,
			int *fd)
{
	uint64_t value = rx->msg.u64;
	bool none = value & VHOST_VRING_NO_FD;

	*q = queue_at(disk, value & VHOST_VRING_INDEX);
	*fd = -1;
	if (!*q || value & ~(uint64_t)(VHOST_VRING_INDEX | VHOST_VRING_NO_FD) ||
	    rx->nr_fds != !none)
		return -EINVAL;
	if (none)
		return 0;
	if (!is_eventfd(rx->fds[0]))
		return -EBADF;
	*fd = rx->fds[0];
	rx->fds[0] = -1;
	return 0;
}

static void on_kick(struct watch *watch)
{
	queue_process(watch->owner);
}

static int set_vring_kick(struct disk *disk, struct vhost_rx *rx)
{
	struct queue *q;
	int fd, ret;

	ret = take_eventfd(disk, rx, &q, &fd);
	if (ret)
		return ret;
	/* Without one we would have to poll. */
	if (fd < 0)
		return -EINVAL;
	watch_stop(q->kick);
	q->kick = watch_start(&disk->server->io, fd, sizeof(uint64_t), on_kick, q);
	if (!q->started) {
		ret = queue_start(q);
		if (ret)
			return ret;
	}
	queue_process(q);
	return 0;
}

static int set_signal(struct disk *disk, struct vhost_rx *rx, bool call)
{
	struct signal *signal = NULL, **where;
	struct queue *q;
	int fd, ret;

	ret = take_eventfd(disk, rx, &q, &fd);
	if (ret)
		return ret;
	if (fd >= 0)
		signal = signal_new(&disk->server->io, fd);
	where = call ? &q->call : &q->error;
	signal_free(*where);
	*where = signal;
	/* What the old one was told may not have been heard. */
	if (call && q->started)
		signal_send(signal);
	return 0;
}

static int set_vring_call(struct disk *disk, struct vhost_rx *rx)
{
	return set_signal(disk, rx, true);
}

static int set_vring_err(struct disk *disk, struct vhost_rx *rx)
{
	return set_signal(disk, rx, false);
}

static int set_vring_enable(struct disk *disk, struct vhost_rx *rx)
{
	struct queue *q = queue_at(disk, rx->msg.state.index);

	if (!q || rx->msg.state.num > 1)
		return -EINVAL;
	q->enabled = rx->msg.state.num;
	queue_process(q);
	return 0;
}

static int set_backend_req_fd(struct disk *disk, struct vhost_rx *rx)
{
	if (rx->nr_fds != 1)
		return -EINVAL;
	if (disk->backend_fd >= 0)
		close(disk->backend_fd);
	disk->backend_fd = rx->fds[0];
	rx->fds[0] = -1;
	return 0;
}

static int get_config(struct disk *disk, struct vhost_rx *rx)
{
	uint8_t space[VHOST_CONFIG_SIZE] = { 0 };
	struct virtio_blk_config config;
	uint32_t offset = rx->msg.config.offset;
	uint32_t size = rx->msg.config.size;

	if (rx->msg.size != CONFIG_HEADER + size || offset > sizeof(space) ||
	    size > sizeof(space) - offset)
		return -EINVAL;
	_Static_assert(sizeof(config) <= sizeof(space), "the rest is zero");
	disk_config(disk, &config);
	memcpy(space, &config, sizeof(config));
	memcpy(rx->msg.config.region, space + offset, size);
	return reply(disk, &rx->msg, rx->msg.size, -1);
}

/* The only field that a guest may write. */
static int set_config(struct disk *disk, struct vhost_rx *rx)
{
	if (rx->msg.size != CONFIG_HEADER + rx->msg.config.size ||
	    rx->msg.config.offset != offsetof(struct virtio_blk_config, wce) ||
	    rx->msg.config.size != 1 || rx->msg.config.region[0] > 1)
		return -EINVAL;
	disk->writeback = rx->msg.config.region[0];
	return 0;
}

static bool inflight_valid(const struct disk *disk, const struct vhost_msg *msg)
{
	return msg->inflight.num_queues && msg->inflight.queue_size &&
	       msg->inflight.num_queues <= disk->nr_queues &&
	       msg->inflight.queue_size <= VRING_MAX_SIZE;
}

static int get_inflight_fd(struct disk *disk, struct vhost_rx *rx)
{
	struct vhost_msg *msg = &rx->msg;
	int fd, ret;

	if (!inflight_valid(disk, msg) || msg->size > sizeof(msg->inflight))
		return -EINVAL;
	/*
	 * QEMU 10.0 lets guests have rings of up to 1024 entries, whatever its
	 * option queue-size= and this message say: of the default, 128, SeaBIOS
	 * makes 256.
	 */
	fd = inflight_create(msg->inflight.num_queues, VRING_MAX_SIZE);
	if (fd < 0)
		return fd;
	msg->inflight.mmap_size = inflight_len(msg->inflight.num_queues, VRING_MAX_SIZE);
	msg->inflight.mmap_offset = 0;
	/* With or without what some compilers put behind it. */
	ret = reply(disk, msg, msg->size, fd);
	close(fd);
	return ret;
}

static int set_inflight_fd(struct disk *disk, struct vhost_rx *rx)
{
	const struct vhost_msg *msg = &rx->msg;

	if (!inflight_valid(disk, msg) || rx->nr_fds != 1)
		return -EINVAL;
	if (any_started(disk))
		return -EBUSY;
	inflight_unmap(&disk->inflight);
	return inflight_map(&disk->inflight, rx->fds[0],
			    msg->inflight.mmap_offset, msg->inflight.mmap_size,
			    msg->inflight.num_queues, msg->inflight.queue_size);
}

/*
 * What the client waits for (@answer) cannot be refused by a mere status.
 * @quiet is what must not happen with requests in flight.
 */
static const struct handler {
	int (*handle)(struct disk *disk, struct vhost_rx *rx);
	unsigned int min_size;
	bool answer;
	bool quiet;
} handlers[VHOST_NR_REQUESTS] = {
	[VHOST_GET_FEATURES]		= { get_features, 0, true },
	[VHOST_SET_FEATURES]		= { set_features, 8 },
	[VHOST_SET_OWNER]		= { set_owner, 0 },
	[VHOST_SET_MEM_TABLE]		= { set_mem_table, 8, false, true },
	[VHOST_SET_VRING_NUM]		= { set_vring_num, 8 },
	[VHOST_SET_VRING_ADDR]		= { set_vring_addr, 40 },
	[VHOST_SET_VRING_BASE]		= { set_vring_base, 8 },
	[VHOST_GET_VRING_BASE]		= { get_vring_base, 8, true, true },
	[VHOST_SET_VRING_KICK]		= { set_vring_kick, 8 },
	[VHOST_SET_VRING_CALL]		= { set_vring_call, 8 },
	[VHOST_SET_VRING_ERR]		= { set_vring_err, 8 },
	[VHOST_GET_PROTOCOL_FEATURES]	= { get_protocol_features, 0, true },
	[VHOST_SET_PROTOCOL_FEATURES]	= { set_protocol_features, 8 },
	[VHOST_GET_QUEUE_NUM]		= { get_queue_num, 0, true },
	[VHOST_SET_VRING_ENABLE]	= { set_vring_enable, 8 },
	[VHOST_SET_BACKEND_REQ_FD]	= { set_backend_req_fd, 0 },
	[VHOST_GET_CONFIG]		= { get_config, CONFIG_HEADER, true },
	[VHOST_SET_CONFIG]		= { set_config, CONFIG_HEADER },
	[VHOST_GET_INFLIGHT_FD]		= { get_inflight_fd, 20, true },
	[VHOST_SET_INFLIGHT_FD]		= { set_inflight_fd, 20 },
};

enum vhost_outcome vhost_handle(struct disk *disk, struct vhost_rx *rx)
{
	const struct handler *h = NULL;
	bool ack = rx->msg.flags & VHOST_NEED_REPLY;
	uint32_t request = rx->msg.request;
	int ret = -EOPNOTSUPP;

	if (request < VHOST_NR_REQUESTS && handlers[request].handle)
		h = &handlers[request];
	if (h && rx->msg.size < h->min_size) {
		ret = -EINVAL;
	} else if (h) {
		if (h->quiet && disk->in_flight)
			return VHOST_LATER;
		ret = h->handle(disk, rx);
	}

	if (ret < 0)
		warnx("%s: vhost-user request %u: %s", disk->name, request,
		      strerror(-ret));
	if (ret == REPLIED)
		return VHOST_DONE;
	if (ack && !(h && h->answer))
		return reply_u64(disk, &rx->msg, ret < 0) == REPLIED ?
			VHOST_DONE : VHOST_DROP;
	return ret < 0 ? VHOST_DROP : VHOST_DONE;
}

void vhost_config_changed(const struct disk *disk)
{
	const struct vhost_msg msg = {
		.request = VHOST_BACKEND_CONFIG_CHANGE, .flags = VHOST_VERSION,
	};

	/* Who does not read it has room for a lot of them. */
	if (disk->backend_fd >= 0)
		send(disk->backend_fd, &msg, VHOST_HEADER_SIZE,
		     MSG_NOSIGNAL | MSG_DONTWAIT);
}

void vhost_rx_reset(struct vhost_rx *rx)
{
	for (unsigned int i = 0; i < rx->nr_fds; i++)
		if (rx->fds[i] >= 0)
			close(rx->fds[i]);
	rx->nr_fds = 0;
	rx->len = 0;
}
