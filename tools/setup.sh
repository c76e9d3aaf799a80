#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Usage: setup.sh PYTHON VENV REQUIREMENTS
# Make a virtual environment, and say which packages of the system are missing.

set -eu
python=$1 venv=$2 requirements=$3
here=$(dirname "$0")
. "$here/zephyr.sh"

missing=
needs() {
	command -v "$1" >/dev/null || missing="$missing $2"
}

needs "$python" python3
needs cc gcc
needs cmake cmake
needs ninja ninja-build
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
if [ -n "$missing" ]; then
	echo "missing packages; install them with: sudo apt-get install$missing" >&2
	exit 1
fi
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
	echo "$python is older than Python 3.10; choose another with make PYTHON=..." >&2
	exit 1
}

echo "setting up $venv (a minute or so, once)"
[ -x "$venv/bin/pip" ] || "$python" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"

zephyr=$(find_zephyr)
if [ -n "$zephyr" ]; then
	"$venv/bin/pip" install --quiet --disable-pip-version-check \
		-r "$zephyr/scripts/requirements-base.txt"
fi
