/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The format of recordings: lines of comma-separated values under a header. */
#ifndef RESMON_RECORD_H
#define RESMON_RECORD_H

#define RECORD_HEADER \
	"seconds,vm,subsystem,device,kind,generation,base_nj,access_nj"
#define RECORD_FIELDS	8

#endif /* RESMON_RECORD_H */
