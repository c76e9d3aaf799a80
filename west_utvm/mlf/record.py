# SPDX-License-Identifier: Apache-2.0
"""``metadata.json`` for a model that was compiled here: version 7, with a record of our own.

The record is under ``west_utvm`` in the module's entry, in ``compiler``: shapes, quantization and
the operators, for which Model Library Format has no place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from west_utvm.mlf.metadata import Metadata, TensorSize

if TYPE_CHECKING:
    from west_utvm.codegen import CPort
    from west_utvm.kernels import Emitted
    from west_utvm.lowering import Value
    from west_utvm.planning.places import PlannedProgram

KEY = "west_utvm"
COMPILER = "compiler"


def document(metadata: Metadata, record: dict[str, Any], constants: int) -> dict[str, Any]:
    """The whole of ``metadata.json``; ``constants`` in bytes."""
    main = {
        "constants_size_bytes": constants,
        "device": 1,
        "inputs": _sizes(metadata.inputs or ()),
        "io_size_bytes": sum(t.size for t in (*(metadata.inputs or ()), *(metadata.outputs or ()))),
        "outputs": _sizes(metadata.outputs or ()),
        "workspace_size_bytes": metadata.workspace_size,
    }
    entry = {
        "executors": list(metadata.executors),
        "external_dependencies": [],
        "memory": {"functions": {"main": [main], "operator_functions": []}},
        "model_name": metadata.model_name,
        "style": metadata.style,
        "target": list(metadata.targets),
        KEY: {COMPILER: record},
    }
    return {"modules": {metadata.model_name: entry}, "version": metadata.version}


def _sizes(tensors: Sequence[TensorSize]) -> dict[str, Any]:
    return {tensor.name: {"dtype": tensor.dtype, "size": tensor.size} for tensor in tensors}


def compiler_record(
    planned: PlannedProgram,
    emitted: Sequence[Emitted | None],
    inputs: Sequence[CPort],
    outputs: Sequence[CPort],
) -> dict[str, Any]:
    """What the compiler knows of a model: tensors, operators and the workspace."""
    operators = zip(planned.program.operators, emitted, strict=True)
    return {
        "rounding": planned.program.rounding,
        "inputs": [_port(port) for port in inputs],
        "outputs": [_port(port) for port in outputs],
        "operators": [
            {
                "kind": operator.kind,
                "name": operator.name,
                "source": operator.source,
                "macs": c.macs if c else 0,
                "output": {
                    **_tensor(operator.outputs[0]),
                    "place": _place(planned, operator.outputs[0]),
                },
            }
            for operator, c in operators
        ],
        "workspace": {"size": planned.plan.size, "lower_bound": planned.plan.lower_bound},
    }


def _port(port: CPort) -> dict[str, Any]:
    return {**_tensor(port.value), "c_name": port.c_name}


def _tensor(value: Value) -> dict[str, Any]:
    return {
        "name": value.name,
        "shape": list(value.shape),
        "dtype": value.dtype,
        "scale": value.scale,
        "zero_point": value.zero_point,
    }


def _place(planned: PlannedProgram, value: Value) -> dict[str, Any]:
    place = planned.place(value)
    return {"buffer": place.buffer.value, "number": place.number}
