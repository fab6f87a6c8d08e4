#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The manual pages, as TAP: they render without warnings, have the options that
# programs have, and the files that rcfs has.
#
#	manual.sh BUILD_USER_DIR
#
# BUILD_USER_DIR has the pages in man/: make -C userspace man.
set -uo pipefail
export LC_ALL=C.UTF-8
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/tap.sh
. "$here/tap.sh"
bin=$(realpath "$1")
top=$here/..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$work/out

explain() {
	head -n 20 "$out"
}

silent() { # command...: it succeeds and prints nothing
	"$@" >"$out" 2>&1 && [ ! -s "$out" ]
}

long_options() {
	grep -o -e '--[a-z][a-z-]*' | sort -u
}

# What a page says in words, without how it is laid out.
text_of() {
	MANWIDTH=1000 man -l "$1" 2>/dev/null | sed 's/.\x08//g; s/^ *//'
}

renders() {
	MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$1" >/dev/null
}

# Marks that AsciiDoc took for text.
no_marks() {
	! text_of "$1" | grep -nE '[a-z)]\*|\*[a-z.(]|(^| )_[a-z]|[a-z]_( |$)|\{[a-z-]+\}'
}

named() {
	lexgrog "$1" | grep -q ": \"$2 - "
}

# Pages of ours that it refers to.
references() {
	text_of "$1" | { grep -oE '\b(rc[a-z-]+|cpuacctd|pv[a-z]+|resmon|resmond|energy-model)\([1-8]\)' || true; } |
		sort -u | sed 's/(\(.\))/.\1/' | while read -r page; do
			[ -e "$bin/man/$page" ] || echo "$page"
		done
}

pages=("$bin"/man/*.[1-8])
for page in "${pages[@]}"; do
	name=${page##*/}
	check "$name: no warnings" silent renders "$page"
	no_marks "$page" >"$out"
	check "$name: no marks left over" test ! -s "$out"
	check "$name: found by its name" named "$page" "${name%.*}"
	check "$name: refers to pages that exist" silent references "$page"
done
check "all pages are there" test "${#pages[@]}" = "$(find "$top/userspace" -name '*.[1-8].adoc' | wc -l)"

commands_of() {
	"$bin/$1" --help | sed -n '/^Commands:/,/^$/s/^ \([a-z]*\) .*/\1/p'
}

# All help texts of a program.
help_of() {
	local c
	"$bin/$1" --help
	for c in $(commands_of "$1"); do
		"$bin/$1" "$c" --help
	done
}

# Those that the page has a paragraph for, and those that help tells.
for page in rctl.8 cpuacctd.8 pvblkd.8 pvlaunch.8 resmond.8 resmon.1; do
	program=${page%.*}
	adoc=$(find "$top/userspace" -name "$page.adoc")
	grep -E '^\*-.*::$' "$adoc" | long_options >"$work/page"
	help_of "$program" | grep '^ *-' | long_options >"$work/help"
	diff "$work/help" "$work/page" >"$out"
	check "$page: the options of --help, and no others" test $? = 0 -a -s "$work/help"
	for c in $(commands_of "$program"); do
		check "$page: command $c" grep -qE "^=== ($program )?$c( |$)" "$adoc"
	done
done

# What the doctor looks at.
"$bin/cpuacctd" --doctor 2>/dev/null | sed -n '2,$s/^[^ ]* *\([^ ]*\).*/\1/p' >"$work/things"
sed -n '/^== DOCTOR/,/^== EXIT/s/^\*\([a-z_]*\)\*::$/\1/p' \
	"$top/userspace/host/cpuacctd.8.adoc" >"$work/page"
diff "$work/things" "$work/page" >"$out"
check "cpuacctd.8: the things that --doctor looks at, and no others" \
	test $? = 0 -a -s "$work/things"

# rcfs(5) and the tables in the kernel.
table() {
	sed -n "/^const struct rcfs_file $1\\[\\]/,/^};/p" "$top/linux/kernel/rcontainer/files.c" |
		sed -n "s:^[^\"]*\"\\([a-z_.]*\\)\".*:${2-}\\1:p"
}
{ table rcfs_files; table rcfs_info_files info/; } | sort >"$work/kernel"
sed -n '/^== FILES/,/^== ERRORS/s/^\*\([a-z_./]*\)\*::$/\1/p' "$top/userspace/rctl/rcfs.5.adoc" |
	sort >"$work/page"
diff "$work/kernel" "$work/page" >"$out"
check "rcfs.5: the files that the kernel makes, and no others" test $? = 0 -a -s "$work/kernel"

# The domains that rcontainer-libvirt(7) shows.
for xml in "$top"/userspace/doc/*.xml; do
	if command -v virt-xml-validate >/dev/null; then
		virt-xml-validate "$xml" domain >"$out" 2>&1
		check "${xml##*/}: valid" test $? = 0
	else
		echo "ok - ${xml##*/}: valid # SKIP no virt-xml-validate"
	fi
done
