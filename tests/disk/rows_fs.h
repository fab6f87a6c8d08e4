/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File systems.  Where a row is about data only, its file has been written
 * before, and the journal, into which the times of its last change go, is
 * committed after the row: so there is no metadata to write.
 */
#ifndef DISK_ROWS_FS_H
#define DISK_ROWS_FS_H

#include "disk.h"

#define NR		64
#define BYTES		(NR * PAGE)
/* What metadata may add where it can't be avoided. */
#define METADATA	(256 << 10)

/* Everything of before is on the disk, and this row has not begun. */
void begin(void);

/* Pages by two containers in turn. */
void in_turn(int fd, int salt);
void verify_in_turn(int fd, int salt);
void pages_in_turn(const char *name);

void direct_io(void);
void appended(void);

#endif /* DISK_ROWS_FS_H */
