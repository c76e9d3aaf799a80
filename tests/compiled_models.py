# SPDX-License-Identifier: Apache-2.0
"""Models compiled once, for tests of what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support import DIGITS

if TYPE_CHECKING:
    from west_utvm.compiler import Compiled

# The digits sample, and cases of the compiler's tests by their ids.
MODELS = (
    "digits",
    "chain-residual",
    "chain-separable",
    "chain-float-ends",
    "concatenation-channels",
)
NAME = "net"
Compile = Callable[[str], "Compiled"]


def compiler(folder: Path) -> Compile:
    """What compiles a model of MODELS, under NAME; their files go to ``folder``."""
    from tests.compiler.tflite_models import cases
    from west_utvm.compiler import compile_model

    done: dict[str, Compiled] = {}

    def get(name: str) -> Compiled:
        if name not in done:
            path = DIGITS / "digits.tflite"
            if name != "digits":
                path = folder / f"{name}.tflite"
                path.write_bytes(next(case for case in cases() if case.id == name).build())
            done[name] = compile_model(path, name=NAME)
        return done[name]

    return get
