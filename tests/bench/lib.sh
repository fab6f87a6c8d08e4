# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the scripts of measurements share; to be sourced.

# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

results=$BUILD/results
out=$BUILD/bench
mkdir -p "$results/verdicts" "$out"
# Whose verdicts and whose logs.
part=$(basename "$0" .sh)
logs=$BUILD/logs/$part

# begin TARGET...: what is needed to boot guests, of the Makefile here; for who uses
# bench_boot.
begin() {
	make -s -C tests/bench OUT="$out" BOOT="$BUILD/boot" USER="$BUILD/user" "$@"
	begin_part
	copy_kernels
	begin_work
}

begin_part() {
	rm -rf "$logs"
	mkdir -p "$logs"
	: >"$results/verdicts/$part.csv"
}

# verdict FIGURE WHAT TARGET MEASURED met|missed|-: a line of the report.
verdict() {
	local IFS=,

	echo "$*" >>"$results/verdicts/$part.csv"
}

# at_most A B: "met" if number A is no more than B, else "missed".
at_most() {
	awk -v a="$1" -v b="$2" 'BEGIN { print a <= b ? "met" : "missed" }'
}

# They may be rebuilt while this runs, and others may start guests from the copies.
copy_kernels() {
	copy "$guest_kernel" guest
	copy "$CACHE/obj/${GUEST:-guest}/System.map" System.map
	[ ! -e "$CACHE/obj/baseline/arch/x86/boot/bzImage" ] ||
		copy "$CACHE/obj/baseline/arch/x86/boot/bzImage" baseline
}

copy() {
	cp "$1" "$out/$2.$$"
	mv "$out/$2.$$" "$out/$2"
}

# padding N: of a kernel command line, which shifts what the kernel allocates.
padding() {
	printf '%*s' $((1 + 43 * $1)) '' | tr ' ' x
}

# Options of QEMU for the plugin that counts by function.
# profile FILE [EVENT...]
profile() {
	local file=$1 event events=

	shift
	for event; do
		events+=,event=$event
	done
	echo "$out/profile.so,map=$out/System.map,out=$file$events"
}

# bench_boot NAME KERNEL INITRD APPEND [PVLAUNCH-OPTION...]: a guest, whose
# output is in $logs/NAME, in a machine of its own or in $machine.
bench_boot() {
	local log=$logs/$1 kernel=$2 initrd=$3 append=$4 own='' status=0

	shift 4
	# run.sh starts several.
	[[ -z ${BENCH_CPU:-} || " $* " =~ " --no-plugin "|" --pcpus " ]] ||
		set -- --pcpus "$BENCH_CPU" "$@"
	if [ -z "${machine:-}" ]; then
		local machine
		machine=$(mktemp -d "$work/XXXXXX")
		own=1
	fi
	mkdir -p "$(dirname "$log")"
	"$BUILD/user/pvlaunch" --machine "$machine" --name bench \
		--timeout 1800 --serial "$log" --kernel "$out/$kernel" --initrd "$out/$initrd.gz" \
		--append "console=ttyS0 quiet panic=-1 norandmaps nokaslr rdinit=/init $append" \
		"$@" </dev/null >"$log.qemu" 2>&1 &
	guest=$!
	wait "$guest" || status=$?
	guest=
	[ -z "$own" ] || rm -rf "$machine"
	[ ! -e "$log" ] || sed -i 's/\r$//' "$log"
	if [ "$status" != 0 ] || ! clean_log "$log"; then
		echo "$part: exit status $status, see $log" >&2
		tail -n 5 "$log" "$log.qemu" >&2
		return 1
	fi
}

# begin_work: a folder $work in memory, which goes when the script ends, as do the
# guest, the processes $server and $accountant, and those in the list $others.
begin_work() {
	work=$(mktemp -d /dev/shm/rcontainer-bench.XXXXXX)
	server='' guest='' accountant='' others=()
	trap end_work EXIT
	trap 'exit 130' INT TERM HUP
}

# shellcheck disable=SC2317 # called by the trap
end_work() {
	local pid

	for pid in $guest "${others[@]}" $server $accountant; do
		kill "$pid" 2>/dev/null || true
	done
	wait || true
	rm -rf "$work"
}

# serve SIZE [KEYWORDS]: a disk in memory, at the socket $work/disk.sock, by pvblkd,
# whose process is $server.
serve() {
	rm -rf "${work:?}/image" "$work/state"
	truncate -s "$1" "$work/image"
	"$BUILD/user/pvblkd" --state-dir "$work/state" \
		--disk "bench,socket=$work/disk.sock,file=$work/image,queues=1${2:-}" \
		>"$logs/pvblkd.log" 2>&1 </dev/null &
	server=$!
	for _ in $(seq 600); do
		! grep -qs '^ready' "$logs/pvblkd.log" || return 0
		kill -0 "$server" || break
		sleep 0.1
	done
	echo "$part: pvblkd did not start, see $logs/pvblkd.log" >&2
	return 1
}

# account LOG: for the machine $machine.
account() {
	[ -d "$machine" ] || mkdir -m 700 "$machine"
	"$BUILD/user/cpuacctd" --machine "$machine" --wait >"$1" 2>&1 &
	accountant=$!
}

# Fails where sums differ.
stop_accountant() {
	local status=0

	kill "$accountant"
	wait "$accountant" || status=$?
	accountant=
	[ $status = 0 ] || echo "$part: cpuacctd: status $status" >&2
	return $status
}

# plot NAME WIDTH,HEIGHT: as PNG and SVG, by what is read as gnuplot's commands.
plot() {
	local commands format terminal

	commands=$(cat)
	for format in png svg; do
		terminal=$format
		[ $format = svg ] || terminal=pngcairo
		gnuplot <<-PLOT
			set terminal $terminal noenhanced size $2
			set output "$results/$1.$format"
			set datafile separator ","
			$commands
		PLOT
	done
}

stop_server() {
	kill "$server"
	wait "$server" || { echo "$part: pvblkd: status $?" >&2; return 1; }
	server=
}
