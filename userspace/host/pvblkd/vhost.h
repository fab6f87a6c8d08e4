/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The vhost-user protocol, from the back end's side. */
#ifndef PVBLKD_VHOST_H
#define PVBLKD_VHOST_H

#include <stdbool.h>
#include <stdint.h>

#include "mem.h"
#include "vring.h"

struct disk;

#define VHOST_F_PROTOCOL_FEATURES	30

enum vhost_protocol_feature {
	VHOST_PROTOCOL_MQ		= 0,
	VHOST_PROTOCOL_REPLY_ACK	= 3,
	VHOST_PROTOCOL_BACKEND_REQ	= 5,
	VHOST_PROTOCOL_CONFIG		= 9,
	VHOST_PROTOCOL_INFLIGHT		= 12,
};

enum vhost_request {
	VHOST_GET_FEATURES		= 1,
	VHOST_SET_FEATURES		= 2,
	VHOST_SET_OWNER			= 3,
	VHOST_SET_MEM_TABLE		= 5,
	VHOST_SET_VRING_NUM		= 8,
	VHOST_SET_VRING_ADDR		= 9,
	VHOST_SET_VRING_BASE		= 10,
	VHOST_GET_VRING_BASE		= 11,
	VHOST_SET_VRING_KICK		= 12,
	VHOST_SET_VRING_CALL		= 13,
	VHOST_SET_VRING_ERR		= 14,
	VHOST_GET_PROTOCOL_FEATURES	= 15,
	VHOST_SET_PROTOCOL_FEATURES	= 16,
	VHOST_GET_QUEUE_NUM		= 17,
	VHOST_SET_VRING_ENABLE		= 18,
	VHOST_SET_BACKEND_REQ_FD	= 21,
	VHOST_GET_CONFIG		= 24,
	VHOST_SET_CONFIG		= 25,
	VHOST_GET_INFLIGHT_FD		= 31,
	VHOST_SET_INFLIGHT_FD		= 32,
	VHOST_NR_REQUESTS,
};

/* On the way back. */
enum vhost_backend_request {
	VHOST_BACKEND_CONFIG_CHANGE	= 2,
};

/* In struct vhost_msg.flags. */
#define VHOST_VERSION		0x1
#define VHOST_VERSION_MASK	0x3
#define VHOST_REPLY		0x4
#define VHOST_NEED_REPLY	0x8

/* In the payload of the messages that bring an eventfd. */
#define VHOST_VRING_INDEX	0xff
#define VHOST_VRING_NO_FD	0x100

#define VHOST_CONFIG_SIZE	256
#define VHOST_HEADER_SIZE	12

struct vhost_msg {
	uint32_t request;
	uint32_t flags;
	uint32_t size;
	union {
		uint64_t u64;
		struct {
			uint32_t index;
			uint32_t num;
		} state;
		struct {
			uint32_t index;
			uint32_t flags;
			struct vring_place place;
			uint64_t log;
		} addr;
		struct {
			uint32_t nr;
			uint32_t padding;
			struct mem_area area[MEM_MAX_REGIONS];
		} memory;
		struct {
			uint32_t offset;
			uint32_t size;
			uint32_t flags;
			uint8_t region[VHOST_CONFIG_SIZE];
		} config;
		struct {
			uint64_t mmap_size;
			uint64_t mmap_offset;
			uint16_t num_queues;
			uint16_t queue_size;
		} inflight;
	} __attribute__((packed));
} __attribute__((packed));

/**
 * struct vhost_rx - a message that is being received
 * @msg: what has come of it
 * @len: so much
 * @fds: descriptors that came with it
 * @nr_fds: how many
 */
struct vhost_rx {
	struct vhost_msg msg;
	unsigned int len;
	int fds[MEM_MAX_REGIONS];
	unsigned int nr_fds;
};

enum vhost_outcome {
	VHOST_DONE,
	VHOST_LATER,	/* when nothing is in flight: see struct disk.hold */
	VHOST_DROP,	/* the client does not keep to the protocol */
};

/**
 * vhost_handle() - do what a message says
 * @disk: the disk
 * @rx: the message, complete.  Descriptors that were made use of are -1
 *	afterwards, the others are the caller's.
 *
 * Return: what became of it.
 */
enum vhost_outcome vhost_handle(struct disk *disk, struct vhost_rx *rx);

/* Tell the client, if it wants to know, to read the configuration again. */
void vhost_config_changed(const struct disk *disk);

/* Close what descriptors are left of it. */
void vhost_rx_reset(struct vhost_rx *rx);

#endif /* PVBLKD_VHOST_H */
