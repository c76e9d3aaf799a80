# SPDX-License-Identifier: Apache-2.0
"""What a kernel hands to the code generator for one operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from west_utvm.errors import UtvmError
from west_utvm.lowering.program import Array, Operator

# A field of a kernel's parameters: a figure, an array, or a struct.
Field: TypeAlias = "int | float | tuple[int, ...] | Mapping[str, Field]"


@dataclass(frozen=True)
class Emitted:
    """A call of a kernel of ``c/``, or C of its own.

    ``headers`` are the files of ``c/`` that are needed, in order. ``fields`` are the parameters,
    of ``struct utvm_<struct>``. ``constants`` are arrays by their names, in the order in which
    the kernel takes them between its inputs and its output. With ``body`` that is the function's
    C, which refers to ``input``, ``output`` and the constants by their names. ``macs`` are
    multiply-accumulates of one inference.

    ``scratch`` are bytes of the workspace that the kernel uses while it runs, 16-byte aligned; it
    takes their address before that of its output. ``libraries`` are headers of C's library beyond
    ``stdint.h`` and ``string.h``. ``prototypes`` are of mathematical functions: some embedded C
    libraries' ``math.h`` lacks them, and what is not declared is called with other types.
    ``label`` is what reports and the metadata call
    the kernel, where its name in C says too little.

    ``overlap`` is how the first input and the output may share memory, where that input is not
    needed any more: the kernel stays right if the input starts at least so many bytes after the
    output does, negative where it may start before. None if they may not share any; figures come
    from ``kernels/overlap.py``. ``overlap_second`` is the same for the second input of two.
    ``overlap_aligned`` is another way for the first one: a distance of bytes and a figure that
    the distance must be a multiple of. Such a kernel's C must not say ``restrict``.
    """

    headers: tuple[str, ...]
    kernel: str = ""
    struct: str = ""
    fields: Mapping[str, Field] = field(default_factory=dict)
    constants: Mapping[str, Array] = field(default_factory=dict)
    body: str = ""
    macs: int = 0
    scratch: int = 0
    label: str = ""
    overlap: int | None = None
    overlap_second: int | None = None
    overlap_aligned: tuple[int, int] | None = None
    libraries: tuple[str, ...] = ()
    prototypes: tuple[str, ...] = ()
    turns: Turns | None = None


@dataclass(frozen=True)
class Slab:
    """Where the rows lie that a link of a chain reads: ``offset`` bytes into the scratch, rows of
    ``pitch`` bytes, of which a turn reads ``rows`` and then moves on by ``step``. They come
    ``added`` at a time. The first of all is row ``first`` of an image that has ``height``; those
    outside of it hold ``fill``; there are some where it is ``padded``."""

    offset: int
    pitch: int
    rows: int
    step: int
    added: int
    first: int
    height: int
    padded: bool
    fill: int

    @property
    def size(self) -> int:
        """Bytes; the last rows that come may be more than a turn needs."""
        return (self.rows + self.added - 1) * self.pitch


@dataclass(frozen=True)
class Link:
    """An operator of a chain with the shapes of one turn, and its kernel. ``pitch`` are bytes of
    a row of its input.

    ``by_turns``: a turn of it reads just the rows that one of the link before gives. There is no
    ``slab`` where such a link is the first: its input is the chain's. ``other`` is the other
    input of an operator that has two, which input of the chain that is and which of the operator.
    """

    operator: Operator
    emitted: Emitted
    pitch: int
    slab: Slab | None
    by_turns: bool
    other: tuple[int, int] | None


@dataclass(frozen=True)
class Turns:
    """A chain: ``count`` turns of its last link. What its links' kernels use as their scratch, one
    after the other, is ``scratch`` bytes into that of the chain, behind all slabs."""

    links: tuple[Link, ...]
    count: int
    scratch: int


def refuse(operator: Operator, what: str, hint: str = "") -> UtvmError:
    """The error for an operator whose parameters a kernel does not take."""
    return UtvmError(what, where=operator.where, hint=hint)
