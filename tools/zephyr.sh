# SPDX-License-Identifier: Apache-2.0
# To be sourced: find_zephyr prints where Zephyr is, if it is: as ZEPHYR_BASE says, or where the
# Getting Started guide puts it.

find_zephyr() {
	for base in "${ZEPHYR_BASE:-}" "$HOME/zephyrproject/zephyr"; do
		if [ -n "$base" ] && [ -f "$base/VERSION" ]; then
			echo "$base"
			return
		fi
	done
}
