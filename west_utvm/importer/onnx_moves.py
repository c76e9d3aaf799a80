# SPDX-License-Identifier: Apache-2.0
"""Operators that move elements, on int8: dequantize goes below them and quantize above.

A model has them between dequantize and quantize, as it has all else, and they compute the same on
either side. Where the two then meet with the same parameters, neither is needed.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from west_utvm.importer.onnx_fold import quantized
from west_utvm.importer.onnx_graph import (
    DEQUANTIZE,
    QUANTIZE,
    Graph,
    Node,
    Quant,
    ordered,
    producers,
    renamed,
    users,
)

# The importer's own are those whose names end in Last: images are NHWC.
MOVES = frozenset(
    """Concat Flatten GlobalMaxPool MaxPool MaxPoolLast Pad PadConstant Reshape Resize ResizeLast
    Slice Split Squeeze Transpose Unsqueeze""".split()
)
# These are the same before and after a move.
_BOUNDS = ("Relu", "Clip")


def move_to_int8(graph: Graph) -> None:
    ordered(graph)
    _sink(graph)
    _lift_bounds(graph)
    _hoist(graph)
    _join(graph)
    ordered(graph)


def _sink(graph: Graph) -> None:
    """move(dequantize(x)) -> dequantize(move(x))"""
    sources: dict[str, Node] = {}
    result: list[Node] = []
    for node in graph.nodes:
        if _dequantizes_whole(graph, node):
            sources[node.outputs[0]] = node
        given = [sources.get(name) for name in _moved(node)]
        if node.op in MOVES and given and all(_alike(graph, item, given[0]) for item in given):
            assert given[0] is not None
            result += _sunk(graph, node, [item for item in given if item], sources)
        else:
            result.append(node)
    graph.nodes = result


def _dequantizes_whole(graph: Graph, node: Node) -> bool:
    """Whether it does what was computed, by one scale."""
    if node.op != DEQUANTIZE or node.inputs[0] in graph.constants:
        return False
    return not graph.quant(node).scale.ndim


def _moved(node: Node) -> list[str]:
    """The inputs whose elements it moves."""
    return node.inputs if node.op == "Concat" else node.inputs[:1]


def _alike(graph: Graph, first: Node | None, second: Node | None) -> bool:
    return bool(first and second and graph.quant(first).same(graph.quant(second)))


def _sunk(graph: Graph, node: Node, given: list[Node], sources: dict[str, Node]) -> list[Node]:
    count = len(_moved(node))
    node.inputs = [*(item.inputs[0] for item in given), *node.inputs[count:]]
    below = []
    for position, name in enumerate(node.outputs):
        if not name:
            continue
        moved = graph.fresh(f"{name}:int8", graph.shapes[name], graph.dtypes[node.inputs[0]])
        if node.inputs[0] in graph.shifted:
            graph.shifted.add(moved)
        node.outputs[position] = moved
        sources[name] = given[0].like(DEQUANTIZE, [moved, *given[0].inputs[1:]], [name])
        below.append(sources[name])
    _fill(node, graph.quant(given[0]))
    return [node, *below]


def _fill(node: Node, quant: Quant) -> None:
    """What a pad writes, as an integer."""
    if node.op == "PadConstant":
        value = np.array(node.attributes["value"], np.float32)
        node.attributes["value"] = int(quantized(value, quant))


def _lift_bounds(graph: Graph) -> None:
    """bounds(move(x)) -> move(bounds(x)), so that they are next to what they bound."""
    for node in list(graph.nodes):
        if node.op not in _BOUNDS:
            continue
        while True:
            made, read = producers(graph), users(graph)
            move = made.get(node.inputs[0])
            if not (move and _single(graph, read, move) and len(_moved(move)) == 1):
                break
            if graph.dtypes[move.inputs[0]] != "float32" or move.op == "PadConstant":
                break
            before, after = move.inputs[0], node.outputs[0]
            bounded = graph.fresh(f"{after}:bounded", graph.shapes[before], "float32")
            node.inputs, node.outputs = [before, *node.inputs[1:]], [bounded]
            move.inputs, move.outputs = [bounded, *move.inputs[1:]], [after]


def _single(graph: Graph, read: Mapping[str, list[Node]], move: Node) -> bool:
    """Whether it is a move with one result, which is read once and by nobody outside."""
    if move.op not in MOVES or len(move.outputs) != 1:
        return False
    name = move.outputs[0]
    return len(read.get(name, [])) == 1 and name not in graph.outputs


def _hoist(graph: Graph) -> None:
    """quantize(move(x)) -> move(quantize(x))"""
    made, read = producers(graph), users(graph)
    waiting = [node for node in graph.nodes if node.op == QUANTIZE]
    while waiting:
        node = waiting.pop()
        move = made.get(node.inputs[0])
        if move is None or not _single(graph, read, move) or graph.quant(node).scale.ndim:
            continue
        if any(graph.dtypes[name] != "float32" for name in _moved(move)):
            continue
        target = node.outputs[0]
        for position, name in enumerate(_moved(move)):
            above = graph.fresh(f"{name}:int8", graph.shapes[name], graph.dtypes[target])
            if target in graph.shifted:
                graph.shifted.add(above)
            new = node.like(QUANTIZE, [name, *node.inputs[1:]], [above])
            graph.nodes.append(new)
            waiting.append(new)
            read[name] = [new if user is move else user for user in read[name]]
            made[above], read[above] = new, [move]
            move.inputs[position] = above
        _fill(move, graph.quant(node))
        move.outputs = [target]
        made[target] = move
        graph.forget([node])


def _join(graph: Graph) -> None:
    """quantize(dequantize(x)) by the same parameters -> x, unless both are the model's own."""
    made = producers(graph)
    same: dict[str, str] = {}
    ordered(graph)
    for node in graph.nodes:
        node.inputs = renamed(node.inputs, same)
        before = made.get(node.inputs[0]) if node.op == QUANTIZE else None
        if before is None or before.op != DEQUANTIZE or before.inputs[0] in graph.constants:
            continue
        if not graph.quant(before).same(graph.quant(node)):
            continue
        if node.outputs[0] not in graph.outputs:
            same[node.outputs[0]] = before.inputs[0]
    _rename_outputs(graph)


def _rename_outputs(graph: Graph) -> None:
    """An output that is another name of an operator's result gives that its name."""
    made = producers(graph)
    for name in graph.outputs:
        node = made[name]
        before = made.get(node.inputs[0]) if node.op == QUANTIZE else None
        if before is None or before.op != DEQUANTIZE:
            continue
        source = before.inputs[0]
        if not graph.quant(before).same(graph.quant(node)) or source not in made:
            continue
        if source in graph.outputs:
            continue
        graph.forget([node])
        for other in graph.nodes:
            other.inputs = renamed(other.inputs, {source: name})
            other.outputs = renamed(other.outputs, {source: name})
        if source in graph.shifted:
            graph.shifted.add(name)
        made = producers(graph)
