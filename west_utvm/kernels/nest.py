# SPDX-License-Identifier: Apache-2.0
"""Loops over the elements of tensors, and figures, as C text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """A loop of ``size`` turns and the steps that input and output take with each."""

    size: int
    step_in: int
    step_out: int


def real(value: float) -> str:
    """A float32 to the last bit, as a hexadecimal constant of C99."""
    mantissa, exponent = value.hex().split("p")
    return f"{mantissa.rstrip('0').rstrip('.')}p{exponent}f"


def steps(shape: Sequence[int]) -> list[int]:
    """Of a dense row-major tensor, in elements."""
    result, step = [], 1
    for dim in reversed(shape):
        result.append(step)
        step *= dim
    return result[::-1]


def merged(axes: Sequence[Axis]) -> list[Axis]:
    """Without loops of one turn, and with those in one that run like one."""
    result: list[Axis] = []
    for axis in axes:
        if axis.size == 1:
            continue
        last = result[-1] if result else None
        if last and (last.step_in, last.step_out) == (
            axis.step_in * axis.size,
            axis.step_out * axis.size,
        ):
            result[-1] = Axis(last.size * axis.size, axis.step_in, axis.step_out)
        else:
            result.append(axis)
    return result


def runs(axes: Sequence[Axis]) -> tuple[list[Axis], int]:
    """Loops and how many elements are next to each other, in both tensors, in every turn."""
    loops = merged(axes)
    if loops and (loops[-1].step_in, loops[-1].step_out) == (1, 1):
        return loops[:-1], loops[-1].size
    return loops, 1


def copy(axes: Sequence[Axis], *, first_in: int = 0, first_out: int = 0, source: str) -> str:
    """C that copies elements of ``source`` to ``output``: byte by byte, or a run at a time."""
    loops, run = runs(axes)
    here = index(loops, first_in, "step_in")
    there = index(loops, first_out, "step_out")
    if run > 1:
        statement = f"memcpy(output + {there}, {source} + {here}, {run});"
    else:
        statement = f"output[{there}] = {source}[{here}];"
    return nested([axis.size for axis in loops], [statement])


def index(loops: Sequence[Axis], first: int, step: str, names: str = "i") -> str:
    """The C expression of an element's index, in parentheses."""
    terms = [f"{names}{i} * {getattr(axis, step)}" for i, axis in enumerate(loops)]
    terms = [term.removesuffix(" * 1") for term in terms if not term.endswith(" * 0")]
    if first or not terms:
        terms.append(str(first))
    return f"({' + '.join(terms)})"


def nested(sizes: Sequence[int], body: Sequence[str], names: str = "i", depth: int = 1) -> str:
    """``body``, lines of C, in loops of these sizes; ``depth`` is the indentation in tabs."""
    lines = []
    for i, size in enumerate(sizes):
        variable = f"{names}{i}"
        loop = f"for (int32_t {variable} = 0; {variable} < {size}; {variable}++) {{"
        lines.append("\t" * (depth + i) + loop)
    lines += ["\t" * (depth + len(sizes)) + line if line else "" for line in body]
    lines += ["\t" * (depth + i) + "}" for i in reversed(range(len(sizes)))]
    return "".join(f"{line}\n" for line in lines)
