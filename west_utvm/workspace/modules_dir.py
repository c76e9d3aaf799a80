# SPDX-License-Identifier: Apache-2.0
"""Where generated modules live in a workspace, and which of them a command means."""

from __future__ import annotations

from pathlib import Path

from west_utvm.errors import UtvmError
from west_utvm.module import GeneratedModule, read_module

DEFAULT = "modules/utvm"


def modules_dir(topdir: Path, configured: str | None) -> Path:
    """``west config utvm.modules-dir``, relative to the workspace, or its default."""
    return topdir / (configured or DEFAULT)


def module_names(folder: Path) -> list[str]:
    """Names of the generated modules in ``folder``, sorted."""
    found = folder.glob("*/metadata.json")
    return sorted(path.parent.name for path in found if not path.parent.name.startswith("."))


def find_module(name_or_dir: str, folder: Path) -> GeneratedModule:
    """The module called so in ``folder``, or the one in the folder of that path."""
    if "/" in name_or_dir or "\\" in name_or_dir or name_or_dir in (".", ".."):
        return read_module(Path(name_or_dir).resolve())
    if (folder / name_or_dir / "metadata.json").exists():
        return read_module(folder / name_or_dir)
    known = ", ".join(module_names(folder)) or "none yet"
    hint = f"compile it with west utvm-compile (here: {known})"
    raise UtvmError(f"no model '{name_or_dir}'", where=folder, hint=hint)


def check_no_clash(name: str, folder: Path) -> None:
    """``Kws`` and ``kws`` are two folders and one Kconfig symbol: refuse the second."""
    for other in module_names(folder.parent):
        if other != folder.name and other.upper() == name.upper():
            what = f"model '{name}' would share CONFIG_UTVM_{name.upper()} with '{other}'"
            raise UtvmError(what, where=folder.parent, hint="give another name with -n")
