# SPDX-License-Identifier: Apache-2.0
"""TVM target strings, and what the CPU that they name offers to kernels.

A target is what can change a timing: the code generator, which is C, and the CPU. Both forms are
taken: ``c -mcpu=cortex-m4``, as tvmc had it, and ``{"kind": "c", "mcpu": "cortex-m4"}``, as TVM
has it today.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from west_utvm.errors import UtvmError
from west_utvm.kernels.options import Feature

_HINT = "give one such as 'c -mcpu=cortex-m4', its CPU as GCC's -mcpu names it"
# By GCC's names (Arm options, -mcpu). Extensions, such as +nodsp, take features away.
_CPUS: Mapping[str, Feature] = {
    "cortex-m4": "dsp",
    "cortex-m7": "dsp",
    "cortex-m33": "dsp",
    "cortex-m35p": "dsp",
    "cortex-m52": "mve",
    "cortex-m55": "mve",
    "cortex-m85": "mve",
}
_WITHOUT: Mapping[str, Mapping[Feature, Feature]] = {
    "nodsp": {"dsp": "portable", "mve": "portable"},
    "nomve": {"mve": "dsp"},
}


@dataclass(frozen=True)
class Target:
    """``mcpu`` is empty where the target names no CPU: kernels for any."""

    mcpu: str = ""

    @property
    def feature(self) -> Feature:
        name, *extensions = self.mcpu.split("+")
        feature = _CPUS.get(name, "portable")
        for extension in extensions:
            feature = _WITHOUT.get(extension, {}).get(feature, feature)
        return feature

    def __str__(self) -> str:
        return f"c -mcpu={self.mcpu}" if self.mcpu else "c"


def parse_target(text: str) -> Target:
    """The target of ``text``; UtvmError if its code generator is not C."""
    attributes = _json(text) if text.lstrip().startswith("{") else _flags(text)
    if attributes.get("kind") != "c":
        raise UtvmError("is no target for C", where=f"target '{text}'", hint=_HINT)
    mcpu = attributes.get("mcpu", "")
    if not all(c.isascii() and (c.isalnum() or c in "-+._") for c in mcpu):
        raise UtvmError("has no CPU that GCC could know", where=f"target '{text}'", hint=_HINT)
    return Target(mcpu.lower())


def _json(text: str) -> dict[str, str]:
    try:
        document = json.loads(text)
    except ValueError:
        raise UtvmError("is not JSON", where=f"target '{text}'", hint=_HINT) from None
    return {key: item for key, item in document.items() if isinstance(item, str)}


def _flags(text: str) -> dict[str, str]:
    kind, *flags = text.split() or [""]
    named = (flag.lstrip("-").partition("=") for flag in flags if flag.startswith("-"))
    return {"kind": kind, **{name: item for name, _, item in named}}
