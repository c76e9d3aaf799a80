# SPDX-License-Identifier: Apache-2.0
"""The imported model as text to read: Relax, with a line for each operator of the model file."""

from __future__ import annotations

import re
from typing import Any

from west_utvm.importer.model import Imported, TensorInfo

# A line of the text that binds a variable, or main itself.
_BINDING = re.compile(r"^(\s+)(\w+)(?::| =) ")
_MAIN = re.compile(r"^(\s+)def main\(")
_MAX_NAME = 200


def relax_text(imported: Imported) -> str:
    """TVM's script without its constants' contents, and the model file's names in comments.

    What stands for a constant is ``metadata[kind][number]``.
    """
    lines = []
    for line in _script(imported.module).splitlines():
        binding = _BINDING.match(line)
        if binding and binding[2] in imported.origins:
            origin = imported.origins[binding[2]]
            lines.append(f"{binding[1]}# {_plain(origin.source)}: {_plain(origin.output.name)}")
        elif main := _MAIN.match(line):
            lines += [f"{main[1]}# input {_described(info)}" for info in imported.inputs]
            lines += [f"{main[1]}# output {_described(info)}" for info in imported.outputs]
        lines.append(line)
    return "\n".join(lines) + "\n"


def _script(module: Any) -> str:
    """Without the front end's list of all constants, which are at their places too."""
    plain = module.clone()
    for variable, function in module.functions_items():
        if "params" in (function.attrs or {}):
            plain.update_func(variable, function.without_attr("params"))
    return str(plain.script(show_meta=False))


def _described(info: TensorInfo) -> str:
    shape = "x".join(map(str, info.shape)) or "scalar"
    return f"{_plain(info.name)}: {info.dtype} {shape}"


def _plain(name: str) -> str:
    """In one line, whatever is in it."""
    text = "".join(c if c.isprintable() else "_" for c in name)
    return text if len(text) <= _MAX_NAME else f"{text[: _MAX_NAME - 3]}..."
