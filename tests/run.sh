#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Run test suites and count what they report.
#
#	run.sh SUITE...		of: user rctl plugin kunit boot disk stress launch accountant hostile pvblkd
#				resmon host patchset install packages packages-kernel guest kvm
#				kvm-arm64
#
# Each test is a program that prints TAP lines; its output goes to
# build/logs/NAME.log, its failures here.  The last line is the sum.
# PROGRAMS and LOGS are other directories for the programs and the output.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

. tests/lib.sh
logs=${LOGS:-$BUILD/logs}
mkdir -p "$logs" "$BUILD/results"
passed=0 failed=0 skipped=0 failures=

# tap NAME SECONDS COMMAND...: a failure to finish or a bad exit status of a
# program that reported no failure counts as one.
tap() {
	local name=$1 seconds=$2 log=$logs/$1.log start=$SECONDS status p f s
	shift 2
	timeout -k 5 $((seconds * patience)) "$@" </dev/null >"$log" 2>&1
	status=$?
	# Nested results stand for themselves; what sums them up is left out.
	s=$(grep -acE '^ *ok .*# SKIP' "$log")
	p=$(grep -aE '^ *ok ' "$log" | grep -acv '# SKIP')
	f=$(grep -acE '^ *not ok ' "$log")
	if [ "$status" != 0 ] && [ "$f" = 0 ]; then
		f=1
		echo "# $name: exit status $status" >>"$log"
	elif [ $((p + f + s)) = 0 ]; then
		f=1
		echo "# $name: reported nothing" >>"$log"
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	printf '%-28s %4d passed, %d failed, %d skipped  (%d s)\n' \
		"$name" "$p" "$f" "$s" $((SECONDS - start))
	if [ "$f" != 0 ]; then
		failures+=" $name"
		why "$name"
	fi
}

# why NAME: what a test that failed had to say.
why() {
	grep -aE '^ *not ok |^ *#' "$logs/$1.log" | head -n 20 | sed 's/^/    /'
	tail -n 5 "$logs/$1.log" | sed 's/^/    | /'
}

suite_user() {
	local t
	for t in "$PROGRAMS"/test_*; do
		CMOCKA_MESSAGE_OUTPUT=TAP tap "user-$(basename "$t")" 120 "$t"
	done
}

suite_rctl() {
	tap rctl 400 tests/rctl/run.sh "$PROGRAMS/rctl"
	tap rctl-top 300 tests/rctl/top.sh "$PROGRAMS/rctl"
}

suite_plugin() {
	local t
	for t in userspace/host/plugin/test/test_*.sh; do
		tap "plugin-$(basename "$t" .sh)" 300 "$t" "$BUILD/user"
	done
}

suite_kunit() {
	tap kunit-uml 120 tests/kunit.sh uml
	tap kunit-x86 120 tests/kunit.sh x86
}

suite_boot() {
	. tests/boot/cases
}

suite_disk() {
	. tests/disk/cases
}

suite_stress() {
	tap disk-stress 300 tests/disk/stress.sh 20 --nr-pcpus 2 --pcpus 0,1
	tap disk-stress-killed 400 tests/disk/stress.sh --kill 10 25 --nr-pcpus 2 --pcpus 0,1
}

suite_launch() {
	tap launch 180 tests/launch/run.sh "$PROGRAMS"
}

suite_accountant() {
	tap accountant 180 tests/accountant/run.sh "$PROGRAMS"
}

suite_resmon() {
	tap resmon 180 tests/resmon/run.sh "$PROGRAMS"
}

# The host level with real guests: shown, and killed.
suite_host() {
	tap host-daemons 120 tests/host/daemons.sh "$PROGRAMS"
	tap host-demo 400 tests/host/demo.sh
	tap host-kills 480 tests/host/kills.sh
}

# A disk that lies to the guest.
suite_hostile() {
	tap hostile 240 tests/disk/hostile/run.sh
}

# The disk back end with Debian's own kernel as guest.
suite_pvblkd() {
	tap pvblkd 900 userspace/host/pvblkd/test/run.sh "$PROGRAMS"
	tap pvblkd-load 180 userspace/host/pvblkd/test/load.sh "$PROGRAMS"
}

suite_install() {
	tap manual 120 tests/manual.sh "$PROGRAMS"
	tap install 120 tests/install.sh "$PROGRAMS"
}

# Debian packages; these need the net.
suite_packages() {
	tap packages 900 tests/packages.sh "$BUILD/deb"
}

suite_packages-kernel() {
	tap packages-kernel 900 tests/packages.sh --kernel "$BUILD/deb"
}

# A Debian of the release $SUITE as guest, whose disk tests/guest/image.sh has made.
# shellcheck disable=SC2153 # of the environment
suite_guest() {
	tap "guest-$SUITE" 3000 tests/guest/run.sh "$SUITE"
	tap "guest-$SUITE-plain" 3000 tests/guest/run.sh --plain "$SUITE"
}

# A Debian of the release $SUITE as host, whose disk tests/kvm/image.sh has made.
suite_kvm() {
	tap "kvm-$SUITE" 1800 tests/kvm/run.sh "$SUITE"
}

# An arm64 host whose programs scripts/sysroot.sh has brought.
suite_kvm-arm64() {
	tap "kvm-arm64-$SUITE" 1800 tests/kvm/arm64/run.sh "$SUITE"
}

suite_patchset() {
	tap patchset 120 tests/patchset.sh
}

for suite; do
	"suite_$suite"
done
# Again where one looks first, below hundreds of lines of those that passed.
for name in $failures; do
	echo "failed: $name"
	why "$name"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
