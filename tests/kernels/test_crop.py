# SPDX-License-Identifier: Apache-2.0
"""Windows larger than their image, without the taps that no pixel of the output sees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from west_utvm.kernels.crop import cropped
from west_utvm.lowering.program import ROUNDINGS, Clamp, Convolution, Operator

from .cases import Case, Four, Pair, cases
from .reference import expected

KINDS = ("conv2d", "depthwise_conv2d")


@pytest.mark.parametrize("kind", KINDS)
def test_results_are_the_same(kind: str) -> None:
    smaller = 0
    for case in cases(kind):
        operator = cropped(case.operator)
        smaller += operator is not case.operator
        for sample in case.samples:
            arguments = case.arguments(sample)
            for rounding in ROUNDINGS:
                was = expected(case.operator, rounding, arguments)
                assert np.array_equal(expected(operator, rounding, arguments), was), case.id
    assert smaller


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_and_column_that_is_left_is_seen(kind: str) -> None:
    """Where the stride is 1, so that padding alone is what hides a tap: without it, results differ
    for some input."""
    for case in cases(kind):
        operator = cropped(case.operator)
        attributes = operator.attributes
        assert isinstance(attributes, Convolution) and min(attributes.padding) >= 0
        if attributes.strides != (1, 1) or attributes.dilation != (1, 1):
            continue
        _, in_height, in_width, _ = operator.inputs[0].shape
        height, width = operator.inputs[1].shape[-3:-1]
        top, left, bottom, right = attributes.padding
        assert max(top, bottom) < height and max(left, right) < width, case.id
        assert height <= in_height + max(top, bottom) and width <= in_width + max(left, right)


def test_one_pixel_sees_one_tap() -> None:
    operator = _over_one_pixel(padding=(1, 1, 1, 1), dilation=(1, 1))
    kept = cropped(operator)
    assert isinstance(kept.attributes, Convolution)
    assert kept.inputs[1].shape[1:3] == (1, 1)
    assert kept.attributes.padding == (0, 0, 0, 0)
    assert operator.inputs[1].data is not None and kept.inputs[1].data is not None
    assert np.array_equal(kept.inputs[1].data[:, 0, 0], operator.inputs[1].data[:, 1, 1])


def test_padding_stays_positive_where_taps_are_further_apart() -> None:
    operator = _over_one_pixel(padding=(2, 2, 4, 4), dilation=(3, 3))
    kept = cropped(operator)
    assert isinstance(kept.attributes, Convolution)
    assert kept.inputs[1].shape[1:3] == (2, 2)
    assert kept.attributes.padding == (2, 2, 1, 1)


def _over_one_pixel(padding: Four, dilation: Pair) -> Operator:
    """By 3x3."""
    operator = next(case.operator for case in cases("conv2d") if _is_3x3(case))
    data, output = operator.inputs[0], operator.outputs[0]
    clamp = Clamp(output.zero_point, 127)
    return replace(
        operator,
        inputs=(replace(data, shape=(1, 1, 1, data.shape[3])), *operator.inputs[1:]),
        outputs=(replace(output, shape=(1, 1, 1, output.shape[3])),),
        attributes=Convolution((1, 1), padding, dilation, clamp),
    )


def _is_3x3(case: Case) -> bool:
    return case.operator.inputs[1].shape[1:3] == (3, 3)
