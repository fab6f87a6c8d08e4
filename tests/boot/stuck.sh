#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The host began to write the energy page and never ended: readers give up, in
# time for all else to go on, and what was not counted is missing nowhere.
set -eu
cd /sys/fs/rcontainer
grep -qx "backend pvpage" info/backend
rctl create a
rctl run -q a -- /tests/spin
rctl check
test "$(sed -n 's/^uop_queue_writes //p' a/events)" = 0
rctl delete a
test "$(sed -n 's/^reads_given_up //p' info/backend)" -gt 0
