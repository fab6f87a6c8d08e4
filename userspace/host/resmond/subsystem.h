/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The library of device subsystems: publish what virtual machines consume, for
 * the resource monitor.
 *
 * A subsystem writes into a region of memory of its own from the start, and is
 * never kept waiting: whether there is a monitor, none, or one that was
 * restarted makes no difference but to who sees the figures.  The monitor keeps
 * the region when the subsystem ends; the next one of the same name goes on
 * from its figures.
 *
 *	s = subsystem_open(&(struct subsystem_config){
 *		.name = "vda", .nr_devices = 2,
 *		.device = { { "vda", RESMON_DISK }, { "cpu", RESMON_CPU } } });
 *	vm = subsystem_client_add(s, "vm1", 0);
 *	...
 *	subsystem_charge_access(s, vm, 0, disk_pj);
 *	subsystem_charge_access(s, vm, 1, cpu_pj);
 *	subsystem_charge_base(s, vm, idle_pj);
 *	...
 *	subsystem_poll(s);	if subsystem_fd() is readable, or now and then
 *
 * One thread at a time may be in the functions for one subsystem.
 */
#ifndef RESMOND_SUBSYSTEM_H
#define RESMOND_SUBSYSTEM_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

struct region_view;
struct subsystem;

/*
 * Instead of a client: there is none to pay; or it is one of those that are gone
 * and have no entry any more.
 */
#define SUBSYSTEM_NOBODY	(-1)
#define SUBSYSTEM_ENDED		(-2)

/**
 * enum subsystem_former - what becomes of the figures of a former life
 * @SUBSYSTEM_ADD: they are added to what this one has charged, and marked as
 *	such for the next life (struct resmon_added)
 * @SUBSYSTEM_INSTEAD: they replace it: the subsystem charges again whatever it
 *	has beyond them, and forgets its clients that are gone
 * @SUBSYSTEM_DROP: they are dropped, but for what had been added to them: this
 *	one charges all the others again
 */
enum subsystem_former {
	SUBSYSTEM_ADD,
	SUBSYSTEM_INSTEAD,
	SUBSYSTEM_DROP,
};

/**
 * struct subsystem_config - what a subsystem is
 * @name: letters, digits, '_', '-' and '.', not '.' at first
 * @version: its own
 * @nr_devices: number of physical devices, at least one
 * @device: the devices; the first is the one that the subsystem drives
 * @socket: the monitor's socket, NULL for the default
 * @origin: its own note what the figures are of, for @former
 * @former: asked what to do about the figures of a former life, which may turn
 *	up at the first connection to a monitor; NULL means SUBSYSTEM_ADD
 * @arg: for @former
 *
 * Clients go on from the figures of the former life's clients of the same name
 * and cookie.  Devices that only the former life had follow those given here.
 */
struct subsystem_config {
	const char *name;
	uint32_t version;
	unsigned int nr_devices;
	struct resmon_device device[RESMON_MAX_DEVICES];
	const char *socket;
	uint64_t origin;
	enum subsystem_former (*former)(void *arg, const struct region_view *v);
	void *arg;
};

/* Return: the subsystem, or NULL with errno set. */
struct subsystem *subsystem_open(const struct subsystem_config *config);

/* All clients are gone now; the monitor keeps their figures. */
void subsystem_close(struct subsystem *s);

/**
 * subsystem_client_add() - a virtual machine comes
 * @s: the subsystem
 * @name: as that of a subsystem
 * @cookie: tells this run of the virtual machine from others of the same name;
 *	0 if it shall go on from the figures of the last one
 *
 * Return: the client's number; -EINVAL for a bad name, -ENOSPC if there are
 * RESMON_MAX_CLIENTS already.
 */
int subsystem_client_add(struct subsystem *s, const char *name, uint64_t cookie);

/**
 * subsystem_client_gone() - a virtual machine was there, and is to be charged
 * @s: the subsystem
 * @name: as of subsystem_client_add()
 * @cookie: as of subsystem_client_add()
 *
 * Return: as subsystem_client_add(), but that of a client that is gone; or
 * SUBSYSTEM_ENDED if another run of that name has the entry, for it keeps it.
 */
int subsystem_client_gone(struct subsystem *s, const char *name, uint64_t cookie);

/* It goes; its figures stay until its place is needed, and then in the sum. */
void subsystem_client_remove(struct subsystem *s, int client);

/**
 * subsystem_charge() - charge energy of several devices at once
 * @s: the subsystem
 * @client: a client's number, SUBSYSTEM_NOBODY or SUBSYSTEM_ENDED
 * @base_pj: picojoules of base cost
 * @access_pj: picojoules of access cost for each device
 */
void subsystem_charge(struct subsystem *s, int client, uint64_t base_pj,
		      const uint64_t access_pj[RESMON_MAX_DEVICES]);
void subsystem_charge_base(struct subsystem *s, int client, uint64_t pj);
void subsystem_charge_access(struct subsystem *s, int client,
			     unsigned int device, uint64_t pj);

/**
 * subsystem_poll() - look after the connection, without waiting
 * @s: the subsystem
 *
 * Return: whether subsystem_status() says something new, for the log.
 */
bool subsystem_poll(struct subsystem *s);

/* A file descriptor, the same for ever, readable when there is to be polled. */
int subsystem_fd(const struct subsystem *s);

/* For people: registered, or why not.  Valid until the next call. */
const char *subsystem_status(const struct subsystem *s);
bool subsystem_registered(const struct subsystem *s);

/*
 * There is no connection, not even one that is asked at; subsystem_poll() tries
 * to make one, at most twice a second.  Who does not want to be woken for that
 * leaves subsystem_fd() alone meanwhile and polls when it suits him.
 */
bool subsystem_away(const struct subsystem *s);

#endif /* RESMOND_SUBSYSTEM_H */
