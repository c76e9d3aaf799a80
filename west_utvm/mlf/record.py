# SPDX-License-Identifier: Apache-2.0
"""``metadata.json`` for a model that was compiled here: version 7, with a record of our own.

The record is under ``west_utvm`` in the module's entry, in ``compiler``: shapes, quantization and
the operators, for which Model Library Format has no place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from west_utvm.mlf.metadata import Metadata
from west_utvm.mlf.ports import c_identifier
from west_utvm.tensor import Tensor

if TYPE_CHECKING:
    from west_utvm.codegen import CPort
    from west_utvm.lowering import Operator, Value
    from west_utvm.planning.places import PlannedProgram

KEY = "west_utvm"
COMPILER = "compiler"


def document(metadata: Metadata, record: dict[str, Any], constants: int) -> dict[str, Any]:
    """The whole of ``metadata.json``; ``constants`` in bytes."""
    inputs, outputs = (_sizes(record[side]) for side in ("inputs", "outputs"))
    main = {
        "constants_size_bytes": constants,
        "device": 1,
        "inputs": inputs,
        "io_size_bytes": sum(item["size"] for item in (*inputs.values(), *outputs.values())),
        "outputs": outputs,
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


def _sizes(ports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Under names that lead to those of the C interface, as a reader expects."""
    return {
        port["name"] if c_identifier(port["name"]) == port["c_name"] else port["c_name"]: {
            "dtype": port["dtype"],
            "size": Tensor(port["name"], port["dtype"], tuple(port["shape"])).size,
        }
        for port in ports
    }


def recorded_tensors(entry: dict[str, Any], side: str) -> dict[str, Tensor]:
    """``inputs`` or ``outputs`` of a record, by their C names; {} if there is none, or none that
    is whole: it only adds to what the rest of an archive tells."""
    try:
        ports = entry[KEY][COMPILER][side]
        return {
            str(port["c_name"]): Tensor(
                str(port["name"]), str(port["dtype"]), tuple(int(dim) for dim in port["shape"])
            )
            for port in ports
        }
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return {}


def recorded_option(entry: dict[str, Any], name: str) -> str:
    """An option that the model was compiled with; empty where it is not ours, or has none."""
    try:
        return str(entry[KEY][COMPILER]["options"][name])
    except (LookupError, TypeError):
        return ""


def compiler_record(
    planned: PlannedProgram,
    inputs: Sequence[CPort],
    outputs: Sequence[CPort],
    more: Mapping[str, Any],
) -> dict[str, Any]:
    """What the compiler knows of a model: tensors, operators and the workspace.

    Sizes are in bytes, ``macs`` multiply-accumulates of one inference. A ``step`` is an operator's
    place in the list of them. ``more`` is what the model was made from and how.
    """
    from west_utvm.planning.tenants import tenants

    operators = [_operator(planned, step) for step in range(len(planned.emitted))]
    return {
        **more,
        "rounding": planned.program.rounding,
        "inputs": [_port(planned, port) for port in inputs],
        "outputs": [_port(planned, port) for port in outputs],
        "operators": operators,
        "float": planned.program.in_float(),
        "macs": sum(item["macs"] for item in operators),
        "constants": sum(item["constants"] for item in operators),
        "workspace": {
            "size": planned.plan.size,
            "lower_bound": planned.plan.lower_bound,
            "proven": planned.plan.proven,
            "tensors": [asdict(tenant) for tenant in tenants(planned)],
        },
    }


def _operator(planned: PlannedProgram, step: int) -> dict[str, Any]:
    """One that has nothing to do, as its result is where its input is, has no kernel."""
    from west_utvm.codegen.operators import activations, constant_bytes, symbol

    operator, emitted = planned.program.operators[step], planned.emitted[step]
    idle = planned.is_alias(operator)
    output = operator.outputs[0]
    return {
        "kind": operator.kind,
        "name": operator.name,
        "source": operator.source,
        "function": symbol(step, operator),
        "kernel": "(none)" if idle else emitted.label or emitted.kernel or operator.kind,
        "macs": 0 if idle else emitted.macs,
        "constants": 0 if idle else constant_bytes(operator, emitted),
        "scratch": emitted.scratch,
        "inputs": [value.name for value in activations(operator)],
        "weights": _weights(operator),
        "output": {**_tensor(output), "size": output.size, "place": _place(planned, output)},
    }


def _weights(operator: Operator) -> dict[str, Any] | None:
    """``scales`` is how many there are: one, or one a channel."""
    from west_utvm.codegen.operators import activations

    others = operator.inputs[len(activations(operator)) :]
    if not others:
        return None
    weights = others[0]
    return {
        "shape": list(weights.shape),
        "dtype": weights.dtype,
        "scales": len(weights.scales),
    }


def _port(planned: PlannedProgram, port: CPort) -> dict[str, Any]:
    return {
        **_tensor(port.value),
        "size": port.value.size,
        "c_name": port.c_name,
        "place": _place(planned, port.value),
    }


def _tensor(value: Value) -> dict[str, Any]:
    """``scale`` and ``zero_point`` are there where there is a quantization."""
    tensor = {"name": value.name, "shape": list(value.shape), "dtype": value.dtype}
    if not value.scales:
        return tensor
    return {**tensor, "scale": value.scale, "zero_point": value.zero_point}


def _place(planned: PlannedProgram, value: Value) -> dict[str, Any]:
    place = planned.place(value)
    return {"buffer": place.buffer.value, "number": place.number}
