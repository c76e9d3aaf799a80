# SPDX-License-Identifier: Apache-2.0
"""The symbol table: which functions and objects there are, and from which source file."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from west_utvm.elf.image import Section, Symbol, SymbolKind
from west_utvm.errors import UtvmError

_MAX_NAME = 1024
_STB_LOCAL = 0
_STT_FILE = 4
_KINDS: dict[int, SymbolKind] = {1: "object", 2: "function"}
_STV_DEFAULT = 0


class _Entry(NamedTuple):
    name: int
    value: int
    size: int
    info: int
    other: int
    section: int

    @property
    def type(self) -> int:
        return self.info & 0xF

    @property
    def exported(self) -> bool:
        """Whether the source declared it without ``static``.

        Zephyr's native simulator makes an image's symbols local after linking it; they can still
        be told by their visibility, which is hidden.
        """
        return self.info >> 4 != _STB_LOCAL or self.other & 3 != _STV_DEFAULT


@dataclass(frozen=True)
class SymbolTable:
    """The contents of a SHT_SYMTAB section and its string table.

    Read with ``struct``: a firmware has tens of thousands of symbols, which take pyelftools
    seconds.
    """

    data: bytes
    names: bytes
    bits: int
    little_endian: bool
    thumb: bool

    def symbols(self, sections: Mapping[int, Section]) -> tuple[Symbol, ...]:
        """The sized functions and objects in ``sections``, in the order of the table.

        Mapping symbols ($t, $d), labels, and symbols that the linker script defines have no type
        or no size and are none of these.
        """
        found = []
        file = ""
        for entry in self._entries():
            if entry.type == _STT_FILE:
                # Precedes the local symbols of that file (System V gABI, "Symbol Table").
                file = string_at(self.names, entry.name)
            elif entry.type in _KINDS and entry.size and entry.section in sections:
                symbol = self._symbol(entry, file)
                if _is_inside(symbol, sections[symbol.section]):
                    found.append(symbol)
        return tuple(found)

    def files(self) -> frozenset[str]:
        """The names of all source files."""
        entries = (entry for entry in self._entries() if entry.type == _STT_FILE)
        return frozenset(string_at(self.names, entry.name) for entry in entries)

    def _entries(self) -> Iterator[_Entry]:
        order = "<" if self.little_endian else ">"
        # The members of Elf32_Sym and Elf64_Sym are in different orders.
        layout = struct.Struct(order + {32: "IIIBBH", 64: "IBBHQQ"}[self.bits])
        if len(self.data) % layout.size:
            raise UtvmError("is damaged (the symbol table has an incomplete entry)")
        if self.bits == 32:
            return map(_Entry._make, layout.iter_unpack(self.data))
        rows = layout.iter_unpack(self.data)
        return (_Entry(name, value, size, *rest) for name, *rest, value, size in rows)

    def _symbol(self, entry: _Entry, file: str) -> Symbol:
        kind = _KINDS[entry.type]
        thumb_bit = 1 if self.thumb and kind == "function" else 0
        return Symbol(
            name=string_at(self.names, entry.name),
            kind=kind,
            address=entry.value & ~thumb_bit,
            size=entry.size,
            section=entry.section,
            exported=entry.exported,
            file="" if entry.exported else file,
        )


def string_at(table: bytes, offset: int) -> str:
    """The string at ``offset`` of an ELF string table, safe to print, cut if absurdly long."""
    end = table.find(b"\0", offset, offset + _MAX_NAME)
    text = table[offset : end if end >= 0 else offset + _MAX_NAME].decode(errors="replace")
    return "".join(c if c.isprintable() else "?" for c in text)


def _is_inside(symbol: Symbol, section: Section) -> bool:
    start, end = section.address, section.address + section.size
    return start <= symbol.address and symbol.address + symbol.size <= end
