# SPDX-License-Identifier: Apache-2.0
"""A size report as text for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from west_utvm.elf.budget import Violation
from west_utvm.elf.size import SizeReport
from west_utvm.elf.usage import MEMORIES, Memory, RegionUsage, SectionUsage

# Raised whenever a key of the JSON form goes away or changes its meaning.
SCHEMA_VERSION = 1

_TITLES: dict[Memory, str] = {"flash": "flash", "ram": "RAM"}
_MAX_NAME = 48


def to_table(report: SizeReport, violations: Sequence[Violation] = ()) -> str:
    """Regions, sections, models and violations as aligned text; sizes in bytes."""
    parts = [
        _regions(report),
        _sections(report),
        _models(report),
        [_sums(report)],
        [describe(violation) for violation in violations],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def to_summary(report: SizeReport) -> str:
    """The two totals in a line, and the models."""
    parts = [[", ".join(_total(report, memory) for memory in MEMORIES)], _models(report)]
    return "\n".join("\n".join(lines) for lines in parts if lines)


def to_json(report: SizeReport, violations: Sequence[Violation] = ()) -> dict[str, Any]:
    """The same and more as what ``json.dumps`` takes; sizes and addresses are integers.

    ``models`` and ``shared_workspace`` are null if the executable has no symbol table,
    ``capacity`` if no region is known. A section's ``places`` are where it is used, then where
    it is stored if that is another place.
    """
    shares = report.shares
    return {
        "schema_version": SCHEMA_VERSION,
        "elf": report.elf.name,
        "machine": report.image.machine,
        "bits": report.image.bits,
        "berkeley": asdict(report.image.berkeley()),
        **{memory: _memory_json(report, memory) for memory in MEMORIES},
        "regions": [_region_json(usage) for usage in report.usage.regions],
        "sections": [_section_json(usage) for usage in report.usage.sections],
        "models": [asdict(model) for model in shares.models] if shares else None,
        "shared_workspace": shares.shared_workspace if shares else None,
        "violations": [asdict(violation) for violation in violations],
    }


def describe(violation: Violation) -> str:
    """One line that says what is too large, by how much, and what to look at first."""
    title, excess = _TITLES[violation.memory], violation.used - violation.limit
    line = f"{title} is over budget: {violation.used:,} of {violation.limit:,} bytes"
    largest = ", ".join(f"{_cut(item.name)} {item.size:,}" for item in violation.largest)
    return f"{line}, {excess:,} too many" + (f"; largest: {largest}" if largest else "")


def _total(report: SizeReport, memory: Memory) -> str:
    used, capacity = report.usage.used(memory), report.usage.capacity(memory)
    share = f" of {capacity:,} ({used / capacity:.1%})" if capacity else ""
    return f"{_TITLES[memory]} {used:,}{share} bytes"


def _regions(report: SizeReport) -> list[str]:
    rows = [
        (
            usage.region.name,
            _TITLES[usage.memory] if usage.memory else "-",
            f"{usage.used:,}",
            f"{usage.region.size:,}",
            f"{usage.used / usage.region.size:.2%}" if usage.region.size else "-",
        )
        for usage in report.usage.regions
    ]
    return _grid(("Region", "Memory", "Used", "Size", "Used %"), rows, "<<>>>") if rows else []


def _sections(report: SizeReport) -> list[str]:
    usage = report.usage
    rows = [
        (section.section.name, *(_bytes(section.bytes_in(m)) for m in MEMORIES), _where(section))
        for section in usage.sections
        if any(map(section.bytes_in, MEMORIES))
    ]
    if any(map(usage.gaps, MEMORIES)):
        rows.append(("(gaps)", *(_bytes(usage.gaps(m)) for m in MEMORIES), ""))
    rows.append(("total", *(_bytes(usage.used(m)) for m in MEMORIES), ""))
    return _grid(("Section", "Flash", "RAM", "Region"), rows, "<>><")


def _models(report: SizeReport) -> list[str]:
    shares = report.shares
    if shares is None:
        return ["The models' shares are not known: the file has no symbol table."]
    rows = [
        (m.name, *(_bytes(size) for size in (m.code, m.weights, m.workspace, m.flash, m.ram)))
        for m in shares.models
    ]
    if shares.shared_workspace:
        size = _bytes(shares.shared_workspace)
        rows.append(("(shared workspace)", "-", "-", size, "-", size))
    head = ("Model", "Code", "Weights", "Workspace", "Flash", "RAM")
    return (_grid(head, rows, "<>>>>>") if rows else []) + [
        f"The static symbols of {m.name} are not in the symbol table and are not counted."
        for m in shares.models
        if not m.statics_known
    ]


def _sums(report: SizeReport) -> str:
    sums = report.image.berkeley()
    return f"As `size` counts: text {sums.text:,}, data {sums.data:,}, bss {sums.bss:,}"


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]], alignment: str) -> list[str]:
    """Lines of columns as wide as they need to be, each aligned by its format character."""
    lines = [head, *([_cut(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    formats = [f"{align}{width}" for align, width in zip(alignment, widths, strict=True)]
    return [
        "  ".join(format(cell, how) for cell, how in zip(line, formats, strict=True)).rstrip()
        for line in lines
    ]


def _where(usage: SectionUsage) -> str:
    """``RAM, from FLASH`` for what is copied at boot."""
    names = [place.region.name if place.region else "-" for place in usage.places]
    return ", from ".join(names) if any(place.region for place in usage.places) else ""


def _bytes(size: int) -> str:
    return f"{size:,}" if size else "-"


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_NAME else text[: _MAX_NAME - 3] + "..."


def _memory_json(report: SizeReport, memory: Memory) -> dict[str, Any]:
    usage = report.usage
    return {
        "used": usage.used(memory),
        "gaps": usage.gaps(memory),
        "capacity": usage.capacity(memory),
    }


def _region_json(usage: RegionUsage) -> dict[str, Any]:
    region = usage.region
    return {
        "name": region.name,
        "memory": usage.memory,
        "origin": region.origin,
        "size": region.size,
        "used": usage.used,
    }


def _section_json(usage: SectionUsage) -> dict[str, Any]:
    return {
        "name": usage.section.name,
        "size": usage.section.size,
        **{memory: usage.bytes_in(memory) for memory in MEMORIES},
        "places": [
            {
                "memory": place.memory,
                "region": place.region.name if place.region else None,
                "address": place.address,
            }
            for place in usage.places
        ],
    }
