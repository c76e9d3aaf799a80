# SPDX-License-Identifier: Apache-2.0
"""Files that are no executable, or no longer one: a result or one line, and soon."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from tests.elf.toolchain import FIRMWARE, compile_arm, link_arm
from west_utvm.elf import measure, to_json, to_table
from west_utvm.errors import UtvmError

FLIPS = 2000
# Offsets in Elf32_Ehdr, and the sizes of its tables' entries.
E_PHOFF, E_SHOFF, E_PHNUM, E_SHENTSIZE, E_SHNUM, E_SHSTRNDX = 28, 32, 44, 46, 48, 50
SHDR = 40


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small executable without debug sections, so that most of its bytes are headers."""
    folder = tmp_path_factory.mktemp("whole")
    objects = [compile_arm(FIRMWARE / "main.c", folder, "-g0")]
    return link_arm(objects, "flash", folder / "zephyr.elf").elf.read_bytes()


@pytest.fixture
def elf(tmp_path: Path) -> Path:
    return tmp_path / "zephyr.elf"


def survive(elf: Path, data: bytes) -> bool:
    """Measure and render ``data``; False if it was refused, as it should be: with one line."""
    elf.write_bytes(data)
    try:
        report = measure(elf)
    except UtvmError as error:
        assert str(error).startswith(f"{elf}: ")
        assert len(str(error)) < 400
        return False
    to_table(report)
    to_json(report)
    report.largest("flash", 5)
    return True


def patched(data: bytes, offset: int, layout: str, value: int) -> bytes:
    copy = bytearray(data)
    struct.pack_into(f"<{layout}", copy, offset, value)
    return bytes(copy)


def section_header(data: bytes, kind: int) -> int:
    """The offset of the first section header of that sh_type."""
    (table,) = struct.unpack_from("<I", data, E_SHOFF)
    (count,) = struct.unpack_from("<H", data, E_SHNUM)
    offsets = range(table, table + count * SHDR, SHDR)
    return next(o for o in offsets if struct.unpack_from("<I", data, o + 4)[0] == kind)


def test_whole(elf: Path, whole: bytes) -> None:
    assert survive(elf, whole)


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"\x7fELF\x01\x01", b"MZ" * 99, bytes(4096)])
def test_not_elf(elf: Path, data: bytes) -> None:
    assert not survive(elf, data)


def test_truncated_anywhere(elf: Path, whole: bytes) -> None:
    for length in [*range(0, 200), *range(200, len(whole), 41), len(whole) - 1]:
        assert not survive(elf, whole[:length]), length


def test_random_damage(elf: Path, whole: bytes) -> None:
    """Half of it in the headers, where it does most."""
    generator = random.Random(1)
    (table,) = struct.unpack_from("<I", whole, E_SHOFF)
    headers = [*range(4, 52 + 5 * 32), *range(table, len(whole))]
    accepted = 0
    for _ in range(FLIPS):
        copy = bytearray(whole)
        for _ in range(generator.choice((1, 1, 4, 16))):
            anywhere = generator.random() < 0.5
            offset = generator.randrange(len(copy)) if anywhere else generator.choice(headers)
            copy[offset] = generator.randrange(256)
        accepted += survive(elf, bytes(copy))
    assert 0 < accepted < FLIPS


@pytest.mark.parametrize(
    ("offset", "layout", "value", "message"),
    [
        (E_PHOFF, "I", 0, "no program headers"),
        (E_PHNUM, "H", 0, "no program headers"),
        (E_SHOFF, "I", 0, "no section headers"),
        (E_SHOFF, "I", 0xFFFFFFF0, "zephyr.elf: "),
        (E_SHENTSIZE, "H", 0, "zephyr.elf: "),
        (E_SHNUM, "H", 0xFEFF, "is damaged \\(65279 headers"),
        (E_SHSTRNDX, "H", 0x7777, "is damaged \\(section 30583"),
        (16, "H", 1, "is a relocatable object"),
        (16, "H", 4, "is not an executable"),
    ],
)
def test_headers(
    elf: Path, whole: bytes, offset: int, layout: str, value: int, message: str
) -> None:
    assert not survive(elf, patched(whole, offset, layout, value))
    with pytest.raises(UtvmError, match=message):
        measure(elf)


def test_more_sections_than_can_be(elf: Path, whole: bytes) -> None:
    """With e_shnum 0, the count is sh_size of the first header (gABI, "Section Header")."""
    (table,) = struct.unpack_from("<I", whole, E_SHOFF)
    many = patched(patched(whole, E_SHNUM, "H", 0), table + 20, "I", 0xFFFFFFFF)
    assert not survive(elf, many)


@pytest.mark.parametrize(
    ("field", "value"), [(16, 0xFFFFFF00), (20, 0xFFFFFFFF), (20, 17), (24, 9999)]
)
def test_symbol_tables(elf: Path, whole: bytes, field: int, value: int) -> None:
    """sh_offset and sh_size past the end of the file, half a symbol, sh_link to no section."""
    assert not survive(elf, patched(whole, section_header(whole, 2) + field, "I", value))


def test_a_section_past_the_end(elf: Path, whole: bytes) -> None:
    assert not survive(elf, patched(whole, section_header(whole, 1) + 20, "I", len(whole)))
    with pytest.raises(UtvmError, match=f"is truncated .{len(whole)} bytes where"):
        measure(elf)


def test_symbols_larger_than_their_section(elf: Path, whole: bytes) -> None:
    offset, size = struct.unpack_from("<II", whole, section_header(whole, 2) + 16)
    copy = whole
    for symbol in range(offset, offset + size, 16):
        copy = patched(copy, symbol + 8, "I", 0x7FFFFFFF)
    assert survive(elf, copy)
    assert measure(elf).largest("ram", 5) == ()


def test_names_without_an_end(elf: Path, whole: bytes) -> None:
    """String tables with no NUL, where every name is as long as the rest of the file."""
    strings = section_header(whole, 3)
    offset, size = struct.unpack_from("<II", whole, strings + 16)
    assert survive(elf, whole[:offset] + b"A" * size + whole[offset + size :])


def test_absent_and_unreadable(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.elf", tmp_path):
        with pytest.raises(UtvmError, match="cannot be read"):
            measure(path)
