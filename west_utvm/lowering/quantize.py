# SPDX-License-Identifier: Apache-2.0
"""Real numbers as quantized integers, in the arithmetic of TFLite and of ONNX."""

from __future__ import annotations

import numpy as np

from west_utvm.lowering.program import Clamp, Rounding, Value

Bounds = tuple[float | None, float | None]

# Activations that are nothing but bounds, by what TFLite calls them.
ACTIVATIONS: dict[Bounds, str] = {
    (0.0, None): "relu",
    (0.0, 6.0): "relu6",
    (-1.0, 1.0): "relu_n1_to_1",
}


def round_half_away(value: float) -> int:
    return int(np.sign(value) * np.floor(np.abs(value) + 0.5))


def quantized(real: float, value: Value) -> int:
    """``real`` in the quantization of ``value``: a float32 division, halves away from zero."""
    return value.zero_point + round_half_away(float(np.float32(real) / np.float32(value.scale)))


def quantized_to_even(real: float, value: Value) -> int:
    """The same with halves to even, as ONNX has it."""
    scaled = float(np.float32(real) / np.float32(value.scale))
    return value.zero_point + round(max(-1e6, min(scaled, 1e6)))


def bound(bounds: Bounds, value: Value, rounding: Rounding = "tflm") -> Clamp:
    integer = quantized_to_even if rounding == "ort" else quantized
    low, high = (None if real is None else integer(real, value) for real in bounds)
    return Clamp(
        low=-128 if low is None else max(-128, low), high=127 if high is None else min(127, high)
    )
