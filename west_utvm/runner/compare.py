# SPDX-License-Identifier: Apache-2.0
"""Outputs against expected outputs, and their largest elements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from west_utvm.errors import UtvmError
from west_utvm.runner.tensors import Array


@dataclass(frozen=True)
class Comparison:
    """One output against what was expected; ``largest`` difference in the output's own units.

    ``top1`` counts the samples whose largest element is at the same place.
    """

    name: str
    samples: int
    elements: int
    different: int
    largest: float
    top1: int
    tolerance: float

    @property
    def agrees(self) -> bool:
        return self.largest <= self.tolerance

    def __str__(self) -> str:
        verdict = "agrees" if self.agrees else "DIFFERS"
        return (
            f"{self.name}: {verdict}, {self.different} of {self.elements} elements differ, by "
            f"{self.largest:g} at most (allowed {self.tolerance:g}); same top-1 in {self.top1} "
            f"of {self.samples}"
        )


def compare(
    outputs: Mapping[str, Array], expected: Mapping[str, Array], where: str, *, atol: float
) -> list[Comparison]:
    """Compare every expected array; UtvmError if one is unknown, or of another size or dtype."""
    if not expected:
        raise UtvmError("holds no arrays", where=where, hint="nothing would be verified")
    return [_compare(name, outputs, expected[name], where, atol) for name in sorted(expected)]


def _compare(
    name: str, outputs: Mapping[str, Array], expected: Array, where: str, atol: float
) -> Comparison:
    if name not in outputs:
        hint = f"name the arrays {', '.join(outputs)}"
        raise UtvmError(f"has an array '{name}' that the model has not", where=where, hint=hint)
    got = outputs[name]
    if got.dtype != expected.dtype or got.size != expected.size:
        what = (
            f"array '{name}' is {expected.dtype} of {expected.size} elements and the output "
            f"{got.dtype} of {got.size}"
        )
        raise UtvmError(what, where=where)
    samples = max(1, got.shape[0] if got.ndim > 1 else 1)
    a, b = (array.reshape(samples, -1) for array in (got, expected))
    difference = _difference(a, b)
    top1 = int(np.count_nonzero(np.argmax(a, axis=1) == np.argmax(b, axis=1)))
    largest = float(difference.max(initial=0))
    different = int(np.count_nonzero(difference))
    return Comparison(name, samples, got.size, different, largest, top1, atol)


def _difference(a: Array, b: Array) -> Array:
    """|a - b|, exact for integers; of floats two NaNs are alike and one is infinitely far."""
    if a.dtype.kind in "iub":
        # The difference of two 64-bit integers fits 64 bits once the sign is known.
        return np.where(np.greater(a, b), _wrapping(a) - _wrapping(b), _wrapping(b) - _wrapping(a))
    x, y = a.astype(np.float64), b.astype(np.float64)
    alike = (x == y) | (np.isnan(x) & np.isnan(y))
    with np.errstate(invalid="ignore"):
        difference = np.where(alike, 0.0, np.abs(x - y))
    return np.where(np.isnan(difference), np.inf, difference)


def _wrapping(array: Array) -> npt.NDArray[np.uint64]:
    return array.astype(np.int64 if array.dtype.kind == "i" else np.uint64).view(np.uint64)


def top(outputs: Mapping[str, Array], count: int, *, batched: bool) -> Iterator[str]:
    """Lines with the ``count`` largest elements of each output, sample by sample."""
    for name, array in outputs.items():
        rows = array.reshape(len(array) if batched else 1, -1)
        for index, row in enumerate(rows):
            best = np.argsort(row, kind="stable")[::-1][:count]
            sample = f"[{index}]" if batched else ""
            yield f"{name}{sample}: " + "  ".join(f"{place}: {row[place]:g}" for place in best)
