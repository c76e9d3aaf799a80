# SPDX-License-Identifier: Apache-2.0
"""The console of a configured board, from its final devicetree by Zephyr's own dtlib."""

from __future__ import annotations

import sys
from pathlib import Path

from west_utvm.errors import UtvmError

# Where Zephyr keeps dtlib, in 3.4 and 3.7.
_DTLIB = "scripts/dts/python-devicetree/src"


def console_speed(dts: Path, zephyr_base: Path) -> int:
    """Baud of ``/chosen zephyr,console`` in the devicetree ``dts`` (``zephyr/zephyr.dts``)."""
    sys.path.insert(0, str(zephyr_base / _DTLIB))
    try:
        from devicetree import dtlib
    except ImportError:
        raise UtvmError("has no dtlib", where=zephyr_base / _DTLIB, hint="give --baud") from None
    finally:
        del sys.path[0]
    try:
        tree = dtlib.DT(str(dts))
        console = tree.get_node("/chosen").props["zephyr,console"].to_path()
        return int(console.props["current-speed"].to_num())
    except (OSError, KeyError, dtlib.DTError):
        what = "tells no current-speed of zephyr,console"
        raise UtvmError(what, where=dts, hint="give the console's speed with --baud") from None
