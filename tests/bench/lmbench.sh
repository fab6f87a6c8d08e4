#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Fetch Debian's lmbench into the cache and print where lat_ctx is.
#
#	lmbench.sh CACHE
#
# It is in non-free, which few machines have among their package sources.  So
# apt gets a configuration of its own, made from the entries for Debian that
# the machine has; nothing is installed and /etc/apt stays as it is.  The
# licence does not let results of a modified lmbench be published: it is used
# as it comes.
set -euo pipefail

dir=$1/lmbench
mkdir -p "$dir"
exec 9>"$dir/lock"
flock 9

find_lat_ctx() {
	find "$dir/root" -path '*/lmbench/bin/*/lat_ctx' 2>/dev/null | grep -m 1 .
}

# One-line entries: those in sources.list itself are Debian's on a Debian
# system.  Others: by the key that signs them.
own_sources() {
	(cat /etc/apt/sources.list || true) 2>/dev/null |
		sed -nE 's/^(deb +(\[[^]]*\] +)?[^ ]+ +[^ ]+) .*/\1 non-free/p' >"$dir/apt/own.list"
	(cat /etc/apt/sources.list.d/*.sources || true) 2>/dev/null |
		awk 'BEGIN { RS = ""; ORS = "\n\n" }
			/debian-archive-keyring/ && !/(^|\n)Enabled: *no/ {
				gsub(/\nComponents:[^\n]*/, "\nComponents: non-free")
				print
			}' >"$dir/apt/own.sources"
}

apt() {
	apt-get -q -o APT::Sandbox::User=root -o Acquire::Languages=none \
		-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$dir/apt" \
		-o Dir::State::lists="$dir/lists" -o Dir::Cache="$dir/cache" "$@"
}

if ! find_lat_ctx; then
	echo "lmbench: fetching the package" >&2
	rm -rf "$dir/apt" "$dir/root.new"
	mkdir -p "$dir/apt" "$dir/lists/partial" "$dir/cache/archives/partial"
	own_sources
	(cd "$dir/cache" && apt update && apt download lmbench) >"$dir/log" 2>&1 || {
		cat "$dir/log" >&2
		echo "lmbench: not to be had from this machine's Debian mirror" >&2
		exit 1
	}
	dpkg-deb -x "$dir"/cache/lmbench_*.deb "$dir/root.new"
	rm -rf "$dir/root"
	mv "$dir/root.new" "$dir/root"
	find_lat_ctx
fi
