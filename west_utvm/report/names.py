# SPDX-License-Identifier: Apache-2.0
"""Names of a model, which may be long and may be anything, for people to read."""

from __future__ import annotations

from collections.abc import Sequence

_REFERENCES = {
    "tflm": "TensorFlow Lite Micro",
    "litert": "LiteRT",
    "ort": "ONNX Runtime",
}


def reference(rounding: str) -> str:
    """Whose integers a model of this rounding mode computes."""
    return _REFERENCES.get(rounding, rounding)


def printable(name: str) -> str:
    """Without what would steer a terminal or turn the direction of text."""
    return "".join(c if c.isprintable() else "?" for c in name)


def shortened(name: str, width: int) -> str:
    """The end of a name, where it says most, in at most ``width`` characters."""
    text = printable(name)
    return text if len(text) <= width else f"...{text[len(text) - width + 3 :]}"


def begun(name: str, width: int) -> str:
    """The beginning of a name, where that says most, in at most ``width`` characters."""
    text = printable(name)
    return text if len(text) <= width else f"{text[: width - 3]}..."


def titles(names: Sequence[str]) -> list[str]:
    """What tells the names of a model's tensors or operators from each other.

    TensorFlow's converter joins the names of operators that it fuses with semicolons: the first
    is enough. The scope that all are in, such as ``functional_1/``, tells none from another.
    """
    firsts = [name.split(";", 1)[0] or name for name in names]
    scope = _common_scope([name for name in firsts if "/" in name])
    return [name.removeprefix(scope) for name in firsts]


def _common_scope(names: Sequence[str]) -> str:
    shared = []
    for parts in zip(*(name.split("/")[:-1] for name in names), strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(f"{parts[0]}/")
    return "".join(shared) if len(names) > 1 else ""
