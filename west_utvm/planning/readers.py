# SPDX-License-Identifier: Apache-2.0
"""Who reads each value of a program."""

from __future__ import annotations

from collections import defaultdict

from west_utvm.lowering.program import Operator, Program


def readers(program: Program) -> defaultdict[int, list[Operator]]:
    """By the ``id`` of a value, its readers in their order, each once for each time that it reads
    it; nobody for any other value."""
    found: defaultdict[int, list[Operator]] = defaultdict(list)
    for operator in program.operators:
        for value in operator.inputs:
            found[id(value)].append(operator)
    return found
