# SPDX-License-Identifier: Apache-2.0
"""Tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from benchmarks.peers import Peer
from benchmarks.records import Record

_HEAD = ("", "instructions", "x", "flash", "x", "RAM", "x")
_OURS = "west-utvm"


def table(records: Sequence[Record], peers: Sequence[Peer]) -> str:
    """Each of ours and, below it, the peers with the same C compiler's optimisation.

    The ratios are ours divided by theirs: below 1 ours is the smaller.
    """
    ordered = sorted(records, key=lambda record: record.key)
    groups = groupby(ordered, key=lambda record: (record.model, record.cpu))
    return "\n".join(_group(*key, list(rows), peers) for key, rows in groups)


def _group(model: str, cpu: str, records: Sequence[Record], peers: Sequence[Peer]) -> str:
    rows: list[Sequence[str]] = [_HEAD]
    for record in records:
        rows.append((f"{record.opt} {_OURS} ({record.optimize})", *_figures(record, None)))
        found = [p for p in peers if (p.model, p.cpu, p.opt) == (model, cpu, record.opt)]
        rows += [(f"    {peer.peer}", *_figures(peer, record)) for peer in found]
    return f"{model} on {cpu}\n{columns(rows)}"


def _figures(of: Record | Peer, against: Record | None) -> Iterator[str]:
    for field in ("instructions", "flash", "ram"):
        figure = getattr(of, field)
        yield f"{figure:,}"
        yield f"{getattr(against, field) / figure:.2f}" if against and figure else ""


def against(records: Sequence[Record], before: Sequence[Record]) -> str:
    """What changed since ``before``: figures of both, and the new divided by the old.

    Against the same ``optimize`` if there is one.
    """
    old = {record.key[:3]: record for record in before} | {r.key: r for r in before}
    head = ("", "instructions", "x", "M4 cycles", "x", "flash", "x", "RAM", "x", "stack")
    rows: list[Sequence[str]] = [head]
    for record in sorted(records, key=lambda record: record.key):
        other = old.get(record.key, old.get(record.key[:3]))
        if other is not None:
            rows.append((" ".join(record.key), *_changes(record, other)))
    return columns(rows) if len(rows) > 1 else "No figures to compare with.\n"


def _changes(new: Record, old: Record) -> Iterator[str]:
    for field in ("instructions", "cycles", "flash", "ram"):
        a, b = getattr(new, field), getattr(old, field)
        if field == "cycles" and not (a and b):
            yield from ("", "")
            continue
        yield f"{b:,} -> {a:,}" if a != b else f"{a:,}"
        yield f"{a / b:.3f}" if b else ""
    yield f"{old.stack} -> {new.stack}" if old.stack != new.stack else f"{new.stack}"


def layers(record: Record) -> str:
    """Instructions of each operator and their share."""
    total = sum(layer.instructions for layer in record.layers) or 1
    rows: list[Sequence[str]] = [("operator", "kernel", "instructions", "%")]
    rows += [
        (
            f"{layer.number:3} {layer.name}",
            layer.kernel,
            f"{layer.instructions:,}",
            f"{100 * layer.instructions / total:.1f}",
        )
        for layer in record.layers
    ]
    return f"{record.model} on {record.cpu} {record.opt}\n{columns(rows)}"


def loops(record: Record) -> str:
    """The loops that take most, of which each has only what no loop inside it has."""
    rows: list[Sequence[str]] = [("loop", "function", "instructions", "%", "M4 cycles", "%")]
    for loop in record.loops:
        share = f"{100 * loop.instructions / record.instructions:.1f}"
        cycles_share = f"{100 * loop.cycles / record.cycles:.1f}" if record.cycles else ""
        rows.append(
            (
                f"{loop.begin:#x}..{loop.end:#x} x {loop.passes:,}",
                loop.function,
                f"{loop.instructions:,}",
                share,
                f"{loop.cycles:,}" if record.cycles else "",
                cycles_share,
            )
        )
    cycles = f", {record.cycles:,} estimated cycles" if record.cycles else ""
    title = f"{record.model} on {record.cpu} {record.opt}: {record.instructions:,} instructions"
    return f"{title}{cycles}\n{columns(rows)}"


def columns(rows: Sequence[Sequence[str]]) -> str:
    """The first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        first, *rest = (
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join(["", first, *rest]).rstrip())
    return "\n".join([*lines, ""])
