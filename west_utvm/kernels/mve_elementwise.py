# SPDX-License-Identifier: Apache-2.0
"""Elementwise operators, pooling, means and softmax for CPUs with Helium (MVE).

Parameters are those of the portable kernels, and the order in which elements are read and written
is too, but for several at a time.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from west_utvm.kernels import elementwise, pooling, reduction
from west_utvm.kernels import softmax as exponentials
from west_utvm.kernels import unary as tables
from west_utvm.kernels.emitted import Emitted
from west_utvm.kernels.mve import HEADERS
from west_utvm.kernels.options import Options
from west_utvm.lowering.program import Operator, Reduction


def add(operator: Operator, options: Options) -> Emitted | None:
    """And subtraction. None where a shift is to the left, in TensorFlow Lite Micro's rounding."""
    plain = elementwise.add(operator, options)
    shifts = [plain.fields.get(name, 0) for name in ("a_shift", "b_shift", "shift")]
    if options.rounding == "tflm" and not all(isinstance(s, int) and s <= 0 for s in shifts):
        return None
    return _binary(plain, "add_{rounding}.h")


def mul(operator: Operator, options: Options) -> Emitted:
    return _binary(elementwise.mul(operator, options), "mul.h")


def _binary(plain: Emitted, header: str) -> Emitted:
    headers = (*HEADERS, "broadcast.h", header, "mve_binary.h", f"mve_{header}")
    return replace(plain, headers=headers, kernel=f"mve_{plain.kernel}")


def pool2d(operator: Operator, options: Options) -> Emitted:
    plain = pooling.pool2d(operator, options)
    headers = ("base.h", "mve_base.h", "taps.h", "pool2d.h", "mve_sums.h", "mve_pool2d.h")
    return replace(plain, headers=headers, kernel=f"mve_{operator.kind}")


def unary(operator: Operator, options: Options) -> Emitted | None:
    """Where the function is a table."""
    plain = tables.unary(operator, options)
    if plain.kernel != "unary":
        return None
    headers = ("base.h", "mve_base.h", "mve_unary.h")
    return replace(plain, headers=headers, kernel="mve_unary", struct="mve_unary")


def softmax(operator: Operator, options: Options) -> Emitted:
    plain = exponentials.softmax(operator, options)
    headers = ("mve_base.h", "mve_softmax.h", "mve_softmax_{rounding}.h")
    table = plain.constants["exponentials"]
    if options.rounding == "tflm":
        table = np.append(table, np.int32(0))
    return replace(
        plain,
        headers=(*plain.headers, *headers),
        kernel="mve_softmax",
        constants={"exponentials": table},
    )


_MEAN = """\
	for (int32_t n = 0; n < {blocks}; n++) {{
		const int32_t channel = n % {blocks_of_image} * 8;
		const int32_t channels = utvm_min(8, {channels} - channel);
		const int8_t *const first = input + n / {blocks_of_image} * {image} + channel;
		int32_t sums[8] = {{0}};

		utvm_mve_sums_8(first, {pixels}, {channels}, channels, sums);
		for (int32_t i = 0; i < channels; i++) {{
			int32_t sum = sums[i] + {start};

			sum = {result};
			*output++ = utvm_clamp(sum, -128, 127);
		}}
	}}
"""


def reduce(operator: Operator, options: Options) -> Emitted | None:
    """Over the pixels of images, NHWC."""
    attributes, shape = operator.attributes, operator.inputs[0].shape
    assert isinstance(attributes, Reduction)
    if len(shape) != 4 or tuple(sorted(attributes.axes)) != (1, 2):
        return None
    if attributes.function in reduction.EXTREMES:
        return None
    headers, start, result = reduction.result(operator, options)
    blocks = -(-shape[3] // 8)
    body = _MEAN.format(
        blocks=shape[0] * blocks,
        blocks_of_image=blocks,
        channels=shape[3],
        image=math.prod(shape[1:]),
        pixels=shape[1] * shape[2],
        start=start,
        result=result,
    )
    headers = (*headers, "mve_base.h", "mve_sums.h")
    return replace(reduction.reduction(operator, options), headers=headers, body=body)
