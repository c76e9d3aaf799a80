# SPDX-License-Identifier: Apache-2.0
"""The memories of a board, as its linker script declares them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from west_utvm.errors import UtvmError

# ld appends this pseudo-region to the table; unlike the headings it is not translated.
_DEFAULT_REGION = "*default*"
_ROW = re.compile(r"(\S.*?)\s+0x([0-9a-fA-F]+)\s+0x([0-9a-fA-F]+)(?:\s+([arwxl! ]+))?\s*")


@dataclass(frozen=True)
class Region:
    """A memory of ``size`` bytes from address ``origin``.

    ``writable`` is None where that is not declared: it then follows from what is in it.
    """

    name: str
    origin: int
    size: int
    writable: bool | None = None

    def __contains__(self, address: int) -> bool:
        return self.origin <= address < self.origin + self.size


def regions_of(elf: Path) -> tuple[Region, ...]:
    """The regions in the linker's map file beside ``elf``; none where there is no such file."""
    path = elf.with_suffix(".map")
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            return parse_map(lines)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise UtvmError(f"cannot be read ({error.strerror})", where=path) from None


def parse_map(lines: Iterable[str]) -> tuple[Region, ...]:
    """The ``Memory Configuration`` table of a GNU ld map file; none where there is no such table.

    Read only up to that table. Programs for the build machine have *default* alone in it, which
    is not a memory.
    """
    paragraph: list[str] = []
    for line in lines:
        if line.startswith(_DEFAULT_REGION):
            rows = map(_parse_row, paragraph)
            return tuple(region for region in rows if region is not None)
        if line.strip():
            paragraph.append(line)
        else:
            paragraph.clear()
    return ()


def _parse_row(line: str) -> Region | None:
    match = _ROW.fullmatch(line)
    if match is None:
        return None
    name, origin, size, attributes = match.groups()
    return Region(name, int(origin, 16), int(size, 16), _writable(attributes or ""))


def _writable(attributes: str) -> bool | None:
    """``xrw`` -> True, ``xr`` -> False, ``!w`` -> False (ld manual, "MEMORY Command")."""
    granted, _, denied = attributes.partition("!")
    if granted.strip():
        return "w" in granted
    return False if "w" in denied else None
