# SPDX-License-Identifier: Apache-2.0
"""Putting a generated folder in place: whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


def listing(folder: Path) -> dict[str, Path]:
    """Everything in ``folder`` but folders, by its POSIX name in it; links are not followed."""
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return {path.relative_to(folder).as_posix(): path for path in found}


def holds_exactly(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Whether ``folder`` has these files with this content and no others."""
    found = listing(folder)
    return found.keys() == files.keys() and all(
        not path.is_symlink() and path.read_bytes() == files[name] for name, path in found.items()
    )


def replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make ``folder`` hold ``files``: written beside it, then renamed into its place.

    A reader sees the old folder or the new one. Raises OSError, and then the old one stands
    and nothing new is left.
    """
    folder = folder.resolve()
    missing = [parent for parent in folder.parents if not parent.exists()]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _replace(folder, files)
    except BaseException:
        for parent in missing:
            with suppress(OSError):
                parent.rmdir()
        raise


def _replace(folder: Path, files: Mapping[str, bytes]) -> None:
    # A name with a dot in front is passed over by those who list the modules folder.
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    new, old = staging / "new", staging / "old"
    try:
        for name, data in files.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    finally:
        if old.exists() and not folder.exists():
            old.rename(folder)
        shutil.rmtree(staging, ignore_errors=True)
