# SPDX-License-Identifier: Apache-2.0
"""What was measured, and its JSON: the same text for the same figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.profile import Loop
from west_utvm.errors import UtvmError

WHAT = (
    "Bare metal under QEMU -icount shift=0. instructions: one warm inference, executed "
    "instructions, not cycles, in steps of 'resolution'. flash: vectors, text, exidx, rodata and "
    "data of the ELF minus those of the same rig with no inference in it. io: input and output "
    "buffers outside the workspace. stack: peak painted during an inference. other_static_ram: "
    "the rest of data and bss, the rig's own included. layers: instructions from one operator's "
    "end to the next one's, traced in a run of their own. cycles: estimated for Cortex-M4 from an "
    "execution trace, without wait states; benchmarks/cycles.py has the table. loops: those that "
    "take most."
)


@dataclass(frozen=True)
class Layer:
    """An operator: its place in the model's file, its kind, its kernel, its instructions."""

    number: int
    name: str
    kernel: str
    instructions: int


@dataclass(frozen=True)
class Record:
    """A model on a CPU with a C compiler's ``opt``. Sizes in bytes.

    ``cycles`` are estimated by benchmarks/cycles.py; 0: not asked for, or not for this CPU.
    """

    model: str
    cpu: str
    opt: str
    optimize: str
    instructions: int
    resolution: float
    flash: int
    workspace: int
    io: int
    stack: int
    other_static_ram: int
    checked_against: str
    cycles: int = 0
    layers: tuple[Layer, ...] = ()
    loops: tuple[Loop, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, str]:
        return (self.model, self.cpu, self.opt, self.optimize)

    @property
    def arena(self) -> int:
        """What compares with TensorFlow Lite Micro's arena: inputs and outputs in it."""
        return self.workspace + self.io

    @property
    def ram(self) -> int:
        return self.arena + self.stack + self.other_static_ram


def to_json(records: Sequence[Record], tools: dict[str, str]) -> str:
    """Sorted, a record a line, no dates and no paths."""
    rows = [json.dumps(_row(record)) for record in sorted(records, key=lambda record: record.key)]
    head = {"what": WHAT, "sizes_in": "bytes", "tools": dict(sorted(tools.items()))}
    opening = json.dumps(head, indent=1).removesuffix("\n}")
    return f'{opening},\n "records": [\n  ' + ",\n  ".join(rows) + "\n ]\n}\n"


def _row(record: Record) -> dict[str, Any]:
    """Without what was not asked for."""
    asked = ("cycles", "layers", "loops")
    return {key: item for key, item in asdict(record).items() if item or key not in asked}


def load(path: Path) -> list[Record]:
    """Records that :func:`to_json` wrote; UtvmError with the path if they are not."""
    try:
        rows = json.loads(path.read_text())["records"]
        return [_record(row) for row in rows]
    except OSError as error:
        raise UtvmError(f"cannot be read ({error.strerror})", where=path) from None
    except (ValueError, KeyError, TypeError) as error:
        raise UtvmError(f"has no records of benchmarks ({error})", where=path) from None


def _record(row: dict[str, Any]) -> Record:
    layers = tuple(Layer(**layer) for layer in row.get("layers", ()))
    loops = tuple(Loop(**loop) for loop in row.get("loops", ()))
    return Record(**{**row, "layers": layers, "loops": loops})
