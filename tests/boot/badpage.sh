#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Boot a guest whose energy pages are spoiled.
#
#	badpage.sh RUN HOW...
#
# One device for each HOW, see badpage.c; the guest looks at one after the other
# until a page is sound.
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=tests/lib.sh
. "$here/../lib.sh"

run=$1
shift
pages=$(mktemp -d /dev/shm/rcontainer-badpage.XXXXXX)
trap 'rm -rf "$pages"' EXIT
trap 'exit 1' TERM INT HUP

devices=()
for how; do
	"$BUILD/boot/badpage" "$pages/$how" "$BUILD/user/models/pentium4.model" "$how"
	devices+=(-object "memory-backend-file,id=$how,mem-path=$pages/$how,size=$(stat -c %s "$pages/$how"),share=on,readonly=on"
		-device "ivshmem-plain,memdev=$how")
done
"$here/guest.sh" "$run" --no-page -- "${devices[@]}"
