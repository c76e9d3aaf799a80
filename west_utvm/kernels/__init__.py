# SPDX-License-Identifier: Apache-2.0
"""Integer operators in C: ``c/`` has the kernels, and a file for each family what they are given.

A kernel is inlined into a function of its operator, where its parameters are constants.
"""

from west_utvm.kernels.emitted import Emitted, Field
from west_utvm.kernels.options import Options
from west_utvm.kernels.registry import emit

__all__ = ["Emitted", "Field", "Options", "emit"]
