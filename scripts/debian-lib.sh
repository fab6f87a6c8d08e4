# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What makes roots of Debian releases; to be sourced.

# debian_sources RELEASE: prints this host's sources of packages, of another release.
debian_sources() {
	local file=/etc/apt/sources.list codename
	codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	[ -s $file ] || file=/etc/apt/sources.list.d/debian.sources
	if [ ! -s $file ]; then
		echo "neither /etc/apt/sources.list nor $file has sources" >&2
		return 1
	fi
	sed "/^ *#/d; s/\b$codename\b/$1/g" "$file"
}
