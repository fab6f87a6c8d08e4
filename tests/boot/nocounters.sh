#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Without an energy page, or with one that is refused, all works but counting,
# and the kernel says once what it lacks.
#
#	nocounters[:TEXT]	what the kernel must have said, '_' for ' '
set -eu
cd /sys/fs/rcontainer
mkdir a
/tests/spin 1
grep -qx "backend none" info/backend
test -z "$(cat a/energy a/events info/counters info/snapshot)"
rmdir a
text=$(echo "${1:-no energy page}" | tr _ ' ')
test "$(dmesg | grep -c "$text")" = 1
