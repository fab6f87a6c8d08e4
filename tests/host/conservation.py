#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Conservation at host level, to the picojoule, as CSV.

    conservation.py PROGRAMS CPUACCTD-TABLE STATE-FILE...

Adds up what the resource monitor has of all virtual machines, of subsystems
"cpu" and "disk", and compares it with the whole: the physical CPUs' counters
times their weights, as cpuacctd showed at its end; bytes of all requests times
what a byte costs; pvblkd's own account.  Neither daemon may run any more, for
the two sides to be of one moment.  What does not divide among virtual machines
is carried: less than a picojoule for each.

Fails where there is a difference, or nothing to compare.
"""
import csv
import io
import re
import subprocess
import sys

# Of models/ultrastar.disk: (13.5 - 10.2) W / 55 MB/s.
BYTE_PJ = 60000
MAX_VMS = 256


def say(*command, check=True):
    return subprocess.run(command, check=check, stdout=subprocess.PIPE, text=True).stdout


def published(programs):
    """The sums over virtual machines, and nobody's part of them."""
    sums, nobody = {}, {}
    for row in csv.DictReader(io.StringIO(say(f"{programs}/resmon_exact"))):
        for cost in "base", "access":
            key = row["subsystem"], row["device"], cost
            sums[key] = sums.get(key, 0) + int(row[cost + "_pj"])
            if row["vm"] == "(nobody)":
                nobody[key] = int(row[cost + "_pj"])
    return sums, nobody


def picojoules(microjoules):
    """All six digits of the fraction are there."""
    return int(microjoules.replace(".", ""))


def accounted(table):
    """cpuacctd's lines, by their name: base and access cost."""
    lines = {}
    with open(table, encoding="ascii") as file:
        head = file.readline().split()
        for line in file:
            fields = dict(zip(head, line.split()))
            # Virtual machines that came one after the other can have one name.
            if fields["VM"] in ("machine", "difference", "(nobody)"):
                lines[fields["VM"]] = {cost: picojoules(fields[cost + "_uj"])
                                       for cost in ("base", "access")}
    return lines


def charged(programs, state):
    """A disk's state file: bytes, and energy in picojoules."""
    shown = dict(line.split() for line in say(f"{programs}/pvblkd", "--show", state).splitlines())
    # It fails if the monitor has something else of this disk, or if that was idle.
    exact = say(f"{programs}/pvblkd_published", "disk", state, check=shown["requests"] != "0")
    base = re.search(r"^charged *, mJ: base +([0-9.]+)", exact, re.MULTILINE)
    cpu = re.search(r"^charged *, mJ: .* disk-cpu +([0-9.]+)", exact, re.MULTILINE)
    cpu_pj = int(cpu.group(1).replace(".", ""))
    # What it consumed without requests is access cost, too, and shown in microjoules.
    own_pj = cpu_pj - int(shown["disk-cpu.access_pj"])
    return {
        "bytes": int(shown["read_bytes"]) + int(shown["written_bytes"]),
        "base": int(base.group(1).replace(".", "")),
        "disk-cpu": cpu_pj,
        "wrong": own_pj // 1000000 != int(shown["disk-cpu.base_uj"]),
    }


def main():
    programs, table, states = sys.argv[1], sys.argv[2], sys.argv[3:]
    sums, nobody = published(programs)
    lines = accounted(table)
    disks = [charged(programs, state) for state in states]
    carried = lines.get("(nobody)", {"base": 0})["base"] - nobody[("cpu", "cpu", "base")]
    bad = not 0 <= carried < MAX_VMS or any(lines["difference"].values())
    bad |= any(d["wrong"] for d in disks)

    rows = [("cpu log", ("cpu", "cpu", "base"), carried, lines["machine"]["base"]),
            ("cpu log", ("cpu", "cpu", "access"), 0, lines["machine"]["access"]),
            ("disk requests", ("disk", "disk", "access"), 0,
             sum(d["bytes"] for d in disks) * BYTE_PJ),
            ("disk meters", ("disk", "disk", "base"), 0, sum(d["base"] for d in disks)),
            ("back end", ("disk", "disk-cpu", "access"), 0,
             sum(d["disk-cpu"] for d in disks))]
    print("whole,cost,vms_sum_pj,carried_pj,whole_pj,difference_pj")
    for name, key, carry, whole in rows:
        difference = whole - sums[key] - carry
        bad |= difference != 0 or whole == 0
        print(f"{name},{key[2]},{sums[key]},{carry},{whole},{difference}")
    sys.exit(bad)


main()
