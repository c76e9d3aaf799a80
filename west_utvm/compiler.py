# SPDX-License-Identifier: Apache-2.0
"""Model file -> C: the stages of the compiler in their order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from west_utvm.errors import UtvmError

if TYPE_CHECKING:
    from west_utvm.kernels.options import Optimize, Options
    from west_utvm.lowering import Program, Rounding
    from west_utvm.mlf import Model
    from west_utvm.planning.arrange import Arrangement, Gain
    from west_utvm.planning.places import PlannedProgram

Progress: TypeAlias = Callable[[str], None]


@dataclass(frozen=True)
class Compiled:
    """``files`` are C text by path: ``include/tvmgen_<name>.h`` and ``src/*.c``. With UTVM_TRACE
    defined these call ``utvm_trace(number, data, size)`` after each operator of the model.
    ``model`` is what ``west_utvm.module.write_module`` takes. ``program`` is what was made of the
    model's operators, and ``gains`` what that saved. Sizes are in bytes."""

    name: str
    files: Mapping[str, str]
    program: Program
    planned: PlannedProgram
    gains: tuple[Gain, ...]
    macs: int
    constants: int
    model: Model
    notes: tuple[str, ...] = ()

    @property
    def workspace_size(self) -> int:
        return self.planned.plan.size


def _silently(stage: str) -> None:
    pass


def compile_model(
    path: Path,
    *,
    name: str,
    rounding: Rounding | None = None,
    target: str = "c",
    optimize: Optimize = "balanced",
    io_in_workspace: bool = False,
    without: Collection[str] = (),
    progress: Progress = _silently,
) -> Compiled:
    """Compile the model at ``path``; ``name`` is a C identifier, ``target`` a TVM target string.

    With ``io_in_workspace`` the model's inputs and outputs are in its workspace, which the caller
    brings, and an input's bytes are used again once it is read. ``without`` are those of
    ``planning.arrange.SAVINGS`` to leave out.

    What is made for one CPU is right on any other. ``progress`` is told of each stage that may
    take a second, before it begins. Raises UtvmError with the file, and the operator where one is
    at fault. ``rounding`` is for TFLite models alone, tflm by default.
    """
    from west_utvm.importer import formats

    progress("loading TVM")
    formats.check_tvm()
    from west_utvm.codegen import write_c
    from west_utvm.importer.text import relax_text
    from west_utvm.kernels import Options
    from west_utvm.kernels.targets import parse_target
    from west_utvm.lowering.lower import lower, notes
    from west_utvm.mlf.compiled import library
    from west_utvm.planning.arrange import Arrangement
    from west_utvm.provenance import provenance

    cpu, arrangement = parse_target(target), Arrangement(io_in_workspace, frozenset(without))
    known, data = formats.read_model(path)
    options = Options(formats.mode_of_rounding(path, known, rounding), cpu.feature, optimize)
    progress(f"importing {path.name}")
    imported = formats.import_model(path, known, data)
    program = lower(imported, options.rounding, path)
    progress("planning memory")
    planned, gains = _plan(path, program, options, arrangement)
    progress("writing C")
    written = write_c(planned, name)
    made = provenance(data, known.title.lower(), options, arrangement, gains)
    return Compiled(
        name=name,
        files=written.files(name),
        program=planned.program,
        planned=planned,
        gains=gains,
        macs=written.source.macs,
        constants=written.source.constants,
        model=library(
            name, planned, written, target=str(cpu), relax=relax_text(imported), made=made
        ),
        notes=(*imported.notes, *notes(program)),
    )


def _plan(
    path: Path, program: Program, options: Options, arrangement: Arrangement
) -> tuple[PlannedProgram, tuple[Gain, ...]]:
    from west_utvm.kernels import emit
    from west_utvm.planning.arrange import arrange

    try:
        return arrange(program, lambda operator: emit(operator, options), arrangement)
    except UtvmError as error:
        where = path if error.where is None else f"{path}: {error.where}"
        raise UtvmError(error.what, where=where, hint=error.hint) from None
