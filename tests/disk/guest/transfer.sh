#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Some hundred requests; what is read is what was written.
set -eu
dd if=/dev/urandom of=/tmp/data bs=64k count=64 2>/dev/null
rctl create a
rctl run -q a -- dd if=/tmp/data of=/dev/pvda bs=16k oflag=direct 2>/dev/null
rctl run -q a -- dd if=/dev/pvda of=/tmp/back bs=16k count=256 iflag=direct 2>/dev/null
cmp /tmp/data /tmp/back
rm /tmp/data /tmp/back
rctl delete a
