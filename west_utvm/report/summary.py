# SPDX-License-Identifier: Apache-2.0
"""The compiler's record in a model's metadata, typed. An archive may come from anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from west_utvm.mlf.record import COMPILER, KEY

_MAX = 1 << 48
_MAX_STEPS = 100_000
_MAX_LIVES = 1_000_000  # The steps of all blocks' lives together.


@dataclass(frozen=True)
class Tensor:
    """``scale`` is None where there is no quantization. ``size`` in bytes."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int
    size: int

    @property
    def dims(self) -> str:
        return _dims(self.shape)


@dataclass(frozen=True)
class Layer:
    """An operator; ``constants`` and ``scratch`` in bytes. ``weights`` are described, "" where it
    has none. ``buffer`` is where its result lies: ``workspace``, and then ``place`` is the offset
    in it, or ``output``, and so on."""

    step: int
    kind: str
    name: str
    source: str
    kernel: str
    macs: int
    constants: int
    scratch: int
    weights: str
    output: Tensor
    buffer: str
    place: int


@dataclass(frozen=True)
class Block:
    """Bytes of the workspace from step ``first`` to step ``last``, both included."""

    name: str
    role: str
    offset: int
    size: int
    first: int
    last: int


@dataclass(frozen=True)
class Summary:
    """Sizes in bytes. ``lower_bound`` is what any plan of the workspace takes, and the workspace is
    the ``smallest`` if no plan takes less. ``gains`` are what the workspace would take more without
    each of the savings, and ``in_float`` the operators that are not of integers alone."""

    name: str
    rounding: str
    made_from: Mapping[str, str]
    versions: Mapping[str, str]
    options: Mapping[str, str]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    layers: tuple[Layer, ...]
    blocks: tuple[Block, ...]
    workspace: int
    lower_bound: int
    smallest: bool
    in_float: tuple[str, ...]
    gains: tuple[tuple[str, int], ...]

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def constants(self) -> int:
        return sum(layer.constants for layer in self.layers)

    @property
    def largest(self) -> Layer | None:
        """The operator with most of the work, None where there is none to speak of."""
        most = max(self.layers, key=lambda layer: layer.macs, default=None)
        return most if most and most.macs else None

    @property
    def fullest(self) -> int:
        """The step at which most of the workspace is in use, the first of them. What two tensors
        share, as where a result is written over an input, counts once."""
        used = [0] * len(self.layers)
        ends = [0] * len(self.layers)
        for block in sorted(self.blocks, key=lambda block: block.offset):
            end = block.offset + block.size
            for step in range(block.first, block.last + 1):
                used[step] += max(0, end - max(block.offset, ends[step]))
                ends[step] = max(ends[step], end)
        return used.index(max(used)) if used else 0


def read_summary(name: str, entry: Mapping[str, Any]) -> Summary | None:
    """Of a module's entry in metadata.json; None if it has no record of our compiler, or none
    that is whole."""
    try:
        record = entry[KEY][COMPILER]
        layers = tuple(_layer(step, item) for step, item in enumerate(record["operators"]))
        workspace = record["workspace"]
        blocks = tuple(_block(item, len(layers)) for item in workspace["tensors"])
        _count(sum(block.last - block.first for block in blocks), _MAX_LIVES)
        return Summary(
            name=name,
            rounding=str(record["rounding"]),
            made_from=_texts(record["model"]),
            versions=_texts(record["versions"]),
            options=_texts(record["options"]),
            inputs=tuple(map(_tensor, record["inputs"])),
            outputs=tuple(map(_tensor, record["outputs"])),
            layers=layers,
            blocks=blocks,
            workspace=_count(workspace["size"]),
            lower_bound=_count(workspace["lower_bound"]),
            smallest=workspace["proven"] is True,
            in_float=tuple(map(str, record["float"])),
            gains=tuple((str(name), int(gain)) for name, gain in record["gains"]),
        )
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None


def _count(value: object, most: int = _MAX) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise ValueError(value)
    return value


def _dims(shape: Iterable[object]) -> str:
    return "x".join(str(_count(dim)) for dim in shape) or "scalar"


def _weights(given: Mapping[str, Any] | None) -> str:
    if given is None:
        return ""
    scales = _count(given["scales"])
    return f"{_dims(given['shape'])} {given['dtype']}" + (", by channel" if scales > 1 else "")


def _texts(given: Mapping[str, Any]) -> dict[str, str]:
    """In an order that a way through a file does not change."""
    return {str(key): str(value) for key, value in sorted(given.items())}


def _tensor(item: Mapping[str, Any]) -> Tensor:
    scale = item.get("scale")
    return Tensor(
        name=str(item["name"]),
        shape=tuple(map(_count, item["shape"])),
        dtype=str(item["dtype"]),
        scale=None if scale is None else float(scale),
        zero_point=int(item.get("zero_point", 0)),
        size=_count(item["size"]),
    )


def _layer(step: int, item: Mapping[str, Any]) -> Layer:
    if step > _MAX_STEPS:
        raise ValueError(step)
    return Layer(
        step=step,
        kind=str(item["kind"]),
        name=str(item["name"]),
        source=str(item["source"]),
        kernel=str(item["kernel"]),
        macs=_count(item["macs"]),
        constants=_count(item["constants"]),
        scratch=_count(item["scratch"]),
        weights=_weights(item["weights"]),
        output=_tensor(item["output"]),
        buffer=str(item["output"]["place"]["buffer"]),
        place=_count(item["output"]["place"]["number"]),
    )


def _block(item: Mapping[str, Any], steps: int) -> Block:
    last = _count(item["last"], max(steps - 1, 0))
    return Block(
        name=str(item["name"]),
        role=str(item["role"]),
        offset=_count(item["offset"]),
        size=_count(item["size"]),
        first=_count(item["first"], last),
        last=last,
    )
