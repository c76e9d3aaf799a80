# SPDX-License-Identifier: Apache-2.0
"""The graph JSON that TVM's graph executor interprets: operators in the order they are called.

A node is an argument (``null``: an input or a parameter) or a call (``tvm_op``). It has one
output or more, each an *entry*; ``node_row_ptr`` numbers the entries, and the lists under
``attrs`` have an item for each. The form is that of GraphExecutor (TVM's
src/runtime/graph_executor/graph_executor.h) and has not changed since v0.8.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

from west_utvm.errors import UtvmError
from west_utvm.mlf.archive import DAMAGED
from west_utvm.tensor import DTYPE_SIZES

_CPU = 1  # kDLCPU
_MAX_DIMENSIONS = 16
_MAX_SIZE = 1 << 31
_T = TypeVar("_T")
_FUNCTION = re.compile(r"[A-Za-z_]\w{0,254}", re.ASCII)

# Calls that the executor answers itself: a reshape, whose output is its input, and a copy
# between devices, of which there is one here.
ALIASES = ("__nop", "__copy")


@dataclass(frozen=True)
class Entry:
    """A tensor: ``size`` in bytes. Entries of one ``storage_id`` share memory at run time."""

    dtype: str
    shape: tuple[int, ...]
    storage_id: int

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        return self.elements * DTYPE_SIZES[self.dtype]


@dataclass(frozen=True)
class Call:
    """One call of an operator's function; ``inputs`` and ``outputs`` are numbers of entries.

    With ``flatten``, the function is to see tensors of one dimension.
    """

    function: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    flatten: bool

    @property
    def is_alias(self) -> bool:
        return self.function in ALIASES


@dataclass(frozen=True)
class Graph:
    """``arguments`` maps the names of inputs and parameters to their entries, ``calls`` come in
    the order of execution, and ``heads`` are the entries of the outputs."""

    entries: tuple[Entry, ...]
    arguments: dict[str, int]
    calls: tuple[Call, ...]
    heads: tuple[int, ...]


def read_graph(data: bytes, where: str) -> Graph:
    """Read graph JSON; UtvmError unless every index in it leads backwards and to something."""
    return _Reader(where).graph(data)


class _Reader:
    def __init__(self, where: str) -> None:
        self.where = where
        # Of each node read so far, its entries.
        self.entries_of: list[tuple[int, ...]] = []

    def graph(self, data: bytes) -> Graph:
        document = self._document(data)
        nodes = [self._typed(n, "node", dict) for n in self._list(document, "nodes")]
        rows = self._row_pointers(document, len(nodes))
        arguments: dict[str, int] = {}
        calls = []
        for number, node in enumerate(nodes):
            outputs = tuple(range(rows[number], rows[number + 1]))
            if self._string(node, "op") == "tvm_op":
                calls.append(self._call(node, outputs))
            else:
                self._argument(node, outputs, arguments)
            self.entries_of.append(outputs)
        entries = self._entries(document, rows[-1])
        self._check_arguments(document, nodes)
        self._check_aliases(calls, entries)
        heads = tuple(self._entry_number(head, "heads") for head in self._list(document, "heads"))
        return Graph(entries, arguments, tuple(calls), heads)

    def error(self, what: str) -> UtvmError:
        return UtvmError(what, where=self.where, hint=DAMAGED)

    def _document(self, data: bytes) -> dict[str, Any]:
        try:
            return self._typed(json.loads(data), "the graph", dict)
        except (ValueError, RecursionError) as error:
            raise self.error(f"is not JSON ({error})") from None

    def _row_pointers(self, document: Mapping[str, Any], nodes: int) -> list[int]:
        rows = [self._number(row, "node_row_ptr") for row in self._list(document, "node_row_ptr")]
        rising = all(low < high for low, high in pairwise(rows))
        if len(rows) != nodes + 1 or rows[0] != 0 or not rising:
            raise self.error(f"'node_row_ptr' does not number the entries of {nodes} nodes")
        if rows[-1] > 1 << 20:
            raise self.error(f"has {rows[-1]} entries")
        return rows

    def _argument(
        self, node: Mapping[str, Any], outputs: tuple[int, ...], arguments: dict[str, int]
    ) -> None:
        name = self._string(node, "name")
        if node["op"] != "null":
            raise self.error(f"node '{name}' is of the unknown kind '{node['op']}'")
        if name in arguments:
            raise self.error(f"has two arguments called '{name}'")
        if len(outputs) != 1 or node.get("inputs"):
            raise self.error(f"argument '{name}' has inputs or several outputs")
        arguments[name] = outputs[0]

    def _call(self, node: Mapping[str, Any], outputs: tuple[int, ...]) -> Call:
        name = self._string(node, "name")
        attributes = self._typed(node.get("attrs", node.get("attr")), f"attrs of '{name}'", dict)
        function = self._string(attributes, "func_name")
        if not _FUNCTION.fullmatch(function):
            raise self.error(f"node '{name}' calls '{function}', which is no function's name")
        inputs = tuple(self._entry_number(item, name) for item in self._list(node, "inputs"))
        self._check_count(attributes, "num_inputs", len(inputs), name)
        self._check_count(attributes, "num_outputs", len(outputs), name)
        flatten = str(attributes.get("flatten_data", "0"))
        if flatten not in ("0", "1"):
            raise self.error(f"node '{name}' has '{flatten}' for flatten_data")
        return Call(function, inputs, outputs, flatten == "1")

    def _check_count(self, attributes: Mapping[str, Any], key: str, count: int, name: str) -> None:
        """Numbers among a node's attributes are strings."""
        stated = attributes.get(key)
        if str(stated) != str(count):
            raise self.error(f"node '{name}' has {count} where '{key}' says {stated}")

    def _entry_number(self, value: object, where: str) -> int:
        """The entry of ``[node, index]`` or ``[node, index, version]``, of a node before this."""
        reference = [self._number(n, where) for n in self._typed(value, where, list)]
        if len(reference) not in (2, 3):
            raise self.error(f"'{where}' refers to {value}, which is no entry")
        node, index = reference[:2]
        if node >= len(self.entries_of):
            raise self.error(f"'{where}' refers to node {node}, which does not come before it")
        if index >= len(self.entries_of[node]):
            raise self.error(f"'{where}' refers to output {index} of node {node}, which has not")
        return self.entries_of[node][index]

    def _entries(self, document: Mapping[str, Any], count: int) -> tuple[Entry, ...]:
        attributes = self._typed(document.get("attrs"), "attrs", dict)
        dtypes = self._attribute(attributes, "dltype", count)
        shapes = self._attribute(attributes, "shape", count)
        storage_ids = self._attribute(attributes, "storage_id", count)
        devices = (
            self._attribute(attributes, "device_index", count)
            if "device_index" in attributes
            else [_CPU] * count
        )
        if any(self._number(device, "device_index") != _CPU for device in devices):
            raise self.error("places tensors on devices other than the CPU")
        return tuple(
            self._entry(number, *item, count)
            for number, item in enumerate(zip(dtypes, shapes, storage_ids, strict=True))
        )

    def _attribute(self, attributes: Mapping[str, Any], key: str, count: int) -> list[Any]:
        """``[kind, values]``, a value for each entry."""
        pair = self._list(attributes, key)
        if len(pair) != 2 or not isinstance(pair[1], list) or len(pair[1]) != count:
            raise self.error(f"'{key}' does not have a value for each of {count} entries")
        return pair[1]

    def _entry(
        self, number: int, dtype: object, shape: object, storage_id: object, count: int
    ) -> Entry:
        dtype = self._typed(dtype, "dltype", str)
        if dtype not in DTYPE_SIZES:
            raise self.error(f"entry {number} has the unsupported dtype '{dtype}'")
        dims = tuple(self._number(dim, "shape") for dim in self._typed(shape, "shape", list))
        if len(dims) > _MAX_DIMENSIONS or 0 in dims:
            raise self.error(f"entry {number} has the shape {list(dims)[:20]}")
        entry = Entry(dtype, dims, self._number(storage_id, "storage_id"))
        if entry.storage_id >= count:
            raise self.error(f"entry {number} has the storage id {entry.storage_id}")
        if entry.size >= _MAX_SIZE:
            raise self.error(f"entry {number} has {entry.size} bytes")
        return entry

    def _check_arguments(self, document: Mapping[str, Any], nodes: list[dict[str, Any]]) -> None:
        listed = [self._number(n, "arg_nodes") for n in self._list(document, "arg_nodes")]
        if listed != [number for number, node in enumerate(nodes) if node["op"] == "null"]:
            raise self.error("'arg_nodes' does not list the nodes that are arguments")

    def _check_aliases(self, calls: list[Call], entries: tuple[Entry, ...]) -> None:
        for call in calls:
            if call.is_alias and not (
                len(call.inputs) == len(call.outputs) == 1
                and entries[call.inputs[0]].size == entries[call.outputs[0]].size
            ):
                what = f"'{call.function}' of {len(call.inputs)} tensors to {len(call.outputs)}"
                raise self.error(f"has a {what}, or of another size")

    def _list(self, fields: Mapping[str, Any], key: str) -> list[Any]:
        return self._typed(fields.get(key), key, list)

    def _string(self, fields: Mapping[str, Any], key: str) -> str:
        return self._typed(fields.get(key), key, str)

    def _number(self, value: object, key: str) -> int:
        number = self._typed(value, key, int)
        if not 0 <= number < _MAX_SIZE:
            raise self.error(f"has {number} in '{key}'")
        return number

    def _typed(self, value: object, key: str, kind: type[_T]) -> _T:
        if not isinstance(value, kind) or isinstance(value, bool):
            what = f"'{key}' is {type(value).__name__} where {kind.__name__} is expected"
            raise self.error(what)
        return value
