# SPDX-License-Identifier: Apache-2.0
"""Every figure against the tool that is the authority for it: ld, size, objcopy."""

from __future__ import annotations

import re
import shutil
import struct
from pathlib import Path

import pytest

from tests.elf.conftest import Link
from tests.elf.toolchain import FIRMWARE, Built, compile_arm, link_arm, require, run
from west_utvm.elf import Region, SectionUsage, SizeReport, measure

SHIFT = "0x60000000"
LAYOUTS = ("flash", "ram", "tcm", "overlap")


def section(report: SizeReport, name: str) -> SectionUsage:
    return next(usage for usage in report.usage.sections if usage.section.name == name)


def bytes_of(report: SizeReport, name: str) -> tuple[int, int]:
    usage = section(report, name)
    return usage.bytes_in("flash"), usage.bytes_in("ram")


def sums(report: SizeReport) -> tuple[int, int, int]:
    berkeley = report.image.berkeley()
    return berkeley.text, berkeley.data, berkeley.bss


@pytest.mark.parametrize("layout", LAYOUTS)
def test_regions_are_used_as_ld_says(link: Link, layout: str) -> None:
    built = link(layout)
    assert sum(built.used.values())
    assert {u.region.name: u.used for u in measure(built.elf).usage.regions} == built.used


@pytest.mark.parametrize("layout", LAYOUTS)
def test_sums_are_those_of_size(link: Link, layout: str) -> None:
    built = link(layout)
    assert sums(measure(built.elf)) == built.size()


@pytest.mark.parametrize("layout", ["flash", "tcm"])
def test_flash_is_as_large_as_the_binary(link: Link, layout: str) -> None:
    built = link(layout)
    assert measure(built.elf).usage.used("flash") == built.binary_size()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_sections_and_gaps_add_up(link: Link, layout: str) -> None:
    usage = measure(link(layout).elf).usage
    assert 0 <= usage.gaps("flash") < 8
    assert 0 <= usage.gaps("ram") < 64


def test_the_address_decides_and_not_the_flags(link: Link) -> None:
    in_flash, in_ram = measure(link("flash").elf), measure(link("ram").elf)
    rodata = section(in_flash, "rodata").section
    assert rodata.writable, "the compiler no longer marks .rodata.tvm as writable"
    assert bytes_of(in_flash, "rodata") == (rodata.size, 0)
    assert bytes_of(in_ram, "rodata") == (0, rodata.size)
    assert bytes_of(in_ram, "datas") == (0, 132)
    assert in_ram.usage.used("flash") == 0


@pytest.mark.parametrize(
    ("layout", "name", "places"),
    [
        ("flash", "datas", [("ram", "RAM"), ("flash", "FLASH")]),
        ("flash", "bss", [("ram", "RAM")]),
        ("flash", "text", [("flash", "FLASH")]),
        ("flash", ".tdata", [("flash", "FLASH")]),
        ("flash", ".tbss", []),
        ("tcm", "fast", [("ram", "ITCM"), ("flash", "FLASH")]),
        ("tcm", "noinit", [("ram", "SRAM2")]),
        ("overlap", "fast", [("ram", "FAST"), ("flash", "FLASH")]),
        ("overlap", "noinit", [("ram", "RAM")]),
        ("ram", "fast", [("ram", "RAM")]),
    ],
)
def test_places(link: Link, layout: str, name: str, places: list[tuple[str, str]]) -> None:
    found = section(measure(link(layout).elf), name).places
    assert [(place.memory, place.region and place.region.name) for place in found] == places


def test_without_regions_addresses_and_flags_tell_the_same(firmware: Built) -> None:
    known, guessed = measure(firmware.elf), measure(firmware.elf, regions=[])
    for usage in guessed.usage.sections:
        assert bytes_of(guessed, usage.section.name) == bytes_of(known, usage.section.name)
    assert guessed.usage.regions == ()
    assert guessed.usage.capacity("flash") is None


def test_regions_of_the_caller_replace_the_map_file(firmware: Built) -> None:
    regions = [Region("ROM", 0, 1 << 16, False), Region("SRAM", 0x20000000, 1 << 16, True)]
    usage = measure(firmware.elf, regions).usage
    assert [u.used for u in usage.regions] == [firmware.used["FLASH"], firmware.used["RAM"]]
    assert usage.capacity("ram") == 1 << 16


def test_what_is_outside_of_all_regions_is_counted(firmware: Built) -> None:
    known = measure(firmware.elf).usage
    usage = measure(firmware.elf, [Region("ROM", 0, 1 << 16, False)]).usage
    assert usage.used("flash") == known.used("flash")
    assert usage.used("ram") == known.used("ram") - known.gaps("ram")


def test_load_addresses_that_were_shifted_after_linking(firmware: Built, tmp_path: Path) -> None:
    shifted = Built(tmp_path / "zephyr.elf", firmware.prefix)
    shutil.copy(firmware.elf.with_suffix(".map"), tmp_path / "zephyr.map")
    run([f"{firmware.prefix}objcopy", f"--change-section-lma=*+{SHIFT}", firmware.elf, shifted.elf])
    assert re.search(rf"LOAD +\S+ 0x00000000 {SHIFT} ", shifted.tool("readelf", "-lW"))
    assert measure(shifted.elf).usage.used("flash") == firmware.used["FLASH"]
    assert measure(shifted.elf).usage.used("ram") == firmware.used["RAM"]


def load_addresses(built: Built) -> dict[str, int]:
    """Of the sections with contents, as binutils sees them."""
    row = re.compile(r"^ +\d+ (\S+) +[0-9a-f]+ +[0-9a-f]+ +([0-9a-f]+) .* CONTENTS, ALLOC", re.M)
    return {name: int(lma, 16) for name, lma in row.findall(built.tool("objdump", "-h", "-w"))}


def check_load_addresses(built: Built) -> None:
    stored = [s for s in measure(built.elf).image.sections if s.stored]
    assert {s.name: s.load_address for s in stored} == load_addresses(built)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_load_addresses(link: Link, layout: str) -> None:
    check_load_addresses(link(layout))


def test_no_load_addresses(firmware: Built, tmp_path: Path) -> None:
    """Some linkers leave p_paddr 0."""
    data = bytearray(firmware.elf.read_bytes())
    (start,), (count,) = struct.unpack_from("<I", data, 28), struct.unpack_from("<H", data, 44)
    for header in range(start, start + 32 * count, 32):
        struct.pack_into("<I", data, header + 12, 0)
    built = Built(tmp_path / "zephyr.elf", firmware.prefix)
    built.elf.write_bytes(data)
    check_load_addresses(built)


def test_overlays(tmp_path: Path) -> None:
    built = link_arm(
        [compile_arm(FIRMWARE / "overlay.c", tmp_path)], "overlay", tmp_path / "zephyr.elf"
    )
    check_load_addresses(built)
    report = measure(built.elf)
    assert {u.region.name: u.used for u in report.usage.regions} == built.used
    assert bytes_of(report, "two") == (40, 40)
    assert report.usage.used("flash") == built.binary_size()


def test_big_endian(tmp_path: Path) -> None:
    objects = [compile_arm(FIRMWARE / "main.c", tmp_path, "-mbig-endian")]
    built = link_arm(objects, "flash", tmp_path / "zephyr.elf", "-mbig-endian")
    report = measure(built.elf)
    assert {u.region.name: u.used for u in report.usage.regions} == built.used
    assert sums(report) == built.size()


@pytest.mark.parametrize("flags", [("-pie", "-fPIE"), ("-no-pie",), ("-static",)], ids=" ".join)
def test_executables_of_the_build_machine(tmp_path: Path, flags: tuple[str, ...]) -> None:
    require("gcc")
    source, built = tmp_path / "host.c", Built(tmp_path / "zephyr.exe", "")
    source.write_text(
        "int table[1000] = {1}; char buffer[5000]; const int primes[300] = {2};\n"
        "__thread char scratch[64];\n"
        "int main(int argc, char **argv) { (void)argv; return table[argc] + buffer[argc]\n"
        "    + primes[argc] + scratch[argc]; }\n"
    )
    run(["gcc", *flags, source, "-o", built.elf])
    report = measure(built.elf)
    text, data, bss = built.size()
    thread_local = section(report, ".tbss").section.size
    assert report.image.bits == 64
    assert sums(report) == (text, data, bss)
    assert report.usage.used("flash") == text + data
    assert report.usage.used("ram") == data + bss - thread_local
