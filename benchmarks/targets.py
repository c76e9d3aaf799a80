# SPDX-License-Identifier: Apache-2.0
"""What the kernels are to reach, and whether they do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import Peer
from benchmarks.records import Record, load
from benchmarks.table import columns

BASELINE = Path(__file__).parent / "baseline.json"
_REFERENCE = "TFLM reference kernels"


@dataclass(frozen=True)
class Target:
    """At most so many, and in brackets what would be better still. Sizes in bytes; ``arena`` is
    the workspace with inputs and outputs in it."""

    m4: tuple[int, int]
    m55: tuple[int, int]
    flash: int
    arena: tuple[int, int]


TARGETS = {
    "kws_ref_model": Target((3_900_000, 3_000_000), (1_050_000, 800_000), 46_000, (16_000, 12_000)),
    "pretrainedResnet_quant": Target(
        (15_000_000, 13_000_000), (2_900_000, 2_200_000), 98_000, (49_152, 34_000)
    ),
    "vww_96_int8": Target(
        (12_000_000, 9_500_000), (3_800_000, 2_600_000), 250_000, (55_296, 40_000)
    ),
    "ad01_int8": Target((350_000, 300_000), (170_000, 100_000), 280_000, (768, 768)),
}
# M33 against M4; M3 against the portable kernels before there were others, and TFLM's.
_M33, _M3_BASELINE, _M3_REFERENCE = 1.05, 0.6, 0.7


def targets(records: Sequence[Record], peers: Sequence[Peer]) -> str:
    """A row for each model, CPU and optimisation that has a target."""
    head = ("", "instructions", "at most", "flash", "at most", "arena", "at most", "")
    rows: list[Sequence[str]] = [head]
    baseline = {record.key[:3]: record for record in load(BASELINE)}
    for record in sorted(records, key=lambda record: record.key):
        if record.model not in TARGETS:
            continue
        if record.cpu in ("cortex-m4", "cortex-m55"):
            rows.append(_absolute(record, TARGETS[record.model]))
        limit = _relative(record, records, peers, baseline)
        if limit:
            rows.append(_row(record, ((record.instructions, limit, limit),)))
    return columns(rows) if len(rows) > 1 else "No figures that there are targets for.\n"


def _absolute(record: Record, target: Target) -> Sequence[str]:
    instructions = target.m4 if record.cpu == "cortex-m4" else target.m55
    flash = (target.flash, target.flash)
    figures = (record.instructions, record.flash, record.arena)
    limits = (instructions, flash, target.arena)
    return _row(record, [(f, *limit) for f, limit in zip(figures, limits, strict=True)])


def _relative(
    record: Record,
    records: Sequence[Record],
    peers: Sequence[Peer],
    baseline: Mapping[tuple[str, str, str], Record],
) -> int:
    """The most instructions that M33 and M3 may take; 0: none is known."""
    model, cpu, opt, optimize = record.key
    if cpu == "cortex-m33":
        m4 = [r for r in records if r.key == (model, "cortex-m4", opt, optimize)]
        return int(_M33 * m4[0].instructions) if m4 else 0
    if cpu != "cortex-m3":
        return 0
    limits = [_M3_BASELINE * r.instructions for k, r in baseline.items() if k == record.key[:3]]
    limits += [
        _M3_REFERENCE * peer.instructions
        for peer in peers
        if (peer.peer, peer.model, peer.opt) == (_REFERENCE, model, opt)
    ]
    return int(min(limits, default=0))


def _row(record: Record, figures: Sequence[tuple[int, int, int]]) -> Sequence[str]:
    """``figures``: what it is, at most, and better still."""
    cells = [cell for figure, limit, _ in figures for cell in (f"{figure:,}", f"{limit:,}")]
    title = f"{record.model} {record.cpu} {record.opt} {record.optimize}"
    return [title, *cells, *[""] * (6 - len(cells)), _verdict(figures)]


def _verdict(figures: Sequence[tuple[int, int, int]]) -> str:
    names = ("instructions", "flash", "arena")
    missed = list(_missed(names, [(figure, limit) for figure, limit, _ in figures]))
    if missed:
        return f"FAIL: {', '.join(missed)}"
    return "pass" if any(figure > best for figure, _, best in figures) else "pass, and stretch"


def _missed(names: Sequence[str], figures: Sequence[tuple[int, int]]) -> Iterator[str]:
    for name, (figure, limit) in zip(names, figures, strict=False):
        if figure > limit:
            yield f"{name} x {figure / limit:.2f}"
