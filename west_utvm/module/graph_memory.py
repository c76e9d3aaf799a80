# SPDX-License-Identifier: Apache-2.0
"""Where each tensor of a graph lies: in the caller's buffers, in flash, or in the workspace.

Inputs are read and outputs written where the caller has them. An operator never writes what
another has written, so whatever a reshape makes of a tensor is that tensor, and what an output
is made of may be read from the output's own buffer until the end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from west_utvm.mlf.graph import Graph
from west_utvm.planning import ALIGNMENT, Interval, plan


class Kind(Enum):
    INPUT = "input"
    OUTPUT = "output"
    PARAMETER = "parameter"
    WORKSPACE = "workspace"


@dataclass(frozen=True)
class Place:
    """``at`` is the entry of an input or parameter, the number of an output, or the offset in
    the workspace in bytes."""

    kind: Kind
    at: int


@dataclass(frozen=True)
class Layout:
    """``places`` has one for each entry. ``copies`` are made at the end: to the output of that
    number, for outputs that are inputs, parameters or one another. Sizes are in bytes, and
    ``graph_executor`` is what that allocates: for all tensors, inputs, outputs and parameters
    among them, and for the neediest operator. ``scratch`` are the offsets of what operators
    allocate, by the number of the call."""

    places: tuple[Place, ...]
    copies: tuple[tuple[int, Place], ...]
    scratch: Mapping[int, int]
    workspace_size: int
    graph_executor: int


def lay_out(graph: Graph, parameters: Collection[int], needs: Mapping[str, int]) -> Layout:
    """``parameters`` are the entries whose contents are known; other arguments are inputs.
    ``needs`` has the bytes that a function allocates while it runs, 0 for one that does not."""
    origins = _origins(graph)
    places = {
        entry: Place(Kind.PARAMETER if entry in parameters else Kind.INPUT, entry)
        for entry in graph.arguments.values()
    }
    copies = []
    for number, head in enumerate(graph.heads):
        if origins[head] in places:
            copies.append((number, places[origins[head]]))
        else:
            places[origins[head]] = Place(Kind.OUTPUT, number)
    offsets, scratch, size = _workspace(graph, origins, places, needs)
    places.update({entry: Place(Kind.WORKSPACE, at) for entry, at in offsets.items()})
    largest = max((needs.get(call.function, 0) for call in graph.calls), default=0)
    return Layout(
        places=tuple(places[origin] for origin in origins),
        copies=tuple(copies),
        scratch=scratch,
        workspace_size=size,
        graph_executor=sum(_storage_sizes(graph).values()) + largest,
    )


def _origins(graph: Graph) -> list[int]:
    """For each entry, the one that its contents were written as."""
    origins = list(range(len(graph.entries)))
    for call in graph.calls:
        if call.is_alias:
            origins[call.outputs[0]] = origins[call.inputs[0]]
    return origins


def _workspace(
    graph: Graph, origins: list[int], placed: Collection[int], needs: Mapping[str, int]
) -> tuple[dict[int, int], dict[int, int], int]:
    """Offsets of all entries that lie nowhere else, those of what calls allocate, and the size
    of the workspace. What a call allocates lives while it runs, and is planned like a tensor."""
    lives: dict[int, tuple[int, int]] = {}
    for step, entry in _touched(graph):
        origin = origins[entry]
        if origin not in placed:
            lives[origin] = (lives.get(origin, (step, step))[0], step)
    allocating = {
        step: needs[call.function]
        for step, call in enumerate(graph.calls)
        if needs.get(call.function)
    }
    intervals = [Interval(graph.entries[e].size, *life) for e, life in lives.items()]
    intervals += [Interval(size, step, step) for step, size in allocating.items()]
    known, end = _by_storage_id(graph, list(lives))
    known += [end] * len(allocating)
    found = plan(intervals, alignment=ALIGNMENT, known=[known])
    offsets = dict(zip(lives, found.offsets, strict=False))
    scratch = dict(zip(allocating, found.offsets[len(lives) :], strict=True))
    return offsets, scratch, found.size


def _touched(graph: Graph) -> Iterator[tuple[int, int]]:
    """Steps, and the entries that each reads or writes."""
    for step, call in enumerate(graph.calls):
        if not call.is_alias:
            yield from ((step, entry) for entry in (*call.inputs, *call.outputs))


def _by_storage_id(graph: Graph, entries: list[int]) -> tuple[list[int], int]:
    """The offsets that TVM's own plan amounts to, its storages one behind the other, and where
    the last ends."""
    sizes: dict[int, int] = {}
    for entry in entries:
        storage_id = graph.entries[entry].storage_id
        sizes[storage_id] = max(sizes.get(storage_id, 0), graph.entries[entry].size)
    offsets, end = {}, 0
    for storage_id, size in sizes.items():
        offsets[storage_id] = end
        end += -(-size // ALIGNMENT) * ALIGNMENT
    return [offsets[graph.entries[entry].storage_id] for entry in entries], end


def _storage_sizes(graph: Graph) -> dict[int, int]:
    """What the graph executor allocates: for each storage id, its largest tensor."""
    sizes: dict[int, int] = {}
    for entry in graph.entries:
        sizes[entry.storage_id] = max(sizes.get(entry.storage_id, 0), entry.size)
    return sizes
