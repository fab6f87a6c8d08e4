#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# rctl on the kernel's own files: what recorded trees cannot show.  The argument
# is how many containers are many.
set -u
many=${1:-1000}
cd /sys/fs/rcontainer || exit 1
failed=0

# check NAME COMMAND...
check() {
	name=$1
	shift
	if "$@" >/tmp/said 2>&1; then
		echo "    ok - $name"
	else
		echo "    not ok - $name"
		sed 's/^/# /' /tmp/said
		failed=1
	fi
}

# The command must fail, and say this.
refused() {
	text=$1
	shift
	! "$@" >/tmp/refused 2>&1 && cat /tmp/refused && grep -qF "$text" /tmp/refused
}

holds() {
	[ "$@" ]
}

# Hundredths of a second.
now() {
	sed 's/\([0-9]*\)\.\([0-9]*\) .*/\1\2/' /proc/uptime
}

as_alice() {
	su -s /bin/sh alice -c "$*"
}

# Info and model
check "info: back end" holds "$(rctl info -rn | sed -n 1p)" = "backend pvpage"
check "model: as in the energy page" holds "$(rctl model -rnb | head -n 2 | tr '\n' ' ')" = \
	"tsc 6170 base unhalted_cycles 7120 access "
rctl model --dump >/tmp/model
check "model: set" rctl model --set tsc=5.2 --set l1_load_misses=0.001
check "model: was set" holds "$(grep -cE '^(tsc 5200 base|l1_load_misses 1 access)$' info/counters)" = 2
check "model: nothing of a bad file is set" refused "event 'cycles' is not counted here" \
	sh -c 'printf "event tsc 1 base\nevent cycles 1\n" | rctl model --import -'
check "model: import what was dumped" rctl model --import /tmp/model
rctl model --dump >/tmp/again
check "model: is as before" cmp /tmp/model /tmp/again
check "model: set once more" rctl model --set tsc=5.2
check "model: reset" rctl model --reset
rctl model --dump >/tmp/again
check "model: as the host has it" cmp /tmp/model /tmp/again

# Create and permissions
mkdir /etc
printf '%s\n' root:x:0:0::/:/bin/sh alice:x:1000:1000::/:/bin/sh >/etc/passwd
printf '%s\n' root:x:0: users:x:1000: >/etc/group
check "create: for a user" rctl create --owner alice: --mode 0755 alice
check "create: owner" holds "$(stat -c %U:%G alice alice/tasks alice/procs alice/energy.high alice/energy | tr '\n' ' ')" = \
	"alice:users alice:users alice:users alice:users root:root "
check "create: mode" rctl create --mode 0700 secret
check "a user creates below" as_alice rctl create -p alice/a/b
check "a user binds own programs" as_alice rctl run --exec alice/a true
check "a user renames below" as_alice rctl rename alice/a/b alice/a/c
check "a user cannot rename what is his" refused "cannot rename 'alice' (are you root?): Permission denied" \
	as_alice rctl rename alice bob
check "a user renames back" as_alice rctl rename alice/a/c alice/a/b
check "a user cannot create elsewhere" refused "cannot create 'x' (are you root?): Permission denied" \
	as_alice rctl create x
check "a user cannot give away" refused "cannot give 'alice/x' to 'root'" \
	as_alice rctl create --owner root alice/x
check "what cannot be given away is not created" holds ! -e alice/x
check "a user cannot bind others' tasks" refused "cannot bind process 1 to 'alice' (are you root?): Permission denied" \
	as_alice rctl bind alice 1
check "a user cannot leave" refused "cannot run in '/' (are you root?): Permission denied" \
	as_alice rctl run / true
check "a user cannot set weights" refused "cannot set the weight of 'tsc' (are you root?)" \
	as_alice rctl model --set tsc=1
check "a user reads info" as_alice rctl info
check "info: tables are not in it" holds "$(rctl info -rno KEY,FILE | grep -c container)" = 0
check "a user lists; but what is closed" refused "rctl: cannot open 'secret': Permission denied" \
	as_alice rctl list -rno PATH
check "of it there is the name" grep -qx secret /tmp/refused
check "and all others" grep -qx alice/a/b /tmp/refused
check "a user's own part" as_alice rctl list alice
check "a user checks" as_alice rctl check
deep=$(printf 'd/%.0s' $(seq 65))
check "too deep" refused "the kernel does not nest containers deeper" rctl create -p "$deep"
check "depth of 64" holds "$(rctl list -rno PATH d | wc -l)" = 64
check "delete: all levels" rctl delete -r d

# Bind
rctl create job
sh -c 'sh -c "sleep 1000 & sleep 1000 & wait" & sleep 1000 & wait' &
tree=$!
n=0
# shellcheck disable=SC2009 # busybox's pgrep does not count
until [ "$(ps -o args | grep -cx 'sleep 1000')" = 3 ] || [ $n = 300 ]; do
	n=$((n + 1))
	sleep 0.1
done
check "bind: a process with its descendants" rctl bind --tree job $tree
check "bind: all five" holds "$(wc -l <job/procs)" = 5
check "delete: busy, and by whom" refused "'job': it has 5 tasks: $tree (sh)" rctl delete job
check "bind: kernel threads" refused "the kernel does not let this process be bound" \
	rctl bind --tree job 2

mount -t cgroup2 none /sys/fs/cgroup
mkdir -p /sys/fs/cgroup/a/b /sys/fs/cgroup/empty
while read -r p; do
	echo "$p" >/sys/fs/cgroup/a/b/cgroup.procs
done <job/procs
rctl create cgroup
check "bind: what is in a cgroup" rctl bind --cgroup cgroup a
check "bind: all that was in it" holds "$(wc -l <cgroup/tasks)" = 5
check "bind: an empty cgroup" refused "cgroup 'empty' is empty" rctl bind --cgroup cgroup empty
check "bind: the machine, but kernel threads" rctl bind --cgroup cgroup /
check "bind: the first process, too" grep -qx 1 cgroup/procs
check "bind: and back" rctl bind --cgroup / /
check "bind: nobody stayed" holds "$(wc -l <cgroup/tasks)" = 0

# Who has begun to end is in no list of processes: PF_EXITING is 4.
exiting() {
	awk '{ sub(/.*\) /, ""); exit int($7 / 4) % 2 == 0 }' "/proc/$1/stat" 2>/dev/null
}

# A process whose children come and go all the time.
sh -c 'while :; do sh -c "sleep 0.01; sleep 0.02" & sleep 0.01; done' &
storm=$!
sleep 1
check "bind: who forks meanwhile" rctl bind --tree job $storm
sleep 1
check "bind: no descendant was missed" holds -z "$(
	for p in $(ps -o pid,ppid | awk -v root=$storm '
		{ parent[$1] = $2 }
		END { for (p in parent) for (q = p; q in parent; q = parent[q])
			if (q == root) { print p; break } }'); do
		# Some end meanwhile.
		grep -qx "$p" job/procs || exiting "$p" || ! [ -d "/proc/$p" ] ||
			echo "$p"
	done)"
kill $storm
rctl bind --cgroup / /
# shellcheck disable=SC2046 # several words wanted
kill $(cat /sys/fs/cgroup/a/b/cgroup.procs)
wait 2>/dev/null

# Energy
rctl run -bc spin /tests/spin 50 2>/tmp/report
check "run: energy" holds "$(sed -n 's/^total_uj //p' /tmp/report)" -gt 0
rctl run -q spin /tests/spin 1000000 &
spin=$!
rctl stat -rx --noheadings -n 2 -o ACCESS,PATH spin cgroup >/tmp/stat
check "stat: who works" holds "$(awk '$2 == "spin" && $1 > 0' /tmp/stat | wc -l)" = 2
check "stat: who does not" holds "$(grep -cx '0 cgroup' /tmp/stat)" = 2
rctl top -rx --noheadings -n 1 -o POWER,SHARE,CPU.ACCESS,PATH >/tmp/top
check "top: the machine's share" holds "$(awk '$4 == "/" { print $2 }' /tmp/top)" = 100.0
# By some milliseconds between the readings, it may seem above the machine.
check "top: who works is high" holds "$(head -n 2 /tmp/top | grep -c ' spin$')" = 1
check "wait: for what was used" rctl wait spin 1uJ
# So much that it is still to come when rctl has set the threshold.
check "wait: for more" rctl wait spin +2J
check "wait: so much was used" holds "$(cat spin/energy.events)" = "high 1"
rctl wait --timeout 0.5 cgroup 1kJ
check "wait: not for ever" holds $? = 124
check "wait: leaves nothing behind" holds "$(cat cgroup/energy.high)" = max
# Two who wait for the same, and one for less.
rctl wait spin +300mJ &
first=$!
rctl wait spin +200mJ &
second=$!
rctl wait spin +300mJ &
check "wait: one" wait $second
check "wait: another" wait $first
check "wait: all" wait $!
check "wait: a user, with permission" as_alice rctl wait alice 0
check "wait: a user, without" refused "cannot wait for 'spin' (are you root?): Permission denied" \
	as_alice rctl wait spin 1kJ
rctl create gone
(while grep -qx max gone/energy.high; do sleep 0.1; done; rctl delete gone) &
check "wait: for one who goes" refused "'gone' was deleted meanwhile" rctl wait gone 1kJ
check "rename: one with tasks" rctl rename spin spun
check "rename: the task is in it" holds "$(wc -l <spun/procs)" = 1
check "rename: another name is free" rctl rename spun spin
check "rename: built in" refused "cannot rename 'idle': it is built in" rctl rename idle busy
kill $spin
wait $spin
check "run: who ends rctl ends the command" holds $? = 143
check "all adds up" rctl check

# Many
before=$(rctl list -rn | wc -l)
start=$(now)
seq "$many" | sed 's,^,many/c,' | xargs rctl create -p
created=$(now)
n=$(rctl list -rn | wc -l)
listed=$(now)
cat energy >/dev/null
read=$(now)
check "many containers: all are listed" holds "$n" = $((before + many + 1))
rctl delete -r many
deleted=$(now)
echo "# $many containers: created in $((created - start))0 ms, listed in $((listed - created))0 ms, energy of the root in $((read - listed))0 ms, deleted in $((deleted - read))0 ms"
check "many containers: deleted" holds ! -e many
check "all adds up still" rctl check
rctl delete -r alice secret job cgroup spin
exit $failed
