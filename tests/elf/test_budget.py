# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from tests.elf.conftest import Link, Objects
from tests.elf.toolchain import Built, own_sizes
from west_utvm.elf import Budget, Memory, check, measure, parse_budget
from west_utvm.errors import UtvmError


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("64000", 64000),
        ("250K", 250 * 1024),
        ("250k", 250 * 1024),
        (" 1.5M ", 1536 * 1024),
        ("1G", 1 << 30),
        ("80%", 800),
        ("12.55 %", 125),
        ("100%", 1000),
    ],
)
def test_limits(text: str, limit: int) -> None:
    assert parse_budget(text).limit(capacity=1000) == limit


@pytest.mark.parametrize(
    "text",
    [
        "",
        "K",
        "%",
        "-1",
        "0",
        "0%",
        "100.1%",
        "1e3",
        "0x10",
        "1_000",
        "12KB",
        "1..5",
        "٣",
        "9" * 99,
    ],
)
def test_what_is_no_budget(text: str) -> None:
    with pytest.raises(UtvmError, match="budget") as caught:
        parse_budget(text)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize("memory", ["flash", "ram"])
def test_a_budget_is_met_to_the_byte(firmware: Built, memory: Memory) -> None:
    report = measure(firmware.elf)
    used = report.usage.used(memory)
    assert check(report, {memory: parse_budget(str(used))}) == ()
    (violation,) = check(report, {memory: parse_budget(str(used - 1))})
    assert (violation.memory, violation.used, violation.limit) == (memory, used, used - 1)


def test_a_percentage_is_of_the_regions_that_are_used(link: Link) -> None:
    report = measure(link("tcm").elf)
    assert report.usage.capacity("flash") == 512 << 10
    assert report.usage.capacity("ram") == (64 + 256 + 128) << 10
    flash, ram = check(report, {"ram": parse_budget("1%"), "flash": parse_budget("1%")})
    assert (flash.memory, flash.limit) == ("flash", (512 << 10) // 100)
    assert (ram.memory, ram.limit) == ("ram", (448 << 10) // 100)


def test_the_largest_are_named(firmware: Built, objects: Objects, tmp_path: Path) -> None:
    budgets: dict[Memory, Budget] = {"flash": parse_budget("100"), "ram": parse_budget("100")}
    stored = {
        name: sum(own_sizes(objects[name])[part] for part in ("code", "weights"))
        for name in ("kws", "kws_big")
    }
    flash, ram = check(measure(firmware.elf), budgets)
    assert [(c.name, c.size) for c in flash.largest[:3]] == [
        ("model kws_big", stored["kws_big"]),
        ("model kws", stored["kws"]),
        ("table", 132),
    ]
    assert [(c.name, c.size) for c in ram.largest[:4]] == [
        ("model kws_big", 9049),
        ("model kws", 4145),
        ("counters", 4001),
        ("stack (main.c)", 1000),
    ]
    assert len(flash.largest) == len(ram.largest) == 5

    firmware.tool("strip", "-o", tmp_path / "stripped.elf")
    _, ram = check(measure(tmp_path / "stripped.elf"), budgets)
    assert [(c.name, c.size) for c in ram.largest[:2]] == [
        ("section noinit", 14104),
        ("section bss", 4105),
    ]


def test_a_percentage_of_what_is_not_known(firmware: Built) -> None:
    report = measure(firmware.elf, regions=[])
    with pytest.raises(UtvmError, match="80% needs the size of a memory"):
        check(report, {"ram": parse_budget("80%")})


def test_a_memory_that_is_not_used_is_within_any_budget(link: Link) -> None:
    assert check(measure(link("ram").elf), {"flash": parse_budget("80%")}) == ()
