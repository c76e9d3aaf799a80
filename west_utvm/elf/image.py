# SPDX-License-Identifier: Apache-2.0
"""What sizes are computed from: the sections of an executable and the symbols in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SymbolKind = Literal["function", "object"]


@dataclass(frozen=True)
class Section:
    """A section that occupies memory of the target (SHF_ALLOC); addresses and size in bytes.

    ``address`` is where the program uses it (VMA), ``load_address`` where its contents are
    stored (LMA). ``stored`` is False for NOBITS, which has no contents.
    """

    index: int
    name: str
    address: int
    load_address: int
    size: int
    stored: bool
    writable: bool
    executable: bool
    thread_local: bool

    @property
    def copied(self) -> bool:
        """Whether the contents are used at another address than the one they are stored at."""
        return self.stored and self.load_address != self.address

    @property
    def placeless(self) -> bool:
        """Whether it only describes what each thread allocates (.tbss): ld gives it no space."""
        return self.thread_local and not self.stored


@dataclass(frozen=True)
class Symbol:
    """A function or an object of ``size`` bytes at ``address`` (without Thumb bit).

    ``exported`` is False for what the source declares static; only such a symbol has a
    ``file``, the name of its source. ``section`` is a ``Section.index``.
    """

    name: str
    kind: SymbolKind
    address: int
    size: int
    section: int
    exported: bool
    file: str


@dataclass(frozen=True)
class Berkeley:
    """The three sums that ``size`` prints by default, in bytes."""

    text: int
    data: int
    bss: int


@dataclass(frozen=True)
class Image:
    """An executable; ``sections`` in the order of the file.

    ``symbols`` is None if the file is stripped. ``files`` has the name of every source file in
    the symbol table.
    """

    machine: str
    bits: int
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...] | None
    files: frozenset[str]

    def berkeley(self) -> Berkeley:
        """The figures of ``size``, which looks at flags alone and counts each section once.

        text: executable or not writable, stored or not. data: the others that are stored.
        bss: the others that are not, .tbss among them. (``berkeley_sum`` in binutils' size.c)
        So where every writable section is used in RAM, flash is text + data, RAM is data + bss,
        and alignment is the only difference.
        """
        writable = [s for s in self.sections if s.writable and not s.executable]
        data = sum(s.size for s in writable if s.stored)
        bss = sum(s.size for s in writable if not s.stored)
        return Berkeley(sum(s.size for s in self.sections) - data - bss, data, bss)
