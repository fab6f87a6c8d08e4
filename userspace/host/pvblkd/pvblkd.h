/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The translation module: a server of disks to virtual machines, with the
 * energy that each request takes.
 *
 *	server		one event loop, the process's own CPU consumption
 *	  physical	a physical disk: its model, its idle power
 *	  disk		a file served to one client, with a state file
 *	    queue	a virtqueue
 *	      request	a chain of descriptors in flight
 */
#ifndef PVBLKD_PVBLKD_H
#define PVBLKD_PVBLKD_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "blk.h"
#include "clock.h"
#include "cost.h"
#include "cpu.h"
#include "diskmodel.h"
#include "figures.h"
#include "inflight.h"
#include "io.h"
#include "mem.h"
#include "nbd.h"
#include "net.h"
#include "params.h"
#include "speed.h"
#include "state.h"
#include "vhost.h"
#include "vring.h"

#define MAX_QUEUES	STATE_MAX_QUEUES
#define MAX_DISKS	64

/* The devices of which requests return costs, by index. */
enum device { DEVICE_DISK, DEVICE_CPU, DEVICE_NET, NR_DEVICES };
#define CPU_DEVICE_NAME	"disk-cpu"

/*
 * How a guest is charged for our own consumption of the CPU.  The second and the third
 * way are those of Lang, Energy Accounting for Virtual Machines (Karlsruhe 2006), 3.5.1,
 * for guests whose drivers know nothing of costs.
 */
enum overhead {
	OVERHEAD_CPU,		/* as a device of its own */
	OVERHEAD_DISK,		/* with the disk */
	OVERHEAD_BALLOON,	/* as a device of its own that nobody there has used */
	NR_OVERHEADS
};

struct disk;
struct request;
struct server;
struct subsystem;
struct arrival;

/**
 * struct physical - a physical disk
 * @next: in the server's list
 * @model: its energy model; the name tells physical disks apart
 * @file: the model's file
 * @net: model of the network that it is behind, NULL if there is none
 * @cost: of transfers
 * @meter: its idle power, at its slowest speed
 * @speed: the speed at which it runs
 * @clients: connected disks on it
 * @server: by whom its disks are served; set by monitor_open(), as are
 * @subsystem: what the resource monitor knows of it, NULL if nothing
 * @subsystem_name: by this name
 * @monitor: for its connection
 * @expected: there was a monitor, or one was asked for
 */
struct physical {
	struct physical *next;
	struct diskmodel model;
	const char *file;
	const struct netmodel *net;
	struct cost_disk cost;
	struct cost_meter meter;
	struct speed speed;
	unsigned int clients;
	struct server *server;
	struct subsystem *subsystem;
	const char *subsystem_name;
	struct watch *monitor;
	bool expected;
};

/**
 * struct published - what the resource monitor was told of a disk
 * @present: it was told that there is a client
 * @client: number of that, valid if @present
 * @sum: its energy
 */
struct published {
	bool present;
	int client;
	struct figures sum;
};

/**
 * struct queue - a virtqueue
 * @disk: whose
 * @index: which
 * @vring: the ring, valid if @started
 * @place: where QEMU has it
 * @kick: tells of new requests
 * @call: tells the guest of done ones
 * @error: tells QEMU that the ring is broken
 * @enabled: requests may be taken
 * @started: the ring is in use
 * @broken: nothing is taken from it any more
 * @starved: requests wait for room
 * @in_flight: requests taken and not returned
 * @busy: a bit for each head in flight
 * @done: requests that are to be returned, in order
 * @done_tail: where the next one goes
 * @next_dirty: in the server's list of queues with done requests
 * @dirty: it is in that list
 */
struct queue {
	struct disk *disk;
	unsigned int index;
	struct vqueue vring;
	struct vring_place place;
	struct watch *kick;
	struct signal *call;
	struct signal *error;
	bool enabled;
	bool started;
	bool broken;
	bool starved;
	unsigned int in_flight;
	uint64_t busy[VRING_MAX_SIZE / 64];
	struct request *done;
	struct request **done_tail;
	struct queue *next_dirty;
	bool dirty;
};

/**
 * struct disk - what is served
 * @server: by whom
 * @next: in the server's list
 * @name: the client's, also of the state file
 * @file: path of the image or block device, or where the server is
 * @socket: path of the socket
 * @readonly: writing is refused
 * @direct: past the host's page cache
 * @resident: the file is memory, not a disk's
 * @nr_queues: at most so many
 * @physical: on which physical disk
 * @overhead: how the guest is charged for our CPU time
 * @state: totals
 * @params: what is published for guests that do not know of costs
 * @published: as much of them
 * @nbd: the server that has the data, NULL if a file has
 * @speed: its part in the physical disk's speed
 * @fd: the file, direct or not
 * @buffered_fd: the file, not direct
 * @mem_align: of memory for direct transfers
 * @align: of offsets and lengths
 * @sectors: capacity
 * @listener: for clients
 * @conn: the client's connection, NULL if there is none
 * @client: the client counts as one: energy meters run for it
 * @waiting_fd: a connection to follow, -1 for none
 * @backend_fd: for what we tell QEMU unasked, -1 for nothing
 * @rx: what was received of it
 * @protocol_features: of VHOST_USER_PROTOCOL_F_*
 * @features: of VIRTIO_F_* and VIRTIO_BLK_F_*
 * @writeback: the guest wants a cache that it flushes
 * @mem: the guest's memory
 * @inflight: region that QEMU keeps
 * @queue: its queues
 * @in_flight: requests in all of them
 * @hold: nothing is taken until nothing is in flight, for a message's sake
 * @closing: the client has gone; the same until it is forgotten
 * @lost: the guest's memory was truncated
 * @io_failed: the host's storage has failed once
 */
struct disk {
	struct server *server;
	struct disk *next;
	const char *name;
	const char *file;
	const char *socket;
	bool readonly;
	bool direct;
	bool resident;
	unsigned int nr_queues;
	struct physical *physical;
	enum overhead overhead;
	struct state_file *state;
	struct params params;
	struct published published;

	struct nbd_link *nbd;
	struct speed_client speed;
	int fd;
	int buffered_fd;
	uint32_t mem_align;
	uint32_t align;
	uint64_t sectors;

	struct watch *listener;
	struct watch *conn;
	bool client;
	int waiting_fd;
	int backend_fd;
	struct vhost_rx rx;
	uint64_t protocol_features;
	uint64_t features;
	bool writeback;
	struct mem mem;
	struct inflight inflight;
	struct queue queue[MAX_QUEUES];
	unsigned int in_flight;
	bool hold;
	bool closing;
	bool lost;
	bool io_failed;
};

/**
 * struct server - all of it
 * @io: the event loop
 * @disks: list of disks
 * @physicals: list of physical disks
 * @cpu_source: what we consume
 * @cpu: the same, apportioned
 * @cpu_meter: what we consume when there is nothing to do
 * @timer: for the meters, while there are clients, and for the resource monitor
 * @active: something was done since it went off
 * @arrival: of the resource monitor's socket, NULL if nothing notices it
 * @signals: those that end the process, or tell it to look at something
 * @timer_s: its interval
 * @clients: connected disks
 * @dirty: queues with done requests
 * @starved: some queue's requests wait for room
 * @deaf: some disks take no clients, for there were no file descriptors left
 * @stopping: nothing is taken from any queue any more
 */
struct server {
	struct io io;
	struct disk *disks;
	struct physical *physicals;
	struct cpu_source *cpu_source;
	struct cost_cpu cpu;
	struct cost_meter cpu_meter;
	struct watch *timer;
	bool active;
	struct arrival *arrival;
	struct watch *signals;
	time_t timer_s;
	unsigned int clients;
	struct queue *dirty;
	bool starved;
	bool deaf;
	bool stopping;
};

/* server.c */

/**
 * server_init() - prepare an empty server
 * @server: zeroed
 * @source: what it consumes
 *
 * Takes a tenth of a second, for the power without clients is measured.
 */
void server_init(struct server *server, struct cpu_source *source);

/* Do what there is to do, after waiting for it if @wait. */
void server_step(struct server *server, bool wait);

/* Take nothing more, and return when nothing is in flight: no client is left then. */
void server_stop(struct server *server);

/* Bring the energy meters up to date, and publish. */
void server_meter(struct server *server);

/* A disk's client is there, or gone. */
void server_join(struct server *server, struct disk *disk);
void server_leave(struct server *server, struct disk *disk);

/* Be woken as often as it is necessary now. */
void server_set_timer(struct server *server);

/* Something is done that the meters should be brought up to date for. */
void server_wake(struct server *server);

/**
 * server_take_over() - charge the base cost that a killed process did not
 * @server: with all of its disks, before it has clients
 *
 * Physical disks went on turning for whoever was connected.  Nobody knows when
 * that ended, so it is not more than could have been left to be charged: what was
 * consumed in a minute.
 */
void server_take_over(struct server *server);

/* disk.c */

/* Open the file; an error is the end. */
void disk_open(struct disk *disk);

/* Look at the file's size again, and tell the client if it changed. */
void disk_resize(struct disk *disk);

/* Virtio features offered. */
uint64_t disk_features(const struct disk *disk);
void disk_config(const struct disk *disk, struct virtio_blk_config *config);

/* charge.c */

/* How many devices a disk's requests return costs for, of enum device. */
unsigned int disk_devices(const struct disk *disk);

/* Price a request that is done, whose transfers have left @rest. */
void request_price(const struct request *request, int64_t *rest,
		   uint64_t pj[NR_DEVICES]);

/* What the guest is told of that. */
void reply_costs(const struct disk *disk, const uint64_t pj[NR_DEVICES],
		 struct pvblk_reply *reply);

/* Answer to PVBLK_T_MODEL. */
void disk_model(const struct disk *disk, struct pvblk_model *model);

/* Writes must be stable before they are done. */
bool disk_writethrough(const struct disk *disk);

/* conn.c */

/* Listen at the disk's socket; an error is the end. */
void disk_listen(struct disk *disk);

/* There may be file descriptors again, if there were none for a client. */
void conn_listen_again(struct server *server);

/* Serve the client at that socket, which is the disk's from now on. */
void disk_connect(struct disk *disk, int fd);

/* The client has gone, or must go. */
void disk_disconnect(struct disk *disk);

/* Nothing is in flight any more: do what waited for it. */
void disk_idle(struct disk *disk);

/* queue.c */

void queue_init(struct queue *queue, struct disk *disk, unsigned int index);

/**
 * queue_start() - begin with a ring, or go on with it
 * @queue: its place, size and base are set
 *
 * Return: 0 or a negative errno.
 */
int queue_start(struct queue *queue);

/* Nothing is in flight.  */
void queue_stop(struct queue *queue);

/* Find the ring again in new memory. */
int queue_remap(struct queue *queue);

/* Take what requests there are. */
void queue_process(struct queue *queue);

/* Take nothing more, for that reason. */
void queue_break(struct queue *queue, const char *why);

/* Return the done requests. */
void queue_commit(struct queue *queue);

/* request.c */

/**
 * struct request - a request in flight
 * @op: the transfer under way
 * @queue: where it came from
 * @next: in the queue's list of done ones
 * @head: of its descriptors
 * @blk: what it is
 * @transferred: bytes up to now
 * @net_pj: what that has cost on the network
 * @bounce: aligned memory, of which @bounced bytes are in use
 * @bounced: see @bounce
 * @cut_off: bytes by which the first piece is shorter while a part is under way
 * @in_len: what the guest has room for
 * @in: where
 * @nr_in: in so many pieces
 * @data: what is still to be transferred
 * @nr_data: in so many pieces
 * @iov: all pieces
 */
struct request {
	struct io_op op;
	struct queue *queue;
	struct request *next;
	uint16_t head;
	struct blk_request blk;
	uint64_t transferred;
	uint64_t net_pj;
	void *bounce;
	size_t bounced;
	size_t cut_off;
	uint64_t in_len;
	struct iovec *in;
	unsigned int nr_in;
	struct iovec *data;
	unsigned int nr_data;
	struct iovec iov[];
};

/* So many bytes at once, so that other requests are done in between.  No constant, for tests. */
extern size_t request_step_max;

/* Begin with what the guest sent; it ends in queue_done(). */
void request_start(struct queue *queue, const struct chain *chain);
void request_free(struct request *request);
void queue_done(struct request *request);

/* show.c */

/* Print what a state file says, a line per number. */
void show_state(const struct state_view *view);

#endif /* PVBLKD_PVBLKD_H */
