# SPDX-License-Identifier: Apache-2.0
"""Models without the C interface, given one: then they are written as any other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from west_utvm.mlf import Model
from west_utvm.module.graph import adapt_graph
from west_utvm.module.packed import adapt_packed

# What has no C interface of its own, and what gives it one. The first that holds is taken.
_ADAPTATIONS: tuple[tuple[Callable[[Model], bool], Callable[[Model, Path], Model]], ...] = (
    (lambda m: "graph" in m.metadata.executors, adapt_graph),
    (lambda m: "aot" in m.metadata.executors and m.header is None, adapt_packed),
)


def adapt(model: Model, path: Path) -> Model:
    """``model`` with a C interface; UtvmError if what it is made of contradicts itself."""
    for applies, adaptation in _ADAPTATIONS:
        if applies(model):
            return adaptation(model, path)
    return model
