# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.elf.conftest import Link
from tests.elf.toolchain import Built, run
from west_utvm.elf import check, describe, measure, parse_budget, to_json, to_table


def blocks(table: str) -> list[list[list[str]]]:
    """The words of each line of each block; numbers without separators, "-" as 0."""
    return [
        [
            [w.replace(",", "") if w != "-" else "0" for w in line.split()]
            for line in block.split("\n")
        ]
        for block in table.rstrip("\n").split("\n\n")
    ]


def test_regions_are_listed_as_west_build_lists_them(link: Link) -> None:
    built = link("tcm")
    head, *rows = blocks(to_table(measure(built.elf)))[0]
    assert head == ["Region", "Memory", "Used", "Size", "Used", "%"]
    assert [(row[0], int(row[2])) for row in rows] == list(built.used.items())
    assert [row[1] for row in rows] == ["flash", *["RAM"] * 4]
    assert rows[0][3:] == ["524288", f"{built.used['FLASH'] / 524288:.2%}"]


@pytest.mark.parametrize("layout", ["flash", "tcm", "ram"])
def test_columns_of_sections_add_up(link: Link, layout: str) -> None:
    head, *rows, total = blocks(to_table(measure(link(layout).elf)))[1]
    assert head == ["Section", "Flash", "RAM", "Region"]
    assert total[0] == "total"
    for column in (1, 2):
        assert sum(int(row[column]) for row in rows) == int(total[column])


def test_what_is_copied_says_from_where(link: Link) -> None:
    lines = to_table(measure(link("tcm").elf)).splitlines()
    assert next(line for line in lines if line.startswith("datas")).endswith("DTCM, from FLASH")
    assert all(line == line.rstrip() for line in lines)


def test_models(firmware: Built, tmp_path: Path) -> None:
    head, *rows = blocks(to_table(measure(firmware.elf)))[2]
    assert head == ["Model", "Code", "Weights", "Workspace", "Flash", "RAM"]
    assert [(row[0], row[2], row[5]) for row in rows] == [
        ("kws", "2044", "4145"),
        ("kws_big", "6044", "9049"),
    ]
    firmware.tool("strip", "-o", tmp_path / "stripped.elf")
    stripped = measure(tmp_path / "stripped.elf")
    assert "not known: the file has no symbol table" in to_table(stripped)
    assert to_json(stripped)["models"] is None


def test_json(link: Link) -> None:
    built = link("tcm")
    report = to_json(measure(built.elf))
    assert json.loads(json.dumps(report)) == report
    assert report["schema_version"] == 1
    assert report["elf"] == "zephyr.elf"
    assert {region["name"]: region["used"] for region in report["regions"]} == built.used
    assert tuple(report["berkeley"].values()) == built.size()
    for memory, names in (("flash", ["FLASH"]), ("ram", ["ITCM", "DTCM", "SRAM2"])):
        sections = sum(section[memory] for section in report["sections"])
        assert report[memory]["used"] == sections + report[memory]["gaps"]
        assert report[memory]["used"] == sum(built.used[name] for name in names)
    (datas,) = (s for s in report["sections"] if s["name"] == "datas")
    assert [(p["region"], p["memory"]) for p in datas["places"]] == [
        ("DTCM", "ram"),
        ("FLASH", "flash"),
    ]
    assert report["models"][0]["workspace"] == 4145


def test_violations_are_one_line_each(firmware: Built) -> None:
    report, used = measure(firmware.elf), firmware.used["FLASH"]
    violations = check(report, {"flash": parse_budget("8000"), "ram": parse_budget("100%")})
    (line,) = map(describe, violations)
    start = f"flash is over budget: {used:,} of 8,000 bytes, {used - 8000} too many; largest: model"
    assert line.startswith(start)
    assert to_table(report, violations).endswith(f"\n\n{line}\n")
    assert to_json(report, violations)["violations"][0]["largest"][0]["name"] == "model kws_big"


def test_names_cannot_control_the_terminal(firmware: Built, tmp_path: Path) -> None:
    elf, name = tmp_path / "odd.elf", "te\x1b[31m\nxt" + "x" * 60
    run([f"{firmware.prefix}objcopy", "--rename-section", f"text={name}", firmware.elf, elf])
    table = to_table(measure(elf))
    assert "te?[31m?xt" in table
    assert "\x1b" not in table
    assert max(map(len, table.splitlines())) < 100
