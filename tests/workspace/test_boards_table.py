# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from pathlib import Path

import pytest

from west_utvm.errors import UtvmError
from west_utvm.workspace.boards import FOLDER, board_facts, check_known


@pytest.mark.parametrize(
    ("board", "usb_id"),
    [
        ("nucleo_f746zg", "0483:374b"),
        ("nucleo_f746zg/stm32f746xx", "0483:374b"),
        ("nrf52840dk@1.0.0/nrf52840", "1366:*"),
        ("nrf5340dk/nrf5340/cpuapp", "1366:*"),
    ],
)
def test_a_board_is_known_with_any_qualifier(board: str, usb_id: str) -> None:
    assert usb_id in board_facts(board).usb_ids


def test_an_unknown_board_has_no_facts() -> None:
    assert board_facts("acme/rocket").usb_ids == ()


def test_every_row_is_well_formed() -> None:
    for path in FOLDER.glob("*.yaml"):
        name = re.search(r"^boards:[^a-z]*(\w+)", path.read_text(), re.MULTILINE)
        assert name
        ids = board_facts(name[1]).usb_ids
        assert ids and all(re.fullmatch(r"[0-9a-f]{4}:([0-9a-f]{4}|\*)", usb_id) for usb_id in ids)


@pytest.mark.parametrize("text", ["[", "boards: x", "1", "boards: [b]\nusb_ids: 0483\n"])
def test_a_malformed_row_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(UtvmError, match=r"x\.yaml: .*boards/README.md"):
        board_facts("b", tmp_path)


@pytest.mark.parametrize("board", ["mps2", "mps2/an385", "nrf52840dk@1.0.0/nrf52840"])
def test_a_board_that_zephyr_has(board: str) -> None:
    check_known(board, ["mps2", "nrf52840dk"])
    check_known(board, [])


def test_a_board_that_zephyr_has_not() -> None:
    with pytest.raises(UtvmError) as caught:
        check_known("mps22/an385", ["mps2", "nrf52840dk"])
    hint = "west boards lists them; near to it: mps2"
    assert str(caught.value) == f"this Zephyr has no board 'mps22'; {hint}"
