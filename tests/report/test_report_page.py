# SPDX-License-Identifier: Apache-2.0
"""The page: well formed, self-contained, safe with any name, and true to the metadata."""

from __future__ import annotations

import base64
import copy
import hashlib
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations, pairwise
from typing import Any

import pytest

from tests.compiled_models import MODELS, NAME, Compile
from west_utvm.report import Summary, page, read_summary
from west_utvm.report.summary import Block
from west_utvm.report.svg import lifetimes, ticks

each_model = pytest.mark.parametrize("name", MODELS)
VOID = {"meta"}
Attributes = dict[str, str]
HOSTILE = (
    "</title></script></style><script>alert(1)</script>'\"><img src=x onerror=y>&lt;\x00\n\ud800"
)


class Page(HTMLParser):
    """Every element with its attributes and the text directly in it; tags must match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, Attributes]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1], data))

    def all(self, tag: str, **wanted: str) -> list[Attributes]:
        """The elements of a tag whose class has the word given."""
        words = wanted.get("of", "").split()
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and all(w in attributes.get("class", "").split() for w in words)
        ]


def summary(compiled: Compile, name: str) -> Summary:
    found = read_summary(NAME, compiled(name).model.entry)
    assert found is not None
    return found


@each_model
def test_well_formed_and_self_contained(name: str, compiled: Compile) -> None:
    text = page(summary(compiled, name))
    parsed = Page(text)
    assert {tag for tag, _ in parsed.elements} <= set(
        """
        html head meta title style body h1 h2 h3 p code div b span figure figcaption table tr th
        td small svg g title rect line text script ul li
        """.split()
    )
    for _, attributes in parsed.elements:
        assert not {"src", "href", "style", "action"} & attributes.keys()
        assert not any(key.startswith("on") for key in attributes)
    assert "//" not in re.sub(r"(?s)<script>.*</script>", "", text).replace("<!DOCTYPE", "")
    assert "http:" not in text and "https:" not in text


@each_model
def test_the_same_bytes_again(name: str, compiled: Compile) -> None:
    found = summary(compiled, name)
    assert page(found) == page(copy.deepcopy(found))


def test_nothing_but_its_own_script_may_run(compiled: Compile) -> None:
    text = page(summary(compiled, "digits"))
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy.startswith("default-src 'none'; ")
    for tag in ("style", "script"):
        [content] = re.findall(rf"(?s)<{tag}>(.*?)</{tag}>", text)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def hostile(found: Summary) -> Summary:
    """With every text that an archive may bring replaced."""
    tensors = [replace(t, name=HOSTILE, dtype=HOSTILE) for t in (*found.inputs, *found.outputs)]
    layers = [
        replace(
            layer,
            kind=HOSTILE,
            name=HOSTILE,
            source=HOSTILE,
            kernel=HOSTILE,
            weights=HOSTILE,
            buffer=HOSTILE,
            output=replace(layer.output, name=HOSTILE, dtype=HOSTILE),
        )
        for layer in found.layers
    ]
    return replace(
        found,
        name=HOSTILE,
        rounding=HOSTILE,
        made_from=dict.fromkeys(("format", "size", "sha256"), HOSTILE),
        versions={HOSTILE: HOSTILE},
        options={HOSTILE: HOSTILE},
        inputs=tuple(tensors[:1]),
        outputs=tuple(tensors[1:]),
        layers=tuple(layers),
        blocks=tuple(replace(block, name=HOSTILE, role=HOSTILE) for block in found.blocks),
        in_float=(HOSTILE,),
        gains=((HOSTILE, 1),),
    )


@each_model
def test_hostile_names_stay_text(name: str, compiled: Compile) -> None:
    found = summary(compiled, name)
    plain = Page(page(replace(found, in_float=("x",), gains=(("x", 1),))))
    text = page(hostile(found))
    text.encode()
    parsed = Page(text)
    assert len(parsed.all("script")) == 1 and not parsed.all("img")
    assert "alert(1)</script>" not in text and text.isprintable() is False
    assert {c for c in text if not c.isprintable()} == {"\n"}
    ordinary = {key for _, attributes in plain.elements for key in attributes}
    assert {key for _, attributes in parsed.elements for key in attributes} <= ordinary
    assert any("<img src=x onerror=y>" in data for tag, data in parsed.texts if tag == "title")


def blocks(parsed: Page) -> list[tuple[float, float, float, float]]:
    """The rectangles of the workspace map: left, top, right, bottom."""
    found = []
    for attributes in parsed.all("rect", of="block"):
        x, y, width, height = (float(attributes[key]) for key in ("x", "y", "width", "height"))
        found.append((x, y, x + width, y + height))
    return found


@each_model
def test_rectangles_are_the_plan(name: str, compiled: Compile) -> None:
    found = summary(compiled, name)
    rectangles = blocks(Page(page(found)))
    assert len(rectangles) == len(found.blocks)
    halves = 0
    for (i, a), (j, b) in combinations(enumerate(rectangles), 2):
        first, second = found.blocks[i], found.blocks[j]
        at_once = first.first <= second.last and second.first <= first.last
        shared = (
            first.offset < second.offset + second.size and second.offset < first.offset + first.size
        )
        # Only a result may be over an input, and they are drawn one after the other.
        assert not (at_once and shared) or first.last == second.first
        halves += at_once and shared
        if min(a[3] - a[1], b[3] - b[1]) > 1.6:  # Smaller ones are drawn larger than they are.
            overlap = a[0] < b[2] and b[0] < a[2] and a[1] < b[3] - 0.2 and b[1] < a[3] - 0.2
            assert not overlap, (first, second)
    # The heights are as the sizes are, and the positions as the steps.
    lives = lifetimes(found.blocks)
    assert halves <= sum((start % 1 > 0) + (end % 1 > 0) for start, end in lives) <= 2 * halves
    step = (1040 - 88) / len(found.layers)
    for rectangle, block, (start, end) in zip(rectangles, found.blocks, lives, strict=True):
        assert rectangle[3] - rectangle[1] == pytest.approx(
            max(320 * block.size / found.workspace, 1.5), abs=0.11
        )
        assert rectangle[0] == pytest.approx(76.5 + step * start, abs=0.06)
        assert rectangle[2] == pytest.approx(75.5 + step * end, abs=0.11)
        assert int(start) == block.first and math.ceil(end) == block.last + 1


def test_a_result_over_its_input_has_half_of_the_step() -> None:
    blocks = [
        Block("a", "tensor", 0, 100, 0, 1),
        Block("b", "tensor", 50, 100, 1, 2),
        Block("c", "tensor", 0, 50, 2, 3),  # beside b, not over it
    ]
    assert lifetimes(blocks) == [(0, 1.5), (1.5, 3), (2, 4)]


@each_model
def test_figures_are_those_of_the_metadata(name: str, compiled: Compile) -> None:
    record: dict[str, Any] = compiled(name).model.entry["west_utvm"]["compiler"]
    text = page(summary(compiled, name))
    shown = [data for tag, data in Page(text).texts if tag == "b"]
    assert shown[:3] == [
        f"{record['macs']:,}",
        f"{record['constants']:,}",
        f"{record['workspace']['size']:,}",
    ]
    assert record["model"]["sha256"] in text
    rows = re.findall(r'<tr data-step="(\d+)">(.*)</tr>', text)
    for item, (step, row) in zip(record["operators"], rows, strict=True):
        cells = re.findall(r"<td[^>]*>(.*?)</td>", row)
        assert cells[0] == step and cells[2] == item["kernel"]
        window = item["weights"]
        shape = "x".join(map(str, window["shape"])) if window else "-"
        assert cells[4].split("<")[0] == shape
        figures = [re.split("<", cell)[0] for cell in cells[5:8]]
        expected = [item["macs"], item["constants"], item["output"]["size"]]
        assert figures == [f"{value:,}" if value else "-" for value in expected]
        if "scale" not in item["output"]:
            assert cells[9:] == ["-", "-"] and item["output"]["dtype"] == "float32"
            continue
        assert f'title="{item["output"]["scale"]:.9g}"' in cells[9]
        assert cells[10] == str(item["output"]["zero_point"])


def test_a_long_model_gets_a_wide_chart(compiled: Compile) -> None:
    """Numbers on the axis keep their distance, whatever the model's length."""
    found = summary(compiled, "digits")
    for steps in (1, 7, 60, 500):
        layers = tuple(replace(found.layers[0], step=i) for i in range(steps))
        parsed = Page(page(replace(found, layers=layers, blocks=())))
        first = parsed.elements.index(("svg", parsed.all("svg", of="chart")[0]))
        numbers: list[float] = []
        for tag, attributes in parsed.elements[first + 1 :]:
            if tag == "svg":
                break
            if tag == "text" and attributes.get("class") == "x":
                numbers.append(float(attributes["x"]))
        assert numbers
        assert all(b - a >= 26 for a, b in pairwise(numbers))
        assert float(parsed.all("svg", of="chart")[0]["width"]) >= max(1040, 6 * steps)


def test_a_model_of_nothing(compiled: Compile) -> None:
    found = replace(
        summary(compiled, "digits"), layers=(), blocks=(), workspace=0, lower_bound=0, inputs=()
    )
    Page(page(found))


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (0, [0]),
        (1, [0, 1]),
        (4, [0, 1, 2, 3, 4]),
        (90_000, [0, 20_000, 40_000, 60_000, 80_000]),
        (16000, [0, 5000, 10000, 15000]),
    ],
)
def test_ticks(most: int, expected: list[int]) -> None:
    assert ticks(most) == expected
