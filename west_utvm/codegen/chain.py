# SPDX-License-Identifier: Apache-2.0
"""The loops of a chain in C: each link asks the one before for the rows that it has not got yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from west_utvm.codegen import text
from west_utvm.kernels.emitted import Slab, Turns


def body(name: str, inputs: Sequence[str], turns: Turns) -> str:
    """Of the function that takes ``inputs``, ``scratch`` and ``output``; the links' functions are
    ``<name>_link<number>``."""
    lines = (*_declarations(turns), "", *_Loop(name, inputs, turns).lines())
    return "".join(f"{line}\n" for line in lines)


def _declarations(turns: Turns) -> Iterator[str]:
    slabs = [(i, link, link.slab) for i, link in enumerate(turns.links) if link.slab]
    for i, _, slab in slabs:
        place = f"(int8_t *)scratch + {slab.offset}" if slab.offset else "scratch"
        yield f"\tint8_t *const slab{i} = {place};"
    if any(link.emitted.scratch for link in turns.links):
        yield f"\tvoid *const own = (int8_t *)scratch + {turns.scratch};"
    for i, link, slab in slabs:
        if not link.by_turns:
            yield f"\tint32_t row{i} = {slab.first}, have{i} = 0;"


@dataclass(frozen=True)
class _Loop:
    name: str
    inputs: Sequence[str]
    turns: Turns

    def lines(self) -> Iterator[str]:
        output = self.turns.links[-1].operator.outputs[0]
        yield f"\tfor (int32_t turn = 0; turn < {self.turns.count}; turn++) {{"
        yield from self._turn(len(self.turns.links) - 1, "output", f"turn * {output.shape[1]}", 2)
        yield f"\t\toutput += {output.size};"
        yield "\t}"

    def _turn(self, number: int, target: str, row: str, depth: int) -> Iterator[str]:
        """A turn of a link; ``row`` is the first one of its result."""
        link = self.turns.links[number]
        slab, tabs = link.slab, "\t" * depth
        source = f"slab{number}"
        if slab is None:
            source = f"{self.inputs[0]} + {row} * {link.pitch}"
        elif link.by_turns:
            yield from self._turn(number - 1, source, row, depth)
        else:
            yield from self._fill(number, slab, depth)
        taken = [source]
        if link.other:
            taken.insert(link.other[1], f"{self.inputs[link.other[0]]} + {row} * {link.pitch}")
        taken += ["own"] if link.emitted.scratch else []
        yield text.call(f"{tabs}{self.name}_link{number}", [*taken, target], ";")
        if slab is not None and not link.by_turns:
            yield from self._keep(number, slab, tabs)

    def _keep(self, number: int, slab: Slab, tabs: str) -> Iterator[str]:
        """The rows of a slab that the next turn reads again."""
        yield f"{tabs}have{number} -= {slab.step};"
        if slab.rows + slab.added - 1 > slab.step:
            moved = f"slab{number} + {slab.step * slab.pitch}"
            size = f"have{number} * {slab.pitch}"
            yield text.call(f"{tabs}utvm_move_rows", [f"slab{number}", moved, size], ";")

    def _fill(self, number: int, slab: Slab, depth: int) -> Iterator[str]:
        """The rows of a slab that are not there yet."""
        row, have, to, tabs = f"row{number}", f"have{number}", f"to{number}", "\t" * depth
        yield f"{tabs}while ({have} < {slab.rows}) {{"
        yield f"{tabs}\tint8_t *const {to} = slab{number} + {have} * {slab.pitch};"
        yield ""
        if slab.padded:
            yield f"{tabs}\tif ({row} < 0 || {row} >= {slab.height}) {{"
            yield f"{tabs}\t\tmemset({to}, {slab.fill}, {slab.pitch});"
            yield f"{tabs}\t\t{row}++;"
            yield f"{tabs}\t\t{have}++;"
            yield f"{tabs}\t\tcontinue;"
            yield f"{tabs}\t}}"
        if number:
            yield from self._turn(number - 1, to, row, depth + 1)
        else:
            taken = [to, f"{self.inputs[0]} + {row} * {slab.pitch}", str(slab.pitch)]
            yield text.call(f"{tabs}\tutvm_move_rows", taken, ";")
        yield f"{tabs}\t{row} += {slab.added};"
        yield f"{tabs}\t{have} += {slab.added};"
        yield f"{tabs}}}"
