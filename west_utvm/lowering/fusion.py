# SPDX-License-Identifier: Apache-2.0
"""A Relax function of float operators -> calls of fused loop nests, by TVM's own passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tvm
from tvm import relax

from west_utvm.lowering.float_ops import LEGALIZE
from west_utvm.lowering.graph import operator

# These keep the bytes as they are: they stay calls of Relax, for the planner to leave out.
MOVES = ("reshape", "squeeze", "expand_dims", "flatten")
# Between the name that TVM has for a loop nest and the variable of its result.
_MARK = "@"


@dataclass(frozen=True)
class FusedCall:
    """A binding of ``main`` after fusion: ``variable``'s value.

    ``function`` is a PrimFunc that takes each of ``arguments`` (variables and constants), then
    the result; None for a call that TVM left as it was, which then has its first argument alone.
    ``members`` are what TVM calls the operators and which variables these computed in the
    function that was given, in order.
    """

    variable: Any
    function: Any
    arguments: tuple[Any, ...]
    members: tuple[tuple[str, str], ...]


def fuse(module: Any) -> tuple[list[FusedCall], Any]:
    """The calls of the module's ``main`` in order, and what ``main`` has become."""
    passes = relax.transform
    legalize = tvm.ir.transform.Sequential(
        [
            passes.DecomposeOpsForInference(),
            # Fields of tuples that are known become what they are.
            passes.CanonicalizeBindings(),
            passes.LegalizeOps(LEGALIZE, skip_ops=[f"relax.{name}" for name in MOVES]),
            passes.FoldConstant(),
            passes.DeadCodeElimination(),
        ]
    )
    group = tvm.ir.transform.Sequential([passes.AnnotateTIROpPattern(), passes.FuseOps()])
    with tvm.target.Target("c"):
        grouped = group(_marked(legalize(module)))
        fused = passes.FuseTIR()(grouped)
    calls = [
        _call(fused, variable, value, _members(grouped, before, variable))
        for (_, before), (variable, value) in zip(_bound(grouped), _bound(fused), strict=True)
    ]
    return calls, fused["main"]


def _bound(module: Any) -> list[tuple[Any, Any]]:
    blocks = module["main"].body.blocks
    return [(binding.var, binding.value) for block in blocks for binding in block.bindings]


def _marked(module: Any) -> Any:
    """The module with a PrimFunc for each call, whose name says what variable it computes:
    FuseOps gives variables new names, and keeps those of functions."""
    builder = relax.BlockBuilder()
    main = module["main"]
    blocks = []
    for block in main.body.blocks:
        marked = [_marked_binding(module, builder, binding) for binding in block.bindings]
        blocks.append(type(block)(marked))
    body = relax.SeqExpr(blocks, main.body.body)
    builder.add_func(relax.Function(main.params, body, main.ret_ty, attrs=main.attrs), "main")
    return builder.get()


def _marked_binding(module: Any, builder: Any, binding: Any) -> Any:
    call = binding.value
    if operator(call) != "call_tir":
        return binding
    name = f"{call.args[0].name_hint}{_MARK}{binding.var.name}"
    # The attribute keeps the builder from taking two functions for one.
    function = builder.add_func(module[call.args[0]].with_attr("utvm_name", name), name)
    marked = relax.Call(
        call.op, [function, *call.args[1:]], call.attrs, call.ty_args, ret_ty=call.ty
    )
    return relax.VarBinding(binding.var, marked)


def _members(grouped: Any, value: Any, variable: Any) -> tuple[tuple[str, str], ...]:
    if isinstance(getattr(value, "op", None), tvm.ir.GlobalVar):
        blocks = grouped[value.op].body.blocks
        calls = [binding.value for block in blocks for binding in block.bindings]
    else:
        calls = [value]
    if operator(calls[0]) != "call_tir":
        return ((operator(calls[0]), variable.name),)
    names = [call.args[0].name_hint.split(_MARK, 1) for call in calls]
    return tuple((_plain(kind), name) for kind, name in names)


def _plain(kind: str) -> str:
    """TVM's name of loops without what it tells them apart by."""
    return kind.removeprefix("tir_").rstrip("0123456789_")


def _call(fused: Any, variable: Any, value: Any, members: tuple[tuple[str, str], ...]) -> FusedCall:
    if operator(value) != "call_tir":
        # Whatever comes after the first says what shape to give it.
        return FusedCall(variable, None, tuple(value.args[:1]), members)
    arguments = tuple(value.args[1].fields)
    return FusedCall(variable, fused[value.args[0]], arguments, members)
