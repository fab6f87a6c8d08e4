#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Keeps its CPUs busy until the virtual machine is ended, and says when it
# begins.
for _ in $(seq "$(nproc)"); do
	while :; do /tests/spin 1000; done &
done
echo "busy: running"
wait
