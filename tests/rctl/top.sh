#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rctl top on a terminal, as TAP: keys, sizes, and a tree that changes.
#
#   top.sh RCTL_BINARY
set -euo pipefail
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

if [[ $# != 1 || ! -x $1 ]]; then
	echo "usage: ${0##*/} RCTL_BINARY" >&2
	exit 1
fi
rctl=$(realpath "$1")
if ! command -v tmux >/dev/null; then
	echo "ok - top on a terminal # SKIP no tmux"
	exit
fi

scratch=$(mktemp -d)
root=$scratch/sys/fs/rcontainer
trap 'exit 1' TERM INT HUP
trap 'term kill-server 2>/dev/null || true; touch "$scratch/stop"; wait; rm -rf "$scratch"' EXIT

server=0
term() {
	tmux -f /dev/null -S "$scratch/tmux$server" "$@"
}

# A server that is about to end may still answer: each has a socket of its own.
new_term() {	# options of tmux new-session...
	term kill-server 2>/dev/null || true
	server=$((server + 1))
	term new-session "$@"
}

screen() {
	term capture-pane -p 2>/dev/null
}

explain() {
	echo "the screen:"
	screen
}

# Wait until a line of the screen matches.
shows() {
	local _
	for _ in $(seq 100); do
		screen | grep -qE -e "$1" && return
		sleep 0.1
	done
	return 1
}

# Wait until the containers are shown in this order; and no others are.
shows_order() {
	local _ found
	for _ in $(seq 100); do
		found=$(screen | tail -n +4 | awk 'NF { print $NF }' | paste -sd' ')
		[[ $found == "$*" ]] && return
		sleep 0.1
	done
	echo "# found: $found"
	return 1
}

lacks() {
	! screen | grep -qE -e "$1"
}

keys() {
	term send-keys "$@"
}

# Energy by the microjoule and tenth of a second: of whole subtrees.
declare -A rate=([.]=1000000 [web]=300000 [web/front]=200000 [batch]=600000 [idle]=0)
meter() {
	local n=0 c file
	while [[ ! -e $scratch/stop ]]; do
		n=$((n + 1))
		for c in "${!rate[@]}"; do
			# shellcheck source=/dev/null
			[[ ! -e $scratch/rates ]] || . "$scratch/rates"
			[[ -d $root/$c ]] || continue
			for file in energy energy.local; do
				printf 'cpu.access_uj %d\ncpu.base_uj %d\n' \
					$((n * rate[$c])) $((n * rate[$c] / 2)) >"$scratch/new"
				[[ ! -e $scratch/disk ]] ||
					printf 'disk.access_uj %d\n' $n >>"$scratch/new"
				mv "$scratch/new" "$root/$c/$file" 2>/dev/null || true
			done
		done
		sleep 0.1
	done
}

start() {	# options of rctl top...
	new_term -d -x 90 -y 16 -- \
		sh -c 'trap : INT; "$@"; echo "status $?"; exec sleep 1000' sh \
		"$rctl" --sysroot "$scratch" top "$@"
}

ends() {
	shows '^status 0$' && lacks 'rctl top -'
}

mkdir -p "$root"/{web/front,batch,idle,info}
for c in . web web/front batch idle; do
	printf 'cpu.access_uj 0\ncpu.base_uj 0\n' | tee "$root/$c/energy" >"$root/$c/energy.local"
	echo 1 >"$root/$c/tasks"
done
meter &

start --interval 0.4
check "title" shows '^rctl top - 5 containers, machine [0-9.]+ k?W, every 400 ms'
check "status" shows '^sorted by POWER, with all containers below'
check "heading" shows '^ +POWER +ACCESS +BASE +CPU +TASKS PATH'
check "sorted by power" shows_order / batch web web/front idle
check "units" shows '^ +[0-9.]+ W .* batch$'

echo 'rate[web]=700000' >"$scratch/rates"
check "the order changes as power does" shows_order / web batch web/front idle
mkdir "$root/new"
check "a container comes" shows_order / web batch web/front idle new
rmdir "$root/new"
check "and goes" shows_order / web batch web/front idle
: >"$scratch/disk"
check "a device comes" shows '^ +POWER +ACCESS +BASE +CPU +DISK +TASKS PATH'

keys n
check "key n: by name" shows '^sorted by PATH'
check "key n: order" shows_order / batch idle web web/front
for key in 'a ACCESS' 'b BASE' 't TOTAL' 'p POWER'; do
	keys "${key% *}"
	check "key ${key% *}: by ${key#* }" shows "^sorted by ${key#* },"
done
check "key p: order" shows_order / web batch web/front idle
keys l
check "key l: each alone" shows 'each container alone'
keys l
check "key l again: with all below" shows 'with all containers below'
keys x
check "key x: exact" shows '^ +[0-9]{6,} +[0-9]{6,} .* batch$'
keys x
check "key x again: units" shows '^ +[0-9.]+ W .* batch$'
keys +
check "key +: longer" shows 'every 800 ms'
keys -
check "key -: shorter" shows 'every 400 ms'
keys h
check "key h: help" shows '^q +quit$'
keys z
check "any key: back" shows '^ +POWER'
keys '?' q
check "q ends, also from help" ends

start -i 0.4
shows_order / web batch web/front idle || true
term resize-window -x 90 -y 6
check "as many lines as fit" shows_order / web batch
keys Down
check "down" shows_order web batch web/front
keys End
check "end" shows_order batch web/front idle
keys PageUp
check "page up" shows_order / web batch
keys PageDown Up
check "page down, up" shows_order web batch web/front
keys Home
check "home" shows_order / web batch
term resize-window -x 90 -y 2
check "two lines" shows '^sorted by POWER'
term resize-window -x 30 -y 10
check "narrow: no line is broken" shows '^ +POWER +ACCESS'
check "narrow: title is cut" lacks 'every 400'
term resize-window -x 90 -y 16
check "large again" shows_order / web batch web/front idle
keys C-c
check "^C ends" ends

start -i 0.4 -n 2
check "--iterations ends" ends

start web batch
shows 'PATH$' || true
check "only some" shows_order web batch web/front
pkill -TERM -P "$(term display-message -p '#{pane_pid}')" -x rctl
check "SIGTERM ends" ends

start -i 0.4 web/front
shows_order web/front || true
rm -r "$root/web/front"
check "nothing is left: message" shows '^rctl: there is no container left to watch'
check "nothing is left: status" shows '^status 1$'

new_term -d -x 90 -y 16 -- \
	sh -c 'TERM=no-such-terminal "$@"; echo "status $?"; exec sleep 1000' sh \
	"$rctl" --sysroot "$scratch" top
check "unknown terminal: message" shows "^rctl: cannot use a terminal of type 'no-such-terminal'"
check "unknown terminal: status" shows '^status 1$'
