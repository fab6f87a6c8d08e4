#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# fio on two disks by turns, in a guest.
#
#	disk RUNS:MILLISECONDS:IDLE
#
# For IDLE seconds it does nothing.  Then, each run has all jobs, each for so long on
# both disks one after the other; which one comes first changes from run to run.  What
# fio prints goes to the console as
#	fio: RUN JOB DEPTH BLOCK DISK IOPS
set -eu
runs=${1%%:*} rest=${1#*:}
ms=${rest%:*} idle=${rest#*:}
run=1

# section JOB DISK: of a job file
section() {
	case $1 in
	randread1) set -- "$@" randread 1 4k ;;
	randread32) set -- "$@" randread 32 4k ;;
	randwrite1) set -- "$@" randwrite 1 4k ;;
	randwrite32) set -- "$@" randwrite 32 4k ;;
	read) set -- "$@" read 8 128k ;;
	write) set -- "$@" write 8 128k ;;
	esac
	cat <<END
[$3 $4 $5 $2]
stonewall
filename=/dev/$2
rw=$3
iodepth=$4
bs=$5
END
}

job_file() {
	cat <<END
[global]
ioengine=libaio
direct=1
thread
time_based
runtime=${ms}ms
ramp_time=100ms
norandommap
randrepeat=1
refill_buffers=0
END
	for job in randread1 randwrite1 randread32 randwrite32 read write; do
		for disk in $1; do
			section $job "$disk"
		done
	done
}

# Nobody waits for a disk that is not there.
for disk in pvda vda; do
	[ -b /dev/$disk ]
done
echo "idle"
sleep "$idle"
while [ "$run" -le "$runs" ]; do
	order="pvda vda"
	[ $((run % 2)) = 1 ] || order="vda pvda"
	job_file "$order" >/tmp/jobs
	fio --minimal /tmp/jobs | awk -F ';' -v run="$run" '
		{ print "fio: " run, $3, ($8 > 0 ? $8 : $49) }'
	run=$((run + 1))
done
