# SPDX-License-Identifier: Apache-2.0
"""Runs compilers and emulators: one seam for all processes."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from west_utvm.errors import UtvmError


def run(command: Sequence[str | Path], folder: Path, seconds: float = 600) -> str:
    """Standard output; UtvmError with the first of what it said if it fails."""
    try:
        done = subprocess.run(
            list(map(str, command)),
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError:
        raise UtvmError("is not installed", where=command[0]) from None
    except subprocess.TimeoutExpired:
        raise UtvmError(f"took longer than {seconds:.0f} s", where=command[0]) from None
    if done.returncode != 0:
        said = " ".join(done.stderr.split())[:400]
        raise UtvmError(f"exit status {done.returncode} {said}".strip(), where=command[0])
    return done.stdout
