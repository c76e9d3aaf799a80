# SPDX-License-Identifier: Apache-2.0
"""Sections and regions -> what is in flash and what is in RAM.

The memory that an address is in decides, not the name of a section and not its flags: tables of
interrupts are writable sections in flash, and a board may run all of its code from RAM.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from west_utvm.elf.image import Section
from west_utvm.elf.regions import Region

Memory = Literal["flash", "ram"]
MEMORIES: tuple[Memory, ...] = ("flash", "ram")


@dataclass(frozen=True)
class Place:
    """Where a section, or the stored copy of it, is. ``region`` is None outside of all."""

    memory: Memory
    region: Region | None
    address: int


@dataclass(frozen=True)
class SectionUsage:
    """A section and its places: one, or two where its contents are copied at boot."""

    section: Section
    places: tuple[Place, ...]

    def times_in(self, memory: Memory) -> int:
        return sum(place.memory == memory for place in self.places)

    def bytes_in(self, memory: Memory) -> int:
        return self.section.size * self.times_in(memory)


@dataclass(frozen=True)
class RegionUsage:
    """``used`` bytes of a region, as ld counts them; ``memory`` is None if that is not known.

    ld counts from the start of a region to the end of what was last put into it, gaps included:
    the "Used Size" that ``west build`` prints.
    """

    region: Region
    memory: Memory | None
    used: int


@dataclass(frozen=True)
class Usage:
    """An image in the memories of its board."""

    sections: tuple[SectionUsage, ...]
    regions: tuple[RegionUsage, ...]

    def used(self, memory: Memory) -> int:
        """Bytes of flash or of RAM taken, gaps between sections included.

        For flash that is the size of ``zephyr.bin`` if there is one region of flash. What is in
        no region is added without gaps: it is not known to be contiguous.
        """
        inside = sum(usage.used for usage in self.regions if usage.memory == memory)
        outside = sum(
            usage.section.size
            for usage in self.sections
            for place in usage.places
            if place.region is None and place.memory == memory
        )
        return inside + outside

    def gaps(self, memory: Memory) -> int:
        """How much of ``used`` belongs to no section; negative where overlays share memory."""
        return self.used(memory) - sum(usage.bytes_in(memory) for usage in self.sections)

    def capacity(self, memory: Memory) -> int | None:
        """The size of the regions that hold something in ``memory``; None if there are none."""
        sizes = [u.region.size for u in self.regions if u.memory == memory and u.used]
        return sum(sizes) or None


def usage_of(sections: Sequence[Section], regions: Sequence[Region]) -> Usage:
    """Place ``sections`` in ``regions``. Without any, flags and addresses tell what they can:
    all contents are in flash, and what is writable or copied is in RAM."""
    sections = _as_linked(sections, regions)
    board = _Board(regions, sections)
    placed = tuple(SectionUsage(section, tuple(board.places(section))) for section in sections)
    return Usage(placed, tuple(board.usage(region, placed) for region in regions))


def _as_linked(sections: Sequence[Section], regions: Sequence[Region]) -> Sequence[Section]:
    """``sections`` with the load addresses that the linker gave them.

    Zephyr moves all of them afterwards on boards that write flash at another address than they
    read it at (CONFIG_BUILD_OUTPUT_ADJUST_LMA). What is used in flash shows by how much.
    """
    read_only = [region for region in regions if region.writable is False]
    for section in sections:
        in_flash = _in_any(section.address, read_only)
        if in_flash and section.copied and not _in_any(section.load_address, regions):
            shift = section.load_address - section.address
            return [replace(s, load_address=s.load_address - shift * s.stored) for s in sections]
    return sections


def _in_any(address: int, regions: Sequence[Region]) -> bool:
    return any(address in region for region in regions)


class _Board:
    """Answers where things are, for one set of regions with one set of sections in it."""

    def __init__(self, regions: Sequence[Region], sections: Sequence[Section]) -> None:
        self._regions = regions
        self._starts = {s.address for s in sections if s.size}
        self._starts |= {s.load_address for s in sections if s.size and s.stored}
        self._any_copied = any(section.copied for section in sections)
        self._written = {
            self._region_at(section.address)
            for section in sections
            if section.size and (section.copied or not section.stored)
        }

    def places(self, section: Section) -> Iterator[Place]:
        """Where ``section`` is used, then where its contents wait to be copied there."""
        if section.placeless:
            return
        used_in = self._region_at(section.address)
        if used_in or self._is_ram_by_flags(section):
            memory = self._memory(used_in) if used_in else "ram"
            yield Place(memory, used_in, section.address)
        if section.copied or (section.stored and not used_in):
            stored_in = self._region_at(section.load_address)
            memory = self._memory(stored_in) if stored_in else "flash"
            yield Place(memory, stored_in, section.load_address)

    def usage(self, region: Region, sections: Sequence[SectionUsage]) -> RegionUsage:
        ends = [
            place.address + usage.section.size
            for usage in sections
            for place in usage.places
            if place.region == region
        ]
        known = ends or region.writable is not None
        used = max(ends, default=region.origin) - region.origin
        return RegionUsage(region, self._memory(region) if known else None, used)

    def _region_at(self, address: int) -> Region | None:
        """The region that ``address`` is in.

        Regions overlap: Zephyr declares the chosen flash and RAM, then every memory of the
        devicetree (on mps3/an547 FLASH and ITCM are the same bytes). ld fills a region from its
        start, so one at whose start nothing is has not been used. Of those that have, the
        innermost is meant, and of equal ones the one declared first.
        """
        found = [region for region in self._regions if address in region]
        filled = [region for region in found if region.origin in self._starts]
        return max(filled, key=lambda region: region.origin, default=found[0] if found else None)

    def _memory(self, region: Region) -> Memory:
        """Declared, or else RAM if the program must write there before it can use it."""
        writable = region in self._written if region.writable is None else region.writable
        return "ram" if writable else "flash"

    def _is_ram_by_flags(self, section: Section) -> bool:
        """The best guess where no region tells.

        A writable section used where it is stored is in RAM in a program that is loaded there as
        a whole, but in flash in one that copies its data.
        """
        if section.copied or not section.stored:
            return True
        return section.writable and not self._any_copied
