# SPDX-License-Identifier: Apache-2.0
"""torch.export's .pt2 -> Relax, by ``tvm.relax.frontend.torch``.

The format is PyTorch's own, and only PyTorch reads it: it has to be installed for these files,
and is not among our requirements.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tvm import relax

from west_utvm.errors import UtvmError
from west_utvm.importer.model import Imported, Origin, TensorInfo

_FLOAT = "export it in float32, or convert it to .tflite or .onnx with quantization"


def import_pt2(path: Path, data: bytes) -> Imported:
    """Read the exported program ``data`` of the file at ``path``: float32 and fixed shapes."""
    try:
        import torch
    except ImportError:
        what = "is a program of PyTorch, which it takes PyTorch to read"
        raise UtvmError(what, where=path, hint="pip install torch") from None
    from tvm.relax.frontend.torch import from_exported_program

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.load(io.BytesIO(data))
            module = from_exported_program(program, unwrap_unit_return_tuple=True)
    except Exception as error:  # PyTorch's and TVM's own errors, of many classes
        reason = str(error).strip().splitlines() or [type(error).__name__]
        what = f"is refused by PyTorch or TVM's front end ({reason[0][:200]})"
        raise UtvmError(what, where=path) from None
    return _imported(path, module)


def _imported(path: Path, module: Any) -> Imported:
    main = module["main"]
    bindings = [binding for block in main.body.blocks for binding in block.bindings]
    origins = {
        one.var.name: Origin(number, f"operator {number} ({_kind(one)})", _info(path, one.var), {})
        for number, one in enumerate(filter(_is_operator, bindings))
    }
    bound = {one.var.name: one.value for one in bindings}
    return Imported(
        module=module,
        inputs=tuple(_info(path, variable) for variable in main.params),
        outputs=tuple(_info(path, one) for one in _results(main.body.body, bound)),
        origins=origins,
    )


def _results(given: Any, bound: Mapping[str, Any]) -> list[Any]:
    """The variables that ``main`` returns."""
    while isinstance(bound.get(getattr(given, "name", "")), relax.Var | relax.Tuple):
        given = bound[given.name]
    if isinstance(given, relax.Tuple):
        return [one for item in given.fields for one in _results(item, bound)]
    return [given]


def _is_operator(binding: Any) -> bool:
    """Whether it computes a tensor, and is not a tuple or another name."""
    is_alias = isinstance(binding.value, relax.Var | relax.Tuple)
    return not is_alias and isinstance(binding.var.ty, relax.TensorType)


def _kind(binding: Any) -> str:
    op = getattr(binding.value, "op", None)
    return str(getattr(op, "name", "")).removeprefix("relax.") or "item of a tuple"


def _info(path: Path, variable: Any) -> TensorInfo:
    kind = variable.ty
    where = f"{path}: tensor '{variable.name}'"
    if not isinstance(kind, relax.TensorType) or str(kind.dtype) != "float32":
        raise UtvmError(f"is {getattr(kind, 'dtype', 'no tensor')}", where=where, hint=_FLOAT)
    try:
        shape = tuple(int(dim) for dim in kind.shape)
    except (TypeError, ValueError):
        what = "has a shape that is not known before it runs"
        raise UtvmError(what, where=where, hint="export it without dynamic_shapes") from None
    return TensorInfo(variable.name, shape, "float32")
