# SPDX-License-Identifier: Apache-2.0
"""Rivals, measured in the same way: ../shared/reference/peers.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.models import SHARED
from west_utvm.errors import UtvmError

PEERS = SHARED / "reference" / "peers.json"
CMSIS_NN = "TFLM + CMSIS-NN"


@dataclass(frozen=True)
class Peer:
    """Sizes in bytes; ``arena`` as the peer counts it."""

    peer: str
    model: str
    cpu: str
    opt: str
    instructions: int
    flash: int
    arena: int
    stack: int
    other_static_ram: int

    @property
    def ram(self) -> int:
        return self.arena + self.stack + self.other_static_ram


def load_peers(path: Path = PEERS) -> list[Peer]:
    """None where there is no such file."""
    if not path.is_file():
        return []
    try:
        return [Peer(**row) for row in json.loads(path.read_text())["records"]]
    except (ValueError, KeyError, TypeError) as error:
        raise UtvmError(f"has no records of peers ({error})", where=path) from None
