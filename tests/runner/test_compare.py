# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from west_utvm.errors import UtvmError
from west_utvm.runner.compare import compare, top


@pytest.mark.parametrize(
    ("dtype", "got", "expected", "largest"),
    [
        ("int8", [-128, 5], [127, 5], 255),
        ("uint8", [0, 5], [255, 5], 255),
        ("int64", [-(2**63), 5], [2**63 - 1, 5], 2**64 - 1),
        ("int64", [2**53, 5], [2**53 + 1, 5], 1),
        ("uint64", [0, 5], [2**64 - 1, 5], 2**64 - 1),
        ("bool", [True, True], [False, True], 1),
        ("float32", [1.5, 5], [1.25, 5], 0.25),
        ("float32", [np.nan, 5], [1.0, 5], np.inf),
        ("float32", [np.inf, 5], [-np.inf, 5], np.inf),
    ],
)
def test_the_largest_difference(
    dtype: str, got: list[float], expected: list[float], largest: float
) -> None:
    [found] = compare({"y": np.array(got, dtype)}, {"y": np.array(expected, dtype)}, "e", atol=0)
    assert found.largest == pytest.approx(largest) and found.different == 1
    assert not found.agrees and "DIFFERS" in str(found)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0])
def test_equal_floats_agree_even_if_not_finite(value: float) -> None:
    y = np.array([value, 1], np.float32)
    [found] = compare({"y": y}, {"y": y.copy()}, "e", atol=0)
    assert found.agrees and found.different == 0


@pytest.mark.parametrize(("atol", "agrees"), [(1, False), (2, True), (1.99, False)])
def test_tolerance(atol: float, agrees: bool) -> None:
    a, b = np.array([[1, 2], [3, 4]], np.int8), np.array([[1, 2], [5, 4]], np.int8)
    [found] = compare({"y": a}, {"y": b}, "e", atol=atol)
    assert found.agrees is agrees
    assert (found.samples, found.elements, found.top1) == (2, 4, 1)


@pytest.mark.parametrize(
    ("expected", "complaint"),
    [
        ({}, "holds no arrays"),
        ({"z": np.zeros(2, np.int8)}, "array 'z' that the model has not; name the arrays y"),
        ({"y": np.zeros(3, np.int8)}, "'y' is int8 of 3 elements and the output int8 of 2"),
        ({"y": np.zeros(2, np.int16)}, "'y' is int16 of 2 elements and the output int8 of 2"),
    ],
)
def test_expectations_that_do_not_fit(expected: dict[str, np.ndarray], complaint: str) -> None:
    with pytest.raises(UtvmError) as caught:
        compare({"y": np.zeros(2, np.int8)}, expected, "e.npz", atol=0)
    assert complaint in str(caught.value)


def test_top_names_the_largest_elements_of_each_sample() -> None:
    y = np.array([[1, 9, 3], [7, 7, 0]], np.int8)
    assert list(top({"y": y}, 2, batched=True)) == ["y[0]: 1: 9  2: 3", "y[1]: 1: 7  0: 7"]
    assert list(top({"y": y[0]}, 1, batched=False)) == ["y: 1: 9"]
