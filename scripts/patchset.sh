#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Write the kernel part as a series for `git am` on a Linux 6.12 tree, and
# prove that it makes the tree which is built here.
#
#   patchset.sh CACHE OUTDIR
#
# patches/parts says which commits there are.  OUTDIR gets NNNN-SUBJECT.patch
# and the text cover-letter.  Author is whom git is configured for; dates are
# those of the last commit to linux/ and patches/, so that a series repeats.
set -euo pipefail

cache=$1 out=$2
top=$(cd "$(dirname "$0")/.." && pwd)
tree=$cache/linux
patches=$top/patches

fail() {
	echo "patchset: $*" >&2
	exit 1
}

if ! git config user.email >/dev/null || ! git config user.name >/dev/null; then
	fail "git does not know you: git config user.name, user.email"
fi
date=$(git -C "$top" log -1 --format=%ct -- linux patches 2>/dev/null || true)
date="${SOURCE_DATE_EPOCH:-${date:-0}} +0000"
export GIT_AUTHOR_DATE=$date GIT_COMMITTER_DATE=$date
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
repo=$work/repo

# Whoever runs this may be in a git hook, or have hooks and signatures.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
git() {
	command git -c core.hooksPath=/dev/null -c commit.gpgSign=false \
		-c core.autocrlf=false -c advice.detachedHead=false \
		-c format.signature= -c gc.auto=0 "$@"
}

# Not while tree.sh writes there.
exec 9>>"$cache/tree.lock"
flock -s 9

# The pristine state of the files that the series edits, and of no others.
git init -q "$repo"
name=$(git -C "$top" config user.name) email=$(git -C "$top" config user.email)
git -C "$repo" config user.name "$name"
git -C "$repo" config user.email "$email"
while read -r patch; do
	sed -n 's:^+++ b/::p' "$patches/$patch"
done <"$patches/series" | sort -u >"$work/edited"
rsync -a --files-from="$work/edited" "$cache/pristine/" "$repo/"
git -C "$repo" add -A -f
git -C "$repo" commit -q -m 'Linux 6.12'
git -C "$repo" tag base

# Subject, empty line, text: what git makes a commit's message of.
message() {
	sed -n '/^---$/q; 1s/^Subject: //; p' "$1"
}

# add WHAT: a patch or a pattern of overlay files, once each.
add() {
	local file found=
	if [[ $1 == *.patch ]]; then
		git -C "$repo" apply --index "$patches/$1" || fail "$1 does not apply"
		echo "$1" >>"$work/used-patches"
		return
	fi
	for file in "$top"/linux/$1; do
		[ -f "$file" ] || continue
		file=${file#"$top/linux/"}
		[ ! -e "$cache/pristine/$file" ] ||
			fail "linux/$file would overwrite a file of Linux"
		mkdir -p "$repo/$(dirname "$file")"
		cp "$top/linux/$file" "$repo/$file"
		git -C "$repo" add -f "$file"
		echo "$file" >>"$work/used-files"
		found=1
	done
	[ -n "$found" ] || fail "parts: nothing is linux/$1"
}

touch "$work/used-patches" "$work/used-files"
while read -r text what; do
	case $text in '' | '#'*) continue ;; esac
	[ -f "$patches/$text" ] || fail "parts: no message $text"
	set -f
	# shellcheck disable=SC2086 # a list
	set -- $what
	set +f
	for item; do
		add "$item"
	done
	message "$patches/$text" | git -C "$repo" commit -q -F - ||
		fail "$text: nothing to commit"
done <"$patches/parts"

# All of linux/ and all of the series, in one part each.
(cd "$top/linux" && find . -type f -printf '%P\n') | sort >"$work/all-files"
sort "$work/used-files" | diff "$work/all-files" - >"$work/diff" ||
	fail "files in no part, or in several: $(sed -n 's/^[<>] //p' "$work/diff" | tr '\n' ' ')"
diff "$patches/series" "$work/used-patches" >"$work/diff" ||
	fail "patches in no part, in several, or in another order than in series: $(
		sed -n 's/^[<>] //p' "$work/diff" | tr '\n' ' ')"

# The cover letter is no patch, and would stop git am.
branch=$(git -C "$repo" symbolic-ref --short HEAD)
git -C "$repo" config "branch.$branch.description" "$(message "$patches/messages/cover")"
rm -rf "$out.new"
mkdir -p "$out.new"
git -C "$repo" format-patch -q --zero-commit --cover-letter \
	--cover-from-description=subject -o "$out.new" base
mv "$out.new/0000-cover-letter.patch" "$out.new/cover-letter"

# What git am makes of it has to be the tree that is built here.
git -C "$repo" checkout -q base
git -C "$repo" am -q "$out.new"/*.patch || fail "git am refuses the series"
git -C "$repo" ls-files | LC_ALL=C sort >"$work/result"
LC_ALL=C sort "$cache/manifest" | diff "$work/result" - >&2 ||
	fail "other files than in $tree; is it up to date (make tree)?"
while read -r file; do
	cmp "$repo/$file" "$tree/$file" >&2 ||
		fail "$file differs from $tree; is that up to date (make tree)?"
done <"$work/result"

rm -rf "$out"
mv "$out.new" "$out"
echo "patchset: $(find "$out" -name '*.patch' | wc -l) patches in $out, $(
	wc -l <"$work/result") files as in the tree that is built"
