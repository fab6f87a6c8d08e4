/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parameters of virtual disks, for guests that are not told what requests cost
 * and estimate it as they do for a real disk: Lang, Energy Accounting for Virtual
 * Machines (Karlsruhe 2006), 3.5.1.  For each disk with a client there is a file
 * NAME.params beside its state file.  It has the format of a disk model
 * (diskmodel.h), so that whatever reads such a model can import it:
 *
 *	name			the physical disk's
 *	idle_power_mw		the client's share of the idle power, at the speed
 *				that the disk has, and of what we consume of the
 *				CPU without requests
 *	active_power_mw		more than that by what the physical disk draws more
 *				when it is active, and by what the CPU and the
 *				network have consumed for this disk's requests up to
 *				now, for each byte, times the transfer rate
 *	transfer_rate		the physical disk's
 *
 * Comments say how many clients share the disk, and its speed.  What we consume
 * of the CPU is left out if the guest has a balloon for that.
 *
 * Each number is rounded to milliwatts.  The file is replaced as a whole, when the
 * number of clients or the speed changes, and every ten seconds if consumption
 * for each byte has; it is removed when the client goes away.
 */
#ifndef PVBLKD_PARAMS_H
#define PVBLKD_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cost.h"

struct server;

#define PARAMS_TEXT_LEN		1024

/**
 * struct params_of - what the parameters of a disk are made of
 * @disk: the client's name
 * @model: of the physical disk
 * @speed: index of the speed at which that runs
 * @clients: that share it
 * @users: those of them that pay for more than the slowest speed
 * @user: this client is one of them
 * @cpu_mw: what we consume of the CPU without requests
 * @cpu_clients: that share that
 * @overhead_pj: what other devices than the disk have consumed
 * @bytes: for the transfer of so many
 */
struct params_of {
	const char *disk;
	const struct diskmodel *model;
	unsigned int speed;
	unsigned int clients;
	unsigned int users;
	bool user;
	uint64_t cpu_mw;
	unsigned int cpu_clients;
	energy_t overhead_pj;
	uint64_t bytes;
};

/* Put the file's text together. */
void params_format(const struct params_of *of, char text[PARAMS_TEXT_LEN]);

/**
 * struct params - the file of a disk
 * @path: its name, NULL if there shall be none
 * @text: what it says, empty if it is not there
 * @clients: when it was written, as were
 * @speed: see struct params_of
 * @user: likewise
 * @last_ns: when that was
 * @failed: it could not be written, and that was said
 */
struct params {
	const char *path;
	char text[PARAMS_TEXT_LEN];
	unsigned int clients;
	unsigned int speed;
	bool user;
	uint64_t last_ns;
	bool failed;
};

/* Bring all files up to date. */
void params_publish(struct server *server);

#endif /* PVBLKD_PARAMS_H */
