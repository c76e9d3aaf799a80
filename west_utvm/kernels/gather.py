# SPDX-License-Identifier: Apache-2.0
"""Elements at constant places along one axis or two: tiles, mirror images, broadcasts, orders."""

from __future__ import annotations

import math

import numpy as np

from west_utvm.kernels import overlap
from west_utvm.kernels.emitted import Emitted, refuse
from west_utvm.kernels.options import Options
from west_utvm.lowering.program import Gather, Operator

_LARGEST = np.iinfo(np.int16).max


def gather(operator: Operator, options: Options) -> Emitted:
    attributes, source = operator.attributes, operator.inputs[0]
    assert isinstance(attributes, Gather)
    taken = [axis for axis, places in enumerate(attributes.places) if places is not None]
    if len(taken) > 2:
        raise refuse(operator, "moves along more than two axes", "do it in two steps")
    rank = len(attributes.shape)
    # An axis that is not there has one place.
    first, second = [rank] * (2 - len(taken)) + taken
    if len(taken) < 2:
        first, second = second, first
    shape = (*attributes.shape, 1)
    rows, columns = (
        np.array(attributes.places[axis] if axis < rank else (0,)) for axis in (first, second)
    )
    if max(rows.max(initial=0), columns.max(initial=0)) > _LARGEST:
        raise refuse(operator, "takes elements from too far away")
    fields = {
        "outer": math.prod(shape[:first]),
        "in_rows": shape[first],
        "middle": math.prod(shape[first + 1 : second]),
        "in_columns": shape[second],
        "inner": math.prod(shape[second + 1 :]),
        "rows": len(rows),
        "columns": len(columns),
    }
    runs = (math.prod(shape[first + 1 :]), math.prod(shape[second + 1 :]))
    places = (
        np.arange(fields["outer"])[:, None, None, None] * shape[first] * runs[0]
        + rows[:, None, None] * runs[0]
        + np.arange(fields["middle"])[:, None] * shape[second] * runs[1]
        + columns * runs[1]
    ).reshape(-1)
    # What a memcpy reads and writes stays apart, too.
    written = (np.arange(len(places)) + 1) * runs[1]
    return Emitted(
        ("base.h", "gather.h"),
        "gather",
        "gather",
        fields,
        {"rows": rows.astype(np.int16), "columns": columns.astype(np.int16)},
        overlap=overlap.of_steps(places, written, source.size),
    )
