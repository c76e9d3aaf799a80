# SPDX-License-Identifier: Apache-2.0
"""Convolutions in groups: kernels that compute some pixels at a time, group by group.

Inputs of a group are read where they are, and its results are written where they belong, a pixel
apart; so that the inner loops are those of convolutions without groups.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from west_utvm.kernels import overlap, packed, packing, rows
from west_utvm.kernels.emitted import Emitted, Field
from west_utvm.kernels.options import Options
from west_utvm.kernels.window import window
from west_utvm.lowering.program import Array, Convolution, Operator, Rounding

# Pixels that are computed at a time.
_BLOCKED = 2
_PACKED = 3
# Inputs of a pixel that are copied for as many groups as have them: a call costs something.
_AT_ONCE = 64
# Bytes, on the largest of machines.
_POINTER = 8
_WORD = 4


def blocked(operator: Operator, options: Options) -> Emitted | None:
    """For any CPU, with weights as they are."""
    channels = packing.channels(operator, options.rounding)
    if channels is None:
        return None
    weights = operator.inputs[1]
    patch = math.prod(weights.shape[1:])
    taps = math.prod(weights.shape[1:3])
    gathered = _BLOCKED * patch if taps > 1 else 0
    return Emitted(
        headers=(*packing.HEADERS, "window.h", "rows.h", "grouped.h", "grouped_blocked.h"),
        kernel="grouped_blocked",
        struct="grouped_blocked",
        fields={"rows": _group(operator, {"depth": patch}), "grouped": grouped(operator)},
        constants=rows.constants(operator, channels),
        macs=operator.outputs[0].elements * patch,
        scratch=_BLOCKED * taps * _POINTER + operator.inputs[0].shape[3] + gathered,
        label="conv2d in groups",
        overlap=_overlap(operator, _BLOCKED, at_once=taps > 1),
    )


def packed_dsp(operator: Operator, options: Options) -> Emitted | None:
    """With weights of two channels in 16 bits."""
    channels = packing.channels(operator, options.rounding)
    parts = _by_group(operator, channels) if channels is not None else []
    if not parts or not all(map(packing.pairs_fit, parts)):
        return None
    loop = packed.kind(operator, options.rounding)
    inputs = _inputs(parts[0].weights.shape[1], loop, options.rounding)
    words = [packing.pair_records(part, part.weights, inputs) for part in parts]
    at_once = min(len(parts), -(-_AT_ONCE // inputs))
    taps = math.prod(operator.inputs[1].shape[1:3])
    return Emitted(
        headers=(
            *packing.HEADERS,
            "packed.h",
            "packed_{rounding}.h",
            "window.h",
            "grouped.h",
            "grouped_packed.h",
            "grouped_packed_{rounding}.h",
        ),
        kernel=f"grouped_packed_{loop}",
        struct="grouped_packed",
        fields={
            "packed": _group(operator, {"words": inputs // 2}),
            "grouped": grouped(operator),
            "step": len(words[0]),
            "at_once": at_once,
        },
        constants={"packed": np.concatenate(words)},
        macs=operator.outputs[0].elements * math.prod(operator.inputs[1].shape[1:]),
        scratch=_PACKED * (taps * _POINTER + at_once * _WORD * inputs // 2)
        + operator.inputs[0].shape[3],
        label="conv2d in groups, dsp",
        overlap=_overlap(operator, _PACKED, at_once=True),
    )


def grouped(operator: Operator) -> Mapping[str, Field]:
    """``struct utvm_grouped``."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    groups = count(operator)
    batches, height, width, channels = operator.outputs[0].shape
    moved = dict(window(operator))
    dense = attributes.strides == (1, 1) and not any(attributes.padding)
    line = dense and operator.inputs[1].shape[1:3] == (1, 1)
    if line:
        pixels = batches * height * width
        moved |= {"in_height": 1, "in_width": pixels, "height": 1, "width": pixels}
    return {
        "window": moved,
        "batches": 1 if line else batches,
        "groups": groups,
        "depth": operator.inputs[1].shape[3],
        "channels": channels // groups,
        "side_by_side": int(line),
    }


def count(operator: Operator) -> int:
    """How many groups there are."""
    return operator.inputs[0].shape[3] // operator.inputs[1].shape[3]


def _group(operator: Operator, depth: Mapping[str, Field]) -> Mapping[str, Field]:
    """``struct utvm_rows`` or ``struct utvm_packed`` of one group."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    return {
        **depth,
        "channels": operator.outputs[0].shape[3] // count(operator),
        "out_zero": operator.outputs[0].zero_point,
        "low": attributes.clamp.low,
        "high": attributes.clamp.high,
    }


def _overlap(operator: Operator, pixels: int, *, at_once: bool) -> int:
    """``at_once`` if a group's inputs are all copied before its results are written."""
    channels = operator.outputs[0].shape[3]
    behind = channels // count(operator) if at_once else 0
    return overlap.convolution(operator, ahead=pixels * channels - behind)


def _by_group(operator: Operator, channels: packing.Channels) -> list[packing.Channels]:
    """Each group's own, with the weights of a tap as ``c/grouped_packed.h`` reads its inputs."""
    weights = operator.inputs[1].shape
    taps = channels.weights.reshape(weights[0], -1, weights[3])
    places = _places(weights[3])
    spread = np.where(places < 0, 0, taps[:, :, places]).reshape(weights[0], -1)
    own = weights[0] // count(operator)
    return [
        packing.Channels(
            spread[first : first + own],
            channels.bias[first : first + own],
            channels.scale_of_each[first : first + own],
        )
        for first in range(0, weights[0], own)
    ]


def _places(depth: int) -> Array:
    """Which input of a tap each input of its words is, -1 if it has no weight there; int64
    [words * 4]."""
    fours = -(-depth // packing.GROUP)
    places = np.arange(fours * packing.GROUP)
    if depth < packing.GROUP:
        return np.where(places < depth, places, -1)
    again = places[-packing.GROUP] - (depth - packing.GROUP)
    places[-packing.GROUP :] -= again
    places[-packing.GROUP :][:again] = -1
    return places


def _inputs(copied: int, loop: str, rounding: Rounding) -> int:
    """Inputs of a pixel, zeros among them: the assembly for all of int8 takes any number of fours
    from two on, what is in C takes eights."""
    assembly = rounding == "tflm" and loop != "narrow"
    return max(copied, packing.TURN) if assembly else packing.padded(copied)
