#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The README's quick start in a workspace of its own, build/demo.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
. "$here/zephyr.sh"

workspace=$root/build/demo
digits=$root/samples/digits
zephyr=$(find_zephyr)

# A workspace without git and network: what `west init` and `west update` would leave.
make_workspace() {
	rm -rf "$workspace"
	mkdir -p "$workspace/.west" "$workspace/manifest" "$workspace/modules/hal"
	ln -s "$root" "$workspace/west-utvm"
	printf '[manifest]\npath = manifest\nfile = west.yml\n' >"$workspace/.west/config"
	{
		printf 'manifest:\n  projects:\n'
		project west-utvm west-utvm west-commands.yml
		if [ -n "$zephyr" ]; then
			ln -s "$zephyr" "$workspace/zephyr"
			project zephyr zephyr scripts/west-commands.yml
			for hal in cmsis cmsis_6; do
				if [ -d "$zephyr/../modules/hal/$hal" ]; then
					ln -s "$zephyr/../modules/hal/$hal" "$workspace/modules/hal/$hal"
					project "$hal" "modules/hal/$hal" ""
				fi
			done
		fi
		printf '  self:\n    path: manifest\n'
	} >"$workspace/manifest/west.yml"
}

project() {
	printf '    - name: %s\n      path: %s\n      url: https://example.invalid/x\n' "$1" "$2"
	printf '      revision: main\n'
	if [ -n "$3" ]; then printf '      west-commands: %s\n' "$3"; fi
}

show() {
	printf '\n$ %s\n' "$*"
	"$@"
}

# Quiet unless it fails: a build prints hundreds of lines that say nothing here.
run_on() {
	printf '\n$ west utvm-run digits -b %s -i input.npz -o out.npz --verify expected.npz\n' "$1"
	log=$workspace/run.log
	if ! west utvm-run digits -b "$1" -i "$digits/input.npz" -o out.npz \
		--verify "$digits/expected.npz" >"$log" 2>&1; then
		cat "$log"
		exit 1
	fi
	sed -n '/^flash /,$p' "$log"
	python - "$digits/labels.npz" <<-'EOF'
		import sys
		import numpy as np
		labels = np.load(sys.argv[1])["labels"]
		found = np.load("out.npz")["scores"].argmax(axis=1)
		print(f"digits recognised: {(found == labels).sum()} of {len(labels)}")
	EOF
}

emulated_board() {
	command -v arm-none-eabi-gcc >/dev/null && command -v qemu-system-arm >/dev/null || return 0
	if [ -d "$zephyr/boards/native/native_sim" ]; then echo mps2/an385; else echo mps2_an385; fi
}

make_workspace
cd "$workspace"
unset ZEPHYR_BASE
show west utvm-compile "$digits/digits.tflite"
run_on host

if [ -z "$zephyr" ]; then
	echo "No Zephyr found (ZEPHYR_BASE, ~/zephyrproject/zephyr): that was this computer only."
	exit 0
fi
board=$(emulated_board)
if [ -z "$board" ]; then
	echo "To run on an emulated Cortex-M: sudo apt-get install gcc-arm-none-eabi \\"
	echo "    libnewlib-arm-none-eabi qemu-system-arm device-tree-compiler"
	exit 0
fi
west config zephyr.base zephyr
if [ -z "${ZEPHYR_TOOLCHAIN_VARIANT:-}" ]; then
	compiler=$(command -v arm-none-eabi-gcc)
	export ZEPHYR_TOOLCHAIN_VARIANT=gnuarmemb
	export GNUARMEMB_TOOLCHAIN_PATH="${compiler%/bin/arm-none-eabi-gcc}"
fi
run_on "$board"
