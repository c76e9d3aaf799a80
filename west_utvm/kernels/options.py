# SPDX-License-Identifier: Apache-2.0
"""What decides which kernel an operator gets, besides the operator itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from west_utvm.lowering.program import Rounding

# What a CPU offers to integer kernels, by the ACLE macros that say so to a C compiler:
# nothing, __ARM_FEATURE_DSP, or __ARM_FEATURE_MVE (which implies the former).
Feature: TypeAlias = Literal["portable", "dsp", "mve"]
Optimize: TypeAlias = Literal["speed", "size", "balanced"]


@dataclass(frozen=True)
class Options:
    """``feature`` is the CPU that constants are packed for and that the planner counts scratch
    for. The C is right on any other too."""

    rounding: Rounding = "tflm"
    feature: Feature = "portable"
    optimize: Optimize = "balanced"
