# SPDX-License-Identifier: Apache-2.0
"""The table on the terminal: its figures are those of the metadata, and it fits."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from typing import Any

import pytest

from tests.compiled_models import MODELS, NAME, Compile
from west_utvm.report import Summary, read_summary, table
from west_utvm.report.summary import Block

each_model = pytest.mark.parametrize("name", MODELS)


def summary(compiled: Compile, name: str, **changes: Any) -> Summary:
    """Of a record with other values for some of its keys."""
    entry = copy.deepcopy(compiled(name).model.entry)
    entry["west_utvm"]["compiler"] |= changes
    found = read_summary(NAME, entry)
    assert found is not None
    return found


def cells(line: str) -> list[str]:
    return re.split(r" {2,}", line.strip())


def number(cell: str) -> int:
    return 0 if cell == "-" else int(cell.replace(",", ""))


@each_model
def test_a_row_for_each_operator(name: str, compiled: Compile) -> None:
    record = compiled(name).model.entry["west_utvm"]["compiler"]
    head, *rows = table(summary(compiled, name), layers=True)
    assert cells(head) == ["#", "Operator", "Kernel", "Shape", "MACs", "Constants", "Output"]
    operators = record["operators"]
    for step, (row, item) in enumerate(zip(rows, operators, strict=False)):
        first, _, kernel, shape, *figures = cells(row)
        assert (int(first), kernel) == (step, item["kernel"])
        assert shape == "x".join(map(str, item["output"]["shape"]))
        expected = [item["macs"], item["constants"], item["output"]["size"]]
        assert list(map(number, figures)) == expected
    total = cells(rows[len(operators)])
    assert total[0] == "total"
    assert list(map(number, total[1:])) == [record["macs"], record["constants"]]


@each_model
def test_a_row_for_each_kernel(name: str, compiled: Compile) -> None:
    record = compiled(name).model.entry["west_utvm"]["compiler"]
    _, *rows = table(summary(compiled, name))
    by_kernel = [cells(row) for row in rows[: rows.index("")]]
    *kernels, total = by_kernel
    assert {row[0] for row in kernels} == {item["kernel"] for item in record["operators"]}
    for row in kernels:
        of_it = [item for item in record["operators"] if item["kernel"] == row[0]]
        assert int(row[1]) == len(of_it)
        assert number(row[2]) == sum(item["macs"] for item in of_it)
        assert number(row[4]) == sum(item["constants"] for item in of_it)
    assert [number(total[i]) for i in (1, 2, 4)] == [
        len(record["operators"]),
        record["macs"],
        record["constants"],
    ]


@each_model
@pytest.mark.parametrize("layers", [False, True])
def test_it_fits_the_terminal(name: str, layers: bool, compiled: Compile) -> None:
    lines = table(summary(compiled, name), layers=layers)
    assert max(map(len, lines)) <= 100
    assert all(line == line.rstrip() for line in lines)


def test_totals(compiled: Compile) -> None:
    found = summary(compiled, "digits")
    text = "\n".join(table(found))
    most = max(found.layers, key=lambda layer: layer.macs)
    assert f"most in operator {most.step}, {most.kind}: {most.macs:,} (" in text
    assert f"workspace {found.workspace:,} bytes" in text
    assert "in float" not in text and " bytes by overlap" in text


def test_the_fullest_step_counts_shared_bytes_once(compiled: Compile) -> None:
    found = summary(compiled, "digits")
    blocks = (
        Block("a", "tensor", 0, 100, 0, 1),
        Block("b", "tensor", 40, 100, 1, 2),  # over the end of a
        Block("c", "tensor", 160, 60, 2, 3),
    )
    assert replace(found, blocks=blocks).fullest == 2
    more = (*blocks, Block("d", "scratch", 150, 30, 1, 1))
    assert replace(found, blocks=more).fullest == 1


def test_gains_and_float_operators_are_named(compiled: Compile) -> None:
    found = summary(
        compiled,
        "digits",
        gains=[["fold-pad", 1234], ["reorder", -16]],
        float=[f"operator {i} (EXP), 'x/y'" for i in range(9)],
    )
    lines = table(found)
    assert "saved     1,234 bytes by fold-pad, -16 bytes by reorder" in lines
    assert [line for line in lines if line.startswith("in float")] == [
        *(f"in float  operator {i} (EXP), 'x/y'" for i in range(5)),
        "in float  4 more",
    ]


def test_names_do_not_steer_the_terminal(compiled: Compile) -> None:
    operators = copy.deepcopy(compiled("digits").model.entry["west_utvm"]["compiler"]["operators"])
    for item in operators:
        item["name"] = item["kernel"] = "\x1b[2J\n\r\u202eevil" * 9
    for layers in (False, True):
        text = "\n".join(table(summary(compiled, "digits", operators=operators), layers=layers))
        assert "evil" in text
        assert all(c.isprintable() or c == "\n" for c in text)
        assert len(text.splitlines()) < 30


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("operators",), None),
        (("operators", 0, "macs"), -1),
        (("operators", 0, "macs"), "many"),
        (("operators", 0, "output"), {}),
        (("operators", 0, "weights"), {}),
        (("workspace", "tensors", 0, "last"), 10**6),
        (("workspace", "tensors", 0, "first"), 10**6),
        (("workspace", "size"), 1 << 99),
        (("versions",), ["x"]),
        (("inputs", 0, "shape"), 7),
        (("gains",), [1]),
        (("gains",), [["overlap", "much"]]),
    ],
)
def test_a_record_that_is_not_whole_is_none(
    path: tuple[str | int, ...], value: object, compiled: Compile
) -> None:
    entry = copy.deepcopy(compiled("digits").model.entry)
    assert read_summary(NAME, entry)
    place = entry["west_utvm"]["compiler"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert read_summary(NAME, entry) is None


def test_archives_of_tvmc_have_none() -> None:
    assert read_summary("default", {"executors": ["aot"]}) is None
