# SPDX-License-Identifier: Apache-2.0
"""What each operator must give, slowly and plainly, from the definitions of the references.

``tflm`` is TensorFlow Lite's reference kernels with gemmlowp's fixed-point arithmetic, ``litert``
is XNNPACK's float32 requantization, ``ort`` what ONNX Runtime does on x86-64. Nothing is
optimised, shared with the kernels or narrower than it has to be: sums are int64, fixed-point
figures Python's integers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from west_utvm.codegen.operators import activations
from west_utvm.kernels import Options, emit
from west_utvm.kernels.fixed_point import exp_on_negative, input_radius
from west_utvm.lowering.program import (
    BatchMatmul,
    Bilinear,
    Chain,
    Clamp,
    Concatenation,
    Convolution,
    Elementwise,
    FullyConnected,
    Gather,
    Operator,
    Pad,
    Pooling,
    Reduction,
    Resize,
    Rounding,
    Softmax,
    StridedSlice,
    Transpose,
    TransposedConvolution,
)

Array = NDArray[Any]


def expected(operator: Operator, rounding: Rounding, inputs: Sequence[Array]) -> Array:
    """The result; ``inputs`` are the activations, without weights and bias."""
    result, output = _KINDS[operator.kind](operator, rounding, inputs), operator.outputs[0]
    return result.reshape(output.shape).astype(output.dtype)


# Fixed-point arithmetic, as gemmlowp defines it.


def quantized_multiplier(real: float) -> tuple[int, int]:
    """TensorFlow Lite's QuantizeMultiplier: real = multiplier / 2^31 x 2^shift."""
    mantissa, shift = math.frexp(real)
    multiplier = math.floor(mantissa * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def doubling_high_multiply(a: int, b: int) -> int:
    """gemmlowp's SaturatingRoundingDoublingHighMul: 2 a b / 2^32, rounded, truncated to zero."""
    nudged = a * b + (2**30 if a * b >= 0 else 1 - 2**30)
    return abs(nudged) // 2**31 * (1 if nudged >= 0 else -1)


def divide_by_power(value: int, exponent: int) -> int:
    """gemmlowp's RoundingDivideByPOT."""
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (1 if value < 0 else 0)
    return (value >> exponent) + (1 if value & mask > threshold else 0)


def twice_rounded(value: int, multiplier: int, shift: int) -> int:
    """TensorFlow Lite's MultiplyByQuantizedMultiplier, with its two roundings."""
    shifted = value << max(shift, 0)
    assert -(2**31) <= shifted < 2**31, "the case overflows the reference"
    return divide_by_power(doubling_high_multiply(shifted, multiplier), max(-shift, 0))


def _scaled(sums: Array, real: float) -> Array:
    multiplier, shift = quantized_multiplier(real)
    distinct, where = np.unique(sums, return_inverse=True)
    results = [twice_rounded(int(value), multiplier, shift) for value in distinct]
    scaled: Array = np.array(results, np.int64)[where].reshape(sums.shape)
    return scaled


def _scaled_single(sums: Array, scale: np.float32) -> Array:
    """XNNPACK's: to float32, times the scale, to the nearest integer, halves to even."""
    product = sums.astype(np.float32) * np.float32(scale)
    rounded: Array = np.rint(np.clip(product, np.float32(-1e6), np.float32(1e6)))
    return rounded.astype(np.int64)


def _clamped(values: Array, operator: Operator, clamp: Clamp) -> Array:
    result: Array = np.clip(values + operator.outputs[0].zero_point, clamp.low, clamp.high)
    return result


# Convolutions and fully connected layers.


def _requantized(operator: Operator, rounding: Rounding, sums: Array, clamp: Clamp) -> Array:
    """The last axis of ``sums`` is the channel."""
    source, weights, _ = operator.inputs
    channels = sums.shape[-1]
    scales = weights.scales if len(weights.scales) > 1 else weights.scales * channels
    result = np.empty_like(sums)
    for channel, scale in enumerate(scales):
        if rounding == "tflm":
            real = source.scale * scale / operator.outputs[0].scale
            result[..., channel] = _scaled(sums[..., channel], real)
        else:
            product = np.float32(source.scale) * np.float32(scale)
            single = product / np.float32(operator.outputs[0].scale)
            result[..., channel] = _scaled_single(sums[..., channel], single)
    return _clamped(result, operator, clamp)


def _taps(data: Array, operator: Operator, window: tuple[int, int]) -> Any:
    """(row, column, what each output reads of it [N, H, W, C]) of every tap of a window; ``data``
    is centred, so that padding is zero."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    top, left, bottom, right = attributes.padding
    padded = np.pad(data, ((0, 0), (top, bottom), (left, right), (0, 0)))
    _, height, width, _ = operator.outputs[0].shape
    (stride_y, stride_x), (step_y, step_x) = attributes.strides, attributes.dilation
    for row in range(window[0]):
        for column in range(window[1]):
            rows = row * step_y + np.arange(height) * stride_y
            columns = column * step_x + np.arange(width) * stride_x
            yield row, column, padded[:, rows][:, :, columns]


def _convolution(operator: Operator, rounding: Rounding, inputs: Sequence[Array]) -> Array:
    source, weights, bias = operator.inputs
    assert weights.data is not None and bias.data is not None
    assert isinstance(operator.attributes, Convolution)
    data = inputs[0].astype(np.int64) - source.zero_point
    own = weights.data.astype(np.int64)
    sums = np.zeros(operator.outputs[0].shape, np.int64) + bias.data
    if operator.kind == "conv2d":
        for row, column, read in _taps(data, operator, own.shape[1:3]):
            sums += read @ own[:, row, column].T
    elif operator.kind == "grouped_conv2d":
        groups = source.shape[3] // own.shape[3]
        for row, column, read in _taps(data, operator, own.shape[1:3]):
            pairs = zip(
                np.split(read, groups, 3), np.split(own[:, row, column], groups), strict=True
            )
            sums += np.concatenate([part @ taps.T for part, taps in pairs], axis=3)
    else:
        copies = own.shape[2] // source.shape[3]
        for row, column, read in _taps(data, operator, own.shape[:2]):
            sums += np.repeat(read, copies, axis=3) * own[row, column]
    return _requantized(operator, rounding, sums, operator.attributes.clamp)


def _transposed(operator: Operator, rounding: Rounding, inputs: Sequence[Array]) -> Array:
    """Each pixel is spread over a window of a larger image, whose borders are cut off."""
    source, weights, bias = operator.inputs
    attributes = operator.attributes
    assert weights.data is not None and bias.data is not None
    assert isinstance(attributes, TransposedConvolution)
    data, own = inputs[0].astype(np.int64) - source.zero_point, weights.data.astype(np.int64)
    batches, rows, columns, _ = data.shape
    (down, across), (top, left, bottom, right) = attributes.strides, attributes.padding
    _, height, width, channels = operator.outputs[0].shape
    whole = np.zeros((batches, top + height + bottom, left + width + right, channels), np.int64)
    for y in range(rows):
        for x in range(columns):
            spread = np.einsum("ni,ohwi->nhwo", data[:, y, x], own)
            area = slice(y * down, y * down + own.shape[1])
            whole[:, area, x * across : x * across + own.shape[2]] += spread
    sums = whole[:, top : top + height, left : left + width] + bias.data
    return _requantized(operator, rounding, sums, attributes.clamp)


def _fully_connected(operator: Operator, rounding: Rounding, inputs: Sequence[Array]) -> Array:
    source, weights, bias = operator.inputs
    assert weights.data is not None and bias.data is not None
    assert isinstance(operator.attributes, FullyConnected)
    data = inputs[0].astype(np.int64).reshape(-1, weights.shape[1]) - source.zero_point
    sums = data @ weights.data.astype(np.int64).T + bias.data
    return _requantized(operator, rounding, sums, operator.attributes.clamp)


# Pooling.


def _pooling(operator: Operator, rounding: Rounding, inputs: Sequence[Array]) -> Array:
    attributes = operator.attributes
    assert isinstance(attributes, Pooling)
    batches, height, width, channels = operator.outputs[0].shape
    data = inputs[0].astype(np.int64)
    result = np.empty((batches, height, width, channels), np.int64)
    for y in range(height):
        for x in range(width):
            first_row = y * attributes.strides[0] - attributes.padding[0]
            first_column = x * attributes.strides[1] - attributes.padding[1]
            rows = slice(max(first_row, 0), first_row + attributes.window[0])
            columns = slice(max(first_column, 0), first_column + attributes.window[1])
            read = data[:, rows, columns].reshape(batches, -1, channels)
            if operator.kind == "average_pool2d" and rounding == "ort":
                result[:, y, x] = _single_mean(operator, attributes.offset, read)
            else:
                result[:, y, x] = _POOLS[operator.kind](read)
    return np.clip(result, attributes.clamp.low, attributes.clamp.high)


def _rounded_mean(read: Array) -> Array:
    """Of axis 1: to the nearest integer, halves away from zero."""
    sums, count = read.sum(axis=1), read.shape[1]
    mean: Array = np.sign(sums) * ((2 * np.abs(sums) + count) // (2 * count))
    return mean


def _single_mean(operator: Operator, offset: int, read: Array) -> Array:
    """In float32, step by step, from dequantized taps to the quantized mean."""
    source, output = operator.inputs[0], operator.outputs[0]
    reals = (read - source.zero_point).astype(np.float32) * np.float32(source.scale)
    total = np.zeros_like(reals[:, 0])
    for tap in range(reals.shape[1]):
        total = total + reals[:, tap]
    scaled = total / np.float32(reals.shape[1]) / np.float32(output.scale)
    mean: Array = np.rint(scaled + np.float32(output.zero_point + offset)) - offset
    return mean


_POOLS: dict[str, Callable[[Array], Array]] = {
    "average_pool2d": _rounded_mean,
    "max_pool2d": lambda read: read.max(axis=1),
}


# Two inputs.


def _add(operator: Operator, rounding: Rounding, inputs: Sequence[Array]) -> Array:
    """Addition and subtraction."""
    assert isinstance(operator.attributes, Elementwise)
    sign = 1 if operator.kind == "add" else -1
    if rounding == "ort":
        total = (_sum_ort if sign > 0 else _difference_ort)(operator, inputs)
        return np.clip(total, operator.attributes.clamp.low, operator.attributes.clamp.high)
    sums = _SUMS[rounding](operator, inputs, sign)
    return _clamped(sums, operator, operator.attributes.clamp)


def _sum_tflm(operator: Operator, inputs: Sequence[Array], sign: int) -> Array:
    """Each input times its scale / (2 x the larger), with 20 bits more; then the sum."""
    twice = 2 * max(value.scale for value in operator.inputs)
    first, second = (
        _scaled((data.astype(np.int64) - value.zero_point) * 2**20, value.scale / twice)
        for value, data in zip(operator.inputs, inputs, strict=True)
    )
    total = first + sign * second
    return _scaled(total, twice / (2**20 * operator.outputs[0].scale))


def _sum_litert(operator: Operator, inputs: Sequence[Array], sign: int) -> Array:
    """XNNPACK's qs8 addition: fixed-point factors whose larger one has 21 bits, one rounding."""
    out = np.float32(operator.outputs[0].scale)
    ratios = [np.float32(value.scale) / out for value in operator.inputs]
    shift = 20 - (math.frexp(max(ratios))[1] - 1)
    first, second = (round(float(ratio) * 2.0**shift) for ratio in ratios)  # halves to even
    centred = [
        data.astype(np.int64) - value.zero_point
        for value, data in zip(operator.inputs, inputs, strict=True)
    ]
    total = centred[0] * first + sign * centred[1] * second
    rounded: Array = (total + (1 << (shift - 1))) >> shift
    return rounded


def _sum_ort(operator: Operator, inputs: Sequence[Array]) -> Array:
    """MLAS's: a ra + (b rb + fixed), two fused multiplications and additions of float32."""
    assert isinstance(operator.attributes, Elementwise)
    offset, output = operator.attributes.offset, operator.outputs[0]
    ratios = [np.float32(v.scale) / np.float32(output.scale) for v in operator.inputs]
    points = [v.zero_point + offset for v in (*operator.inputs, output)]
    fixed = _fused(points[0], ratios[0], np.float32(points[1]) * ratios[1])
    fixed = (np.float32(points[2]) - fixed).astype(np.float32)
    first, second = (data.astype(np.int64) + offset for data in inputs)
    total = _fused(first, ratios[0], _fused(second, ratios[1], fixed))
    rounded: Array = np.rint(total) - offset
    return rounded


def _fused(values: Any, factor: np.float32, more: Any) -> Array:
    """values * factor + more, rounded once: the 64 bits of a long double hold it exactly."""
    product = np.asarray(values).astype(np.longdouble) * np.longdouble(factor)
    result: Array = product + np.asarray(more).astype(np.longdouble)
    return result.astype(np.float32)


def _difference_ort(operator: Operator, inputs: Sequence[Array]) -> Array:
    """Dequantized, subtracted and quantized in float32."""
    output = operator.outputs[0]
    first, second = (
        (data.astype(np.int64) - value.zero_point).astype(np.float32) * np.float32(value.scale)
        for value, data in zip(operator.inputs, inputs, strict=True)
    )
    scaled = (first - second) / np.float32(output.scale)
    rounded: Array = np.rint(scaled) + output.zero_point
    return rounded


_SUMS = {"tflm": _sum_tflm, "litert": _sum_litert}


def _mul(operator: Operator, rounding: Rounding, inputs: Sequence[Array]) -> Array:
    assert isinstance(operator.attributes, Elementwise)
    a, b = operator.inputs
    out = operator.outputs[0].scale
    centred = [
        data.astype(np.int64) - value.zero_point
        for value, data in zip(operator.inputs, inputs, strict=True)
    ]
    product = centred[0] * centred[1]
    if rounding == "tflm":
        scaled = _scaled(product, a.scale * b.scale / out)
        return _clamped(scaled, operator, operator.attributes.clamp)
    single = np.float32(a.scale) * np.float32(b.scale) / np.float32(out)
    if rounding == "litert":
        return _clamped(_scaled_single(product, single), operator, operator.attributes.clamp)
    clamp, offset = operator.attributes.clamp, operator.attributes.offset
    point = np.float32(operator.outputs[0].zero_point + offset)
    rounded: Array = np.rint(product.astype(np.float32) * single + point) - offset
    return rounded.clip(clamp.low, clamp.high)


def _batch_matmul(operator: Operator, rounding: Rounding, inputs: Sequence[Array]) -> Array:
    assert isinstance(operator.attributes, BatchMatmul)
    a, b = operator.inputs
    factors = []
    for value, data, turned in zip(
        operator.inputs, inputs, operator.attributes.adjoints, strict=True
    ):
        centred = data.astype(np.int64) - value.zero_point
        factors.append(centred.swapaxes(-1, -2) if turned else centred)
    sums = factors[0] @ factors[1]
    out = operator.outputs[0].scale
    if rounding == "litert" and not b.zero_point:
        single = np.float32(a.scale) * np.float32(b.scale) / np.float32(out)
        return _clamped(_scaled_single(sums, single), operator, Clamp())
    return _clamped(_scaled(sums, a.scale * b.scale / out), operator, Clamp())


def _squared_difference(operator: Operator, rounding: Rounding, inputs: Sequence[Array]) -> Array:
    assert isinstance(operator.attributes, Elementwise)
    twice = 2 * max(value.scale for value in operator.inputs)
    first, second = (
        _scaled((data.astype(np.int64) - value.zero_point) * 2**7, value.scale / twice)
        for value, data in zip(operator.inputs, inputs, strict=True)
    )
    scaled = _scaled((first - second) ** 2, twice**2 / (2**14 * operator.outputs[0].scale))
    return _clamped(scaled, operator, operator.attributes.clamp)


def _prelu(operator: Operator, rounding: Rounding, inputs: Sequence[Array]) -> Array:
    assert isinstance(operator.attributes, Elementwise)
    source, slope = operator.inputs
    out = operator.outputs[0].scale
    centred, slopes = (
        data.astype(np.int64) - value.zero_point
        for value, data in zip(operator.inputs, inputs, strict=True)
    )
    above = _scaled(centred, source.scale / out)
    below = _scaled(centred * slopes, source.scale * slope.scale / out)
    result = np.where(centred >= 0, above, below)
    return _clamped(result, operator, operator.attributes.clamp)


# Softmax, reductions, functions of one element.


def _softmax(operator: Operator, rounding: Rounding, inputs: Sequence[Array]) -> Array:
    assert isinstance(operator.attributes, Softmax)
    source = operator.inputs[0]
    rows = inputs[0].astype(np.int64).reshape(-1, source.shape[-1])
    below = rows.max(axis=1, keepdims=True) - rows
    scale, beta = source.scale, operator.attributes.beta
    return np.array([_SOFTMAX[rounding](row, scale, beta) for row in below])


def _softmax_tflm(below: Array, scale: float, beta: float) -> list[int]:
    """Of one row, as distances from its largest: exponentials in Q0.31, their sum in Q12.19."""
    multiplier, shift = quantized_multiplier(min(beta * scale * 2**26, 2.0**31 - 1))
    radius = input_radius(5, shift)
    powers = [
        exp_on_negative(twice_rounded(-int(d), multiplier, shift), 5) if d <= radius else 0
        for d in below
    ]
    total = sum(divide_by_power(power, 12) for power in powers)
    zeros = 32 - total.bit_length()
    inverse = _one_over_one_plus((total << zeros) - 2**31)
    quotients = [
        divide_by_power(doubling_high_multiply(inverse, power), 12 - zeros + 31 - 8)
        for power in powers
    ]
    return [max(-128, min(quotient - 128, 127)) for quotient in quotients]


def _one_over_one_plus(x: int) -> int:
    """gemmlowp's one_over_one_plus_x_for_x_in_0_1: Newton and Raphson's steps in Q2.29."""
    half = (x + 2**31) // 2
    guess = 1515870810 + doubling_high_multiply(half, -1010580540)  # 48/17 - 32/17 half
    for _ in range(3):
        error = 2**29 - doubling_high_multiply(half, guess)
        guess += 4 * doubling_high_multiply(guess, error)
    return min(2 * guess, 2**31 - 1)


def _softmax_litert(below: Array, scale: float, beta: float) -> list[int]:
    """In float32, from a table of exponentials; the output's scale is 1/256."""
    exponents = np.float32(-scale) * np.float32(beta) * below.astype(np.float32)
    powers = np.exp(exponents.astype(np.float64)).astype(np.float32)
    total = np.float32(0)
    for power in powers:
        total += power
    inverse = np.float32(1) / (total * np.float32(1 / 256))
    quotients = (math.floor(float(power * inverse) + 0.5) for power in powers)
    return [max(-128, min(quotient - 128, 127)) for quotient in quotients]


def _softmax_ort(below: Array, scale: float, beta: float) -> list[int]:
    """Like LiteRT's, with exponentials scaled up, and halves to even."""
    if len(below) == 1:
        return [127]
    more = max(0.0, math.log(float(np.finfo(np.float32).max) / len(below)) - 5)
    powers = np.exp(more - below * float(np.float32(scale))).astype(np.float32)
    total = np.float32(0)
    for power in powers:
        total += power
    quotients = np.rint(powers * np.float32(256) / total)
    return [max(-128, min(int(quotient) - 128, 127)) for quotient in quotients]


_SOFTMAX = {"tflm": _softmax_tflm, "litert": _softmax_litert, "ort": _softmax_ort}


def _reduction(operator: Operator, rounding: Rounding, inputs: Sequence[Array]) -> Array:
    attributes, source, target = operator.attributes, operator.inputs[0], operator.outputs[0]
    assert isinstance(attributes, Reduction)
    if attributes.function in ("max", "min"):
        extreme: Array = getattr(inputs[0], attributes.function)(axis=attributes.axes)
        return extreme
    mean = attributes.function == "mean"
    count = math.prod(source.shape[axis] for axis in attributes.axes)
    sums = inputs[0].astype(np.int64).sum(axis=attributes.axes)
    if rounding == "litert":
        scale = np.float32(source.scale) / np.float32(target.scale)
        scale = scale / np.float32(count) if mean else scale
        points = np.float32(source.zero_point) * np.float32(count) * scale
        bias = np.float32(target.zero_point) - points
        single: Array = np.rint(sums.astype(np.float32) * scale + bias)
        return single.clip(-128, 127)
    if rounding == "ort":
        divisor = np.float32(target.scale) * (np.float32(count) if mean else np.float32(1))
        centred = sums - source.zero_point * count
        return _clamped(
            _scaled_single(centred, np.float32(source.scale) / divisor), operator, Clamp()
        )
    multiplier, shift = quantized_multiplier(source.scale / target.scale)
    if mean:  # the count goes into the multiplier
        bits = min(count.bit_length() - 1, 32, 31 + shift)
        multiplier, shift = (multiplier << bits) // count, shift - bits
    centred = sums - source.zero_point * count
    results = [twice_rounded(int(value), multiplier, shift) for value in centred.reshape(-1)]
    shifted: Array = np.array(results) + target.zero_point
    return np.clip(shifted, -128, 127)


def _unary(operator: Operator, rounding: Rounding, inputs: Sequence[Array]) -> Array:
    """The function's table is what the tests of the compiler hold against both references."""
    table = emit(operator, Options(rounding)).constants["table"]
    result: Array = table[inputs[0].astype(np.int64) + 128]
    return result


def _bilinear(operator: Operator, rounding: Rounding, inputs: Sequence[Array]) -> Array:
    """By weights of 10 bits for all four pixels, or of 11 along one axis and then the other."""
    assert isinstance(operator.attributes, Bilinear)
    data, sides = inputs[0].astype(np.int64), []
    for axis in (1, 2):
        sizes = operator.inputs[0].shape[axis], operator.outputs[0].shape[axis]
        place = _PLACES[rounding](*sizes, operator.attributes)
        first = place.astype(np.int64)
        sides.append((first, np.minimum(first + 1, sizes[0] - 1), place - first))
    (top, bottom, down), (left, right, across) = sides
    corners = [data[:, rows][:, :, columns] for rows in (top, bottom) for columns in (left, right)]
    one = 1024 if rounding == "tflm" else 2048
    y, x = (np.rint(weight * one).astype(np.int64) for weight in (down, across))
    y, x = y[:, None, None], x[:, None]
    weights = [(one - y) * (one - x), (one - y) * x, y * (one - x), y * x]
    total = sum(pixel * weight for pixel, weight in zip(corners, weights, strict=True))
    away: Array = np.sign(total) * ((np.abs(total) + (1 << 19)) >> 20)
    up: Array = (total + (1 << 21)) >> 22
    return away if rounding == "tflm" else up


def _places_tflm(size: int, out_size: int, attributes: Bilinear) -> Array:
    less = int(attributes.align_corners and out_size > 1)
    scale = (1024 * (size - less) + (out_size - less) // 2) // (out_size - less)
    places = np.arange(out_size) * scale
    if attributes.half_pixel_centers:
        places = places + scale // 2 - 512
    return np.maximum(places, 0) / 1024


def _places_litert(size: int, out_size: int, attributes: Bilinear) -> Array:
    less = int(attributes.align_corners and out_size > 1)
    scale = np.float32(size - less) / np.float32(out_size - less)
    places = np.arange(out_size, dtype=np.float32) * scale
    if attributes.half_pixel_centers:
        places = places + (np.float32(0.5) * scale - np.float32(0.5))
    clipped: Array = places.clip(0, size - 1)
    return clipped


_PLACES = {"tflm": _places_tflm, "litert": _places_litert}


# Between float32 and int8.


def _quantize(operator: Operator, rounding: Rounding, inputs: Sequence[Array]) -> Array:
    """For NaN, where the references say nothing, a real 0."""
    output, data = operator.outputs[0], np.nan_to_num(inputs[0], nan=0.0)
    scale = np.float32(output.scale)
    if rounding == "tflm":  # halves away from zero
        quotient = data / scale
        steps = np.sign(quotient) * np.floor(np.abs(quotient.astype(np.float64)) + 0.5)
    elif rounding == "ort":
        steps = np.rint(data / scale)
    else:
        steps = np.rint(data * (np.float32(1) / scale))
    return np.clip(steps.astype(np.float64) + output.zero_point, -128, 127)


def _dequantize(operator: Operator, rounding: Rounding, inputs: Sequence[Array]) -> Array:
    source = operator.inputs[0]
    real: Array = np.float32(source.scale) * (inputs[0].astype(np.int32) - source.zero_point)
    return real.astype(np.float32)


# Operators that move elements.


def _moved(operator: Operator, rounding: Rounding, inputs: Sequence[Array]) -> Array:
    attributes, data = operator.attributes, inputs[0]
    if isinstance(attributes, Concatenation):
        return np.concatenate(inputs, axis=attributes.axis)
    if isinstance(attributes, Pad):
        widths = list(zip(attributes.before, attributes.after, strict=True))
        return np.pad(data, widths, constant_values=attributes.value)
    if isinstance(attributes, Transpose):
        return data.transpose(attributes.axes)
    if isinstance(attributes, Resize):
        return data[:, list(attributes.rows)][:, :, list(attributes.columns)]
    if isinstance(attributes, Gather):
        for axis, places in enumerate(attributes.places):
            data = data if places is None else data.take(places, axis)
        return data
    if isinstance(attributes, StridedSlice):
        taken = zip(attributes.begin, attributes.strides, operator.outputs[0].shape, strict=True)
        return data[np.ix_(*(begin + stride * np.arange(size) for begin, stride, size in taken))]
    return data


def _chain(operator: Operator, rounding: Rounding, inputs: Sequence[Array]) -> Array:
    """One link after the other."""
    assert isinstance(operator.attributes, Chain)
    known = {id(value): data for value, data in zip(operator.inputs, inputs, strict=True)}
    for link in operator.attributes.links:
        taken = [known[id(value)] for value in activations(link)]
        known[id(link.outputs[0])] = expected(link, rounding, taken)
    return known[id(operator.outputs[0])]


_KINDS: dict[str, Callable[[Operator, Rounding, Sequence[Array]], Array]] = {
    "add": _add,
    "average_pool2d": _pooling,
    "batch_matmul": _batch_matmul,
    "chain": _chain,
    "concatenation": _moved,
    "conv2d": _convolution,
    "conv2d_transpose": _transposed,
    "depthwise_conv2d": _convolution,
    "gather": _moved,
    "grouped_conv2d": _convolution,
    "dequantize": _dequantize,
    "fully_connected": _fully_connected,
    "max_pool2d": _pooling,
    "maximum": lambda operator, rounding, inputs: np.maximum(*inputs),
    "minimum": lambda operator, rounding, inputs: np.minimum(*inputs),
    "mul": _mul,
    "prelu": _prelu,
    "pad": _moved,
    "quantize": _quantize,
    "reduction": _reduction,
    "reshape": _moved,
    "resize_bilinear": _bilinear,
    "resize_nearest": _moved,
    "softmax": _softmax,
    "squared_difference": _squared_difference,
    "strided_slice": _moved,
    "sub": _add,
    "transpose": _moved,
    "unary": _unary,
}
