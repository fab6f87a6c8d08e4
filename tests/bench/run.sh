#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Measure, and write what was measured as CSV into build/results/.
#
#	run.sh [NAME...]	of: exactness conservation slowdown switch disk accountant
#
# All are run, by default, also after one has failed.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit

[ $# != 0 ] || set -- exactness conservation slowdown switch disk accountant
failed=()
for name; do
	printf '\n== %s\n' "$name"
	start=$SECONDS
	"tests/bench/$name.sh" || failed+=("$name")
	echo "($((SECONDS - start)) s)"
done
[ ${#failed[@]} = 0 ] || { printf '\nfailed: %s\n' "${failed[*]}"; exit 1; }
