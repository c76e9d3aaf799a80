# SPDX-License-Identifier: Apache-2.0
"""Which nodes are computed in integers, together: dequantize, an operator, bounds, quantize."""

from __future__ import annotations

from dataclasses import dataclass, field

from west_utvm.importer.onnx_graph import (
    DEQUANTIZE,
    QUANTIZE,
    Graph,
    Node,
    Quant,
    producers,
    users,
)
from west_utvm.importer.onnx_moves import MOVES

# Operators that have an integer form, and how many of their inputs are dequantized.
_INTEGER = {
    "Add": 2,
    "AveragePoolLast": 1,
    "Clip": 1,
    "ConvLast": 2,
    "Dense": 2,
    "GlobalAveragePool": 1,
    "HardSwish": 1,
    "LeakyRelu": 1,
    "Mul": 2,
    "ReduceMean": 1,
    "ReduceSum": 1,
    "Relu": 1,
    "Sigmoid": 1,
    "Softmax": 1,
    "Sub": 2,
    "Tanh": 1,
}
_BOUNDS = ("Relu", "Clip")


@dataclass
class Regions:
    """``inside`` are tensors that no buffer holds, ``weights`` the dequantizes (by ``id``) of
    constants that integer operators take. ``heads`` are the operators by their quantize."""

    inside: set[str] = field(default_factory=set)
    weights: frozenset[int] = frozenset()
    heads: dict[int, Node] = field(default_factory=dict)

    def origin(self, node: Node) -> Node:
        return self.heads.get(id(node), node)


def find_regions(graph: Graph) -> Regions:
    made, read = producers(graph), users(graph)
    regions = Regions()
    weights: set[int] = set()
    taken: set[int] = set()
    for node in graph.nodes:
        if node.op != QUANTIZE:
            continue
        chain = _chain(graph, node, made, read)
        head = chain[-1]
        count = 1 if head.op == DEQUANTIZE else _INTEGER.get(head.op, 0)
        sources = [made.get(name) for name in head.inputs[:count]]
        if head.op == DEQUANTIZE:
            sources = [head]
        if not count or not all(item is not None and item.op == DEQUANTIZE for item in sources):
            continue
        regions.heads[id(node)] = head
        regions.inside |= {item.outputs[0] for item in chain if item.op != DEQUANTIZE}
        taken.add(id(node))
        taken |= {id(item) for item in chain}
        parameters = [made[name] for name in head.inputs if name in made]
        weights |= {id(item) for item in parameters if item.op == DEQUANTIZE}
    regions.weights = frozenset(weights)
    regions.inside |= _only_in(graph, taken, read)
    return regions


def _chain(
    graph: Graph, node: Node, made: dict[str, Node], read: dict[str, list[Node]]
) -> list[Node]:
    """What a quantize follows: the nearest first, the operator last."""
    name = node.inputs[0]
    chain: list[Node] = []
    while name in made:
        before = made[name]
        if before.op == DEQUANTIZE:
            break
        if len(read[name]) != 1 or name in graph.outputs:
            break
        chain.append(before)
        inner = made.get(before.inputs[0]) if before.op in _BOUNDS else None
        if inner is None or inner.op == DEQUANTIZE or len(chain) > 1 or inner.op not in _INTEGER:
            break
        name = before.inputs[0]
    return chain or [made.get(node.inputs[0], node)]


def _only_in(graph: Graph, taken: set[int], read: dict[str, list[Node]]) -> set[str]:
    """Dequantized tensors that integer operators alone read."""
    return {
        node.outputs[0]
        for node in graph.nodes
        if node.op == DEQUANTIZE
        and node.outputs[0] not in graph.outputs
        and all(id(user) in taken for user in read.get(node.outputs[0], []))
    }


def quantizations(graph: Graph) -> dict[str, Quant]:
    """Of int8 tensors: given by what quantizes or dequantizes them, kept by moves."""
    known: dict[str, Quant] = {}
    for node in graph.nodes:
        if node.op == QUANTIZE:
            known[node.outputs[0]] = graph.quant(node)
        elif node.op == "Table":
            known[node.outputs[0]] = node.attributes["result"]
            known.setdefault(node.inputs[0], node.attributes["given"])
        elif node.op == DEQUANTIZE and node.inputs[0] not in graph.constants:
            known.setdefault(node.inputs[0], graph.quant(node))
    moves = [node for node in graph.nodes if node.op in MOVES]
    for node in moves:
        if node.inputs[0] in known:
            for name in node.outputs:
                known.setdefault(name, known[node.inputs[0]])
    for node in reversed(moves):
        if node.outputs and node.outputs[0] in known:
            known.setdefault(node.inputs[0], known[node.outputs[0]])
    return known
