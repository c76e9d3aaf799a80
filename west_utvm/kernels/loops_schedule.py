# SPDX-License-Identifier: Apache-2.0
"""Schedules of fused float operators: one loop nest, with nothing stored that need not be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import tvm
from tvm import s_tir, tirx

from west_utvm.kernels.loops_prune import without_zeros
from west_utvm.kernels.loops_tree import parts, read_in_place

_MAIN = "main"
_REDUCTION = 2  # of IterVar's kinds


@dataclass(frozen=True)
class Scheduled:
    """``function`` has loops over plain memory. ``in_place`` says of each input whether it may
    share its memory with the output."""

    function: Any
    macs: int
    in_place: list[bool]


def scheduled(function: Any) -> Scheduled:
    """A PrimFunc in the order in which it is to run.

    Padding and other cheap steps are computed where they are read, what follows a sum is computed
    in the sum's own loops, and a sum's start is outside of its loops.
    """
    module = tvm.IRModule({_MAIN: function.with_attr("global_symbol", _MAIN)})
    # Before scheduling: casts of 64-bit indices keep later passes from seeing through these.
    module = tirx.transform.ForceNarrowIndexToInt32()(module)
    schedule = s_tir.Schedule(module, debug_mask="none", error_render_level="none")
    macs = sum(_macs(schedule.get(block)) for block in _blocks(schedule))
    for step in (_inline, _join_producer, _start_outside):
        for block in _blocks(schedule):
            step(schedule, block)
    with tvm.target.Target("c"), tvm.transform.PassContext(config=_CONFIG):
        flat = _FLATTEN(schedule.mod)
        return Scheduled(_FINISH(flat)[_MAIN], macs, read_in_place(flat[_MAIN]))


def _without_zeros(function: Any, _module: Any, _context: Any) -> Any:
    return function.with_body(without_zeros(function.body))


_TIR, _STIR = tirx.transform, s_tir.transform
_CONFIG: dict[str, Any] = {
    "s_tir.HoistExpression": {"hoisted_conditionals": 2},
}
_FLATTEN = tvm.ir.transform.Sequential(
    [
        _TIR.BindTarget(tvm.target.Target("c")),
        _STIR.CanonicalizeLoop(),
        _STIR.LowerInitBlock(),
        _STIR.PlanAndUpdateBufferAllocationLocation(),
        _STIR.ConvertBlocksToOpaque(),
        _STIR.CompactBufferAllocation(),
        _STIR.LowerMatchBuffer(),
        _STIR.StmtSimplify(),
        _STIR.LowerOpaqueBlock(),
        _TIR.FlattenBuffer(),
        _TIR.NarrowDataType(32),
        _STIR.HoistExpression(),
        _TIR.StmtSimplify(),
        _TIR.RemoveNoOp(),
        _TIR.prim_func_pass(_without_zeros, opt_level=0),
    ]
)
_FINISH = tvm.ir.transform.Sequential(
    [
        _STIR.RewriteUnsafeSelect(),
        _TIR.CommonSubexprElim(),
        _TIR.LowerIntrin(),
    ]
)


def _blocks(schedule: Any) -> list[Any]:
    """In the order of the text, which is one of dependence."""
    root = schedule.get_sblock("root", _MAIN)
    return list(schedule.get_child_blocks(root))


def _is_sum(node: Any) -> bool:
    return node.init is not None


def _sums_over(node: Any) -> int:
    """The number of axes that a block reduces, each in a loop of its own."""
    return sum(1 for axis in node.iter_vars if axis.iter_type == _REDUCTION)


def _macs(node: Any) -> int:
    """Turns of a sum of products."""
    value = getattr(node.body, "value", None)
    if not _is_sum(node) or not isinstance(value, tirx.Add):
        return 0
    if not any(isinstance(part, tirx.Mul) for part in parts(value)):
        return 0
    return math.prod(int(axis.dom.extent) for axis in node.iter_vars)


def _is_dear(node: Any) -> bool:
    """Whether a block calls a function such as an exponential, or divides."""
    value = getattr(node.body, "value", None)
    return value is None or any(
        isinstance(part, tirx.Div)
        or (isinstance(part, tvm.ir.Call) and part.op.name != "prim.if_then_else")
        for part in parts(value)
    )


def _inline(schedule: Any, block: Any) -> None:
    """Compute a block where it is read, unless that repeats what is dear."""
    node = schedule.get(block)
    readers = schedule.get_consumers(block)
    repeats = len(readers) > 1 or any(_is_sum(schedule.get(reader)) for reader in readers)
    if _is_sum(node) or not readers or (repeats and _is_dear(node)):
        return
    _try(schedule.compute_inline, block)


def _join_producer(schedule: Any, block: Any) -> None:
    """Compute a block in the loops of the last one that it reads from, as far within as its own
    spatial axes go."""
    producers = schedule.get_producers(block)
    if not producers:
        return
    node, before = schedule.get(block), schedule.get(producers[-1])
    loops = schedule.get_loops(producers[-1])
    loops = loops[: len(loops) - _sums_over(before)][: len(node.iter_vars) - _sums_over(node)]
    for loop in reversed(loops):
        if _try(schedule.reverse_compute_at, block, loop):
            return


def _start_outside(schedule: Any, block: Any) -> None:
    node = schedule.get(block)
    if _is_sum(node) and _sums_over(node):
        _try(schedule.decompose_reduction, block, schedule.get_loops(block)[-_sums_over(node)])


def _try(step: Any, *arguments: Any) -> bool:
    try:
        step(*arguments)
    except (s_tir.ScheduleError, ValueError, tvm.error.InternalError):
        return False
    return True
