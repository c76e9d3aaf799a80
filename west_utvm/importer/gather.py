# SPDX-License-Identifier: Apache-2.0
"""Operators that move elements by constant places, as Relax that says no more than that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tvm import relax


def gather(data: Any, places: Mapping[int, Sequence[int]]) -> Any:
    """``data`` with these of its places along each axis that ``places`` names, in this order;
    negative ones count from the end. ValueError if there is no such place."""
    sizes = [int(dim) for dim in data.ty.shape]
    for axis, wanted in places.items():
        size = sizes[axis]
        if not all(-size <= place < size for place in wanted):
            raise ValueError("it takes elements that its input has not")
        if list(wanted) != list(range(size)):
            indices = np.array([place % size for place in wanted], np.int32)
            data = relax.op.take(data, relax.const(indices), axis, "fast")
    return data


def mirrored(size: int, before: int, after: int, again: bool) -> list[int]:
    """The places along an axis that is padded by its mirror image, the border ``again`` in it."""
    less = 0 if again else 1
    if max(before, after) > size - less:
        raise ValueError("it pads by more than its input has")
    first = range(before - 1 + less, less - 1, -1)
    last = range(size - 1 - less, size - 1 - less - after, -1)
    return [*first, *range(size), *last]


def backwards(data: Any, axes: Sequence[int]) -> Any:
    sizes = [int(dim) for dim in data.ty.shape]
    places = {axis % len(sizes): range(sizes[axis])[::-1] for axis in axes}
    return gather(data, places)
