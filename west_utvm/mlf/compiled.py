# SPDX-License-Identifier: Apache-2.0
"""A model that was compiled here, as the reader of archives would give it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from west_utvm.mlf.header import parse_header
from west_utvm.mlf.metadata import Metadata, TensorSize
from west_utvm.mlf.ports import Port
from west_utvm.mlf.reader import Model
from west_utvm.mlf.record import compiler_record, document
from west_utvm.tensor import Tensor

if TYPE_CHECKING:
    from west_utvm.codegen import CPort, Written
    from west_utvm.planning.places import PlannedProgram


def library(
    name: str,
    planned: PlannedProgram,
    written: Written,
    *,
    target: str,
    relax: str,
    made: Mapping[str, Any],
) -> Model:
    """``target`` is a TVM target string, ``relax`` the text of the imported module and ``made``
    what the model was made from and how."""
    inputs, outputs = (_ports(side) for side in (written.inputs, written.outputs))
    metadata = Metadata(
        version=7,
        model_name=name,
        executors=("aot",),
        style="full-model",
        targets=(target,),
        inputs=_sizes(inputs),
        outputs=_sizes(outputs),
        workspace_size=planned.plan.size,
    )
    record = compiler_record(planned, written.inputs, written.outputs, made)
    whole: dict[str, Any] = document(metadata, record, written.source.constants)
    return Model(
        metadata=metadata,
        header=parse_header(written.header, name, f"tvmgen_{name}.h"),
        header_text=written.header,
        inputs=inputs,
        outputs=outputs,
        sources={f"{name}_lib0.c": written.source.text},
        objects=(),
        document=whole,
        entry=whole["modules"][name],
        relax=relax,
    )


def _ports(side: Sequence[CPort]) -> tuple[Port, ...]:
    return tuple(
        Port(Tensor(port.value.name, port.value.dtype, port.value.shape), port.c_name)
        for port in side
    )


def _sizes(ports: Sequence[Port]) -> tuple[TensorSize, ...]:
    return tuple(TensorSize(p.tensor.name, p.tensor.dtype, p.tensor.size) for p in ports)
