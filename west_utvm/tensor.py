# SPDX-License-Identifier: Apache-2.0
"""A model's input or output as every stage after the reader sees it."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Element sizes in bytes of the dtypes a model's inputs and outputs may have.
DTYPE_SIZES = {
    "bool": 1,
    "int8": 1,
    "uint8": 1,
    "int16": 2,
    "uint16": 2,
    "float16": 2,
    "int32": 4,
    "uint32": 4,
    "float32": 4,
    "int64": 8,
    "uint64": 8,
    "float64": 8,
}


@dataclass(frozen=True)
class Tensor:
    """``size`` is in bytes and equals the product of ``shape`` times the dtype's size.

    ``shape`` is one-dimensional where the archive tells only the size.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return math.prod(self.shape) * DTYPE_SIZES[self.dtype]
