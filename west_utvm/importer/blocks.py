# SPDX-License-Identifier: Apache-2.0
"""Blocks of pixels moved to the batch and back, as dilated 1-D convolutions have it.

Written as what they are, moves of bytes: a pad, a reshape, a transposition and a reshape; the
other way round a slice comes last. TensorFlow, ``tf.space_to_batch_nd``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tvm import relax

Pairs = Sequence[Sequence[int]]


def space_to_batch(data: Any, block: Sequence[int], padding: Pairs, fill: int) -> Any:
    """(N, s1, s2, ..., rest) -> (b1 b2 N, s1 / b1, s2 / b2, ..., rest), padded with ``fill``."""
    sizes = [int(dim) for dim in data.ty.shape]
    space = range(1, len(block) + 1)
    borders = [(0, 0)] * len(sizes)
    for axis in space:
        before, after = padding[axis - 1]
        borders[axis] = (before, after)
        sizes[axis] += before + after
    if any(map(any, borders)):
        widths = [width for border in borders for width in border]
        data = relax.op.nn.pad(data, widths, pad_value=float(fill))
    split = [sizes[0], *_split(sizes, block), *sizes[len(block) + 1 :]]
    inner = [2 * axis for axis in space]
    outer = [axis for axis in range(len(split)) if axis not in inner]
    moved = relax.op.permute_dims(relax.op.reshape(data, split), [*inner, *outer])
    small = [size // part for size, part in zip(sizes[1:], block, strict=False)]
    whole = [math.prod(block) * sizes[0], *small, *sizes[len(block) + 1 :]]
    return relax.op.reshape(moved, whole)


def _split(sizes: Sequence[int], block: Sequence[int]) -> list[int]:
    pairs = ((sizes[i + 1] // part, part) for i, part in enumerate(block))
    return [size for pair in pairs for size in pair]


def batch_to_space(data: Any, block: Sequence[int], crops: Pairs) -> Any:
    """(b1 b2 N, s1, s2, ..., rest) -> (N, s1 b1, s2 b2, ..., rest), less ``crops``."""
    sizes = [int(dim) for dim in data.ty.shape]
    count = len(block)
    batches = sizes[0] // math.prod(block)
    order = [count]
    for axis in range(count):
        order += [count + 1 + axis, axis]
    order += range(2 * count + 1, count + len(sizes))
    moved = relax.op.permute_dims(relax.op.reshape(data, [*block, batches, *sizes[1:]]), order)
    large = [size * part for size, part in zip(sizes[1:], block, strict=False)]
    whole = relax.op.reshape(moved, [batches, *large, *sizes[count + 1 :]])
    if not any(map(any, crops)):
        return whole
    axes = list(range(1, count + 1))
    begin = [before for before, _ in crops]
    end = [size - after for size, (_, after) in zip(large, crops, strict=True)]
    return relax.op.strided_slice(whole, axes, begin, end)
