#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The suites of user space on programs with AddressSanitizer, LeakSanitizer and
# UndefinedBehaviorSanitizer.
#
#	sanitize.sh PROGRAMS FLAGS [SUITE...]
#
# where PROGRAMS were built with FLAGS.
#
# Suppressed is what tinfo does not free of a terminal that it does not know.  Reports go to files, so that tests which look at
# standard error see none of it; a report is a failure, whoever expected the
# program to fail.  They are in build/logs/sanitize/.  GCC's runtime for
# undefined behaviour can't write to files beside AddressSanitizer; so it traps,
# and the latter reports where.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
. tests/lib.sh

PROGRAMS=$(realpath "$1")
flags=$2
shift 2
[ $# -gt 0 ] || set -- user rctl launch accountant resmon pvblkd
LOGS=$BUILD/logs/sanitize
rm -rf "$LOGS"
# Tests run programs as other users, too.
reports=$(mktemp -d /dev/shm/rcontainer-sanitize.XXXXXX)
trap 'rm -rf "$reports"' EXIT
chmod 1777 "$reports"
# Time limits hold for programs as they are built otherwise.
patience=3
echo leak:new_prescr >"$reports/suppressions"
export PROGRAMS LOGS patience
export LSAN_OPTIONS=suppressions=$reports/suppressions:print_suppressions=0
export ASAN_OPTIONS=log_path=$reports/report:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:handle_sigill=1

# A sanitizer that reports nothing where there is something proves nothing.
sees() {
	# shellcheck disable=SC2086 # several words
	echo "$2" | "${CC:-cc}" -x c -g $flags -o "$reports/probe" - &&
		! "$reports/probe" &&
		cat "$reports"/report.* | grep -q "$1"
	check "a program with a fault is reported: $1" test $? = 0
	rm -f "$reports"/report.* "$reports/probe"
}
probes() {
	sees heap-buffer-overflow '#include <stdlib.h>
		int main(int c, char **v) { char *p = malloc(c); return p[c] = 1; }'
	sees LeakSanitizer '#include <stdlib.h>
		int main(void) { volatile char *p = malloc(5); p = NULL; return !!p; }'
	sees 'AddressSanitizer: ILL' '#include <limits.h>
		int main(int c, char **v) { volatile int x = INT_MAX; x += c; return 2; }'
}
found=$(probes)
echo "$found"
grep -q '^not ok' <<<"$found" && exit 1

tests/run.sh "$@"
status=$?
mkdir -p "$LOGS"
n=0
for report in "$reports"/report.*; do
	[ -e "$report" ] || continue
	n=$((n + 1))
	cp "$report" "$LOGS"
	grep -m 1 -E 'ERROR: |runtime error: ' "$report"
done
echo "$n sanitizer reports"
[ "$n" = 0 ] && exit $status
