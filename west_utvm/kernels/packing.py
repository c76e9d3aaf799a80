# SPDX-License-Identifier: Apache-2.0
"""Constants as the instructions that read them want them: weights of two channels in 16 bits, and
scales in words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from west_utvm.kernels.fixed_point import quantize_multiplier, requantize
from west_utvm.kernels.weighted import factor, folded_bias
from west_utvm.lowering.program import (
    Array,
    Convolution,
    FullyConnected,
    Operator,
    Rounding,
)

# What kernels that read such constants begin with.
HEADERS = ("base.h", "fixed_point.h", "requantize_{rounding}.h", "scale_{rounding}.h", "words.h")
# Inputs that are taken apart together: four of 8 bits become two words, as SXTB16 does it.
GROUP = 4
# Inputs of one turn of the innermost loops.
TURN = 8
_ORDER = (0, 2, 1, 3)
# For a channel without inputs: what it starts with is times 8, the factor is 1/8.
_STEADY_FACTOR = 0.125


@dataclass(frozen=True)
class Channels:
    """Weights (O, K) and biases (O) in int64, and words of scales (O or 1, n) in int32."""

    weights: Array
    bias: Array
    scales: Array

    @property
    def scale_of_each(self) -> Array:
        return np.broadcast_to(self.scales, (len(self.bias), self.scales.shape[1]))


def channels(operator: Operator, rounding: Rounding, axis: int = 0) -> Channels | None:
    """Of a weighted operator with its output channels along ``axis`` of the weights.

    None where a factor or a sum is beyond what ``c/scale_<rounding>.h`` takes. A channel whose
    result is the same for any input has no weights any more: quantizers leave some with biases
    of 31 bits and factors of no use.
    """
    source = operator.inputs[1]
    assert source.data is not None
    weights = np.moveaxis(source.data, axis, 0).reshape(source.data.shape[axis], -1)
    weights = weights.astype(np.int64)
    bias = folded_bias(operator, axis).astype(np.int64)
    factors = [factor(operator, rounding, scale) for scale in source.scales]
    if len(factors) > 1:
        least = np.minimum(weights * -128, weights * 127).sum(axis=1) + bias
        most = np.maximum(weights * -128, weights * 127).sum(axis=1) + bias
        for i, result in enumerate(only_results(operator, rounding, least, most)):
            if result is not None:
                weights[i], factors[i] = 0, _STEADY_FACTOR
                bias[i] = (result - operator.outputs[0].zero_point) * 8
    rows = [_WORDS[rounding](factor) for factor in factors]
    found = [row for row in rows if row is not None]
    largest = int((np.abs(bias) + 128 * np.abs(weights).sum(axis=1)).max())
    if len(found) < len(rows) or (rounding != "tflm" and largest >= 1 << 24):
        return None
    return Channels(weights, bias, np.array(found, np.uint32).view(np.int32))


def only_results(
    operator: Operator, rounding: Rounding, least: Array, most: Array
) -> list[int | None]:
    """For each channel its result, if that is the same for its smallest and its largest sum:
    requantization is monotonic. None if it is not."""
    attributes, zero = operator.attributes, operator.outputs[0].zero_point
    assert isinstance(attributes, Convolution | FullyConnected)
    low, high = attributes.clamp.low, attributes.clamp.high
    scales = operator.inputs[1].scales
    results: list[int | None] = []
    for i, ends in enumerate(zip(least.tolist(), most.tolist(), strict=True)):
        real = factor(operator, rounding, scales[i if len(scales) > 1 else 0])
        found = {max(low, min(rounded(end, real, rounding) + zero, high)) for end in ends}
        results.append(found.pop() if len(found) == 1 else None)
    return results


def rounded(value: int, factor: float, rounding: Rounding) -> int:
    """A sum times its factor."""
    if rounding == "tflm":
        return requantize(value, *quantize_multiplier(factor))
    with np.errstate(over="ignore", invalid="ignore"):
        product = np.float32(value) * np.float32(factor)
    # Of a damaged model it may be beyond all integers. No factor makes a number of no number.
    return int(np.rint(np.clip(np.nan_to_num(product), -(2.0**31), 2.0**31)))


def _tflm(factor: float) -> tuple[int, ...] | None:
    multiplier, shift = quantize_multiplier(factor)
    if multiplier == 0 or shift > -2:
        return None
    return 2 * multiplier % (1 << 32), 1 << (32 + shift)


def _litert(factor: float) -> tuple[int, ...] | None:
    return (int(np.float32(factor).view(np.uint32)),) if 2.0**-24 < factor < 2.0**-2 else None


_WORDS = {"tflm": _tflm, "litert": _litert}


def padded(inputs: int) -> int:
    return -(-inputs // TURN) * TURN


def pair_words(weights: Array, inputs: int) -> Array:
    """Weights (O, K) as words (O / 2, inputs / 2), int32; see ``c/packed.h``.

    O is rounded up to a multiple of 2, and K to ``inputs``, one of 4, with zeros.
    """
    outputs, given = weights.shape
    whole = np.zeros((outputs + outputs % 2, inputs), np.int64)
    whole[:outputs, :given] = weights
    both = whole[0::2] + 256 * whole[1::2]
    groups = both.reshape(len(both), -1, GROUP)[:, :, _ORDER].reshape(len(both), -1)
    return words(groups[:, 0::2], groups[:, 1::2])


def pair_records(channels: Channels, weights: Array, inputs: int) -> Array:
    """For two channels their biases, ``weights`` as words, and scales; then for the next two."""
    pairs = pair_words(weights, inputs)
    scales = np.zeros((2 * len(pairs), channels.scales.shape[1]), np.int32)
    scales[: len(channels.bias)] = channels.scale_of_each
    biases = pair_biases(channels.bias)
    return np.hstack([biases, pairs, scales.reshape(len(pairs), -1)]).reshape(-1)


def words(low: Array, high: Array) -> Array:
    """Two numbers of 16 bits in each word, int32."""
    found: Array = ((low & 0xFFFF) | high << 16).astype(np.int32)
    return found


def pair_biases(bias: Array) -> Array:
    """For each two channels, what their sums start with: a, and a + 256 * b. (O / 2, 2), int32."""
    whole = np.zeros(len(bias) + len(bias) % 2, np.int64)
    whole[: len(bias)] = bias
    return np.stack([whole[0::2], whole[0::2] + 256 * whole[1::2]], axis=1).astype(np.int32)


def pairs_fit(channels: Channels) -> bool:
    """Whether two channels fit 16 bits, and 256 times each second one's sum 32 at any input."""
    second = channels.weights[1::2]
    both = channels.weights[0::2][: len(second)] + 256 * second
    sums = np.abs(channels.bias[1::2]) + 128 * np.abs(second).sum(axis=1)
    low, high = np.iinfo(np.int16).min, np.iinfo(np.int16).max
    return bool(np.all((both >= low) & (both <= high)) and np.all(sums < 1 << 23))
