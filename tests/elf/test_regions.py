# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from tests.elf.conftest import Link
from west_utvm.elf import Region, parse_map, regions_of
from west_utvm.errors import UtvmError

MAP = """\
Discarded input sections

 .text          0x00000000        0x0 main.o

{title}

{heading}
FLASH            0x0000000010000000 0x0000000000400000 {attributes}
A_REGION_WHOSE_NAME_IS_LONG 0x20000000 0x00010000 xw
IDT_LIST         0xffff7fff         0x00008000         xw
*default*        0x00000000         0xffffffff

Linker script and memory map

NOT_A_REGION     0x00000000         0x00000010         xr
"""


@pytest.mark.parametrize(
    ("attributes", "writable"),
    [("xr", False), ("axrwl", True), ("", None), ("!w", False), ("xr !w", False), ("!x", None)],
)
def test_rows(attributes: str, writable: bool | None) -> None:
    text = MAP.format(
        title="Memory Configuration",
        heading="Name             Origin             Length             Attributes",
        attributes=attributes,
    )
    assert parse_map(text.splitlines(keepends=True)) == (
        Region("FLASH", 0x10000000, 0x400000, writable),
        Region("A_REGION_WHOSE_NAME_IS_LONG", 0x20000000, 0x10000, True),
        Region("IDT_LIST", 0xFFFF7FFF, 0x8000, True),
    )


def test_headings_in_another_language() -> None:
    text = MAP.format(
        title="Speicherkonfiguration",
        heading="Name             Ursprung           Länge              Attribute",
        attributes="xr",
    )
    assert parse_map(text.splitlines())[0].name == "FLASH"


def test_real_map_file(link: Link) -> None:
    assert regions_of(link("tcm").elf) == (
        Region("FLASH", 0x08000400, 512 << 10, False),
        Region("RAM", 0x20000000, 256 << 10, True),
        Region("ITCM", 0x10000000, 64 << 10, None),
        Region("DTCM", 0x18000000, 256 << 10, None),
        Region("SRAM2", 0x21000000, 128 << 10, None),
    )


@pytest.mark.parametrize(
    "content", ["", "VMA LMA Size Align Out In Symbol\n", "\n\0\xff\n*default"]
)
def test_maps_without_the_table(tmp_path: Path, content: str) -> None:
    (tmp_path / "zephyr.map").write_text(content)
    assert regions_of(tmp_path / "zephyr.elf") == ()


def test_no_map_and_unreadable_map(tmp_path: Path) -> None:
    assert regions_of(tmp_path / "zephyr.elf") == ()
    (tmp_path / "zephyr.map").mkdir()
    with pytest.raises(UtvmError, match=r"zephyr\.map: cannot be read"):
        regions_of(tmp_path / "zephyr.elf")
