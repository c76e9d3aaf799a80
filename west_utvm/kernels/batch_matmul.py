# SPDX-License-Identifier: Apache-2.0
"""Products of matrices that are both computed, as attention has them."""

from __future__ import annotations

import math

import numpy as np

from west_utvm.kernels.emitted import Emitted, refuse
from west_utvm.kernels.fixed_point import quantize_multiplier, single_multiplier
from west_utvm.kernels.options import Options
from west_utvm.lowering.program import BatchMatmul, Operator


def batch_matmul(operator: Operator, options: Options) -> Emitted:
    """TensorFlow Lite Micro rounds twice. LiteRT leaves to XNNPACK those whose second input has
    the zero point 0, and rounds twice itself else."""
    attributes, (a, b), output = operator.attributes, operator.inputs, operator.outputs[0]
    assert isinstance(attributes, BatchMatmul)
    rows, columns = output.shape[-2:]
    depth = a.shape[-2 if attributes.adjoints[0] else -1]
    scales = [value.scale for value in (a, b, output)]
    twice = options.rounding != "litert" or b.zero_point != 0
    multiplier, shift = quantize_multiplier(scales[0] * scales[1] / scales[2])
    if (depth * 255 * 255) << max(shift, 0) >= 1 << 31:
        raise refuse(operator, "has sums that 32 bits do not hold", "quantize again")
    if not twice:
        single = [np.float32(scale) for scale in scales]
        multiplier, shift = single_multiplier(float(single[0] * single[1] / single[2]))
    fields = {
        "batches": math.prod(output.shape[:-2]),
        "rows": rows,
        "columns": columns,
        "depth": depth,
        # Steps from one matrix, row or column, and product to the next.
        "a_batch": rows * depth if math.prod(a.shape[:-2]) > 1 else 0,
        "a_row": 1 if attributes.adjoints[0] else depth,
        "a_step": rows if attributes.adjoints[0] else 1,
        "b_batch": columns * depth if math.prod(b.shape[:-2]) > 1 else 0,
        "b_column": depth if attributes.adjoints[1] else 1,
        "b_step": 1 if attributes.adjoints[1] else columns,
        "a_zero": a.zero_point,
        "b_zero": b.zero_point,
        "twice": int(twice),
        "multiplier": multiplier,
        "shift": shift,
        "out_zero": output.zero_point,
    }
    headers = ("base.h", "fixed_point.h", "requantize_{rounding}.h", "batch_matmul.h")
    macs = output.elements * depth
    return Emitted(headers, "batch_matmul", "batch_matmul", fields, macs=macs)
