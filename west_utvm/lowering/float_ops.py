# SPDX-License-Identifier: Apache-2.0
"""Loops for Relax operators for which TVM has none that become C."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tvm import te, tirx, topi

from west_utvm.lowering.graph import integers


def _absolute(builder: Any, call: Any) -> Any:
    """``abs``, without a function that TVM's C target does not know of."""

    def compute(data: Any) -> Any:
        return te.compute(data.shape, lambda *i: tirx.max(data(*i), -data(*i)), "abs")

    return builder.call_te(compute, call.args[0], primfunc_name_hint="abs")


def _transposed_convolution(builder: Any, call: Any) -> Any:
    """``nn.conv2d_transpose`` of images with their channels last, by the loops for those with
    their channels first; None of another layout, which is left to TVM."""
    attrs = call.attrs
    if (str(attrs.data_layout), str(attrs.kernel_layout)) != ("NHWC", "IOHW"):
        return call
    if int(attrs.groups) != 1 or integers(attrs.dilation) != (1, 1):
        return call

    def compute(data: Any, weights: Any) -> Any:
        result = topi.nn.conv2d_transpose_nchw(
            topi.transpose(data, (0, 3, 1, 2)),
            weights,
            list(integers(attrs.strides)),
            list(integers(attrs.padding)),
            "float32",
            list(integers(attrs.output_padding)),
        )
        return topi.transpose(result, (0, 2, 3, 1))

    return builder.call_te(compute, *call.args, primfunc_name_hint="conv2d_transpose")


LEGALIZE: dict[str, Callable[[Any, Any], Any]] = {
    "relax.abs": _absolute,
    "relax.nn.conv2d_transpose": _transposed_convolution,
}
