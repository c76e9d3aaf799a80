# SPDX-License-Identifier: Apache-2.0
"""Reading back a module that ``utvm-compile`` wrote, from its ``metadata.json``."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from west_utvm.errors import UtvmError
from west_utvm.module.tree import listing
from west_utvm.tensor import DTYPE_SIZES, Tensor

FORMAT = 1
KEY = "west_utvm"
_HINT = "compile the model again with west utvm-compile"


@dataclass(frozen=True)
class GeneratedModule:
    """``digest`` identifies the compiled model; the firmware answers with it.

    ``files`` maps every generated file but metadata.json to its SHA-256 in hex; ``board`` is
    None unless ``-b`` was given at compile time. ``graph`` is of a model for TVM's graph
    executor, else empty: bytes of RAM for tensors, inputs and outputs among them, and what
    operators allocate, by that executor (``storage_bytes_of_graph_executor``) and by the module
    (``planned_bytes``).
    """

    name: str
    folder: Path
    board: str | None
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    workspace_size: int
    digest: bytes
    files: dict[str, str]
    graph: dict[str, int]

    def edited_files(self) -> list[str]:
        """Generated files that are missing, were changed since, or were added."""
        found = listing(self.folder)
        found.pop("metadata.json", None)
        changed = {
            name
            for name in found.keys() & self.files.keys()
            if found[name].is_symlink() or _sha256(found[name]) != self.files[name]
        }
        return sorted(changed | (found.keys() ^ self.files.keys()))


def read_module(folder: Path) -> GeneratedModule:
    """Read the generated module in ``folder``; UtvmError if it holds none."""
    where = folder / "metadata.json"
    try:
        document = json.loads(where.read_bytes())
        record = _entry(document)[KEY]
        if record["format"] != FORMAT:
            raise UtvmError("was written by another version of west-utvm", where=folder, hint=_HINT)
        return _module(folder, record)
    except FileNotFoundError:
        raise UtvmError("is not a module of west utvm-compile", where=folder, hint=_HINT) from None
    except (
        OSError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ):
        raise UtvmError("has no record of west utvm-compile", where=where, hint=_HINT) from None


def _module(folder: Path, record: dict[str, Any]) -> GeneratedModule:
    return GeneratedModule(
        name=str(record["name"]),
        folder=folder,
        board=None if record["board"] is None else str(record["board"]),
        inputs=tuple(_tensor(item) for item in record["inputs"]),
        outputs=tuple(_tensor(item) for item in record["outputs"]),
        workspace_size=int(record["workspace_size"]),
        digest=bytes.fromhex(record["digest"]),
        files=dict(record["files"]),
        graph={str(key): int(value) for key, value in record.get("graph", {}).items()},
    )


def _entry(document: dict[str, Any]) -> dict[str, Any]:
    if "modules" not in document:
        return document
    [entry] = document["modules"].values()
    return dict(entry)


def _tensor(item: dict[str, Any]) -> Tensor:
    if item["dtype"] not in DTYPE_SIZES:
        raise ValueError(item["dtype"])
    return Tensor(str(item["name"]), item["dtype"], tuple(int(dim) for dim in item["shape"]))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
