# SPDX-License-Identifier: Apache-2.0
"""The build folder that west itself would use, by Zephyr's own rules."""

from __future__ import annotations

import sys
from pathlib import Path

from west_utvm.errors import UtvmError

_HINT = "give the build folder, as west build -d does"


def find_build_dir(zephyr_base: Path) -> Path:
    """What ``west build`` means without ``-d``: here, ``build``, or by ``build.dir-fmt``."""
    sys.path.append(str(zephyr_base / "scripts" / "west_commands"))
    try:
        import build_helpers
    except ImportError as error:
        raise UtvmError(f"cannot be used ({error})", where=zephyr_base, hint=_HINT) from None
    finally:
        sys.path.pop()
    found = build_helpers.find_build_dir(None, guess=True)
    if not found or not build_helpers.is_zephyr_build(found):
        raise UtvmError("no build folder here", where=Path.cwd(), hint=_HINT)
    return Path(found)
