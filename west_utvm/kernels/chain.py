# SPDX-License-Identifier: Apache-2.0
"""Operators that take turns on a few rows of an image: how many, and where these rows lie.

"Fused-layer" execution (Alwani et al. 2016, doi:10.1109/MICRO.2016.7783725) with rows for tiles,
which are kept while a later turn still reads them, so that nothing is computed twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from west_utvm.kernels import overlap
from west_utvm.kernels.emitted import Emitted, Link, Slab, Turns
from west_utvm.lowering.program import (
    Chain,
    Convolution,
    Elementwise,
    Operator,
    Pooling,
    Unary,
    Value,
)

Emit = Callable[[Operator], Emitted]
_ALIGNMENT = 16
_LOWEST = -128
_DENSE = ("conv2d", "grouped_conv2d")
_POINTWISE = (Elementwise, Unary)
_MOVING = (*_DENSE, "depthwise_conv2d", "max_pool2d", "average_pool2d")


@dataclass(frozen=True)
class _Window:
    """The rows of an image of ``height`` that a row of a result comes from; there are ``top`` and
    ``bottom`` more, which hold ``fill``."""

    rows: int
    stride: int
    top: int
    bottom: int
    height: int
    fill: int

    @property
    def is_row(self) -> bool:
        """Whether it is just the one row that each comes from."""
        return (self.rows, self.stride, self.top, self.bottom) == (1, 1, 0, 0)

    def read(self, results: int) -> int:
        """Rows of the image that have been read when so many rows of results are there."""
        end = (results - 1) * self.stride - self.top + self.rows
        return min(max(end, 0), self.height) if results else 0


def _window(operator: Operator) -> _Window:
    attributes, data = operator.attributes, operator.inputs[0]
    if isinstance(attributes, _POINTWISE):
        return _Window(1, 1, 0, 0, data.shape[1], 0)
    if isinstance(attributes, Pooling):
        rows, fill = attributes.window[0], _LOWEST
    else:
        assert isinstance(attributes, Convolution)
        size = operator.inputs[1].shape[-3]  # of OHWI and of HWC
        rows, fill = (size - 1) * attributes.dilation[0] + 1, data.zero_point
    top, _, bottom, _ = attributes.padding
    return _Window(rows, attributes.strides[0], top, bottom, data.shape[1], fill)


def may_be_link(operator: Operator) -> bool:
    """Whether it computes rows of an image from a few rows of another."""
    if isinstance(operator.attributes, _POINTWISE):
        return (
            all(map(_is_image, operator.inputs))
            and _is_image(operator.outputs[0])
            and ({value.shape for value in operator.inputs} == {operator.outputs[0].shape})
        )
    if operator.kind not in _MOVING or not _is_image(operator.inputs[0]):
        return False
    window = _window(operator)
    # Padding takes no part in a mean: no value could stand for it.
    padded_mean = operator.kind == "average_pool2d" and window.top + window.bottom > 0
    return window.rows >= window.stride and not padded_mean


def _is_image(value: Value) -> bool:
    return (value.dtype, value.shape[:1], len(value.shape)) == ("int8", (1,), 4) and (
        value.data is None
    )


def may_be_chain(links: Sequence[Operator]) -> bool:
    """With no window at all there would be no rows to keep. Links before the last one that has a
    window compute few rows at a time, a single one where their number is odd, at which kernels of
    depthwise convolutions, that compute two, are slow."""
    windows = [link for link in links if not _window(link).is_row]
    return len(links) > 1 and bool(windows) and all(link.kind in _DENSE for link in windows[:-1])


def chain(operator: Operator, emit: Emit) -> Emitted:
    assert isinstance(operator.attributes, Chain)
    whole = operator.attributes.links
    links = _links(operator, emit)
    emitted = [link.emitted for link in links]
    headers = [header for one in emitted for header in one.headers]
    names = [one.label or one.kernel for one in emitted]
    count = operator.outputs[0].shape[1] // links[-1].operator.outputs[0].shape[1]
    turns = Turns(links, count, _behind_slabs(links))
    return Emitted(
        headers=tuple(dict.fromkeys([*headers, "chain.h"])),
        macs=sum(
            link.emitted.macs * (one.outputs[0].shape[1] // link.operator.outputs[0].shape[1])
            for link, one in zip(links, whole, strict=True)
        ),
        scratch=turns.scratch + max(one.scratch for one in emitted),
        label=f"by rows: {' + '.join(names)}",
        overlap=_overlap(operator, links, 0),
        overlap_second=_overlap(operator, links, 1) if len(operator.inputs) > 1 else None,
        turns=turns,
    )


def _behind_slabs(links: Sequence[Link]) -> int:
    return _aligned(max(link.slab.offset + link.slab.size for link in links if link.slab))


def _rows(chain: Operator) -> list[int]:
    """How many rows of its result a turn of each link gives."""
    assert isinstance(chain.attributes, Chain)
    heights = [link.outputs[0].shape[1] for link in chain.attributes.links]
    most = chain.attributes.rows
    return [max(n for n in range(1, most + 1) if height % n == 0) for height in heights]


def _links(chain: Operator, emit: Emit) -> tuple[Link, ...]:
    assert isinstance(chain.attributes, Chain)
    links: list[Link] = []
    offset, added, before = 0, 1, chain.inputs[0]
    for link, rows in zip(chain.attributes.links, _rows(chain), strict=True):
        window = _window(link)
        turn = _turn(link, window, rows)
        pitch = turn.inputs[0].size // turn.inputs[0].shape[1]
        slab = None
        if links or not window.is_row:
            slab = _slab(window, turn, offset, 1 if window.is_row else added)
            offset = _aligned(offset + slab.size)
        other = _other(chain, link, before)
        links.append(Link(turn, emit(turn), pitch, slab, window.is_row, other))
        added, before = rows, link.outputs[0]
    return tuple(links)


def _slab(window: _Window, turn: Operator, offset: int, added: int) -> Slab:
    data, output = turn.inputs[0], turn.outputs[0]
    return Slab(
        offset=offset,
        pitch=data.size // data.shape[1],
        rows=data.shape[1],
        step=output.shape[1] * window.stride,
        added=added,
        first=-window.top,
        height=window.height,
        padded=window.top + window.bottom > 0,
        fill=window.fill,
    )


def _other(chain: Operator, link: Operator, before: Value) -> tuple[int, int] | None:
    """See :class:`Link`; ``before`` is the input that the link before gives."""
    if not isinstance(link.attributes, Elementwise):
        return None
    position = 0 if link.inputs[1] is before else 1
    numbers = [i for i, value in enumerate(chain.inputs) if value is link.inputs[position]]
    return numbers[0], position


def _turn(link: Operator, window: _Window, rows: int) -> Operator:
    """The operator for so many rows of its result, all of whose input is there."""
    attributes = link.attributes
    height = (rows - 1) * window.stride + window.rows
    inputs = (_with_rows(link.inputs[0], height), *link.inputs[1:])
    if isinstance(attributes, Elementwise):
        inputs = (inputs[0], _with_rows(link.inputs[1], height))
    if isinstance(attributes, Convolution | Pooling):
        _, left, _, right = attributes.padding
        attributes = replace(attributes, padding=(0, left, 0, right))
    outputs = (_with_rows(link.outputs[0], rows),)
    return replace(link, inputs=inputs, outputs=outputs, attributes=attributes)


def _with_rows(value: Value, rows: int) -> Value:
    return replace(value, shape=(1, rows, *value.shape[2:]))


def _overlap(chain: Operator, links: Sequence[Link], number: int) -> int | None:
    """The figure of ``Emitted.overlap`` for an input of the chain. A turn reads rows of it that no
    turn before has read, and writes its rows of the result last of all."""
    assert isinstance(chain.attributes, Chain)
    windows = [_window(link) for link in chain.attributes.links]
    data, output = chain.inputs[number], chain.outputs[0]
    rows = _rows(chain)
    turns = np.arange(0, output.shape[1], rows[-1])
    written = turns * (output.size // output.shape[1])
    readers = [i for i, link in enumerate(links) if link.other and link.other[0] == number]
    distances = []
    for reader in [*readers, 0] if number == 0 else readers:
        read = [_read_before(windows[reader:], rows[reader:], int(turn)) for turn in turns]
        reads = np.array(read) * (data.size // data.shape[1])
        distances.append(overlap.of_steps(reads, written, data.size))
    last = links[-1]
    if last.other and last.other[0] == number:
        # Its kernel reads while it writes.
        own = (last.emitted.overlap, last.emitted.overlap_second)[last.other[1]]
        if own is None:
            return None
        distances.append(own)
    return max(distances)


def _read_before(windows: Sequence[_Window], rows: Sequence[int], results: int) -> int:
    """Rows of the first one's input that so many rows of the last one's result have needed, each
    of which gives ``rows`` at a time."""
    for window, count in zip(reversed(windows), reversed(rows), strict=True):
        results = window.read(-(-results // count) * count)
    return results


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
