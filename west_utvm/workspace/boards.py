# SPDX-License-Identifier: Apache-2.0
"""The facts of ``boards/*.yaml``: what Zephyr cannot tell of a board."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from west_utvm.errors import UtvmError

FOLDER = Path(__file__).parents[2] / "boards"
HOST = "host"
_HINT = "correct the file; boards/README.md says what belongs in it"


@dataclass(frozen=True)
class BoardFacts:
    """``usb_ids`` are ``vid:pid`` in lower-case hex of the serial ports the board may show."""

    usb_ids: tuple[str, ...] = ()


def board_facts(board: str, folder: Path = FOLDER) -> BoardFacts:
    """Facts of ``board`` (any revision or qualifier of it), or of a board nothing is known of."""
    for path in sorted(folder.glob("*.yaml")):
        document = _load(path)
        if any(_matches(board, name) for name in document.get("boards", [])):
            return BoardFacts(usb_ids=_usb_ids(document, path))
    return BoardFacts()


def folder_name(board: str) -> str:
    """A board target as the name of a folder."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", board)


def check_known(board: str, names: Iterable[str]) -> None:
    """UtvmError unless ``board`` is one of ``names``, those of ``west boards``, with any suffix."""
    base = _base(board)
    known = set(names)
    if known and base not in known:
        close = difflib.get_close_matches(base, known, n=3, cutoff=0.5)
        hint = "west boards lists them" + (f"; near to it: {', '.join(close)}" if close else "")
        raise UtvmError(f"this Zephyr has no board '{base}'", hint=hint)


def _base(board: str) -> str:
    return board.split("@")[0].split("/")[0]


def _matches(board: str, name: object) -> bool:
    # nucleo_f746zg, nucleo_f746zg@B, nucleo_f746zg/stm32f746xx are one board on the desk.
    return name in (board, _base(board))


def _usb_ids(document: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    ids = document.get("usb_ids", [])
    if not isinstance(ids, list) or not all(isinstance(item, str) for item in ids):
        raise UtvmError("'usb_ids' is not a list of 'vid:pid' strings", where=path, hint=_HINT)
    return tuple(item.lower() for item in ids)


def _load(path: Path) -> dict[str, Any]:
    import yaml

    try:
        document = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError):
        raise UtvmError("is not YAML", where=path, hint=_HINT) from None
    if not isinstance(document, dict) or not isinstance(document.get("boards"), list):
        raise UtvmError("has no list 'boards'", where=path, hint=_HINT)
    return document
