# SPDX-License-Identifier: Apache-2.0
"""Convolutions in groups for CPUs with Helium (MVE): the inner loops are those of ``mve.py``."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from west_utvm.kernels import grouped, mve, overlap
from west_utvm.kernels.emitted import Emitted, Field
from west_utvm.kernels.options import Options
from west_utvm.lowering.program import Array, Convolution, Operator

_HEADERS = (*mve.HEADERS, "mve_row.h", "mve_pixels.h")
# Channels that are computed at a time, and the products of each in a vector.
_LANES = 4
_DEPTH = 16
# Pixels of an innermost loop: of c/mve_shallow.h, and of c/mve_grouped.h.
_SHALLOW_PIXELS = 32
_PIXELS = 2
# Bytes, on the largest of machines.
_POINTER = 8


def shallow(operator: Operator, options: Options) -> Emitted | None:
    """By 1x1, where four output channels see so few input channels that one vector has them,
    be they of one group or of several."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    plain = mve.prepared(operator, options, channel_axis=0)
    depth, channels = operator.inputs[0].shape[3], operator.outputs[0].shape[3]
    span = _span(operator)
    steps = mve.conv1x1_steps(operator)
    if steps is None or span > _DEPTH:
        return None
    if channels % _LANES or not mve.saturates(attributes.clamp, plain):
        return None
    last = depth - span
    pixels = {**_group(operator, attributes), "depth": span, "channels": channels}
    return Emitted(
        headers=(*_HEADERS, "mve_conv1x1.h", "mve_shallow.h", "mve_grouped_shallow.h"),
        kernel=f"mve_grouped_shallow_{mve.variant(operator, attributes.clamp, plain)}",
        struct="mve_grouped_shallow",
        fields={
            "whole": {**steps, "pixels": pixels},
            "depth": operator.inputs[1].shape[3],
            "channels": channels // grouped.count(operator),
            "last": last,
        },
        constants=mve.packed({**plain, "weights": _spread(operator, plain, last)}, channels),
        macs=operator.outputs[0].elements * operator.inputs[1].shape[3],
        overlap=mve.line_overlap(steps, _SHALLOW_PIXELS, channels),
    )


def pairs(operator: Operator, options: Options) -> Emitted:
    """Any, of two pixels at a time."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    plain = mve.prepared(operator, options, channel_axis=0)
    weights, channels = operator.inputs[1], operator.outputs[0].shape[3]
    taps, patch = math.prod(weights.shape[1:3]), math.prod(weights.shape[1:])
    copied = taps > 1 or any(attributes.padding)
    packed = [mve.packed(part, len(part["bias"])) for part in _by_group(operator, plain)]
    return Emitted(
        headers=(*_HEADERS, "window.h", "grouped.h", "mve_grouped.h"),
        kernel=f"mve_grouped_{mve.variant(operator, attributes.clamp, plain)}",
        struct="mve_grouped",
        fields={
            "pixels": _group(operator, attributes),
            "grouped": grouped.grouped(operator),
            "copied": int(copied),
            "in_fours": _in_fours(operator),
            "weights_step": len(packed[0]["weights"]),
            "quads_step": len(packed[0]["quads"]),
        },
        constants={
            name: np.concatenate([part[name] for part in packed]) for name in ("weights", "quads")
        },
        macs=operator.outputs[0].elements * patch,
        scratch=_PIXELS * (taps * _POINTER + patch * copied) + operator.inputs[0].shape[3],
        overlap=overlap.convolution(operator, ahead=_PIXELS * channels),
    )


def _in_fours(operator: Operator) -> int:
    """How many of the first groups may have their channels rounded up to fours: the next group has
    as many to write over what is too much. It goes no further than all groups' channels."""
    groups = grouped.count(operator)
    own = operator.outputs[0].shape[3] // groups
    if own % _LANES == 0:
        return groups
    return groups - 1 if own > 1 else 0


def _group(operator: Operator, attributes: Convolution) -> Mapping[str, Field]:
    """``struct utvm_mve_pixels`` of one group, with results of pixels as far apart as all
    groups' are."""
    channels = operator.outputs[0].shape[3]
    return {
        "depth": math.prod(operator.inputs[1].shape[1:]),
        "channels": channels // grouped.count(operator),
        "out_step": channels,
        "range": mve.value_range(operator, attributes.clamp),
    }


def _by_group(operator: Operator, plain: Mapping[str, Array]) -> list[dict[str, Array]]:
    """Each group's own constants."""
    groups, channels = grouped.count(operator), operator.outputs[0].shape[3]
    scales = {name: np.broadcast_to(plain[name], channels) for name in ("multiplier", "shift")}
    split = {name: np.split(data, groups) for name, data in {**plain, **scales}.items()}
    return [{name: parts[i] for name, parts in split.items()} for i in range(groups)]


def _firsts(operator: Operator) -> Array:
    """The first input channel that each output channel sees, int64 [channels]."""
    channels = operator.outputs[0].shape[3]
    group = np.arange(channels) // (channels // grouped.count(operator))
    return group * operator.inputs[1].shape[3]


def _span(operator: Operator) -> int:
    """How many input channels four output channels see at most."""
    firsts = _firsts(operator)
    lanes = np.arange(len(firsts))
    ahead = firsts - firsts[lanes // _LANES * _LANES]
    return int(ahead.max()) + operator.inputs[1].shape[3]


def _spread(operator: Operator, plain: Mapping[str, Array], last: int) -> Array:
    """Weights [channels][16] for what four channels see, from the first input channel of these or
    the ``last`` one that a vector may begin with."""
    depth, channels = operator.inputs[1].shape[3], operator.outputs[0].shape[3]
    own = plain["weights"].reshape(channels, depth)
    firsts = _firsts(operator)
    begins = np.minimum(firsts[np.arange(channels) // _LANES * _LANES], last)
    whole = np.zeros((channels, _DEPTH), np.int8)
    columns = (firsts - begins)[:, None] + np.arange(depth)
    whole[np.arange(channels)[:, None], columns] = own
    return whole.reshape(-1)
