#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Run the KUnit kernel of a platform: its results, one line a case, as TAP.
#
#	kunit.sh uml|x86
set -euo pipefail

. "$(dirname "$0")/lib.sh"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# On x86 with pmc=none: the tests' counters would come after perf's.
case $1 in
uml)
	"$CACHE/obj/kunit-uml/linux" mem=256M console=tty kunit.enable=1 \
		kunit_shutdown=halt >"$log" 2>&1 || true
	;;
x86)
	for _ in 1 2 3; do
		status=0
		qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m 512 -nodefaults \
			-no-user-config -nographic -no-reboot -serial file:"$log" \
			-kernel "$CACHE/obj/kunit-x86/arch/x86/boot/bzImage" \
			-append 'console=ttyS0 no_timer_check kunit.enable=1 kunit_shutdown=reboot panic=-1 pmc=none' ||
			status=$?
		emulator_died "$log" $status || break
	done
	;;
esac
# Without time stamps and carriage returns; suites sum up their cases.
sed -i -E 's/\r$//; s/^\[ *[0-9.]+\] //' "$log"
grep -E '^ {4,}(ok|not ok) |^ {4,}# ' "$log" | grep -vE '^ *# .*(pass:|Totals)' || true
suites="rcontainer rcontainer-switch rcontainer-device rcontainer-meter pmc-page pmc-backend"
# User mode Linux has no perf events.
[ "$1" = uml ] || suites+=" pmc-perf"
for suite in $suites blk-energy pvblk; do
	grep -q "^ok .* $suite\$" "$log" && continue
	echo "not ok - $1: suite $suite"
	tail -n 30 "$log" | sed 's/^/# /'
done
if ! splat=$(clean_log "$log"); then
	echo "not ok - $1: kernel log"
	echo "# ${splat//$'\n'/$'\n'# }"
	exit 1
fi
