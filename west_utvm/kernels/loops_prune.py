# SPDX-License-Identifier: Apache-2.0
"""Loops that only add zeros are left out: those of the taps outside of an image."""

from __future__ import annotations

from typing import Any

import tvm
from tvm import tirx
from tvm_ffi import structural_equal


def without_zeros(stmt: Any) -> Any:
    """``stmt`` without the other case of each test whose sums have nothing to add there.

    A convolution's padding is ``sum + (inside ? x : 0) * w``. Where the test was moved out of a
    loop, the case for outside still has that loop, and the test in it once more.
    """
    if isinstance(stmt, tirx.SeqStmt):
        return tirx.SeqStmt([without_zeros(one) for one in stmt.seq])
    if isinstance(stmt, tirx.For):
        return _loop(stmt, without_zeros(stmt.body))
    if isinstance(stmt, tirx.IfThenElse):
        other = stmt.else_case
        if other is not None:
            other = None if _adds_zeros(other, stmt.condition) else without_zeros(other)
        return tirx.IfThenElse(stmt.condition, without_zeros(stmt.then_case), other)
    return stmt


def _loop(stmt: Any, body: Any) -> Any:
    return tirx.For(
        stmt.loop_var,
        stmt.min,
        stmt.extent,
        stmt.kind,
        body,
        stmt.thread_binding,
        stmt.annotations,
        stmt.step,
    )


def _adds_zeros(stmt: Any, condition: Any) -> bool:
    """Whether this does nothing but add to a sum, and that zeros unless the condition is met."""
    if isinstance(stmt, tirx.For):
        return _adds_zeros(stmt.body, condition)
    if not isinstance(stmt, tirx.BufferStore) or not isinstance(stmt.value, tirx.Add):
        return False
    total, product = stmt.value.a, stmt.value.b
    return (
        isinstance(product, tirx.Mul)
        and _reads(total, stmt)
        and _is_zero_unless(product.a, condition)
    )


def _reads(expression: Any, stmt: Any) -> bool:
    """Whether it is the element that is stored to."""
    return (
        isinstance(expression, tvm.ir.TensorLoad)
        and expression.source.same_as(stmt.buffer)
        and all(map(structural_equal, expression.indices, stmt.indices))
    )


def _is_zero_unless(expression: Any, condition: Any) -> bool:
    if getattr(getattr(expression, "op", None), "name", "") != "prim.if_then_else":
        return False
    test, _, other = expression.args
    is_zero = isinstance(other, tirx.FloatImm) and float(other.value) == 0
    return is_zero and bool(structural_equal(test, condition))
