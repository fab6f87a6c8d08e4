/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What it costs to reach storage over a network.  A request is charged for all
 * devices behind it, so for the network beside the disk: Lang, Energy Accounting for
 * Virtual Machines (Karlsruhe 2006), 3.4.1.  Here is pure arithmetic, in picojoules,
 * by a model file of which the numbers must all be there:
 *
 *	name NAME		of the device, as guests see it (default: net)
 *	byte_pj PJ		for each byte
 *	packet_pj PJ		for each packet
 *	segment_size BYTES	of data that fit into a packet
 *
 * A disk request becomes one or more commands of the NBD protocol, each of which
 * is a message to the server and one back.  A message is the header of the
 * protocol and the data, if it has any; it takes as many packets as its bytes
 * fill, and shares none with another message.  What lower layers put into a
 * packet, their headers and acknowledgements, is part of the packet's price.
 *
 * The price of a message is then
 *
 *	bytes * byte_pj + roundup(bytes / segment_size) * packet_pj
 *
 * These are integers, so that nothing is left over to be carried.
 */
#ifndef PVBLKD_NET_H
#define PVBLKD_NET_H

#include <stdint.h>
#include <stdio.h>

#include <linux/pvblk.h>

#include "modeltext.h"

/* The headers: struct nbd_request, and the reply without structure. */
#define NET_REQUEST_HEADER	28
#define NET_REPLY_HEADER	16

/*
 * The most bytes and pieces of memory that a command has, and the least bytes
 * that it has but for the last ones of a piece; see nbd.c.
 */
#define NET_MAX_COMMAND		(32 << 20)
#define NET_MAX_PIECES		1088
#define NET_MIN_COMMAND		(256 << 10)

/**
 * struct netmodel - the energy model of a network
 * @name: of the device
 * @byte_pj: for each byte
 * @packet_pj: for each packet
 * @segment_size: bytes that fit into a packet
 */
struct netmodel {
	char name[PVBLK_NAME_LEN];
	uint64_t byte_pj;
	uint64_t packet_pj;
	uint64_t segment_size;
};

/* A jumbogram; a byte's limit is that of pvblk.h. */
#define NETMODEL_MAX_SEGMENT	65536ULL
#define NETMODEL_MAX_PACKET_PJ	1000000000000ULL

/* As of diskmodel.h. */
int netmodel_read(FILE *f, const char *file, struct netmodel *model,
		  char err[MODELTEXT_ERR_LEN]);
int netmodel_load(const char *file, struct netmodel *model,
		  char err[MODELTEXT_ERR_LEN]);

/**
 * net_command_pj() - the price of a command
 * @model: of the network
 * @sent: bytes of data with the request
 * @received: bytes of data with the reply
 *
 * Both up to NET_MAX_COMMAND.
 */
uint64_t net_command_pj(const struct netmodel *model, uint64_t sent,
			uint64_t received);

/* Bounds as of struct pvblk_device: for each byte of a request, and beside that. */
uint64_t net_max_byte_pj(const struct netmodel *model);
uint64_t net_max_request_pj(const struct netmodel *model);

#endif /* PVBLKD_NET_H */
