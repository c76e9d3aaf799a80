# SPDX-License-Identifier: Apache-2.0
"""Limits on flash and RAM, and what exceeds them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from west_utvm.elf.size import Contributor, SizeReport
from west_utvm.elf.usage import MEMORIES, Memory
from west_utvm.errors import UtvmError

_BUDGET = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*(%|[KMG]?)", re.ASCII | re.IGNORECASE)
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_NAMED = 5


@dataclass(frozen=True)
class Budget:
    """At most ``amount`` bytes; with ``percent``, at most that part of a memory's size."""

    amount: Decimal
    percent: bool = False

    def limit(self, capacity: int | None) -> int:
        """The limit in bytes, rounded down, in a memory of ``capacity`` bytes.

        UtvmError if it is a percentage and the capacity is not known.
        """
        if not self.percent:
            return int(self.amount)
        if capacity is None:
            what = f"a budget of {self.amount}% needs the size of a memory, which is not known"
            hint = "give it in bytes, such as 250K; memory sizes come from the linker's map file"
            raise UtvmError(what, hint=hint)
        return int(self.amount * capacity / 100)


@dataclass(frozen=True)
class Violation:
    """``used`` bytes of ``memory`` where ``limit`` are allowed, and what takes most of them."""

    memory: Memory
    used: int
    limit: int
    largest: tuple[Contributor, ...]


def parse_budget(text: str) -> Budget:
    """``64000``, ``250K``, ``1.5M`` (K is 1024, as in linker scripts) or ``80%``."""
    match = _BUDGET.fullmatch(text.strip())
    number = Decimal(match[1]) if match else Decimal(0)
    if match is None or not number:
        what = f"{text[:40]!r} is not a budget"
        raise UtvmError(what, hint="give bytes, such as 64000, 250K or 1M, or a share such as 80%")
    if match[2] != "%":
        return Budget(number * _UNITS[match[2].upper()])
    if number > 100:
        raise UtvmError(f"a budget of {text} is more than there is", hint="give 100% or less")
    return Budget(number, percent=True)


def check(report: SizeReport, budgets: Mapping[Memory, Budget]) -> tuple[Violation, ...]:
    """The budgets that ``report`` exceeds, flash first."""
    exceeded = []
    for memory in MEMORIES:
        used = report.usage.used(memory)
        # What is not used has no known size either, and is within any budget.
        if used and memory in budgets:
            limit = budgets[memory].limit(report.usage.capacity(memory))
            if used > limit:
                exceeded.append(Violation(memory, used, limit, report.largest(memory, _NAMED)))
    return tuple(exceeded)
