# SPDX-License-Identifier: Apache-2.0
"""The instructions of an executable, as objdump lists them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tools import run

_FUNCTION = re.compile(r"^([0-9a-f]+) <(.+)>:$")
_LINE = re.compile(r"^ *([0-9a-f]+):\t((?:[0-9a-f]{2,8} ?)+)\s*\t(\S+)(?:\s+(.*))?$")


@dataclass(frozen=True)
class Instruction:
    """``size`` in bytes; ``mnemonic`` without the width that objdump adds, ``operands`` without
    comments."""

    address: int
    size: int
    mnemonic: str
    operands: str
    function: str


def disassemble(elf: Path, tools: str) -> Mapping[int, Instruction]:
    """By address; ``tools`` is the prefix of objdump's name."""
    text = run([f"{tools}objdump", "-d", "--section=.text", elf], elf.parent)
    return parse(text)


def parse(text: str) -> Mapping[int, Instruction]:
    """What ``objdump -d`` wrote; data in the code (``.word``) is left out."""
    found: dict[int, Instruction] = {}
    function = ""
    for line in text.splitlines():
        if heading := _FUNCTION.match(line):
            function = heading[2]
        elif (fields := _LINE.match(line)) and not fields[3].startswith("."):
            address, size = int(fields[1], 16), len(fields[2].replace(" ", "")) // 2
            mnemonic = fields[3].removesuffix(".n").removesuffix(".w")
            operands = re.split(r"\s*[@;<#](?=\s)|\s*@|\s+<", fields[4] or "")[0].strip()
            found[address] = Instruction(address, size, mnemonic, operands, function)
    return found
