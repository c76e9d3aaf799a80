# SPDX-License-Identifier: Apache-2.0
"""Many operators in one program: their C, their inputs, and what they must give.

:func:`run` builds it for this machine with sanitizers, or for an emulated board, and says what
went wrong.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby
from pathlib import Path

import numpy as np

from west_utvm.codegen import text
from west_utvm.codegen.operators import (
    activations,
    constant_inputs,
    operator_function,
    symbol,
)
from west_utvm.kernels import Emitted, Options, emit
from west_utvm.kernels.options import Feature
from west_utvm.lowering.program import ROUNDINGS, Rounding, Value
from west_utvm.tensor import DTYPE_SIZES

from ..bare_metal.boards import (
    BARE_METAL,
    HOST_PORT,
    PORT_STATUS,
    SANITIZERS,
    WARNINGS,
    build,
    command,
    compile_c,
)
from .cases import FAMILIES, Case, cases, roundings
from .reference import Array, expected

HERE = Path(__file__).parent
HOST = "host"
# The packings that each CPU runs: its own, and that of one that offers less.
FEATURES: dict[str, tuple[Feature, ...]] = {
    HOST: ("portable", "dsp", "mve"),
    "cortex-m3": ("portable",),
    "cortex-m4": ("portable", "dsp"),
    "cortex-m7": ("portable", "dsp"),
    "cortex-m33": ("portable", "dsp"),
    "cortex-m55": ("portable", "mve"),
    "rv32imc": ("portable",),
}
# Another level for each: what one compiler's optimiser hides another's may show.
OPTIMISATION = {"cortex-m33": "-O3", "cortex-m7": "-Os"}
# Larger files take longer than their parts, smaller ones read the kernels more often.
CASES_A_FILE = 24
# What fits into the code memory of a board.
CASES_A_PROGRAM = 240

_VARIANTS = (
    "aligned",
    "odd addresses",
    "output at the edge",
    "input {} at the edge",
    "input {} overlaps",
    "input {} overlaps, odd addresses",
    "input {} overlaps by whole pixels",
    "input {} and the other overlap",
)
_WRONG_RESULT, _WRITTEN_OUTSIDE, _STOPPED, _DONE = range(4)
_RECORD = struct.Struct("<6I2i")


@dataclass(frozen=True, eq=False)
class Item:
    """A case as one set of options has it in C; ``wanted`` is the result of each sample."""

    case: Case
    options: Options
    emitted: Emitted
    wanted: tuple[Array, ...]

    @property
    def name(self) -> str:
        options = self.options
        return f"{self.case.id} ({options.feature}, {options.rounding}, {options.optimize})"

    @property
    def text(self) -> str:
        """The operator's function and constants, but for its number."""
        return operator_function(0, self.case.operator, self.emitted)


def items(family: str, features: Iterable[Feature]) -> list[Item]:
    """Every case of a family with every packing and rounding; those whose C is the same as that
    of another only once."""
    found: dict[tuple[str, tuple[str, ...]], Item] = {}
    for feature in features:
        for rounding in ROUNDINGS:
            for kind in (kind for kind in FAMILIES[family] if rounding in roundings(kind)):
                for case in _cases(kind):
                    item = _item(case, feature, rounding)
                    found.setdefault((item.text, item.emitted.headers), item)
    return list(found.values())


@cache
def _cases(kind: str) -> list[Case]:
    return cases(kind)


def _item(case: Case, feature: Feature, rounding: Rounding) -> Item:
    options = Options(rounding, feature, case.optimize)
    return Item(case, options, emit(case.operator, options), _wanted(case, rounding))


@cache
def _wanted(case: Case, rounding: Rounding) -> tuple[Array, ...]:
    return tuple(
        expected(case.operator, rounding, case.arguments(sample)) for sample in case.samples
    )


def run(given: Sequence[Item], cpu: str, folder: Path) -> list[str]:
    """What went wrong, a line for each case; ``cpu`` is one of :data:`FEATURES`."""
    ordered = sorted(given, key=_options_key)
    failures = []
    for first in range(0, len(ordered), CASES_A_PROGRAM):
        part = folder / f"program{first:04}"
        part.mkdir()
        failures += _run(ordered[first : first + CASES_A_PROGRAM], cpu, part)
    return failures


def _run(ordered: Sequence[Item], cpu: str, folder: Path) -> list[str]:
    """Of one program."""
    line = _built(_write(ordered, folder), cpu, folder / "rig")
    stream = b"".join(_stream(ordered))
    (folder / "input.bin").write_bytes(stream)
    done = subprocess.run(
        line, input=stream, cwd=folder, capture_output=True, timeout=300, check=False
    )
    output = folder / "output.bin"
    records = list(_RECORD.iter_unpack(output.read_bytes() if output.exists() else done.stdout))
    failures = [_failure(ordered, record) for record in records if record[4] != _DONE]
    if not records or records[-1][4] != _DONE:
        reason = PORT_STATUS.get(done.returncode, f"exit status {done.returncode}")
        failures.append(f"stopped: {reason}\n{done.stderr.decode(errors='replace')[-3000:]}")
    elif not failures and records[-1][0] != len(ordered):
        failures.append(f"ran {records[-1][0]} cases of {len(ordered)}")
    return failures


def _built(sources: Iterable[Path], cpu: str, target: Path) -> tuple[str, ...]:
    """The command line that runs what was built from the cases' C and the rig's."""
    flags = (*WARNINGS, f"-I{HERE}", f"-I{BARE_METAL}", *map(str, sources), str(HERE / "rig.c"))
    if cpu == HOST:
        compile_c("gcc", "-O1", *SANITIZERS, *flags, HOST_PORT, "-lm", "-o", target)
        return (str(target),)
    build(cpu, target, (OPTIMISATION.get(cpu, "-O2"), *flags))
    return command(cpu, target)


def _options_key(item: Item) -> tuple[str, str, str]:
    return (item.options.feature, item.options.rounding, item.options.optimize)


def _failure(ordered: Sequence[Item], record: Sequence[int]) -> str:
    number, sample, variant, on, what, offset, got, want = record
    item, where = ordered[number], _VARIANTS[variant].format(on)
    said = {
        _WRONG_RESULT: f"output[{offset}] is {got}, not {want}",
        _WRITTEN_OUTSIDE: f"writes outside of its output, {offset} bytes behind a buffer",
        _STOPPED: "stopped by a fault or a sanitizer",
    }[what]
    return f"{item.name}, sample {sample}, {where}: {said}; {_described(item)}"


def _described(item: Item) -> str:
    operator = item.case.operator
    shapes = " and ".join(text.shape(value.shape) for value in operator.inputs)
    kernel = item.emitted.label or item.emitted.kernel or "its own C"
    return f"{kernel}: {shapes} -> {text.shape(operator.outputs[0].shape)}, {operator.attributes}"


# The program's C and its input.


def _write(ordered: Sequence[Item], folder: Path) -> list[Path]:
    """Files of cases with the same options, as a module has them, and the list of all cases."""
    numbered = list(enumerate(ordered))
    sources = []
    for _, group in groupby(numbered, key=lambda pair: _options_key(pair[1])):
        alike = list(group)
        for first in range(0, len(alike), CASES_A_FILE):
            path = folder / f"cases{alike[first][0]:04}.c"
            path.write_text(_source(alike[first : first + CASES_A_FILE]))
            sources.append(path)
    declared = "".join(f"extern const struct rig_case rig_case{i};\n" for i, _ in numbered)
    listed = "".join(f"\t&rig_case{i},\n" for i, _ in numbered)
    path = folder / "cases.c"
    path.write_text(
        f'#include "rig.h"\n\n{declared}\n'
        f"const struct rig_case *const rig_cases[] = {{\n{listed}}};\n"
        f"const uint32_t rig_case_count = {len(ordered)}U;\n"
    )
    return [*sources, path]


def _source(numbered: Sequence[tuple[int, Item]]) -> str:
    headers = dict.fromkeys(header for _, item in numbered for header in item.emitted.headers)
    functions = "\n".join(
        operator_function(i, item.case.operator, item.emitted) + _entry(i, item)
        for i, item in numbered
    )
    kernels = "\n".join(map(text.kernel, headers))
    return f'#include <stdint.h>\n#include <string.h>\n#include "rig.h"\n\n{kernels}\n{functions}'


def _entry(number: int, item: Item) -> str:
    """The row of the operator, and a function that passes what the rig has to the operator's."""
    operator, emitted = item.case.operator, item.emitted
    name = symbol(number, operator)
    constants = dict(constant_inputs(operator))
    places = {id(value): i for i, value in enumerate(item.case.given)}
    arguments = [
        f"{name}_input{i}" if i in constants else f"inputs[{places[id(value)]}]"
        for i, value in enumerate(activations(operator))
    ]
    arguments += ["scratch"] if emitted.scratch else []
    inputs = ", ".join(map(_input, item.case.given, _overlaps(item), _aligned(item)))
    values = (*item.case.given, *operator.outputs)
    alignment = max(DTYPE_SIZES[value.dtype] for value in values)
    return f"""
static void call{number}(const void *const *inputs, void *scratch, void *output)
{{
	(void)scratch;
	{name}({", ".join([*arguments, "output"])});
}}

extern const struct rig_case rig_case{number};
const struct rig_case rig_case{number} = {{
	call{number}, {len(item.case.given)}, {{{inputs}}}, {emitted.scratch},
	{operator.outputs[0].size}, {alignment},
}};
"""


def _input(value: Value, overlap: int | None, aligned: int | None) -> str:
    figures = [figure for one in (overlap, aligned) for figure in (int(one is not None), one or 0)]
    return f"{{{', '.join(map(str, [value.size, *figures]))}}}"


def _aligned(item: Item) -> list[int | None]:
    """The other way to share memory, that of the first input alone."""
    others: list[int | None] = [None] * (len(item.case.given) - 1)
    aligned = item.emitted.overlap_aligned
    return [aligned[0] if aligned else None, *others]


def _overlaps(item: Item) -> list[int | None]:
    """How near each of the given inputs may be: one that the operator takes twice must suit both
    of its places."""
    figures = (item.emitted.overlap, item.emitted.overlap_second)
    places = [*zip(activations(item.case.operator), figures, strict=False)]
    result: list[int | None] = []
    for value in item.case.given:
        own = [figure for other, figure in places if other is value]
        known = [figure for figure in own if figure is not None]
        result.append(max(known) if known and len(known) == len(own) else None)
    return result


def _stream(ordered: Sequence[Item]) -> Iterator[bytes]:
    yield struct.pack("<I", len(ordered[0].case.samples) if ordered else 0)
    for item in ordered:
        for sample, wanted in zip(item.case.samples, item.wanted, strict=True):
            yield from (np.ascontiguousarray(data).tobytes() for data in sample)
            yield np.ascontiguousarray(wanted).tobytes()


def spoiled(item: Item) -> Item:
    """The same case with another result than the right one, to see that it is noticed."""
    *others, last = item.wanted
    wrong = last.copy()
    wrong.reshape(-1)[-1] ^= 1
    return replace(item, wanted=(*others, wrong))
