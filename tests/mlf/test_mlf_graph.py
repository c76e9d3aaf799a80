# SPDX-License-Identifier: Apache-2.0
"""Graph JSON: what tvmc wrote, and every index, count and kind that may be wrong in it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.archives import archive, refusal, unpack
from west_utvm.errors import UtvmError
from west_utvm.mlf.graph import Graph, read_graph

DIGITS = unpack(archive("digits_graph"))["executor-config/graph/default.graph"]
Document = dict[str, Any]


def read(document: object) -> Graph:
    return read_graph(json.dumps(document).encode(), "model.tar: x.graph")


def test_real_graph() -> None:
    graph = read_graph(DIGITS, "x")
    assert list(graph.arguments) == ["image", *(f"p{n}" for n in range(24))]
    assert len(graph.entries) == 34 and len(graph.calls) == 9
    assert graph.entries[0].shape == (1, 8, 8, 1) and graph.entries[0].size == 64
    assert graph.entries[1].shape == () and graph.entries[1].size == 2
    assert graph.calls[0].function == "tvmgen_default_fused_cast_subtract"
    assert (graph.calls[0].inputs, graph.calls[0].outputs) == ((0, 1), (2,))
    assert graph.heads == (33,) and graph.entries[33].dtype == "int8"
    assert not any(call.is_alias or call.flatten for call in graph.calls)


def small() -> Document:
    """x -> f(x, w) of two outputs -> reshape of the second -> g."""

    def call(name: str, inputs: list[list[int]], outputs: int = 1) -> Document:
        counts = {"num_inputs": str(len(inputs)), "num_outputs": str(outputs)}
        attributes = {"func_name": name, "flatten_data": "0", **counts}
        return {"op": "tvm_op", "name": name, "attrs": attributes, "inputs": inputs}

    return {
        "nodes": [
            {"op": "null", "name": "x", "inputs": []},
            {"op": "null", "name": "w", "inputs": []},
            call("f", [[0, 0, 0], [1, 0, 0]], 2),
            call("__nop", [[2, 1, 0]]),
            call("g", [[3, 0, 0]]),
        ],
        "arg_nodes": [0, 1],
        "heads": [[4, 0, 0], [2, 0, 0]],
        "attrs": {
            "dltype": ["list_str", ["int8", "int8", "int8", "int32", "int32", "float32"]],
            "device_index": ["list_int", [1] * 6],
            "storage_id": ["list_int", [0, 1, 2, 3, 3, 4]],
            "shape": ["list_shape", [[4], [], [4], [2, 3], [6], [1]]],
        },
        "node_row_ptr": [0, 1, 2, 4, 5, 6],
    }


def test_several_outputs_and_a_reshape() -> None:
    graph = read(small())
    assert [call.outputs for call in graph.calls] == [(2, 3), (4,), (5,)]
    assert [call.inputs for call in graph.calls] == [(0, 1), (3,), (4,)]
    assert [call.is_alias for call in graph.calls] == [False, True, False]
    assert graph.heads == (5, 2)


def test_what_may_be_absent_or_short() -> None:
    document = small()
    del document["attrs"]["device_index"], document["nodes"][2]["attrs"]["flatten_data"]
    document["heads"] = [[4, 0], [2, 0]]
    assert read(document) == read(small())


def to(*keys: Any) -> Callable[[Document], None]:
    """Set what the keys but the last lead to, to the last; Ellipsis removes it."""

    def change(document: Any) -> None:
        *path, key, value = keys
        for step in path:
            document = document[step]
        if value is ...:
            del document[key]
        else:
            document[key] = value

    return change


ATTRS = ("nodes", 2, "attrs")
DAMAGED: dict[str, tuple[Callable[[Document], None], str]] = {
    "cycle": (to("nodes", 2, "inputs", 0, [4, 0, 0]), "'f' refers to node 4, which does not come"),
    "itself": (to("nodes", 4, "inputs", 0, [4, 0, 0]), "'g' refers to node 4, which does not come"),
    "missing node": (to("nodes", 4, "inputs", 0, [99, 0, 0]), "'g' refers to node 99, which"),
    "missing output": (to("nodes", 4, "inputs", 0, [2, 2, 0]), "'g' refers to output 2 of node 2"),
    "negative node": (to("nodes", 4, "inputs", 0, [-1, 0, 0]), "has -1 in 'g'"),
    "reference of one": (to("nodes", 4, "inputs", 0, [1]), "'g' refers to [1], which is no entry"),
    "reference of text": (
        to("nodes", 4, "inputs", 0, ["1", 0]),
        "'g' is str where int",
    ),
    "head of nothing": (to("heads", 0, [5, 0, 0]), "'heads' refers to node 5, which does not"),
    "heads of another kind": (to("heads", 7), "'heads' is int where list is expected"),
    "unknown kind": (to("nodes", 2, "op", "tvm_if"), "node 'f' is of the unknown kind 'tvm_if'"),
    "node no object": (to("nodes", 0, []), "'node' is list where dict is expected"),
    "no name": (to("nodes", 0, "name", ...), "'name' is NoneType where str is expected"),
    "one name twice": (to("nodes", 1, "name", "x"), "has two arguments called 'x'"),
    "input with inputs": (to("nodes", 1, "inputs", [[0, 0, 0]]), "argument 'w' has inputs or"),
    "no function": (to(*ATTRS, "func_name", ...), "'func_name' is NoneType where str"),
    "function of C text": (to(*ATTRS, "func_name", "f();g"), "calls 'f();g', which is no function"),
    "no attributes": (to("nodes", 2, "attrs", ...), "'attrs of 'f'' is NoneType where dict"),
    "count of inputs": (to(*ATTRS, "num_inputs", "3"), "'f' has 2 where 'num_inputs' says 3"),
    "count of outputs": (to(*ATTRS, "num_outputs", "1"), "'f' has 2 where 'num_outputs' says 1"),
    "flatten": (to(*ATTRS, "flatten_data", "yes"), "node 'f' has 'yes' for flatten_data"),
    "rows of fewer": (to("node_row_ptr", [0, 1, 2]), "'node_row_ptr' does not number the entries"),
    "rows that fall": (to("node_row_ptr", 2, 9), "'node_row_ptr' does not number the entries"),
    "rows that stay": (to("node_row_ptr", 1, 0), "'node_row_ptr' does not number the entries"),
    "rows from one": (to("node_row_ptr", 0, 1), "'node_row_ptr' does not number the entries"),
    "rows of a billion": (to("node_row_ptr", 5, 10**9), "has 1000000000 entries"),
    "fewer shapes": (to("attrs", "shape", 1, [[4]]), "'shape' does not have a value for each of 6"),
    "no shapes": (to("attrs", "shape", ...), "'shape' is NoneType where list is expected"),
    "negative shape": (to("attrs", "shape", 1, 3, [-2, 3]), "has -2 in 'shape'"),
    "shape of zero": (to("attrs", "shape", 1, 3, [0, 3]), "entry 3 has the shape [0, 3]"),
    "shape of text": (to("attrs", "shape", 1, 3, ["n"]), "'shape' is str where int is expected"),
    "shape too large": (to("attrs", "shape", 1, 3, [1 << 20, 1 << 20]), "entry 3 has 4398046511"),
    "17 dimensions": (to("attrs", "shape", 1, 3, [1] * 17), "entry 3 has the shape [1, 1"),
    "bfloat16": (to("attrs", "dltype", 1, 3, "bfloat16"), "has the unsupported dtype 'bfloat16'"),
    "negative storage": (to("attrs", "storage_id", 1, 3, -1), "has -1 in 'storage_id'"),
    "storage out of range": (to("attrs", "storage_id", 1, 3, 6), "entry 3 has the storage id 6"),
    "storage true": (to("attrs", "storage_id", 1, 3, True), "'storage_id' is bool where int"),
    "GPU": (to("attrs", "device_index", 1, 3, 2), "places tensors on devices other than the CPU"),
    "arguments": (to("arg_nodes", [0]), "'arg_nodes' does not list the nodes that are arguments"),
    "reshape to more": (to("attrs", "shape", 1, 4, [7]), "has a '__nop' of 1 tensors to 1, or of"),
    "no nodes": (to("nodes", ...), "'nodes' is NoneType where list is expected"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged(case: str) -> None:
    change, reason = DAMAGED[case]
    document = small()
    change(document)
    line = refusal(read, document)
    assert line.startswith("model.tar: x.graph: ") and reason in line
    assert line.endswith("; the archive is damaged or was edited; export it again")


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"nodes": 1e999}', b"9" * 5000]
)
def test_no_graph(data: bytes) -> None:
    assert refusal(read_graph, data, "x.graph").startswith("x.graph: ")


def test_flipped_bytes() -> None:
    """A thousand damaged graphs: an error, or a graph in which all that is referred to is."""
    chance = random.Random(8)
    errors = 0
    for _ in range(1000):
        data = bytearray(DIGITS)
        data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            graph = read_graph(bytes(data), "x.graph")
        except UtvmError as error:
            errors += 1
            assert str(error).isprintable()
        else:
            written = set(graph.arguments.values())
            for call in graph.calls:
                assert written.issuperset(call.inputs)
                written.update(call.outputs)
            assert written.issuperset(graph.heads) and len(written) == len(graph.entries)
    assert 300 < errors < 1000
