# SPDX-License-Identifier: Apache-2.0
"""All that is known of an executable's size, in one object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from west_utvm.elf.image import Image
from west_utvm.elf.models import SHARED_WORKSPACE, Shares, SymbolUsage, shares_of
from west_utvm.elf.reader import read_image
from west_utvm.elf.regions import Region, regions_of
from west_utvm.elf.usage import Memory, Usage, usage_of


@dataclass(frozen=True)
class Contributor:
    """A model, or a symbol that is no model's, or without symbols a section; and its bytes."""

    name: str
    size: int


@dataclass(frozen=True)
class SizeReport:
    """The sizes of the executable ``elf``; ``shares`` is None if it has no symbol table."""

    elf: Path
    image: Image
    usage: Usage
    shares: Shares | None

    def largest(self, memory: Memory, count: int) -> tuple[Contributor, ...]:
        """What takes most of ``memory``, at most ``count`` of them, the largest first."""
        sizes: Counter[str] = Counter()
        if self.shares is None:
            for section in self.usage.sections:
                sizes[f"section {section.section.name}"] += section.bytes_in(memory)
        else:
            for symbol in self.shares.symbols:
                sizes[_label(symbol)] += symbol.bytes_in(memory)
        ranked = sorted((-size, name) for name, size in sizes.items() if size)
        return tuple(Contributor(name, -size) for size, name in ranked[:count])


def measure(elf: Path, regions: Sequence[Region] | None = None) -> SizeReport:
    """Measure the executable at ``elf``.

    ``regions`` are the memories of the board; None looks for them in the linker's map file
    beside ``elf``, which Zephyr always writes. UtvmError if ``elf`` is not a sound executable.
    """
    image = read_image(elf)
    usage = usage_of(image.sections, regions_of(elf) if regions is None else regions)
    return SizeReport(elf, image, usage, shares_of(image, usage.sections))


def _label(usage: SymbolUsage) -> str:
    if usage.owner == SHARED_WORKSPACE:
        return "shared workspace"
    if usage.owner is not None:
        return f"model {usage.owner}"
    symbol = usage.symbol
    return f"{symbol.name} ({symbol.file})" if symbol.file else symbol.name
