# SPDX-License-Identifier: Apache-2.0
"""Walking what TVM makes of loops: statements and expressions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tvm
from tvm import tirx
from tvm_ffi import structural_equal


def parts(expression: Any) -> Iterator[Any]:
    """The expressions that one consists of, itself included."""
    yield expression
    for name in ("a", "b", "value", "condition", "true_value", "false_value"):
        part = getattr(expression, name, None)
        if isinstance(part, tvm.ir.Expr):
            yield from parts(part)
    for name in ("args", "indices"):
        for part in getattr(expression, name, ()):
            yield from parts(part)


def statements(stmt: Any) -> Iterator[Any]:
    """Those that compute something; ValueError for a kind that is not known here."""
    if isinstance(stmt, tirx.SeqStmt):
        for one in stmt.seq:
            yield from statements(one)
    elif isinstance(stmt, tirx.For):
        yield from statements(stmt.body)
    elif isinstance(stmt, tirx.IfThenElse):
        yield tirx.Evaluate(stmt.condition)
        yield from statements(stmt.then_case)
        if stmt.else_case is not None:
            yield from statements(stmt.else_case)
    elif isinstance(stmt, tirx.BufferStore | tirx.Evaluate):
        yield stmt
    elif not isinstance(stmt, tirx.AllocBuffer | tirx.DeclBuffer):
        raise ValueError(type(stmt).__name__)


def read_in_place(function: Any) -> list[bool]:
    """For each input of a PrimFunc over flat memory, whether it may share its memory with the
    output: if each element is read in one statement alone, which stores that of the output."""
    buffers = _parameters(function)
    *inputs, output = buffers
    try:
        found = list(statements(function.body))
    except ValueError:
        return [False for _ in inputs]
    stores = [one for one in found if isinstance(one, tirx.BufferStore)]
    to_output = [one for one in stores if one.buffer.same_as(output)]
    if len(to_output) != 1:
        return [False for _ in inputs]
    [store] = to_output
    others = [one for one in found if one is not store]
    return [_in_place(buffer, store, others) for buffer in inputs]


def _parameters(function: Any) -> list[Any]:
    """The buffers that stand for the parameters: the first that the body declares."""
    declared = [stmt for stmt in function.body.seq if isinstance(stmt, tirx.DeclBuffer)]
    return [stmt.buffer for stmt in declared[: len(function.params)]]


def _in_place(buffer: Any, store: Any, others: list[Any]) -> bool:
    if buffer.dtype != store.buffer.dtype:
        return False
    return not any(_loads(buffer, stmt) for stmt in others) and all(
        all(map(structural_equal, load.indices, store.indices)) for load in _loads(buffer, store)
    )


def _loads(buffer: Any, stmt: Any) -> list[Any]:
    expressions = [stmt.value, *getattr(stmt, "indices", ())]
    return [
        part
        for expression in expressions
        for part in parts(expression)
        if isinstance(part, tvm.ir.TensorLoad) and part.source.same_as(buffer)
    ]
