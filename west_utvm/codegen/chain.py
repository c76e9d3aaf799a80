# SPDX-License-Identifier: Apache-2.0
"""The loops of a chain in C: each link asks the one before for the rows that it has not got yet."""

from __future__ import annotations

from collections.abc import Iterator

from west_utvm.codegen import text
from west_utvm.kernels.emitted import Link, Turns


def body(name: str, turns: Turns) -> str:
    """Of the function that takes ``input``, ``scratch`` and ``output``; the links' functions are
    ``<name>_link<number>``."""
    return "".join(f"{line}\n" for line in (*_declarations(turns), "", *_loop(name, turns)))


def _declarations(turns: Turns) -> Iterator[str]:
    slabs = [(i, link, link.slab) for i, link in enumerate(turns.links) if link.slab]
    for i, _, slab in slabs:
        yield f"\tint8_t *const slab{i} = (int8_t *)scratch + {slab.offset};"
    if any(link.emitted.scratch for link in turns.links):
        yield f"\tvoid *const own = (int8_t *)scratch + {turns.scratch};"
    for i, link, slab in slabs:
        if not link.by_turns:
            yield f"\tint32_t row{i} = {slab.first}, have{i} = 0;"


def _loop(name: str, turns: Turns) -> Iterator[str]:
    yield f"\tfor (int32_t turn = 0; turn < {turns.count}; turn++) {{"
    yield from _rows(name, turns.links, len(turns.links) - 1, "output", "\t\t")
    yield f"\t\toutput += {turns.links[-1].operator.outputs[0].size};"
    yield "\t}"


def _rows(
    name: str, links: tuple[Link, ...], number: int, target: str, indent: str, row: str = ""
) -> Iterator[str]:
    """A turn of a link; ``row`` is that of its result, for one that reads the chain's input."""
    link = links[number]
    slab = link.slab
    source = f"slab{number}"
    if slab is None:
        source = f"input + {row} * {link.pitch}"
    elif link.by_turns:
        yield from _rows(name, links, number - 1, source, indent, row)
    else:
        yield from _fill(name, links, number, indent)
    own = ["own"] if link.emitted.scratch else []
    yield text.call(f"{indent}{name}_link{number}", [source, *own, target], ";")
    if slab is not None and not link.by_turns:
        kept = slab.rows - slab.step
        if kept:
            arguments = [source, str(slab.step * slab.pitch), str(kept * slab.pitch)]
            yield text.call(f"{indent}utvm_keep_rows", arguments, ";")
        yield f"{indent}have{number} = {kept};"


def _fill(name: str, links: tuple[Link, ...], number: int, indent: str) -> Iterator[str]:
    slab = links[number].slab
    assert slab is not None
    row, to = f"row{number}", f"to{number}"
    inner = indent + "\t"
    yield f"{indent}for (; have{number} < {slab.rows}; have{number}++, {row}++) {{"
    yield f"{inner}int8_t *const {to} = slab{number} + have{number} * {slab.pitch};"
    yield ""
    if slab.padded:
        yield f"{inner}if ({row} < 0 || {row} >= {slab.height}) {{"
        yield f"{inner}\tmemset({to}, {slab.fill}, {slab.pitch});"
        yield f"{inner}\tcontinue;"
        yield f"{inner}}}"
    if number:
        yield from _rows(name, links, number - 1, to, inner, row)
    else:
        yield f"{inner}memcpy({to}, input + {row} * {slab.pitch}, {slab.pitch});"
    yield f"{indent}}}"
