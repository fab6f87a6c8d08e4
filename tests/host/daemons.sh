#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the host's daemons have in common, as TAP: help and manual, systemd units,
# clear words for what is wrong, and that peers who mean ill disturb no other's
# figures.
#
#	daemons.sh BUILD_USER_DIR
set -uo pipefail
unset XDG_RUNTIME_DIR NOTIFY_SOCKET LISTEN_FDS LISTEN_PID
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/tap.sh
. "$here/../tap.sh"

bin=$(realpath "$1")
sources=$here/../../userspace/host
work=$(mktemp -d /dev/shm/rcontainer-daemons.XXXXXX)
chmod 755 "$work"
export RESMOND_SOCKET=$work/resmond.sock
out=$work/out
pids=()

leave() {
	local pid
	for pid in "${pids[@]}"; do
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' TERM INT HUP

explain() {
	tail -n 20 "$out"
}

# within COMMAND...: it succeeds in twenty seconds.
within() {
	for _ in $(seq 200); do
		"$@" && return
		sleep 0.1
	done
	"$@"
}

# start NAME COMMAND...: in the background; what it says is in NAME.log.
start() {
	local name=$1
	shift
	"$@" >"$work/$name.log" 2>&1 </dev/null &
	pids+=($!)
	pid=$!
}

says() { # name, text
	grep -q -e "$2" "$work/$1.log"
}

# stop PID: in good order.
stop() {
	kill -TERM "$1"
	wait "$1"
}

# ------------------------------------------------------------- help and manual

manual() {
	case $1 in
	resmond) echo "$sources/resmond/resmond.8.adoc" ;;
	*) echo "$sources/$1.8.adoc" ;;
	esac
}

check_help() {
	local program option
	for program in cpuacctd pvblkd pvlaunch resmond; do
		"$bin/$program" --help >"$out" 2>"$work/err"
		check "$program --help" test $? = 0 -a -s "$out" -a ! -s "$work/err"
		"$bin/$program" --version >"$out" 2>&1
		check "$program --version" grep -q "^$program from rcontainer" "$out"
		"$bin/$program" --help | grep '^ *-' | grep -o -e '--[a-z][a-z-]*' | sort -u |
			while read -r option; do
				grep -q -e "\\*$option\\*" "$(manual "$program")" || echo "$option"
			done >"$out"
		check "$program: its manual has all options" test ! -s "$out"
		check "... and the exit status" grep -q '^== EXIT STATUS' "$(manual "$program")"
		"$bin/$program" --no-such-option >"$out" 2>&1
		check "$program: an unknown option" test $? != 0
		check "... where to find help" grep -q "Try '$program --help'" "$out"
	done
}

# --------------------------------------------------------------- systemd units

# A root directory with nothing but what the units need.
check_units() {
	local root=$work/root unit program level
	if ! command -v systemd-analyze >/dev/null; then
		echo "ok - systemd units # SKIP no systemd-analyze"
		return
	fi
	mkdir -p "$root"/etc/systemd/system "$root"/usr/sbin "$root"/usr/lib/systemd/system
	cp "$sources"/units/* "$root/etc/systemd/system"
	cp /usr/lib/systemd/system/*.target "$root/usr/lib/systemd/system"
	for program in cpuacctd pvblkd resmond; do
		cp "$bin/$program" "$root/usr/sbin"
	done
	for unit in cpuacctd.service pvblkd@.service resmond.service resmond.socket; do
		systemd-analyze verify --man=no --root="$root" "$unit" >"$out" 2>&1
		check "systemd-analyze verify $unit" test $? = 0 -a ! -s "$out"
	done
	# A unit that is wrong is found, or the above says nothing.
	sed 's/^ProtectSystem=.*/ProtectSystem=perhaps/' "$sources/units/resmond.service" \
		>"$root/etc/systemd/system/wrong.service"
	systemd-analyze verify --man=no --root="$root" wrong.service >"$out" 2>&1
	check "... which finds what is wrong" grep -q 'perhaps' "$out"
	for unit in cpuacctd.service pvblkd@disk.service resmond.service; do
		systemd-analyze security --no-pager --offline=true --threshold=25 \
			--root="$root" "$unit" >"$out" 2>&1
		check "systemd-analyze security $unit: at most 2.5 of 10" test $? = 0
		level=$(sed -n 's/.*Overall exposure level for [^:]*: \([0-9.]*\).*/\1/p' "$out")
		echo "# $unit: exposure level $level"
	done
	while read -r program option; do
		"$bin/$program" --help | grep -q -e "$option "
		check "$program has $option, which its unit uses" test $? = 0
	done < <(sed -n 's:^ExecStart=/usr/sbin/::p' "$sources"/units/*.service |
		awk '{ for (i = 2; i <= NF; i++) if ($i ~ /^--/) print $1, $i }')
}

# ------------------------------------------------------------------ what is wrong

# refused STATUS MESSAGE COMMAND...: it ends with that, and says it in one line.
refused() {
	local want=$1 message=$2 status
	shift 2
	timeout 20 "$@" >"$work/stdout" 2>"$out" </dev/null
	status=$?
	[ $status = "$want" ] || echo "exit status $status, not $want" >>"$out"
	[ $status = "$want" ] && grep -qF -e "$message" "$out" &&
		[ "$(wc -l <"$out")" = 1 ]
}

# other_version FILE: the number that follows the magic one.
other_version() {
	printf '\x63' | dd of="$1" bs=1 seek=8 conv=notrunc 2>/dev/null
}

check_errors() {
	local disk="a,socket=$work/a.sock,file=$work/image"
	local nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
	"$bin/pvlaunch" --machine "$work/m" --name one --nr-pcpus 1 --keep --timeout 0.5 \
		>"$out" 2>&1 </dev/null
	cp -r "$work/m" "$work/m2"
	other_version "$work/m2/machine"
	truncate -s 1M "$work/image"
	printf 'event tsc 1 base\nevent x\n' >"$work/bad.model"
	printf '# a disk\nidle_power_mw 4\nactive_power_mw -1\n' >"$work/bad.disk"

	check "cpuacctd: no machine" refused 2 "none/machine: No such file" \
		"$bin/cpuacctd" --machine "$work/none"
	check "cpuacctd: a machine of another version" refused 2 "another version" \
		"$bin/cpuacctd" --machine "$work/m2"
	check "cpuacctd: a bad model, with its line" refused 2 "bad.model:2: " \
		"$bin/cpuacctd" --machine "$work/m" --model "$work/bad.model"
	check "pvlaunch: a machine of another version" refused 125 "another version" \
		"$bin/pvlaunch" --machine "$work/m2" --name two
	check "pvlaunch: a bad model, with its line" refused 125 "bad.model:2: " \
		"$bin/pvlaunch" --machine "$work/m" --name two --model "$work/bad.model"
	check "pvlaunch: no socket" refused 125 "none: No such file" \
		"$bin/pvlaunch" --machine "$work/m" --name two --disk "$work/none"
	check "pvblkd: a bad model, with its line" refused 1 "bad.disk:3: " \
		"$bin/pvblkd" --state-dir "$work/s" --disk "$disk" --model "$work/bad.disk"
	check "pvblkd: no directory for its socket" refused 1 "$work/none/a: No such file" \
		"$bin/pvblkd" --state-dir "$work/s" --disk "b,socket=$work/none/a,file=$work/image"
	other_version "$work/s/b.state"
	check "pvblkd: a state file of another version" refused 1 "another version" \
		"$bin/pvblkd" --state-dir "$work/s" --disk "b,socket=$work/b.sock,file=$work/image"
	check "pvblkd --show: so, too" refused 1 "another version" \
		"$bin/pvblkd" --show "$work/s/b.state"
	check "resmond: no directory for its socket" refused 1 "/proc/x: cannot create" \
		"$bin/resmond" --socket /proc/x/sock
	check "resmon: no monitor" grep -q 'no resource monitor listens' \
		<("$bin/resmon" list 2>&1)

	start daemon "$bin/pvblkd" --state-dir "$work/s" --resmond "$work/none" --disk "$disk"
	check "pvblkd: no monitor where one was asked for" \
		within says daemon "no resource monitor at $work/none"
	stop "$pid"
	check "... it runs without, and ends in good order" test $? = 0
	start daemon "$bin/cpuacctd" --machine "$work/m" --resmond "$work/none"
	check "cpuacctd: no monitor where one was asked for" \
		within says daemon "no resource monitor at $work/none"
	stop "$pid"
	check "... it runs without, and ends in good order" test $? = 0

	if [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null; then
		echo "ok - permissions # SKIP not root"
		return
	fi
	# Where others can read them, whoever may read the checkout.
	mkdir "$work/bin"
	cp -r "$bin"/{cpuacctd,pvlaunch,pvplugin.so,pvblkd,resmond,models} "$work/bin"
	# shellcheck disable=SC2086 # several words
	{
		chmod 700 "$work/m" "$work/s"
		mkdir -m 700 "$work/closed"
		check "cpuacctd: no permission" refused 2 "m/machine: Permission denied" \
			$nobody "$work/bin/cpuacctd" --machine "$work/m"
		check "pvlaunch: no permission" refused 125 "Permission denied" \
			$nobody "$work/bin/pvlaunch" --machine "$work/m" --name two
		check "pvblkd: no permission" refused 1 "Permission denied" \
			$nobody "$work/bin/pvblkd" --state-dir "$work/s" --disk "$disk"
		check "resmond: no permission" refused 1 "Permission denied" \
			$nobody "$work/bin/resmond" --socket "$work/closed/sock"
	}
}

# --------------------------------------------------------- peers who mean ill

# Of subsystem "a", which has spent these.
figures_of_a() {
	"$bin/resmon_exact" 2>/dev/null | grep '^a,'
}

exact() { # disk: what it transferred is what that costs, and what is published
	"$bin/pvblkd" --show "$work/state/$1.state" | awk '
		/_bytes / { bytes += $2 }
		$1 == "disk.access_pj" { pj = $2 }
		END { printf "# %d bytes, %.0f pJ\n", bytes, pj; exit !(bytes && bytes * 60000 == pj) }' &&
		"$bin/pvblkd_published" disk "$work/state/$1.state" >"$out" 2>&1
}

registered() { # how many
	[ "$("$bin/resmon" list -n -o STATE 2>/dev/null | grep -c registered)" = "$1" ]
}

broken() {
	grep -q "hostile *broken" <("$bin/resmon" list -n -o SUBSYSTEM,STATE 2>/dev/null)
}

check_hostile() {
	local monitor disks load before status
	start resmond "$bin/resmond"
	monitor=$pid
	within "$bin/resmon" list >"$out" 2>&1
	mkfifo "$work/feed.in" "$work/feed.out"
	"$bin/resmon_feed" a cpu:cpu <"$work/feed.in" >"$work/feed.out" 2>/dev/null &
	pids+=($!)
	exec {feed}>"$work/feed.in" {answers}<"$work/feed.out"
	printf '%s\n' 'add vm' 'base vm 123456789' 'access vm 0 987654321' >&"$feed"
	head -n 3 <&"$answers" >"$out"
	start pvblkd "$bin/pvblkd" --state-dir "$work/state" \
		--disk "one,socket=$work/one.sock,file=$work/image" \
		--disk "two,socket=$work/two.sock,file=$work/image,readonly"
	disks=$pid
	within says pvblkd '^ready'
	check "two subsystems are registered" within registered 2
	before=$(figures_of_a)
	start load "$bin/pvblkd_load" "$work/one.sock"
	load=$pid

	check "another version is told so" grep -q "another version: the monitor's is" \
		<("$here/hostile.py" version "$RESMOND_SOCKET" 2>&1)
	start subsystem "$here/hostile.py" subsystem "$RESMOND_SOCKET" 3
	check "a hostile subsystem is registered" within says subsystem registered
	start peer "$here/hostile.py" peer "$RESMOND_SOCKET" 3
	start guest "$here/hostile.py" guest "$work/two.sock" 3
	for _ in 1 2 3 4 5; do
		[ "$(figures_of_a)" = "$before" ]
		check "meanwhile, the other subsystem's figures stay" test $? = 0
		sleep 0.5
	done
	check "it has spoilt its region, header and all" within says subsystem spoilt
	check "... which the viewer says" broken
	[ "$(figures_of_a)" = "$before" ]
	check "... and shows the others' figures" test $? = 0
	"$bin/resmon" show >"$work/shown" 2>"$out"
	check "... with a warning, and an exit status" test $? = 1 -a -s "$out"
	check "the monitor lives" kill -0 "$monitor"
	check "the back end lives" kill -0 "$disks"
	stop "$load"
	stop "$disks"
	status=$?
	check "... and ends in good order" test $status = 0
	check "a hostile guest's neighbour: each byte is accounted, and no other" exact one
	stop "$monitor"
	check "the monitor ends in good order" test $? = 0
}

check_help
check_units
check_errors
check_hostile
