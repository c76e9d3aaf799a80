# SPDX-License-Identifier: Apache-2.0
"""JSON, tables, targets and plots of figures that are given, not measured."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.peers import CMSIS_NN, Peer
from benchmarks.plots import write_plots
from benchmarks.profile import Loop
from benchmarks.records import Layer, Record, load, to_json
from benchmarks.table import against, table
from benchmarks.targets import BASELINE, targets
from west_utvm.errors import UtvmError

RECORD = Record(
    model="kws_ref_model",
    cpu="cortex-m4",
    opt="-O2",
    optimize="balanced",
    instructions=3_800_000,
    resolution=40,
    flash=45_000,
    workspace=15_000,
    io=502,
    stack=200,
    other_static_ram=34,
    checked_against="tflite-micro",
)
PEER = Peer(CMSIS_NN, "kws_ref_model", "cortex-m4", "-O2", 7_600_000, 90_000, 22_000, 800, 552)


def test_ram_counts_every_part() -> None:
    assert RECORD.arena == 15_502
    assert RECORD.ram == 15_502 + 200 + 34


def test_json_is_the_same_in_any_order_and_comes_back(tmp_path: Path) -> None:
    layers = (Layer(0, "conv2d", "conv2d_1x1_dsp", 10), Layer(1, "softmax", "softmax", 5))
    loops = (Loop("tvmgen_net_run", 0x100, 0x108, 7, 24, 40),)
    other = replace(RECORD, cpu="cortex-m55", layers=layers, loops=loops, cycles=99)
    path = tmp_path / "figures.json"
    path.write_text(to_json([RECORD, other], {"b": "2", "a": "1"}))
    assert to_json([other, RECORD], {"a": "1", "b": "2"}) == path.read_text()
    assert load(path) == [RECORD, other]


@pytest.mark.parametrize("text", ["", "[]", '{"records": [{"model": "x"}]}'])
def test_other_json_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "figures.json"
    path.write_text(text)
    with pytest.raises(UtvmError, match="no records"):
        load(path)


def test_ratios_are_ours_divided_by_theirs() -> None:
    lines = table([RECORD], [PEER, replace(PEER, opt="-O3"), replace(PEER, model="x")]).splitlines()
    assert lines[0] == "kws_ref_model on cortex-m4"
    [beside] = [line for line in lines if CMSIS_NN in line]
    ratios = re.findall(r" (\d\.\d\d)\b", beside)
    assert ratios == ["0.50", "0.50", f"{RECORD.ram / PEER.ram:.2f}"]


def test_change_since_before() -> None:
    line = against([replace(RECORD, instructions=1_900_000)], [RECORD]).splitlines()[1]
    assert "3,800,000 -> 1,900,000  0.500" in line
    assert "45,000  1.000" in line
    old, new = replace(RECORD, cycles=4_000_000), replace(RECORD, cycles=5_000_000)
    assert "4,000,000 -> 5,000,000  1.250" in against([new], [old])


def test_verdicts() -> None:
    """One optimisation must meet all three; M33 is held against M4, M3 against the base line."""
    base = next(r for r in load(BASELINE) if r.key[:3] == ("kws_ref_model", "cortex-m3", "-O2"))
    good = replace(RECORD, cpu="cortex-m3", instructions=int(base.instructions * 0.59))
    rows = {
        "m4": RECORD,
        "m33": replace(RECORD, cpu="cortex-m33", instructions=3_980_000),
        "m55": replace(RECORD, cpu="cortex-m55", instructions=700_000, flash=50_000),
        "m3": good,
    }
    told = targets(list(rows.values()), []).splitlines()
    found = {row.split()[1]: row for row in told[1:]}
    assert found["cortex-m4"].endswith("  pass")
    assert found["cortex-m55"].endswith("FAIL: flash x 1.09")
    assert found["cortex-m33"].endswith("pass, and stretch")
    assert found["cortex-m3"].endswith("pass, and stretch")
    worse = [replace(r, instructions=r.instructions + 1_000_000) for r in (rows["m33"], good)]
    told = targets([RECORD, *worse], []).splitlines()
    assert sum("FAIL: instructions" in row for row in told) == 2


def test_plots_are_whole_and_the_same_every_time(tmp_path: Path) -> None:
    layers = (Layer(0, "conv2d", "", 3_000_000), Layer(1, "a<b & 'c'", "", 800_000))
    records = [replace(RECORD, layers=layers)]
    for folder in ("a", "b"):
        write_plots(records, [PEER], tmp_path / folder, "-O2")
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == [
        "flash-m4.svg",
        "instructions-m4.svg",
        "layers-kws_ref_model.svg",
        "ram-m4.svg",
    ]
    for name in names:
        text = (tmp_path / "a" / name).read_text()
        assert text == (tmp_path / "b" / name).read_text()
        ElementTree.fromstring(text)
    root = ElementTree.parse(tmp_path / "a" / "instructions-m4.svg").getroot()
    rectangles = [item for item in root if item.tag.endswith("}rect")]
    assert [item.attrib["width"] for item in rectangles[1:]] == ["250.0", "500.0"]
