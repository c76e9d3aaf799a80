# SPDX-License-Identifier: Apache-2.0
"""Looking at Relax: what a variable is bound to, by operator name, and typed attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tvm import relax

from west_utvm.lowering.program import Array


class UnmatchedError(Exception):
    """An operator's expansion is none of those that the lowering knows; says what it found."""


class Graph:
    """The bindings of ``main``, every one of them a variable's, by the variable's name."""

    def __init__(self, function: Any) -> None:
        self.parameters: list[str] = [variable.name for variable in function.params]
        self._bound: dict[str, Any] = {}
        for block in function.body.blocks:
            for binding in block.bindings:
                self._bound[binding.var.name] = binding.value
        self.body = function.body.body

    def bound(self, name: str) -> Any:
        return self._bound[name]

    def expression(self, given: Any, stop: Mapping[str, Any]) -> Any:
        """What ``given`` is bound to, or the variable itself where ``stop`` or main has it."""
        while isinstance(given, relax.Var) and given.name not in stop:
            if given.name not in self._bound:
                return given
            given = self._bound[given.name]
        return given

    def names(self, given: Any) -> list[str]:
        """The names of the variables that a function's result consists of."""
        while isinstance(given, relax.Var):
            value = self._bound.get(given.name)
            if not isinstance(value, relax.Var | relax.Tuple):
                return [given.name]
            given = value
        return [self.names(field)[0] for field in given.fields]


def operator(expression: Any) -> str:
    """A call's operator without its prefix, such as ``nn.conv2d``; empty if it is no call."""
    if isinstance(expression, relax.TupleGetItem):
        return "tuple_get_item"
    op = getattr(expression, "op", None)
    return str(op.name).removeprefix("relax.") if op is not None and hasattr(op, "name") else ""


def constant(expression: Any) -> Array:
    """The elements of a constant; UnmatchedError if it is none."""
    value: Any = getattr(expression, "value", None)
    if not hasattr(value, "numpy"):
        raise UnmatchedError("a constant is expected")
    return np.asarray(value.numpy())


def number(expression: Any) -> float:
    """A scalar immediate."""
    if not hasattr(expression, "value"):
        raise UnmatchedError("a number is expected")
    return float(expression.value)


def shape(expression: Any) -> tuple[int, ...]:
    return tuple(int(dim) for dim in expression.ty.shape)


def integers(given: Sequence[Any]) -> tuple[int, ...]:
    return tuple(int(item) for item in given)
