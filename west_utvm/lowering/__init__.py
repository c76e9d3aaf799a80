# SPDX-License-Identifier: Apache-2.0
"""Relax with quantize and dequantize around float operators -> integer program."""

from west_utvm.lowering.program import ROUNDINGS, Operator, Program, Rounding, Value

__all__ = ["ROUNDINGS", "Operator", "Program", "Rounding", "Value"]
