#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Table of what must be equal, as CSV: the sum over all containers and the
# virtual counters of the virtual machine; the sum over all virtual machines
# and the counters of the physical CPUs.
#
#	conservation.sh GUEST-LOG ACCOUNTANT-TABLE
#
# Fails where there is a difference, or nothing to compare.
set -euo pipefail

awk '
BEGIN { print "whole,event,parts_sum,whole_count,difference" }

# sum EVENT CONTAINERS VIRTUAL DIFFERENCE
FNR == NR {
	if ($1 == "sum") {
		print "virtual_counters," $2 "," $3 "," $4 "," $5
		rows++
		bad += $5 != 0 || $4 == 0
	}
	next
}

# The head names the events, of which the last two columns are none.
$1 == "VM" {
	nr = NF - 3
	for (i = 1; i <= nr; i++)
		event[i] = $(i + 1)
	next
}
nr && $1 == "machine" {
	for (i = 1; i <= nr; i++)
		whole[i] = $(i + 1)
	next
}
nr && $1 != "difference" {
	# Beyond 2^53, where awk counts in floating point, this would lie.
	for (i = 1; i <= nr; i++)
		sum[i] += $(i + 1)
}
END {
	for (i = 1; i <= nr; i++) {
		print "physical_cpus," event[i] "," sum[i] "," whole[i] "," whole[i] - sum[i]
		rows++
		bad += whole[i] != sum[i] || whole[i] > 2 ^ 53
	}
	exit bad || rows < 16
}' CONVFMT=%d OFMT=%d "$1" "$2"
