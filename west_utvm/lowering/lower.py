# SPDX-License-Identifier: Apache-2.0
"""Walking a Relax module from one operator's result to the next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tvm import relax

from west_utvm.errors import UtvmError
from west_utvm.importer.model import Imported, Origin, TensorInfo
from west_utvm.lowering.graph import Graph, UnmatchedError, constant, number, operator, shape
from west_utvm.lowering.layout import without_transpositions
from west_utvm.lowering.patterns import FLOAT, INTEGER, Found, Region
from west_utvm.lowering.program import Clamp, Conversion, Operator, Program, Rounding, Value
from west_utvm.lowering.quantize import ACTIVATIONS, Bounds, bound


def lower(imported: Imported, rounding: Rounding, path: Path) -> Program:
    """The integer program; UtvmError names the operator that has no integer form."""
    lowering = _Lowering(imported, rounding, path)
    for name in imported.origins:
        lowering.operator(name)
    outputs = tuple(lowering.values[name] for name in lowering.graph.names(lowering.graph.body))
    inputs = tuple(lowering.values[name] for name in lowering.graph.parameters)
    program = Program(_needed(lowering.operators, outputs), inputs, outputs, rounding)
    return without_transpositions(program) if rounding == "ort" else program


def _needed(operators: list[Operator], outputs: tuple[Value, ...]) -> tuple[Operator, ...]:
    """Without those whose results nobody reads."""
    wanted = set(map(id, outputs))
    kept = []
    for op in reversed(operators):
        if any(id(value) in wanted for value in op.outputs):
            wanted.update(map(id, op.inputs))
            kept.append(op)
    return tuple(reversed(kept))


class _Lowering:
    def __init__(self, imported: Imported, rounding: Rounding, path: Path) -> None:
        self.rounding = rounding
        self.graph = Graph(imported.module["main"])
        self.origins = imported.origins
        self.path = path
        self.operators: list[Operator] = []
        self.values: dict[str, Value] = {
            name: _value(info)
            for name, info in zip(self.graph.parameters, imported.inputs, strict=True)
        }

    def operator(self, name: str) -> None:
        """Lower what the variable ``name``, an operator's result in the model, stands for."""
        origin = self.origins[name]
        where = f"{self.path}: {origin.source}, '{origin.output.name}'"
        expression = self.graph.bound(name)
        try:
            self.values[name] = self._result(
                expression, origin, _value(origin.output), origin.number
            )
        except UnmatchedError as error:
            what = f"has a form that is not supported ({error})"
            hint = "report it, with the model"
            raise UtvmError(what, where=where, hint=hint) from None

    def _result(self, given: Any, origin: Origin, output: Value, number: int) -> Value:
        """The value of ``given``, computed into ``output`` unless it is there already."""
        expression = self.graph.expression(given, self.values)
        if isinstance(expression, relax.Var):
            return self.values[expression.name]
        if shape(expression) != output.shape:
            what = f"its shape is {shape(expression)} and the model says {output.shape}"
            raise UnmatchedError(what)
        clamp, expression = self._clamp(expression)
        region = Region(self.graph, self.values, output, clamp, origin.options)
        if operator(expression) == "quantize":
            found = self._quantized(region, expression)
        elif operator(expression) == "dequantize":
            found = Found("dequantize", (region.dequantized(expression),), Conversion())
        else:
            found = self._integer(region, expression, origin)
        self._append(found, origin, output, number)
        return output

    def _clamp(self, expression: Any) -> tuple[Clamp, Any]:
        """A clip of integers, and what it is of."""
        if operator(expression) != "clip":
            return Clamp(), expression
        low, high = (int(number(arg)) for arg in expression.args[1:])
        inner = self.graph.expression(expression.args[0], self.values)
        return Clamp(max(low, -128), min(high, 127)), inner

    def _quantized(self, region: Region, expression: Any) -> Found:
        data, scale, zero_point = expression.args[:3]
        region.check_quantization(region.output, constant(scale), constant(zero_point))
        inner = self.graph.expression(data, self.values)
        if isinstance(inner, relax.Var):
            return Found("quantize", (self.values[inner.name],), Conversion())
        activation = self._activation(inner)
        if activation is not None:
            region = region.clamped(bound(activation, region.output, self.rounding))
            inner = self.graph.expression(inner.args[0], self.values)
        return _match(FLOAT, region.activated(activation), inner)

    def _activation(self, expression: Any) -> Bounds | None:
        """The bounds of a float activation, or None if it is none. ONNX has any."""
        name = operator(expression)
        if name == "nn.relu":
            return (0.0, None)
        if name == "clip":
            low, high = (number(arg) for arg in expression.args[1:])
            if (low, high) in ACTIVATIONS or self.rounding == "ort":
                return (low, high)
        return None

    def _integer(self, region: Region, expression: Any, origin: Origin) -> Found:
        """An operator on integers, such as a reshape, after whatever its inputs need."""
        args = []
        for arg in getattr(expression, "args", ())[:1]:
            inner = self.graph.expression(arg, self.values)
            if isinstance(inner, relax.Var) or operator(inner) not in _CHAINED:
                continue
            between = Value(
                f"{region.output.name}:{operator(inner)}",
                shape(inner),
                "int8",
                region.output.scales,
                region.output.zero_point,
            )
            args.append(self._result(inner, origin, between, -1))
        return _match(INTEGER, region.given(args), expression)

    def _append(self, found: Found, origin: Origin, output: Value, number: int) -> None:
        self.operators.append(
            Operator(
                kind=found.kind,
                name=origin.output.name,
                source=origin.source,
                number=number,
                inputs=found.inputs,
                outputs=(output,),
                attributes=found.attributes,
            )
        )


# What an operator on integers may follow within one operator of the model.
_CHAINED = ("quantize", "clip", "strided_slice", "reshape", "squeeze")


def _match(patterns: Any, region: Region, expression: Any) -> Found:
    name = operator(expression)
    if name not in patterns:
        raise UnmatchedError(f"'{name or type(expression).__name__}' has no integer form")
    found: Found = patterns[name](region, expression)
    return found


def _value(info: TensorInfo) -> Value:
    return Value(info.name, info.shape, info.dtype, info.scales, info.zero_point)
