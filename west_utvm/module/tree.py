# SPDX-License-Identifier: Apache-2.0
"""Putting a generated folder in place: whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path


def holds_exactly(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Whether ``folder`` has these files with this content and no others."""
    found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if not p.is_dir()}
    return found.keys() == files.keys() and all(
        not path.is_symlink() and path.read_bytes() == files[name] for name, path in found.items()
    )


def replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make ``folder`` hold ``files``: written beside it, then renamed into its place.

    A reader sees the old folder or the new one. Raises OSError, and then the old one stands.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    # A name with a dot in front is passed over by those who list the modules folder.
    staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        new, old = staging / "new", staging / "old"
        new.mkdir()
        for name, data in files.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
