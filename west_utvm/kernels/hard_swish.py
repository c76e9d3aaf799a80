# SPDX-License-Identifier: Apache-2.0
"""x * relu6(x + 3) / 6 in fixed point of 16 bits, as TensorFlow Lite's reference kernel has it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from west_utvm.kernels.emitted import refuse
from west_utvm.kernels.fixed_point import divide_by_power, quantize_multiplier
from west_utvm.lowering.program import Operator

_MAX = (1 << 15) - 1
# The input has 7 bits more than it came with. 3 is 2^15 on the scale of the gate.
_MORE_BITS = 7
_GATE_SCALE = np.float32(3.0) / np.float32(32768.0)


def hard_swish(operator: Operator) -> Callable[[int], int]:
    """The function of one quantized element; results are not clamped yet."""
    source, target = operator.inputs[0], operator.outputs[0]
    if source.scale < target.scale / 256:
        # The references lose the last bit there, each in its own way.
        raise refuse(
            operator, "has a result of a far larger scale than its input", "quantize again"
        )
    fine = np.float32(1.0 / 128.0) * np.float32(source.scale)
    factor, exponent = _multiplier(float(fine / np.float32(target.scale)))
    gate_factor, gate_exponent = _multiplier(float(fine / _GATE_SCALE))
    if exponent > 0:
        what = "has a result of a far smaller scale than its input"
        raise refuse(operator, what, "quantize again")

    def value(x: int) -> int:
        wide = (x - source.zero_point) << _MORE_BITS
        gate = _gate(wide, gate_factor, gate_exponent)
        product = gate * _multiply(wide, factor)
        # Rounded toward zero, to cancel the bias of the roundings before.
        truncated = product >> 15 if product >= 0 else -(-product >> 15)
        return target.zero_point + divide_by_power(truncated, -exponent)

    return value


def _gate(wide: int, factor: int, exponent: int) -> int:
    """relu6(x + 3) / 6 in Q0.15."""
    if exponent > 0:
        wide = _saturated(wide << (exponent - 1))
    gate = _multiply(wide, factor)
    if exponent > 0:
        gate = _saturated(gate << 1)
    if exponent < 0:
        gate = divide_by_power(gate, -exponent)
    return (gate + (1 << 15)) >> 1


def _multiplier(real: float) -> tuple[int, int]:
    """A multiplier of 15 bits, and its exponent."""
    multiplier, exponent = quantize_multiplier(real)
    return min((multiplier + (1 << 15)) >> 16, _MAX), exponent


def _multiply(a: int, b: int) -> int:
    """a * b / 2^15, rounded to nearest."""
    product = a * b
    nudge = 1 << 14 if product >= 0 else 1 - (1 << 14)
    total = product + nudge
    return total >> 15 if total >= 0 else -(-total >> 15)


def _saturated(value: int) -> int:
    return max(-_MAX - 1, min(value, _MAX))
