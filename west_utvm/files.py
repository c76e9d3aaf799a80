# SPDX-License-Identifier: Apache-2.0
"""Writing a file: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from west_utvm.errors import UtvmError


def check_place(path: Path, hint: str, *, not_over: Path) -> None:
    """UtvmError if no file can be written at ``path``, or only over another that is needed."""
    what = _obstacle(path, not_over)
    if what:
        raise UtvmError(what, where=path, hint=hint)


def _obstacle(path: Path, not_over: Path) -> str:
    try:
        if path.is_dir():
            return "is a folder"
        if path.exists() and not_over.exists() and path.samefile(not_over):
            return "is the file that is read"
        folder = path.resolve().parent
        if not folder.is_dir():
            return "cannot be written (no such folder)"
        # A device is written to; a file is replaced, and that is the folder's business.
        place = path if path.exists() and not path.is_file() else folder
        return "" if os.access(place, os.W_OK) else "cannot be written (no permission)"
    except OSError as error:
        return f"cannot be written ({error.strerror})"


def write_file(path: Path, data: bytes, hint: str) -> None:
    """Write beside ``path``, then rename: a reader sees the old file or the new one.

    A link stays one, to the new file. UtvmError leaves what was there before.
    """
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            target.write_bytes(data)  # A device or a pipe is not replaced by a file; nor a folder.
        else:
            _replace(target, data)
    except OSError as error:
        raise UtvmError(f"cannot be written ({error.strerror})", where=path, hint=hint) from None


def _replace(target: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        beside.chmod(_mode(target))
        beside.replace(target)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise


def _mode(target: Path) -> int:
    """The permissions of the file that is replaced, or those of a new one."""
    if target.exists():
        return target.stat().st_mode & 0o777
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
