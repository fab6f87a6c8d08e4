#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Without an energy page, or with such that are refused, all works but counting,
# and the kernel says what it lacks.  If it has found other counters to count
# with, only what it says of the pages matters here.
#
#	nocounters[:WHY[+WHY...]]	why which page must have been refused,
#					in their order, '_' for ' '
set -eu
cd /sys/fs/rcontainer
mkdir a
/tests/spin 1
rctl run -q a -- /tests/spin 1
if grep -qx "backend none" info/backend; then
	test -z "$(cat a/energy a/events info/counters info/snapshot)"
	test "$(dmesg | grep -c "will count nothing")" = 1
fi
rmdir a

expected=$(echo "${1-}" | tr '_+' ' \n')
said=$(dmesg | sed -n 's/.*energy page refused: \(.*\) (version .*/\1/p')
if [ "$said" != "$expected" ]; then
	echo "# the kernel said:"
	echo "$said" | sed 's/^/# /'
	exit 1
fi
