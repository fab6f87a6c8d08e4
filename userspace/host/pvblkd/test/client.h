/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests: a client of the server, which speaks the protocol itself. */
#ifndef PVBLKD_TEST_CLIENT_H
#define PVBLKD_TEST_CLIENT_H

#include "driver.h"
#include "fixture.h"

#define NUM	16
#define DATA	(DRIVER_GPA + DRIVER_DATA)
#define HEADER	DATA
#define REPLY	(DATA + 64)
#define BUFFER	(DATA + 4096)
#define NEXT	VRING_DESC_F_NEXT
#define WRITE	VRING_DESC_F_WRITE
#define COST	PVBLK_T_COST

extern struct driver d;
extern int client;
extern int kick[2], call[2];

void pump(void);
void join(void);
void leave(void);
void send_with(struct vhost_msg *msg, const int *fds, unsigned int nr);
struct vhost_msg message(uint32_t request, uint32_t size);
void receive(struct vhost_msg *msg, uint32_t request, uint32_t size);
void silence(void);
void dropped(void);
uint64_t acknowledge(struct vhost_msg msg, const int *fds, unsigned int nr);
uint64_t set_u64(uint32_t request, uint64_t value);
uint64_t set_state(uint32_t request, uint32_t index, uint32_t num);
uint64_t set_fd(uint32_t request, uint64_t value, int fd);
uint64_t get_u64(uint32_t request);
uint64_t set_memory(unsigned int nr);
uint64_t set_place(unsigned int ring, struct vring_place place);
void start_ring(unsigned int i);
uint32_t stop_ring(unsigned int i);
void start(uint64_t features);
int setup(void **state);
int teardown(void **state);
void notify(unsigned int ring);
bool called(unsigned int ring);
void offer(unsigned int ring, uint32_t type, uint64_t sector,
	   uint32_t len, bool write);
uint8_t status(uint32_t type);
uint8_t request(unsigned int ring, uint32_t type, uint64_t sector,
		uint32_t len, bool write);
struct state_view totals(void);
uint64_t returned(void);

#endif /* PVBLKD_TEST_CLIENT_H */
