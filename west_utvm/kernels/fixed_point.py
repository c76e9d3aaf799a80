# SPDX-License-Identifier: Apache-2.0
"""The fixed-point arithmetic of the kernels, for what is computed when a model is compiled.

Algorithms are those of TensorFlow Lite's reference kernels and of gemmlowp's fixedpoint, whose
results are a part of what their users rely on. Integers are Python's: they do not overflow.
"""

from __future__ import annotations

import math
from fractions import Fraction

INT32_MAX = (1 << 31) - 1


def quantize_multiplier(real: float) -> tuple[int, int]:
    """``real`` as multiplier x 2^(shift - 31), the multiplier of 31 bits; (0, 0) if it is tiny."""
    mantissa, shift = math.frexp(real)
    multiplier = math.floor(mantissa * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier, shift = 1 << 30, shift + 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def multiply_high(a: int, b: int) -> int:
    return (a * b + (1 << 30)) >> 31


def divide_by_power(value: int, bits: int) -> int:
    """Rounded to nearest, halves away from zero."""
    magnitude = (abs(value) + ((1 << bits) >> 1)) >> bits
    return magnitude if value >= 0 else -magnitude


def single_multiplier(real: float) -> tuple[int, int]:
    """A float32 as multiplier / 2^shift, the multiplier of 24 bits."""
    mantissa, exponent = math.frexp(real)
    return int(mantissa * (1 << 24)), 24 - exponent


def round_to_single(value: Fraction) -> Fraction:
    """The nearest of the figures that float32 has, halves to even, whatever their exponent."""
    if not value:
        return value
    exponent = abs(value.numerator).bit_length() - value.denominator.bit_length()
    unit = Fraction(2) ** (exponent - 23)
    rounded = round(value / unit) * unit
    # The estimate of the exponent may be one too large.
    return rounded if abs(value) >= 2**23 * unit else round(2 * value / unit) * unit / 2


def requantize(value: int, multiplier: int, shift: int) -> int:
    """value x multiplier x 2^(shift - 31), rounded twice."""
    high = multiply_high(value << max(shift, 0), multiplier)
    return divide_by_power(high, max(-shift, 0))


def input_radius(integer_bits: int, shift: int) -> int:
    """The largest input, before its multiplication, that ``integer_bits`` hold after it."""
    largest = ((1 << integer_bits) - 1) * (1 << (31 - integer_bits))
    return largest >> shift if shift >= 0 else largest << -shift


# exp(-2^n) in Q0.31, by n.
_EXPONENTIALS = {
    -2: 1672461947,
    -1: 1302514674,
    0: 790015084,
    1: 290630308,
    2: 39332535,
    3: 720401,
    4: 242,
}


def exp_on_negative(value: int, integer_bits: int) -> int:
    """exp(value) in Q0.31, for value <= 0 in fixed point with ``integer_bits``.

    The last quarter is by the Taylor series around -1/8, the others by a product of constants.
    """
    if value == 0:
        return INT32_MAX
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    last = (value & (quarter - 1)) - quarter
    x = (last << integer_bits) + (1 << 28)
    x2 = multiply_high(x, x)
    x3, x4 = multiply_high(x2, x), multiply_high(x2, x2)
    third = multiply_high(divide_by_power(x4, 2) + x3, 715827883)
    series = x + divide_by_power(third + x2, 1)
    result = 1895147668 + multiply_high(1895147668, series)
    rest = last - value
    for power, factor in _EXPONENTIALS.items():
        if integer_bits > power and rest & (1 << (fraction_bits + power)):
            result = multiply_high(result, factor)
    return result


def _newton(x: int) -> int:
    """1 / ((1 + x) / 2) in Q2.29, for 0 <= x <= 1 in Q0.31."""
    half = (x + INT32_MAX + 1) // 2
    guess = 1515870810 + multiply_high(half, -1010580540)
    for _ in range(3):
        error = (1 << 29) - multiply_high(half, guess)
        guess += multiply_high(guess, error) << 2
    return guess


def _saturated(value: int) -> int:
    return max(-INT32_MAX - 1, min(value, INT32_MAX))


def logistic(value: int, integer_bits: int) -> int:
    """1 / (1 + exp(-value)) in Q0.31."""
    if value == 0:
        return 1 << 30
    positive = _saturated(_newton(exp_on_negative(-abs(value), integer_bits)) << 1)
    return positive if value > 0 else INT32_MAX - positive


def tanh(value: int, integer_bits: int) -> int:
    """In Q0.31."""
    if value == 0:
        return 0
    # Twice the argument is the same figure with one more integer bit.
    exponential = exp_on_negative(-abs(value), integer_bits + 1)
    positive = _saturated((_newton(exponential) - (1 << 29)) << 2)
    return positive if value > 0 else -positive
