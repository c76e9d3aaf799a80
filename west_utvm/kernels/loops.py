# SPDX-License-Identifier: Apache-2.0
"""Float operators in C, from the loops that TVM has for them."""

from __future__ import annotations

import re

from west_utvm.kernels.emitted import Emitted
from west_utvm.kernels.options import Options
from west_utvm.lowering.program import Loops, Operator


def loops(operator: Operator, options: Options) -> Emitted:
    """The one user of TVM among the kernels: it is loaded for models that need it."""
    from west_utvm.kernels.loops_schedule import scheduled
    from west_utvm.kernels.loops_text import body

    attributes = operator.attributes
    assert isinstance(attributes, Loops)
    count = len(operator.inputs)
    names = ["input"] if count == 1 else [f"input{i}" for i in range(count)]
    made = scheduled(attributes.function)
    written = body(made.function, [*names, "output"])
    first, second, *_ = [0 if shared else None for shared in [*made.in_place, False]]
    return Emitted(
        (),
        body=written.text,
        macs=made.macs,
        scratch=written.scratch,
        label=f"float {attributes.label}",
        overlap=first,
        overlap_second=second,
        libraries=("stdbool.h",) if re.search(r"\bbool\b", written.text) else (),
        prototypes=written.prototypes,
    )
