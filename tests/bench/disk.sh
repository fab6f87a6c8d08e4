#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The paravirtual disk, measured; see README.md.
#
#	disk.sh [PART...]	of: speed cost
#
# speed: fio in a guest, by turns on pvblk + pvblkd and on virtio_blk +
# qemu-storage-daemon, on one image; and what pvblkd does while nobody asks it.
# Writes build/results/disk_speed.csv, disk_speed_ratio.csv and disk_idle.csv.
#
# cost: instructions that a guest executes for a request, without accounting and
# with it.  Writes disk_cost.csv and disk_cost_overhead.csv.
#
# RUNS, MS_EACH: of each job of fio; many short ones, since the host's speed changes
# AIO: the storage daemon's, "threads" by default as with QEMU, or "io_uring"
# BOOTS: of each configuration; medians count
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/bench/lib.sh
. tests/bench/lib.sh

runs=${RUNS:-41}
ms=${MS_EACH:-300}
boots=${BOOTS:-3}
idle_seconds=10
# Of the accounting of disks, in per cent.
limit=2
failed=0
begin disk
disk=(--no-plugin --disk "$work/disk.sock,queues=1")

# consumed PID: context switches, nanoseconds on a CPU, clock ticks
consumed() {
	local stat

	stat=$(sed 's/.*) //' "/proc/$1/stat")
	# shellcheck disable=SC2086
	set -- "$1" $stat
	echo "$(cat /proc/"$1"/task/*/status | awk '/ctxt_switches/ { n += $2 } END { print n }')" \
		"$(cat /proc/"$1"/task/*/schedstat | awk '{ n += $1 } END { print n }')" \
		$((${13} + ${14}))
}

# look_idle LOG: while the guest does nothing; gives up with the server.
look_idle() {
	local before after

	until grep -qas '^idle' "$1"; do
		sleep 0.1
		kill -0 "$server" 2>/dev/null || return 1
	done
	sleep 2
	before=$(consumed "$server")
	sleep "$idle_seconds"
	after=$(consumed "$server")
	echo "$before $after" | awk -v s="$idle_seconds" '{
		print "seconds,context_switches,cpu_ns,cpu_ticks"
		printf "%d,%d,%d,%d\n", s, $4 - $1, $5 - $2, $6 - $3
	}' >"$results/disk_idle.csv"
}

# The median of the ratios of neighbours: what else the host does matters less.
ratios() {
	awk -F , '
		function median(list, n,    i, j, t) {
			for (i = 2; i <= n; i++)
				for (j = i; j > 1 && list[j - 1] > list[j]; j--) {
					t = list[j]
					list[j] = list[j - 1]
					list[j - 1] = t
				}
			return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
		}
		NR == 1 { next }
		{
			key = $1 "," $2 "," $3
			if (!(key in rows))
				order[++jobs] = key
			rows[key]++
			v[key, $4, $5] = $6
			if ($5 > runs)
				runs = $5
		}
		END {
			print "job,depth,block,runs,pvblk_iops,virtio_blk_iops,ratio,faster_runs"
			for (j = 1; j <= jobs; j++) {
				key = order[j]
				faster = 0
				for (r = 1; r <= runs; r++) {
					a[r] = v[key, "pvblk", r]
					b[r] = v[key, "virtio_blk", r]
					if (!a[r] || !b[r])
						exit 1
					c[r] = a[r] / b[r]
					faster += c[r] > 1
				}
				printf "%s,%d,%d,%d,%.3f,%d\n", key, runs, median(a, runs),
					median(b, runs), median(c, runs), faster
			}
		}' "$1"
}

speed() {
	local log=$logs/speed idle

	serve 256M || return 1
	dd if=/dev/urandom of="$work/image" bs=1M count=256 conv=notrunc status=none
	qemu-storage-daemon \
		--blockdev "driver=file,node-name=file,filename=$work/image,locking=off,aio=${AIO:-threads}" \
		--export "type=vhost-user-blk,id=export,node-name=file,addr.type=unix,addr.path=$work/daemon.sock,writable=on,num-queues=1" \
		>"$logs/daemon.log" 2>&1 &
	others=($!)
	for _ in $(seq 50); do
		[ ! -S "$work/daemon.sock" ] || break
		sleep 0.1
	done
	look_idle "$log" &
	idle=$!
	bench_boot speed guest fio "run=disk:$runs:$ms:$((idle_seconds + 4))" \
		--memory 1024 "${disk[@]}" --disk "$work/daemon.sock,queues=1" || return 1
	wait "$idle" || return 1
	kill "${others[@]}"
	wait "${others[@]}" || true
	others=()
	stop_server || failed=1

	{
		echo job,depth,block,driver,run,iops
		awk '$1 == "fio:" {
			print $3 "," $4 "," $5 "," ($6 == "pvda" ? "pvblk" : "virtio_blk") "," $2 "," $7
		}' "$log"
	} >"$results/disk_speed.csv"
	ratios "$results/disk_speed.csv" >"$results/disk_speed_ratio.csv" || {
		echo "disk: $log is incomplete" >&2
		return 1
	}
	column -t -s , "$results/disk_speed_ratio.csv"
	column -t -s , "$results/disk_idle.csv"
	# In so few runs, which by chance happens once in a hundred if both are alike.
	awk -F , 'NR > 1 && $8 < $4 / 2 - 1.165 * sqrt($4) {
			print "disk: " $1 " at depth " $2 " is slower than virtio_blk"
			bad = 1
		}
		END { exit bad || NR != 7 }' "$results/disk_speed_ratio.csv" || failed=1
	awk -F , 'NR > 1 && ($2 > 2 || $4 > 1) { print "disk: pvblkd is not idle"; bad = 1 }
		END { exit bad }' "$results/disk_idle.csv" || failed=1
}

# The jobs of guest/diskcost.sh: what they are called, requests of a step.
cases=(read:1 read:32 write:1 write:32 dirty:16)
# What accounts for CPU time, of which there is more where somebody waits.
cpu_functions='^(pvpage_|pmc_|__rcontainer_(switch|hardirq|softirq))'

cost_boot() {
	local config=$1 boot=$2 device=

	# A name that the driver refuses: then it asks for no costs.
	[ "$config" = on ] || device=,device=cpu
	serve 256M "$device" || return 1
	bench_boot "$config.$boot" guest diskcost "pad=$(padding "$boot") run=diskcost:$config" \
		--memory 512 "${disk[@]}" -- -plugin "$(profile "$logs/$config.$boot.profile" \
			vring_interrupt __switch_to_asm update_process_times)" || return 1
	stop_server || failed=1
}

# steps CONFIG BOOT: CASE,CONFIG,BOOT,INTERRUPTS,SWITCHES,INSTRUCTIONS for each
# step in which no timer ticked, and CASE,CONFIG,BOOT,cpu,,INSTRUCTIONS for the
# accounting of CPU time.  Per request, both.
steps() {
	awk -v config="$1" -v boot="$2" -v cases="${cases[*]}" -v cpu="$cpu_functions" '
		function flush() {
			if (name)
				printf "%s,%s,%d,cpu,,%.2f\n", name, config, boot,
					spent / all / depth
			all = spent = 0
		}
		BEGIN { split(cases, list, " ") }
		$1 == "step" && (!job || functions) {
			flush()
			functions = 0
			name = list[++job]
			split(name, part, ":")
			depth = part[2]
		}
		$1 == "step" {
			all++
			if ($5 == 0)
				printf "%s,%s,%d,%d,%d,%.3f\n", name, config, boot, $3, $4,
					$2 / depth
		}
		$1 == "function" {
			functions = 1
			if ($3 ~ cpu)
				spent += $2
		}
		END { flush(); exit job != length(list) }' "$logs/$1.$2.profile"
}

# Steps are compared that had the same number of interrupts and of switches,
# those of which there are enough in every boot.
overhead() {
	awk -F , '
		function median(list, n,    i, j, gap, t) {
			for (gap = int(n / 2); gap; gap = int(gap / 2))
				for (i = gap + 1; i <= n; i++) {
					t = list[i]
					for (j = i; j > gap && list[j - gap] > t; j -= gap)
						list[j] = list[j - gap]
					list[j] = t
				}
			return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
		}
		!($1 in seen) { seen[$1]; order[++cases] = $1 }
		$3 > boots { boots = $3 }
		$4 == "cpu" { cpu[$1, $2, $3] = $6; next }
		{
			kind = $4 "," $5
			kinds[kind]
			n = ++count[$1, $2, $3, kind]
			v[$1, $2, $3, kind, n] = $6
		}
		# In the boot that has the fewest.
		function fewest(name, kind,    b, n, least) {
			least = 1e9
			for (b = 0; b <= boots; b++) {
				n = count[name, "off", b, kind] + 0
				least = n < least ? n : least
				n = count[name, "on", b, kind] + 0
				least = n < least ? n : least
			}
			return least
		}
		END {
			print "case,config,boot,interrupts,switches,steps,instructions,cpu_accounting" >csv
			print "case,off,on,spread,percent,cpu_percent,disk_percent"
			for (c = 1; c <= cases; c++) {
				name = order[c]
				most = -1
				for (k in kinds)
					if (fewest(name, k) > most) {
						most = fewest(name, k)
						kind = k
					}
				spread = 0
				for (i = 1; i <= 2; i++) {
					config = i == 1 ? "off" : "on"
					low = high = ""
					for (b = 0; b <= boots; b++) {
						n = count[name, config, b, kind]
						if (n < 20) {
							print "disk: too few steps of a kind" >"/dev/stderr"
							exit 1
						}
						for (s = 1; s <= n; s++)
							list[s] = v[name, config, b, kind, s]
						m = median(list, n)
						printf "%s,%s,%d,%s,%d,%.1f,%.1f\n", name, config, b,
							kind, n, m, cpu[name, config, b] >csv
						all[b + 1] = m
						on_cpu[b + 1] = cpu[name, config, b]
						low = low == "" || m < low ? m : low
						high = m > high ? m : high
					}
					result[i] = median(all, boots + 1)
					spent[i] = median(on_cpu, boots + 1)
					spread = high - low > spread ? high - low : spread
				}
				total = result[2] - result[1]
				switching = spent[2] - spent[1]
				printf "%s,%.1f,%.1f,%.1f,%.2f,%.2f,%.2f\n", name, result[1],
					result[2], spread, 100 * total / result[1],
					100 * switching / result[1],
					100 * (total - switching) / result[1]
			}
		}' csv="$results/disk_cost.csv"
}

cost() {
	local boot config

	for ((boot = 0; boot < boots; boot++)); do
		for config in off on; do
			cost_boot "$config" "$boot" || return 1
			steps "$config" "$boot" >"$logs/$config.$boot.csv" || {
				echo "disk: $logs/$config.$boot.profile is incomplete" >&2
				return 1
			}
		done
	done
	cat "$logs"/o*.csv | overhead >"$results/disk_cost_overhead.csv" || return 1
	column -t -s , "$results/disk_cost_overhead.csv"
	awk -F , -v limit="$limit" 'NR > 1 && $7 > limit {
			print "disk: " $1 ": accounting of disks costs more than " limit " %"
			bad = 1
		}
		END { exit bad }' "$results/disk_cost_overhead.csv" || failed=1
}

[ $# != 0 ] || set -- speed cost
for part; do
	case $part in
	speed) speed || failed=1 ;;
	cost) cost || failed=1 ;;
	*) echo "disk: no part '$part'" >&2; exit 2 ;;
	esac
done
exit $failed
