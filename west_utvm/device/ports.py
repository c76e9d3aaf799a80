# SPDX-License-Identifier: Apache-2.0
"""Which serial port a board is on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from west_utvm.errors import UtvmError


def find_port(
    usb_ids: Sequence[str], dev_id: str | None, *, ports: Iterable[ListPortInfo] | None = None
) -> str:
    """The one port of a USB device with an id of ``usb_ids``.

    An id is "vid:pid" in hexadecimal, or "vid:*" for any product of a vendor.

    No ids: any USB device. ``dev_id``, as given to ``west flash --dev-id``, is the serial
    number to look for among them. ``ports`` are those of this machine unless given.
    """
    known = sorted(list_ports.comports() if ports is None else ports)
    usb = [port for port in known if port.vid is not None]
    wanted = {usb_id.lower() for usb_id in usb_ids}
    matches = [port for port in usb if not wanted or not wanted.isdisjoint(_usb_ids(port))]
    if dev_id is not None:
        matches = [port for port in matches if _same_serial(port.serial_number, dev_id)]
    if len(matches) == 1:
        return str(matches[0].device)
    raise _not_one(matches, usb)


def _usb_ids(port: ListPortInfo) -> tuple[str, str]:
    return _usb_id(port), f"{port.vid:04x}:*"


def _usb_id(port: ListPortInfo) -> str:
    return f"{port.vid:04x}:{port.pid:04x}"


def _same_serial(found: str | None, wanted: str) -> bool:
    # J-Link pads its USB serial number with zeros that its tools leave out.
    return found is not None and found.lstrip("0").lower() == wanted.lstrip("0").lower()


def _not_one(matches: Sequence[ListPortInfo], usb: Sequence[ListPortInfo]) -> UtvmError:
    what = f"{len(matches)} serial ports match" if matches else "no serial port matches"
    candidates = ", ".join(map(_describe, matches or usb)) or "none on USB"
    return UtvmError(f"{what} the board (candidates: {candidates})", hint="choose one with --port")


def _describe(port: ListPortInfo) -> str:
    serial = f" serial {port.serial_number}" if port.serial_number else ""
    return f"{port.device} [{_usb_id(port)}{serial}]"
