# SPDX-License-Identifier: Apache-2.0
"""Each int8 operator, bit for bit as the reference of the rounding mode computes it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from west_utvm.errors import UtvmError

from .conftest import Execute
from .host import check, differences
from .reference import ROUNDINGS, Rounding, run, samples
from .tflite_models import Case, cases

CASES = {case.id: case for case in cases()}
# Operators that move values and compute none: both references agree, one mode is enough.
MOVES = frozenset(
    """batch_to_space_nd broadcast_to concatenation depth_to_space gather max_pool_2d mirror_pad
    pack pad padv2 reshape resize_nearest_neighbor reverse_v2 slice space_to_depth split split_v
    squeeze strided_slice transpose unpack""".split()
)
# The compiler must refuse these, by a UtvmError: family or case → why. Strict: delete a line
# here once the operator works.
NOT_YET: dict[str, str] = {}
# A reference that is no help: (case, rounding) → why.
NO_REFERENCE = {
    ("relu6-rescaled", "tflm"): "tflite-micro's RELU6 ignores the scale of its output",
    **{
        (id_, "tflm"): "tflite-micro has no such operator on int8"
        for id_, case in CASES.items()
        if case.family in ("exp", "gelu", "log", "sqrt", "tile")
    },
}
# Compiled for a Cortex-M too.
ON_CORTEX_M = (
    "conv_2d-3x3-8to17",
    "conv_2d-s2-same-odd",
    "conv_2d-2-groups-s2",
    "conv_2d-4-groups-1x1-6",
    "depthwise_conv_2d-c17-relu6",
    "fully_connected-64to10",
    "add-relu",
    "average_pool_2d-3x3-s2-same",
    "softmax-10",
    "mul-same",
    "mean-image",
    "chain-residual",
)


def parameters(ids: Iterable[str], roundings: Iterable[Rounding] = ROUNDINGS) -> list[Any]:
    return [
        pytest.param(CASES[id_], rounding, id=f"{id_}-{rounding}", marks=_marks(CASES[id_]))
        for id_ in ids
        for rounding in roundings
        if (id_, rounding) not in NO_REFERENCE
        and (rounding == "tflm" or CASES[id_].family not in MOVES)
    ]


def _marks(case: Case) -> list[pytest.MarkDecorator]:
    reason = NOT_YET.get(case.id) or NOT_YET.get(case.family)
    return [pytest.mark.xfail(reason=reason, raises=UtvmError, strict=True)] if reason else []


@pytest.mark.parametrize(("case", "rounding"), parameters(CASES))
def test_bit_exact(case: Case, rounding: Rounding, execute: Execute) -> None:
    model = case.build()
    inputs = samples(model, 30)
    wanted = run(model, inputs, rounding)
    results = execute(model, inputs, rounding)
    for number, (got, want) in enumerate(zip(results, wanted, strict=True)):
        check(got.outputs, want.outputs, f"sample {number}, ")


@pytest.mark.parametrize(("case", "rounding"), parameters(ON_CORTEX_M, ["tflm"]))
@pytest.mark.parametrize("cpu", ["cortex-m3", "cortex-m4"])
def test_bit_exact_on_cortex_m(case: Case, rounding: Rounding, cpu: str, execute: Execute) -> None:
    model = case.build()
    inputs = samples(model, 4)
    wanted = run(model, inputs, rounding)
    results = execute(model, inputs, rounding, cpu=cpu)
    for number, (got, want) in enumerate(zip(results, wanted, strict=True)):
        check(got.outputs, want.outputs, f"sample {number}, ")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_case_can_tell_right_from_wrong(case: Case) -> None:
    """Most outputs are inside the range, and samples differ (little, where biases are all)."""
    model = case.build()
    results = run(model, samples(model, 12), "litert")[4:]
    outputs = [np.concatenate([value.ravel() for value in one.outputs]) for one in results]
    everything = np.concatenate(outputs)
    inside = np.mean((everything > -128) & (everything < 127))
    assert inside > (0.1 if case.family in ("softmax", "logistic", "tanh") else 0.25)
    distinct = len({value.tobytes() for value in outputs})
    assert distinct > 1 if "boundaries" in case.id else distinct == len(outputs)


@pytest.mark.parametrize(
    "case", [case for case in CASES.values() if case.family in MOVES], ids=lambda case: case.id
)
def test_references_agree_on_moves(case: Case) -> None:
    model = case.build()
    inputs = samples(model, 8)
    for micro, lite in zip(run(model, inputs, "tflm"), run(model, inputs, "litert"), strict=True):
        check(micro.outputs, lite.outputs)


@pytest.mark.parametrize(
    "family",
    [
        "conv_2d",
        "depthwise_conv_2d",
        "mul",
        "mean",
        "leaky_relu",
        "elu",
        "space_to_batch_nd",
        "batch_matmul",
    ],
)
def test_references_disagree_where_they_round(family: str) -> None:
    """Else one rounding mode would pass for the other."""
    for case in (case for case in CASES.values() if case.family == family):
        model = case.build()
        inputs = samples(model, 30)
        both = zip(run(model, inputs, "tflm"), run(model, inputs, "litert"), strict=True)
        if any(differences(micro.outputs, lite.outputs) for micro, lite in both):
            return
    pytest.fail("no case of this family shows the difference")


def test_a_pad_with_0_is_said(tmp_path: Path) -> None:
    """It is what tflite-micro does, and no zero of the numbers meant."""
    from west_utvm.compiler import compile_model

    path = tmp_path / "model.tflite"
    models: list[tuple[str, Rounding, int]] = [
        ("space_to_batch_nd-padded", "tflm", 1),
        ("space_to_batch_nd-padded", "litert", 0),
        ("space_to_batch_nd-padded-zero", "tflm", 0),
        ("pad-image", "tflm", 0),
    ]
    for id_, rounding, said in models:
        path.write_bytes(CASES[id_].build())
        notes = compile_model(path, name="net", rounding=rounding).notes
        assert len(notes) == said, id_
        assert all("'tensor_3' pads with 0 and not with the zero point 9" in note for note in notes)
