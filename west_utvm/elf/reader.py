# SPDX-License-Identifier: Apache-2.0
"""ELF file -> Image; the one place that knows pyelftools.

The file is untrusted: what it says of itself is checked against its length before use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from elftools.common.utils import struct_parse
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from west_utvm.elf.image import Image, Section
from west_utvm.elf.symtab import SymbolTable, string_at
from west_utvm.errors import UtvmError

# An executable has tens of each: many more is damage, or meant to keep us busy.
_MAX_SECTIONS = 4096
_MAX_SEGMENTS = 256


def read_image(path: Path) -> Image:
    """Read the executable at ``path``; UtvmError if it is not a whole and sound one."""
    try:
        with path.open("rb") as stream:
            return _Reader(stream).image()
    except UtvmError as error:
        raise UtvmError(error.what, where=path, hint=error.hint) from None
    except OSError as error:
        raise UtvmError(f"cannot be read ({error.strerror})", where=path) from None
    except Exception as error:
        # pyelftools has ELFError for damaged files, but they also come out of it as KeyError,
        # struct.error, OverflowError, AttributeError and others, depending on its version.
        reason = str(error) or type(error).__name__
        raise UtvmError(f"is not a sound ELF file ({reason})", where=path) from None


@dataclass(frozen=True)
class _Segment:
    """A PT_LOAD program header; its size in the file excludes trailing NOBITS sections."""

    address: int
    load_address: int
    size: int
    offset: int
    file_size: int

    def holds(self, header: Any) -> bool:
        """Whether this segment loads the section with that header."""
        address, offset, size = header["sh_addr"], header["sh_offset"], header["sh_size"]
        if not _within(address, size, self.address, self.size):
            return False
        # Overlays share addresses: only their places in the file tell them apart.
        return not _is_stored(header) or _within(offset, size, self.offset, self.file_size)


class _Reader:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._length = stream.seek(0, 2)
        self._elf = ELFFile(stream)

    def image(self) -> Image:
        elf = self._elf
        _check_type(elf["e_type"])
        headers = self._table("sh", elf.num_sections(), _MAX_SECTIONS, elf.structs.Elf_Shdr)
        segments = self._segments()
        if not headers or not segments:
            missing = "program headers" if headers else "section headers"
            raise UtvmError(f"has no {missing}, without which sizes cannot be told")
        sections = self._sections(headers, segments)
        by_index = {section.index: section for section in sections}
        table = self._symbol_table(headers)
        return Image(
            machine=str(elf["e_machine"]).removeprefix("EM_"),
            bits=elf.elfclass,
            sections=sections,
            symbols=table.symbols(by_index) if table else None,
            files=table.files() if table else frozenset(),
        )

    def _table(self, kind: str, count: int, limit: int, layout: Any) -> list[Any]:
        """All section ("sh") or program ("ph") headers."""
        start, step = self._elf[f"e_{kind}off"], self._elf[f"e_{kind}entsize"]
        if not start or not count:
            return []
        if count > limit or step < layout.sizeof():
            raise UtvmError(f"is damaged ({count} headers of {step} bytes)")
        self._check_extent(start, count * step)
        return [struct_parse(layout, self._stream, start + i * step) for i in range(count)]

    def _segments(self) -> list[_Segment]:
        elf = self._elf
        headers = self._table("ph", elf.num_segments(), _MAX_SEGMENTS, elf.structs.Elf_Phdr)
        loads = [h for h in headers if h["p_type"] == "PT_LOAD"]
        # System V leaves p_paddr unspecified and some linkers write 0, which cannot be meant
        # where there are several segments; binutils' elf.c reads it the same way.
        paddr = "p_paddr" if len(loads) < 2 or any(h["p_paddr"] for h in headers) else "p_vaddr"
        fields = ("p_vaddr", paddr, "p_memsz", "p_offset", "p_filesz")
        return [_Segment(*(header[field] for field in fields)) for header in loads]

    def _sections(
        self, headers: Sequence[Any], segments: Sequence[_Segment]
    ) -> tuple[Section, ...]:
        names = self._contents(_linked(headers, self._elf.get_shstrndx()))
        occupying = [
            (index, header)
            for index, header in enumerate(headers)
            if header["sh_flags"] & SH_FLAGS.SHF_ALLOC
        ]
        for _, header in occupying:
            if _is_stored(header):
                self._check_extent(header["sh_offset"], header["sh_size"])
        return tuple(
            _section(index, string_at(names, header["sh_name"]), header, segments)
            for index, header in occupying
        )

    def _symbol_table(self, headers: Sequence[Any]) -> SymbolTable | None:
        header = next((h for h in headers if h["sh_type"] == "SHT_SYMTAB"), None)
        if header is None:
            return None
        return SymbolTable(
            data=self._contents(header),
            names=self._contents(_linked(headers, header["sh_link"])),
            bits=self._elf.elfclass,
            little_endian=self._elf.little_endian,
            thumb=self._elf["e_machine"] == "EM_ARM",
        )

    def _contents(self, header: Any) -> bytes:
        self._check_extent(header["sh_offset"], header["sh_size"])
        self._stream.seek(header["sh_offset"])
        return self._stream.read(header["sh_size"])

    def _check_extent(self, offset: int, size: int) -> None:
        if offset + size > self._length:
            what = f"is truncated ({self._length} bytes where {offset + size} are needed)"
            raise UtvmError(what, hint="build it again")


def _check_type(kind: object) -> None:
    if kind == "ET_REL":
        what = "is a relocatable object, which has no addresses yet"
        raise UtvmError(what, hint="give the executable, zephyr.exe in a native_sim build")
    if kind not in ("ET_EXEC", "ET_DYN"):
        raise UtvmError(f"is not an executable (ELF type {kind})")


def _section(index: int, name: str, header: Any, segments: Sequence[_Segment]) -> Section:
    address, flags = header["sh_addr"], header["sh_flags"]
    segment = next((segment for segment in segments if segment.holds(header)), None)
    shift = segment.load_address - segment.address if segment else 0
    return Section(
        index=index,
        name=name,
        address=address,
        load_address=address + shift,
        size=header["sh_size"],
        stored=_is_stored(header),
        writable=bool(flags & SH_FLAGS.SHF_WRITE),
        executable=bool(flags & SH_FLAGS.SHF_EXECINSTR),
        thread_local=bool(flags & SH_FLAGS.SHF_TLS),
    )


def _is_stored(header: Any) -> bool:
    return bool(header["sh_type"] != "SHT_NOBITS")


def _linked(headers: Sequence[Any], index: int) -> Any:
    if index >= len(headers):
        raise UtvmError(f"is damaged (section {index} of {len(headers)})")
    return headers[index]


def _within(start: int, size: int, outer_start: int, outer_size: int) -> bool:
    return outer_start <= start and start + size <= outer_start + outer_size
