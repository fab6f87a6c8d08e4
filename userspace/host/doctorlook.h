/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that all parts of the doctor use; see doctor.h. */
#ifndef RCONTAINER_DOCTORLOOK_H
#define RCONTAINER_DOCTORLOOK_H

#include "doctor.h"

/* Directory with a directory for each PMU. */
#define DOCTOR_PMUS	"sys/bus/event_source/devices"

/**
 * doctor_say() - fill in a line
 * @l: the line, whose @thing is set
 * @state: what the thing means
 * @advice: what to do; NULL for nothing
 * @fmt: what was found, as for printf()
 */
__attribute__((format(printf, 4, 5)))
void doctor_say(struct doctor_line *l, enum doctor_state state, const char *advice,
		const char *fmt, ...);

/*
 * Files of the host; paths have no leading "/".  doctor_there() returns 0 if there is
 * one, or a negative errno.
 */
int doctor_there(const struct doctor *d, const char *path);

/* The number in a file, or @missing. */
long doctor_number(const struct doctor *d, const char *path, long missing);

/* 1 or 0 of a file that has Y or N, or 1 or 0; -1 if there is none. */
int doctor_flag(const struct doctor *d, const char *path);

/* Whether this host is a virtual machine itself. */
bool doctor_is_guest(const struct doctor *d);

/* A look at each thing. */
void doctor_perf(const struct doctor *d, struct doctor_line *l);
void doctor_ptrace(const struct doctor *d, struct doctor_line *l);
void doctor_model(const struct doctor *d, struct doctor_line *l);
void doctor_pmu(const struct doctor *d, struct doctor_line *l);
void doctor_watchdog(const struct doctor *d, struct doctor_line *l);
void doctor_kvm(const struct doctor *d, struct doctor_line *l);
void doctor_vpmu(const struct doctor *d, struct doctor_line *l);
void doctor_exits(const struct doctor *d, struct doctor_line *l);
void doctor_qemu(const struct doctor *d, struct doctor_line *l);
void doctor_vcpus(const struct doctor *d, struct doctor_line *l);
void doctor_cgroup(const struct doctor *d, struct doctor_line *l);
void doctor_slice(const struct doctor *d, struct doctor_line *l);
void doctor_rapl(const struct doctor *d, struct doctor_line *l);
void doctor_btf(const struct doctor *d, struct doctor_line *l);
void doctor_resmond(const struct doctor *d, struct doctor_line *l);
void doctor_io_uring(const struct doctor *d, struct doctor_line *l);

#endif /* RCONTAINER_DOCTORLOOK_H */
