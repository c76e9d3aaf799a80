# SPDX-License-Identifier: Apache-2.0
"""Which of a machine's serial ports is the board's."""

from __future__ import annotations

import re

import pytest
from serial.tools.list_ports_common import ListPortInfo

from west_utvm.device.ports import find_port
from west_utvm.errors import UtvmError


def port(device: str, vid: int | None = None, pid: int = 0, serial: str = "") -> ListPortInfo:
    info = ListPortInfo(device)
    info.vid, info.pid, info.serial_number = vid, pid, serial
    return info


PORTS = [
    port("/dev/ttyS0"),
    port("/dev/ttyACM1", 0x1366, 0x1015, "000683459357"),
    port("/dev/ttyACM0", 0x0483, 0x374B, "066AFF49"),
    port("/dev/ttyACM2", 0x1366, 0x1015, "000600000001"),
]


@pytest.mark.parametrize(
    ("usb_ids", "dev_id", "expected"),
    [
        (["0483:374B"], None, "/dev/ttyACM0"),
        (["dead:beef", "0483:374b"], None, "/dev/ttyACM0"),
        (["1366:1015"], "683459357", "/dev/ttyACM1"),
        ([], "066aff49", "/dev/ttyACM0"),
    ],
)
def test_the_one_match_is_found(usb_ids: list[str], dev_id: str | None, expected: str) -> None:
    assert find_port(usb_ids, dev_id, ports=PORTS) == expected


@pytest.mark.parametrize(
    ("usb_ids", "dev_id", "complaint"),
    [
        (["1366:1015"], None, "2 serial ports match the board (candidates: /dev/ttyACM1 [1366"),
        (["dead:beef"], None, "no serial port matches the board (candidates: /dev/ttyACM0 [0483"),
        (["0483:374b"], "other", "no serial port matches"),
        ([], None, "3 serial ports match"),
    ],
)
def test_anything_else_lists_the_candidates(
    usb_ids: list[str], dev_id: str | None, complaint: str
) -> None:
    with pytest.raises(UtvmError, match=re.escape(complaint) + r".*choose one with --port"):
        find_port(usb_ids, dev_id, ports=PORTS)


def test_a_machine_without_usb_ports_is_told_so() -> None:
    with pytest.raises(UtvmError, match=r"candidates: none on USB"):
        find_port([], None, ports=PORTS[:1])
