# SPDX-License-Identifier: Apache-2.0
"""``metadata.json`` of Model Library Format, versions 1 to 7, as one typed record.

What a version changed (TVM's python/tvm/micro/model_library_format.py through its history):
1 is flat with ``runtimes`` and ``memory`` a list; 2 makes ``memory`` a dict; 3 mangles file
names; 4 adds ``style``; 5 says ``executors``; 6 makes ``target`` a list of strings; 7 puts
everything under ``modules``. Inputs and outputs came without a bump (TVM 0.11), so every key
is looked for and none is inferred from ``version``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from west_utvm.errors import UtvmError
from west_utvm.mlf.archive import DAMAGED
from west_utvm.tensor import DTYPE_SIZES

KNOWN_VERSIONS = range(1, 8)
# Version 7 nests eleven deep; what nests far deeper is made to exhaust a stack.
_MAX_DEPTH = 32
_T = TypeVar("_T")


@dataclass(frozen=True)
class TensorSize:
    """An input or output as the metadata has it: ``size`` in bytes, no shape."""

    name: str
    dtype: str
    size: int


@dataclass(frozen=True)
class Metadata:
    """``inputs``/``outputs`` are None and sizes 0 where an older version does not tell."""

    version: int
    model_name: str
    executors: tuple[str, ...]
    style: str
    targets: tuple[str, ...]
    inputs: tuple[TensorSize, ...] | None
    outputs: tuple[TensorSize, ...] | None
    workspace_size: int


def parse_document(data: bytes, where: str) -> dict[str, Any]:
    """Decode ``metadata.json``; UtvmError unless it is a JSON object of a known version."""
    try:
        document = json.loads(data, parse_float=_finite, parse_constant=_finite)
        if _depth(document) > _MAX_DEPTH:
            raise ValueError(f"nested deeper than {_MAX_DEPTH}")
    except (ValueError, RecursionError) as error:
        raise UtvmError(f"is not JSON ({error})", where=where, hint=DAMAGED) from None
    if not isinstance(document, dict):
        raise UtvmError("is not a JSON object", where=where, hint=DAMAGED)
    version = _get(document, "version", int, where)
    if version not in KNOWN_VERSIONS:
        what = f"is of version {version}, and versions 1 to 7 are known"
        raise UtvmError(what, where=where, hint="update west-utvm or export from TVM 0.11 to 0.18")
    return document


def entries(document: dict[str, Any], where: str) -> dict[str, dict[str, Any]]:
    """The modules' own entries by name: those under ``modules``, or the flat document itself."""
    if "modules" not in document:
        return {_get(document, "model_name", str, where): document}
    modules = _get(document, "modules", dict, where)
    return {str(name): _get(modules, name, dict, where) for name in modules}


def parse_entry(name: str, entry: dict[str, Any], version: int, where: str) -> Metadata:
    """Read one module's entry; UtvmError names the key that is missing or of a wrong type."""
    executors = "runtimes" if "runtimes" in entry else "executors"
    style = _get(entry, "style", str, where) if "style" in entry else "full-model"
    main = _main_function(entry, where) if style == "full-model" else {}
    return Metadata(
        version=version,
        model_name=name,
        executors=_strings(entry, executors, where),
        style=style,
        targets=_strings(entry, "target", where),
        inputs=_tensors(main, "inputs", where),
        outputs=_tensors(main, "outputs", where),
        workspace_size=_size(main, "workspace_size_bytes", where) if main else 0,
    )


def _main_function(entry: dict[str, Any], where: str) -> dict[str, Any]:
    """The entry function's figures on the first device, those that TVM writes the header from."""
    memory = entry.get("memory", [])
    if isinstance(memory, list):  # version 1: storage ids of the graph executor only
        return {}
    functions = _get(_typed(memory, "memory", dict, where), "functions", dict, where)
    main = _get(functions, "main", list, where)
    return _typed(main[0], "main", dict, where) if main else {}


def _tensors(main: dict[str, Any], key: str, where: str) -> tuple[TensorSize, ...] | None:
    if key not in main:
        return None
    tensors = _get(main, key, dict, where)
    return tuple(_tensor(name, tensors[name], where) for name in tensors)


def _tensor(name: str, value: object, where: str) -> TensorSize:
    fields = _typed(value, name, dict, where)
    return tensor_size(name, _get(fields, "dtype", str, where), _size(fields, "size", where), where)


def tensor_size(name: str, dtype: str, size: int, where: str) -> TensorSize:
    """UtvmError unless ``size`` in bytes suits ``dtype`` and C can hold ``name``."""
    if "\0" in name or any("\ud800" <= c <= "\udfff" for c in name):
        raise UtvmError(f"tensor '{name}' has a name that is not text", where=where, hint=DAMAGED)
    if dtype not in DTYPE_SIZES:
        raise UtvmError(f"tensor '{name}' has the unsupported dtype '{dtype}'", where=where)
    if not 0 < size < 1 << 32 or size % DTYPE_SIZES[dtype]:
        what = f"tensor '{name}' of {size} bytes cannot hold elements of {dtype}"
        raise UtvmError(what, where=where, hint=DAMAGED)
    return TensorSize(name, dtype, size)


def _size(fields: Mapping[str, Any], key: str, where: str) -> int:
    size = _get(fields, key, int, where)
    if not 0 <= size < 1 << 32:
        raise UtvmError(f"'{key}' is {size}, not a 32-bit size", where=where, hint=DAMAGED)
    return size


def _strings(fields: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = fields.get(key)
    if isinstance(value, dict):  # before version 6: device type -> target
        return tuple(_typed(item, key, str, where) for item in value.values())
    return tuple(_typed(item, key, str, where) for item in _get(fields, key, list, where))


def _finite(text: str) -> float:
    """JSON has no number for what Python reads of ``NaN``, ``Infinity`` and ``1e999``."""
    if not math.isfinite(float(text)):
        raise ValueError(f"{text} is no number")
    return float(text)


def _depth(value: object) -> int:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, items), default=0)


def _get(fields: Mapping[str, Any], key: str, kind: type[_T], where: str) -> _T:
    if key not in fields:
        raise UtvmError(f"'{key}' is missing", where=where, hint=DAMAGED)
    return _typed(fields[key], key, kind, where)


def _typed(value: object, key: str, kind: type[_T], where: str) -> _T:
    # bool is an int to Python and not one to JSON.
    if not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool):
        what = f"'{key}' is {type(value).__name__} where {kind.__name__} is expected"
        raise UtvmError(what, where=where, hint=DAMAGED)
    return value
