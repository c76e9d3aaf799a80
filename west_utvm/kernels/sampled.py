# SPDX-License-Identifier: Apache-2.0
"""Functions that TFLite samples in real numbers, for each of the 256 integers.

Its kernels dequantize in single precision, take the function of the C library, and bring the
result to its scale; they differ in how they round that, which comparison with every integer and
some hundred quantizations tells. TensorFlow Lite Micro has ELU and RSQRT of these; LiteRT has EXP,
GELU, LOG and SQRT besides, and a NEG that takes no account of zero points. What a reference has
not is rounded as its neighbours are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from west_utvm.lowering.program import Operator

Real = Callable[[float], float]
_FAR = 1e9


def half_away(operator: Operator, function: Real) -> Callable[[int], int]:
    """Halves away from zero, then the zero point: look-up tables of LiteRT and of TensorFlow Lite
    Micro."""
    zero = operator.outputs[0].zero_point
    return _sampled(operator, function, lambda y: zero + int(np.copysign(_half_up(abs(y)), y)))


def half_even(operator: Operator, function: Real) -> Callable[[int], int]:
    """The zero point, then halves to even: XNNPACK."""
    zero = np.float32(operator.outputs[0].zero_point)
    return _sampled(operator, function, lambda y: round(float(np.float32(y + zero))))


def cut(operator: Operator, function: Real) -> Callable[[int], int]:
    """A quotient without its fraction, then the zero point: LiteRT's square root."""
    zero, scale = operator.outputs[0].zero_point, np.float32(operator.outputs[0].scale)
    real = _dequantized(operator)
    return lambda x: zero + int(np.float32(function(real(x))) / scale)


def _half_up(value: np.float32) -> np.float32:
    whole = np.floor(value)
    return np.float32(whole + 1 if value - whole >= 0.5 else whole)


def _sampled(
    operator: Operator, function: Real, rounded: Callable[[np.float32], int]
) -> Callable[[int], int]:
    real, inverse = _dequantized(operator), np.float32(1) / np.float32(operator.outputs[0].scale)

    def value(x: int) -> int:
        result = np.float32(max(-_FAR, min(function(real(x)), _FAR)))
        return rounded(np.float32(result * inverse))

    return value


def _dequantized(operator: Operator) -> Callable[[int], float]:
    source = operator.inputs[0]
    return lambda x: float(np.float32(source.scale) * np.float32(x - source.zero_point))


def elu(x: float) -> float:
    return x if x >= 0 else math.expm1(x)


def sqrt(x: float) -> float:
    """Of what is negative, the references make an error of the whole inference: here it is 0."""
    return math.sqrt(max(x, 0.0))


def _rsqrt(x: float) -> float:
    return 1 / math.sqrt(x) if x > 0 else math.inf


def _exp(x: float) -> float:
    return math.exp(min(x, 80.0))


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf


def _gelu(x: float) -> float:
    """x / 2 * erfc(-x / sqrt(2)), each step in single precision."""
    real = np.float32(x)
    turned = np.float32(math.erfc(float(real * np.float32(-math.sqrt(0.5)))))
    return float(np.float32(0.5) * real * turned)


def _gelu_tanh(x: float) -> float:
    """x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))), the same."""
    real, factor = np.float32(x), np.float32(math.sqrt(2 / math.pi))
    inner = factor * (real + np.float32(0.044715) * real * real * real)
    return float(np.float32(0.5) * real * (np.float32(1) + np.float32(math.tanh(float(inner)))))


FUNCTIONS: Mapping[str, Real] = {
    "ceil": math.ceil,
    "cos": math.cos,
    "elu": elu,
    "exp": _exp,
    "floor": math.floor,
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "log": _log,
    "neg": lambda x: -x,
    "round": round,
    "rsqrt": _rsqrt,
    "sign": lambda x: math.copysign(1.0, x) if x else 0.0,
    "sin": math.sin,
    "sqrt": sqrt,
    "square": lambda x: x * x,
}
