#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Build the kernel documents with the kernel's own htmldocs, and fail on warnings
# about files of ours.
#
#	htmldocs.sh CACHE [FOLDER...]
#
# Of Documentation/, these folders, or all that we add to, each by itself; the ABI files are
# part of admin-guide.  What is made is in CACHE/obj/htmldocs/Documentation/output.
set -uo pipefail

cache=$1
shift
cd "$(dirname "$0")/.." || exit
obj=$cache/obj/htmldocs
log=$obj/log
folders=$*
[ -n "$folders" ] ||
	folders=$(find linux/Documentation -name '*.rst' -printf '%P\n' | cut -d/ -f1 | sort -u | tr '\n' ' ')

mkdir -p "$obj"
exec 9>"$obj.lock"
flock 9
# Files that were built before would say nothing again.
rm -rf "$obj/Documentation"
start=$SECONDS
echo "htmldocs: ${folders% }: takes some minutes"
make -s -C "$cache/linux" O="$obj" SPHINXDIRS="$folders" htmldocs >"$log" 2>&1 || {
	tail -n 20 "$log" >&2
	exit 1
}

# Built, and without a word about them.
status=0
while read -r file; do
	[[ " $folders " == *" ${file%%/*} "* ]] || continue
	html=$obj/Documentation/output/${file%.rst}.html
	if [ ! -s "$html" ]; then
		echo "htmldocs: no $html: is $file in an index?"
		status=1
	fi
done < <(find linux/Documentation -name '*.rst' -printf '%P\n')
find linux -type f -printf '%P\n' >"$obj/ours"
if grep -Ff "$obj/ours" "$log"; then
	status=1
fi
[ "$status" = 0 ] && echo "htmldocs: no warnings about our files ($((SECONDS - start)) s)"
exit "$status"
