#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The boot parameter pmc= was obeyed.
#
#	choice:BACKEND[+TEXT]	what counts, and what the kernel must have said,
#				'_' for ' '
set -eu
cd /sys/fs/rcontainer
mkdir a
/tests/spin 1
cat info/backend
grep -qx "backend ${1%%+*}" info/backend
[ "${1%%+*}" = none ] || rctl check
rmdir a
text=$(echo "${1#*+}" | tr _ ' ')
# The command line has it, too.
dmesg | grep -v 'ommand line: ' | grep pmc | grep -F "$text"
