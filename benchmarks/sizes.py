# SPDX-License-Identifier: Apache-2.0
"""Bytes of an executable of the rig: flash, and RAM known at link time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_STACK = ".stack"


@dataclass(frozen=True)
class Sizes:
    """``flash``: vectors, code, unwinding tables, constants and initial data; ``ram``: data and
    zeroed data, without the stack."""

    flash: int
    ram: int


def sizes(elf: Path) -> Sizes:
    """Of the sections that are loaded or set aside; initialised data is in both figures."""
    from elftools.elf.constants import SH_FLAGS
    from elftools.elf.elffile import ELFFile

    flash = ram = 0
    with elf.open("rb") as stream:
        for section in ELFFile(stream).iter_sections():
            flags, size = section["sh_flags"], section["sh_size"]
            if not flags & SH_FLAGS.SHF_ALLOC or section.name == _STACK:
                continue
            flash += 0 if section["sh_type"] == "SHT_NOBITS" else size
            ram += size if flags & SH_FLAGS.SHF_WRITE else 0
    return Sizes(flash, ram)
