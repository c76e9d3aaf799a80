# SPDX-License-Identifier: Apache-2.0
"""Graph executor: the graph and its parameters become C, and no executor is needed.

The calls that TVM's graph executor would make one after the other, led by JSON, are known when
the module is written, and so are the places of all tensors. Parameters stay in flash, where the
executor would copy them into RAM.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from west_utvm.errors import UtvmError
from west_utvm.mlf import Model
from west_utvm.mlf.archive import DAMAGED
from west_utvm.mlf.graph import Graph, read_graph
from west_utvm.mlf.metadata import TensorSize
from west_utvm.mlf.params import Parameter, read_params
from west_utvm.mlf.ports import c_identifier
from west_utvm.mlf.relay import input_types, output_names
from west_utvm.module.graph_memory import Layout, lay_out
from west_utvm.module.graph_source import Source
from west_utvm.module.interface import name_ports, synthesise
from west_utvm.module.operators import Operator, operators
from west_utvm.module.rewrite import uses_workspace_calls
from west_utvm.planning import ALIGNMENT
from west_utvm.tensor import Tensor


def adapt_graph(model: Model, path: Path) -> Model:
    """``model`` with a C interface; UtvmError where graph, parameters and code do not agree."""
    graph, sources = _with_prefixes(model, _graph(model, path))
    parameters = _parameters(model, graph, path)
    found = operators(sources.values(), ALIGNMENT)
    _check_calls(graph, found, path)
    inputs, outputs = name_ports(
        _inputs(model, graph, parameters, path), _outputs(model, graph, path)
    )
    layout = lay_out(graph, parameters.keys(), _needs(found, graph, path))
    header, text = synthesise(model.c_name, inputs, outputs, layout.workspace_size, path)
    arguments = [entry for entry in graph.arguments.values() if entry not in parameters]
    source = Source(
        module=header.module,
        graph=graph,
        layout=layout,
        inputs=dict(zip(arguments, inputs, strict=True)),
        outputs=outputs,
        parameters=parameters,
        operators=found,
        allocates=any(map(uses_workspace_calls, sources.values())),
    )
    return replace(
        model,
        metadata=replace(model.metadata, workspace_size=layout.workspace_size),
        header=header,
        header_text=text,
        inputs=inputs,
        outputs=outputs,
        sources=_added(sources, f"{header.module}_graph.c", source.text(), path),
        has_allocator=True,
        record=_record(layout, [port.tensor for port in (*inputs, *outputs)]),
    )


def _added(sources: Mapping[str, str], name: str, text: str, path: Path) -> dict[str, str]:
    if name in sources:
        raise UtvmError(f"holds a {name} already", where=path, hint=DAMAGED)
    return {**sources, name: text}


def _graph(model: Model, path: Path) -> Graph:
    if any("_lookup_linked_param" in text for text in model.sources.values()):
        what = "has its parameters linked in the way of TVM 0.8, which is not supported"
        raise UtvmError(what, where=path, hint="export it again without -link-params")
    name, data = _member(model, path, "graph JSON", *_graph_files(model))
    return read_graph(data, f"{path}: {name}")


def _graph_files(model: Model) -> tuple[str, ...]:
    """Of version 7, of 5 and 6, and of those before."""
    name = model.metadata.model_name
    folder = "executor-config/graph"
    return f"{folder}/{name}.graph", f"{folder}/graph.json", "runtime-config/graph/graph.json"


def _member(model: Model, path: Path, what: str, *names: str) -> tuple[str, bytes]:
    for name in names:
        if name in model.files:
            return name, model.files[name]
    raise UtvmError(f"has no {what} ({names[0]})", where=path, hint=DAMAGED)


def _parameters(model: Model, graph: Graph, path: Path) -> dict[int, tuple[str, Parameter]]:
    """C names and contents of parameters, by their entries in the graph."""
    name = f"parameters/{model.metadata.model_name}.params"
    name, data = _member(model, path, "parameters", name)
    where = f"{path}: {name}"
    parameters = {}
    for name, parameter in read_params(data, where).items():
        if name not in graph.arguments:
            continue  # as the graph executor does
        number = graph.arguments[name]
        entry = graph.entries[number]
        if (entry.dtype, entry.shape) != (parameter.dtype, parameter.shape):
            what = f"parameter '{name}' is {parameter.dtype} {list(parameter.shape)} and "
            what += f"{entry.dtype} {list(entry.shape)} in the graph"
            raise UtvmError(what, where=where, hint=DAMAGED)
        parameters[number] = (c_identifier(name), parameter)
    return parameters


def _with_prefixes(model: Model, graph: Graph) -> tuple[Graph, dict[str, str]]:
    """Sources that hold something. In those of TVM 0.8's beginnings operators had no prefix
    of their module, and those of two models would not go into one program."""
    sources = {name: text for name, text in model.sources.items() if text.strip(" ;\n")}
    bare = {call.function for call in graph.calls if not call.is_alias}
    bare = {name for name in bare if not name.startswith("tvmgen_")}
    if not bare:
        return graph, sources
    prefix = f"tvmgen_{model.c_name}_"
    pattern = re.compile(rf"\b({'|'.join(sorted(bare))})(?=\()", re.ASCII)
    calls = (
        replace(call, function=prefix + call.function) if call.function in bare else call
        for call in graph.calls
    )
    sources = {name: pattern.sub(rf"{prefix}\1", text) for name, text in sources.items()}
    return replace(graph, calls=tuple(calls)), sources


def _check_calls(graph: Graph, found: Mapping[str, Operator], path: Path) -> None:
    """All functions are there, and made for the tensors that they are called with."""
    seen: dict[str, list[tuple[str, tuple[int, ...]]]] = {}
    for call in graph.calls:
        if call.is_alias:
            continue
        if call.function not in found:
            what = f"its graph calls {call.function}, which no source of the archive defines"
            raise UtvmError(what, where=path, hint=DAMAGED)
        tensors = [graph.entries[entry] for entry in (*call.inputs, *call.outputs)]
        kinds = [(t.dtype, (t.elements,) if call.flatten else t.shape) for t in tensors]
        if found[call.function].num_args > len(kinds):
            what = f"its graph calls {call.function} with {len(kinds)} tensors, too few"
            raise UtvmError(what, where=path, hint=DAMAGED)
        # A function is compiled for the shapes and types of its tensors.
        if seen.setdefault(call.function, kinds) != kinds:
            what = f"its graph calls {call.function} with tensors of different shapes"
            raise UtvmError(what, where=path, hint=DAMAGED)


def _inputs(
    model: Model, graph: Graph, parameters: Mapping[int, object], path: Path
) -> list[Tensor]:
    """Arguments that are no parameters, in the order of the graph."""
    tensors = [
        Tensor(name, graph.entries[entry].dtype, graph.entries[entry].shape)
        for name, entry in graph.arguments.items()
        if entry not in parameters
    ]
    _check_stated(tensors, model.metadata.inputs, "input", path)
    if model.metadata.inputs is None and (known := input_types(model.relay)):
        for tensor in tensors:
            if tensor.name not in known and f"v{tensor.name}" not in known:
                what = f"has no contents for the parameter '{tensor.name}'"
                raise UtvmError(what, where=path, hint=DAMAGED)
    return tensors


def _outputs(model: Model, graph: Graph, path: Path) -> list[Tensor]:
    entries = [graph.entries[head] for head in graph.heads]
    names = _output_names(model, len(entries))
    if len(set(names)) != len(names):
        raise UtvmError("has two outputs of one name", where=path, hint=DAMAGED)
    tensors = [Tensor(n, e.dtype, e.shape) for n, e in zip(names, entries, strict=True)]
    _check_stated(tensors, model.metadata.outputs, "output", path)
    return tensors


def _output_names(model: Model, count: int) -> list[str]:
    """In the graph outputs have no names; in the metadata they have no order but the alphabet."""
    stated = [size.name for size in model.metadata.outputs or ()]
    told = output_names(model.relay)
    if len(told) == count and (not stated or set(told) == set(stated)):
        return told
    if len(stated) == count == 1:
        return stated
    return ["output"] if count == 1 else [f"output{number}" for number in range(count)]


def _check_stated(
    tensors: list[Tensor], stated: tuple[TensorSize, ...] | None, kind: str, path: Path
) -> None:
    if stated is None:
        return
    ours = {(tensor.name, tensor.dtype, tensor.size) for tensor in tensors}
    theirs = {(size.name, size.dtype, size.size) for size in stated}
    for name, dtype, size in sorted(ours ^ theirs):
        what = f"has the {kind} '{name}' of {size} bytes of {dtype} in one of graph and metadata"
        raise UtvmError(what, where=path, hint=DAMAGED)


def _needs(found: Mapping[str, Operator], graph: Graph, path: Path) -> dict[str, int]:
    """What each function that is called takes of TVMBackendAllocWorkspace, in bytes."""
    needs = {}
    for name in {call.function for call in graph.calls if not call.is_alias}:
        need = found[name].need
        if need is None:
            what = f"{name} allocates workspace in a way that is not TVM's"
            raise UtvmError(what, where=path, hint=DAMAGED)
        needs[name] = need
    return needs


def _record(layout: Layout, tensors: list[Tensor]) -> dict[str, dict[str, int]]:
    """RAM for tensors, inputs and outputs among them, and operators: TVM's executor's and ours."""
    planned = layout.workspace_size + sum(tensor.size for tensor in tensors)
    return {
        "graph": {
            "storage_bytes_of_graph_executor": layout.graph_executor,
            "planned_bytes": planned,
        }
    }
