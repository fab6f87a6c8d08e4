#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A program that computes for some seconds.
exec /usr/bin/factor "${1:-19807040628995333737871789033}" >/dev/null
