# SPDX-License-Identifier: Apache-2.0
"""Shapes that a TFLite model computes from shapes: with a fixed batch they are constants.

Keras leaves the batch open, so that a converter writes ``Flatten`` and ``Dense`` of a sequence as
SHAPE -> STRIDED_SLICE or GATHER -> PACK or CONCATENATION -> RESHAPE, and gives what hangs on that
the shape (1, 1) in the file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tflite
from numpy.typing import NDArray

Integers = NDArray[np.int32]
Shape = tuple[int, ...]
# Shapes have few elements; more is no shape.
_MOST = 64


def constant_of(
    code: str, operator: Any, shape: Shape, inputs: Sequence[Integers | None]
) -> Integers | None:
    """The int32 result of an operator, or None if that is not known here.

    ``shape`` is that of its first input, ``inputs`` their values where they are constants.
    """
    if code == "SHAPE":
        return np.array(shape, np.int32)
    if code not in _FOLDS or not inputs:
        return None
    known = [value for value in inputs if value is not None]
    if len(known) < len(inputs) or sum(value.size for value in known) > _MOST:
        return None
    result = np.asarray(_FOLDS[code](operator, known))
    return result.astype(np.int32) if result.size <= _MOST else None


def _view(operator: Any, table: Any) -> Any:
    options = operator.BuiltinOptions()
    view = table()
    view.Init(options.Bytes, options.Pos)
    return view


def _strided_slice(operator: Any, inputs: Sequence[Integers]) -> Any:
    """Of one axis; its masks are those of TensorFlow's strided_slice."""
    values, begin, end, stride = inputs
    options = _view(operator, tflite.StridedSliceOptions)
    if options.EllipsisMask() or options.NewAxisMask():
        raise ValueError("a mask of STRIDED_SLICE")
    [first], [last], [step] = begin.tolist(), end.tolist(), stride.tolist()
    if options.ShrinkAxisMask():
        return values[first]
    return values[
        slice(None if options.BeginMask() else first, None if options.EndMask() else last, step)
    ]


def _pack(operator: Any, inputs: Sequence[Integers]) -> Any:
    return np.stack(inputs, axis=_view(operator, tflite.PackOptions).Axis())


def _concatenation(operator: Any, inputs: Sequence[Integers]) -> Any:
    return np.concatenate(inputs, axis=_view(operator, tflite.ConcatenationOptions).Axis())


def _gather(operator: Any, inputs: Sequence[Integers]) -> Any:
    values, indices = inputs
    return np.take(values, indices, axis=_view(operator, tflite.GatherOptions).Axis())


def _product(operator: Any, inputs: Sequence[Integers]) -> Any:
    values, axes = inputs
    keep = _view(operator, tflite.ReducerOptions).KeepDims()
    return np.prod(values, axis=tuple(axes.reshape(-1).tolist()), keepdims=bool(keep))


_FOLDS: Mapping[str, Callable[[Any, Sequence[Integers]], Any]] = {
    "CONCATENATION": _concatenation,
    "GATHER": _gather,
    "MUL": lambda operator, inputs: inputs[0] * inputs[1],
    "PACK": _pack,
    "REDUCE_PROD": _product,
    "STRIDED_SLICE": _strided_slice,
}


def shape_of(
    code: str, shapes: Sequence[Shape], given: Shape, inputs: Sequence[Integers | None]
) -> Shape:
    """The output's shape, which a file does not know where it hangs on a batch that is open.

    ``shapes`` are those of the inputs, ``inputs`` their values, ``given`` is the file's.
    """
    return _SHAPES[code](shapes, given, inputs) if code in _SHAPES else given


def _reshaped(shapes: Sequence[Shape], given: Shape, inputs: Sequence[Integers | None]) -> Shape:
    wanted = inputs[1] if len(inputs) > 1 else None
    if wanted is None or math.prod(given) == math.prod(shapes[0]):
        return given
    sizes = [int(size) for size in wanted.reshape(-1)]
    rest = math.prod(size for size in sizes if size != -1)
    open_size = math.prod(shapes[0]) // max(rest, 1)
    return tuple(open_size if size == -1 else size for size in sizes)


def _dense(shapes: Sequence[Shape], given: Shape, inputs: Sequence[Integers | None]) -> Shape:
    if len(given) != 2 or len(shapes) < 2 or len(shapes[1]) != 2 or not shapes[1][1]:
        return given
    units, features = shapes[1]
    return math.prod(shapes[0]) // features, units


def _batch(shapes: Sequence[Shape], given: Shape, inputs: Sequence[Integers | None]) -> Shape:
    whole = len(given) == len(shapes[0]) == 4
    return (shapes[0][0], *given[1:]) if whole else given


def _expanded(shapes: Sequence[Shape], given: Shape, inputs: Sequence[Integers | None]) -> Shape:
    axis = inputs[1] if len(inputs) > 1 else None
    if axis is None or axis.size != 1 or len(given) != len(shapes[0]) + 1:
        return given
    place = int(axis.reshape(())) % len(given)
    return (*shapes[0][:place], 1, *shapes[0][place:])


def _blocks(shapes: Sequence[Shape], given: Shape, inputs: Sequence[Integers | None]) -> Shape:
    """``space_to_batch`` of ``blocks.py``."""
    _, block, _ = inputs
    if block is None or len(given) != len(shapes[0]):
        return given
    return (shapes[0][0] * int(np.prod(block)), *given[1:])


_SHAPES: Mapping[str, Callable[[Sequence[Shape], Shape, Sequence[Integers | None]], Shape]] = {
    "AVERAGE_POOL_2D": _batch,
    "CONV_2D": _batch,
    "DEPTHWISE_CONV_2D": _batch,
    "EXPAND_DIMS": _expanded,
    "FULLY_CONNECTED": _dense,
    "MAX_POOL_2D": _batch,
    "RESHAPE": _reshaped,
    "SPACE_TO_BATCH_ND": _blocks,
}
