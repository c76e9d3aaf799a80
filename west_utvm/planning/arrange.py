# SPDX-License-Identifier: Apache-2.0
"""The whole of memory: what can be folded, in which order operators run, and where values lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from west_utvm.errors import UtvmError
from west_utvm.kernels import Emitted
from west_utvm.lowering.program import Operator, Program
from west_utvm.planning.chains import chain_rows
from west_utvm.planning.fold import CHANNELS, FOLDS
from west_utvm.planning.order import best_order
from west_utvm.planning.places import PlannedProgram, place_values

# What can be left out, for debugging or to see what it gives.
SAVINGS = (*FOLDS, "reorder", "overlap", "chain-rows")


@dataclass(frozen=True)
class Gain:
    """How many bytes more the workspace would take without one of SAVINGS, all others left on."""

    saving: str
    bytes: int


@dataclass(frozen=True)
class Arrangement:
    """How memory is to be used. With ``io_in_workspace`` the model's inputs and outputs are in the
    workspace. ``without`` are those of SAVINGS to leave out; UtvmError for another name."""

    io_in_workspace: bool = False
    without: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in sorted(self.without - set(SAVINGS)):
            hint = f"known are {', '.join(SAVINGS)}"
            raise UtvmError(f"there is no saving '{name}'", hint=hint)


def arrange(
    program: Program, emit: Callable[[Operator], Emitted], how: Arrangement
) -> tuple[PlannedProgram, tuple[Gain, ...]]:
    """Plan a program with all SAVINGS but those to leave out, and what each of them gains."""
    arranger = _Arranger(program, emit, how.io_in_workspace)
    left_out = {
        saving: arranger.planned(how.without | {saving})
        for saving in SAVINGS
        if saving not in how.without
    }
    # What is mostly a saving may happen to be none; one of time and flash is worth its bytes.
    others = [plan for saving, plan in left_out.items() if saving != CHANNELS]
    planned = min([arranger.planned(how.without), *others], key=_size)
    gains = (Gain(saving, _size(other) - _size(planned)) for saving, other in left_out.items())
    return planned, tuple(gains)


class _Arranger:
    """Emits each operator once, and plans each program once, in however many variants."""

    def __init__(
        self, program: Program, emit: Callable[[Operator], Emitted], io_in_workspace: bool
    ) -> None:
        self.program = program
        self.io_in_workspace = io_in_workspace
        self._emit = emit
        # By their ids, with the objects themselves, as an id lives as long as its object.
        self._emitted: dict[int, tuple[Operator, Emitted]] = {}
        self._folded: dict[tuple[str, ...], Program] = {}
        self._planned: dict[tuple[int, bool, bool, bool], PlannedProgram] = {}

    def planned(self, without: frozenset[str]) -> PlannedProgram:
        program = self._fold([name for name in FOLDS if name not in without])
        overlap, reorder = "overlap" not in without, "reorder" not in without
        chained = "chain-rows" not in without
        key = (id(program), overlap, reorder, chained)
        if key not in self._planned:
            given = self._placed(program, overlap)
            other = self._reordered(program, overlap) if reorder else program
            if other is not program:
                given = min(given, self._placed(other, overlap), key=_size)
            if chained:
                given = chain_rows(
                    given, lambda program, limit: self._placed(program, overlap, limit)
                )
            self._planned[key] = given
        return self._planned[key]

    def _fold(self, names: Sequence[str]) -> Program:
        program = self.program
        for count in range(len(names)):
            key = tuple(names[: count + 1])
            if key not in self._folded:
                self._folded[key] = FOLDS[key[-1]](program, self.emit)
            program = self._folded[key]
        return program

    def _reordered(self, program: Program, overlap: bool) -> Program:
        emitted = [self.emit(operator) for operator in program.operators]
        order = best_order(program, emitted, io_in_workspace=self.io_in_workspace, overlap=overlap)
        if order == sorted(order):
            return program
        return replace(program, operators=tuple(program.operators[i] for i in order))

    def _placed(self, program: Program, overlap: bool, limit: int | None = None) -> PlannedProgram:
        emitted = [self.emit(operator) for operator in program.operators]
        return place_values(
            program,
            emitted,
            io_in_workspace=self.io_in_workspace,
            overlap=overlap,
            limit=limit,
        )

    def emit(self, operator: Operator) -> Emitted:
        known = self._emitted.get(id(operator))
        if known is None:
            known = (operator, self._emit(operator))
            self._emitted[id(operator)] = known
        return known[1]


def _size(planned: PlannedProgram) -> int:
    return planned.plan.size
