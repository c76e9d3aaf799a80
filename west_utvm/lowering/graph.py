# SPDX-License-Identifier: Apache-2.0
"""Looking at Relax: what a variable is bound to, by operator name, and typed attributes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
        self.results: list[str] = self.names(function.body.body)

    def bound(self, name: str) -> Any:
        return self._bound[name]

    def used(self, name: str) -> list[str]:
        """The variables in what ``name`` is bound to."""
        return _variables(self._bound[name])

    def above(self, name: str, stop: Collection[str]) -> set[str]:
        """``name`` and all that it depends on, up to and without those of ``stop``."""
        found = {name}
        waiting = self.used(name)
        while waiting:
            one = waiting.pop()
            if one not in found and one not in stop and one in self._bound:
                found.add(one)
                waiting += self.used(one)
        return found

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
        return [self._name(field) for field in given.fields]

    def _name(self, given: Any) -> str:
        if not isinstance(given, relax.Var):
            raise UnmatchedError("a result is a constant")
        return self.names(given)[0]


def _variables(expression: Any) -> list[str]:
    if isinstance(expression, relax.Var):
        return [expression.name]
    if isinstance(expression, relax.TupleGetItem):
        return _variables(expression.tuple_value)
    parts = getattr(expression, "fields", None) or getattr(expression, "args", None) or ()
    return [name for part in parts for name in _variables(part)]


def operator(expression: Any) -> str:
    """A call's operator without its prefix, such as ``nn.conv2d``; empty if it is none."""
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
