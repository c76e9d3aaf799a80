# SPDX-License-Identifier: Apache-2.0
"""An ONNX graph as the importer rewrites it: nodes, constants, and what is known of each tensor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from west_utvm.errors import UtvmError

Array: TypeAlias = NDArray[Any]
QUANTIZE, DEQUANTIZE = "QuantizeLinear", "DequantizeLinear"


@dataclass(eq=False)
class Node:
    """``inputs`` and ``outputs`` are names of tensors, empty for one that is left out.

    ``number`` is the place in the file of what it comes from, ``code`` the operator there and
    ``name`` the name there. ``op`` may be one of the importer's own.
    """

    op: str
    inputs: list[str]
    outputs: list[str]
    number: int
    code: str
    name: str
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def source(self) -> str:
        return f"operator {self.number} ({short(self.code)})"

    def input(self, position: int) -> str:
        """Empty if it is left out."""
        return self.inputs[position] if position < len(self.inputs) else ""

    def like(
        self, op: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any
    ) -> Node:
        """Another node of the same origin."""
        return replace(
            self, op=op, inputs=list(inputs), outputs=list(outputs), attributes=attributes
        )


@dataclass(frozen=True)
class Quant:
    """real = scale x (integer - zero point); arrays of no dimension, or of one for channels."""

    scale: Array
    zero_point: Array
    axis: int = 0

    @property
    def scales(self) -> tuple[float, ...]:
        return tuple(map(float, np.atleast_1d(self.scale)))

    @property
    def zero(self) -> int:
        return int(np.atleast_1d(self.zero_point)[0])

    @property
    def dtype(self) -> str:
        return str(self.zero_point.dtype)

    def same(self, other: Quant) -> bool:
        return (self.scales, self.zero, self.dtype) == (other.scales, other.zero, other.dtype)


@dataclass
class Graph:
    """``shapes`` and ``dtypes`` are of every tensor that is not left out, constants included.

    ``shifted`` are tensors that are int8 here and uint8 in the file. ``titles`` are names for the
    C and for reports, where they are others than here. ``notes`` are for the user.
    """

    path: Path
    opset: int
    nodes: list[Node]
    constants: dict[str, Array]
    inputs: list[str]
    outputs: list[str]
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    dtypes: dict[str, str] = field(default_factory=dict)
    shifted: set[str] = field(default_factory=set)
    titles: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def where(self, node: Node) -> str:
        return f"{self.path}: {node.source}, '{short(node.name)}'"

    def refuse(self, node: Node, what: str, hint: str = "") -> UtvmError:
        return UtvmError(what, where=self.where(node), hint=hint)

    def fresh(self, base: str, shape: Sequence[int], dtype: str) -> str:
        """The name of a new tensor: what it is made of, a colon, and what it is."""
        name, number = base, 1
        root = base.rpartition(":")[0]
        while name in self.shapes or name in self.constants or not name:
            number += 1
            name = f"{base}:{number}"
        self.shapes[name], self.dtypes[name] = tuple(shape), dtype
        self.titles[name] = self.titles.get(root, root) or base
        return name

    def constant(self, base: str, data: Array) -> str:
        """The name of a new constant."""
        name = self.fresh(base, data.shape, str(data.dtype))
        self.constants[name] = data
        return name

    def forget(self, nodes: Iterable[Node]) -> None:
        gone = set(map(id, nodes))
        self.nodes = [node for node in self.nodes if id(node) not in gone]

    def quant(self, node: Node) -> Quant:
        """The parameters of a quantize or dequantize; UtvmError if they are not supported."""
        scale = self.constants.get(node.input(1))
        default = np.zeros((), self._default(node))
        zero = self.constants.get(node.input(2)) if node.input(2) else default
        if scale is None or zero is None:
            what = "has a scale or zero point that is not constant"
            raise self.refuse(node, what, "quantize it statically")
        self._check(node, scale, zero)
        if scale.ndim == 1 and scale.size == 1:
            scale, zero = scale.reshape(()), zero.reshape(-1)[:1].reshape(())
        shape = self.shapes[node.inputs[0]]
        axis = int(node.attributes.get("axis", 1))
        if scale.ndim and (not -len(shape) <= axis < len(shape) or shape[axis] != scale.size):
            axis = 0 if len(shape) == 1 else axis
            if not -len(shape) <= axis < len(shape) or shape[axis] != scale.size:
                raise self.refuse(node, "has another number of scales than channels")
        return Quant(scale, zero, axis % len(shape) if shape else 0)

    def _default(self, node: Node) -> str:
        """The dtype of a zero point that is left out."""
        if node.op == QUANTIZE:
            return "uint8"
        data = self.constants.get(node.inputs[0])
        return self.dtypes[node.inputs[0]] if data is None else str(data.dtype)

    def _check(self, node: Node, scale: Array, zero: Array) -> None:
        if str(zero.dtype) not in ("int8", "uint8", "int32"):
            what = f"quantizes to {zero.dtype}, and int8 and uint8 are supported"
            raise self.refuse(node, what, "quantize to 8 bits")
        if scale.dtype != np.float32 or scale.ndim > 1 or node.attributes.get("block_size"):
            raise self.refuse(node, "has a quantization of an unsupported kind")
        if zero.size not in (1, scale.size) or not np.all(np.isfinite(scale) & (scale > 0)):
            raise self.refuse(node, "has no valid quantization", "the file is damaged")


def short(name: str) -> str:
    """A name for a message: a damaged file may have any."""
    return name if len(name) <= 100 else f"{name[:97]}..."


def producers(graph: Graph) -> dict[str, Node]:
    return {name: node for node in graph.nodes for name in node.outputs if name}


def users(graph: Graph) -> dict[str, list[Node]]:
    """Those that read a tensor, once for each time that they do."""
    found: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for name in node.inputs:
            if name:
                found.setdefault(name, []).append(node)
    return found


def ordered(graph: Graph) -> None:
    """Bring the nodes into an order that they can run in, and drop those that nobody needs."""
    made = producers(graph)
    result: list[Node] = []
    state: dict[int, bool] = {}
    stack = [made[name] for name in reversed(graph.outputs) if name in made]
    while stack:
        node = stack[-1]
        if state.get(id(node)):
            stack.pop()
            continue
        if id(node) in state:
            state[id(node)] = True
            result.append(stack.pop())
            continue
        state[id(node)] = False
        needed = [made[name] for name in node.inputs if name in made]
        if any(state.get(id(other)) is False for other in needed):
            raise graph.refuse(node, "is a part of a cycle", "the file is damaged")
        stack += [other for other in reversed(needed) if id(other) not in state]
    graph.nodes = result


def reshaped(shape: Sequence[int], axes: Sequence[int]) -> tuple[int, ...]:
    """A shape with its axes in another order."""
    return tuple(shape[axis] for axis in axes)


def renamed(names: Sequence[str], given: Mapping[str, str]) -> list[str]:
    return [given.get(name, name) for name in names]
