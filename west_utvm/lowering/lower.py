# SPDX-License-Identifier: Apache-2.0
"""Walking a Relax module from one operator's result to the next.

Operators on float32 wait until one of another kind follows: neighbours are lowered together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tvm import relax

from west_utvm.errors import UtvmError
from west_utvm.importer.model import Imported, Origin, TensorInfo
from west_utvm.lowering.floating import FloatLowering
from west_utvm.lowering.graph import Graph, UnmatchedError, constant, number, operator, shape
from west_utvm.lowering.layout import without_transpositions
from west_utvm.lowering.patterns import FLOAT, INTEGER, Found, Region, named
from west_utvm.lowering.program import (
    Clamp,
    Conversion,
    Operator,
    Pad,
    Program,
    Rounding,
    Value,
)
from west_utvm.lowering.quantize import ACTIVATIONS, Bounds, bound


def lower(imported: Imported, rounding: Rounding, path: Path) -> Program:
    """The program; UtvmError names the operator that has neither an integer nor a float form."""
    lowering = _Lowering(imported, rounding, path)
    for name in imported.origins:
        lowering.operator(name)
    lowering.flush()
    outputs = tuple(lowering.values[name] for name in lowering.graph.results)
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


def notes(program: Program) -> tuple[str, ...]:
    """What the user should know of a program, a line each."""
    return tuple(
        f"{operator.source}, '{operator.name}' pads with {operator.attributes.value} and not with "
        f"the zero point {operator.outputs[0].zero_point}, as tflite-micro does in an arena that "
        "was cleared: --rounding litert pads with the zero point"
        for operator in program.operators
        if isinstance(operator.attributes, Pad)
        and "SPACE_TO_BATCH_ND" in operator.source
        and operator.attributes.value != operator.outputs[0].zero_point
    )


class _Lowering:
    def __init__(self, imported: Imported, rounding: Rounding, path: Path) -> None:
        self.rounding = rounding
        self.graph = Graph(imported.module["main"])
        self.origins = imported.origins
        self.path = path
        self.operators: list[Operator] = []
        self.waiting: list[str] = []
        self.values: dict[str, Value] = {
            name: _value(info)
            for name, info in zip(self.graph.parameters, imported.inputs, strict=True)
        }

    def operator(self, name: str) -> None:
        """Lower what the variable ``name``, an operator's result in the model, stands for."""
        origin = self.origins[name]
        if self._is_float(name):
            self.waiting.append(name)
            return
        self.flush()
        try:
            self.values[name] = self._result(
                self.graph.bound(name), origin, _value(origin.output), origin.number
            )
        except UnmatchedError as error:
            self._fall_back(name, error)

    def _is_float(self, name: str) -> bool:
        if self.origins[name].output.dtype != "float32":
            return False
        expression = self.graph.expression(self.graph.bound(name), self.values)
        return operator(expression) != "dequantize"

    def flush(self) -> None:
        """Lower the float operators that wait."""
        names, self.waiting = self.waiting, []
        if not names:
            return
        values = {name: _value(self.origins[name].output) for name in names}
        others = [name for name in self.origins if name not in values]
        read = set(self.graph.results).union(*map(self._read_by, others))
        origins = {name: self.origins[name] for name in names}
        lowering = FloatLowering(self.graph, origins, values, self.values)
        try:
            self.operators += lowering.lower([name for name in names if name in read])
        except UnmatchedError as error:
            raise self._refusal(origins.values(), error) from None
        self.values |= values

    def _read_by(self, name: str) -> set[str]:
        """The results of other operators that an operator reads."""
        own = self.graph.above(name, self.origins)
        return {used for variable in own for used in self.graph.used(variable)}

    def _fall_back(self, name: str, error: UnmatchedError) -> None:
        """Compute an operator on integers that has no integer form in float32: quantize what it
        computes of dequantized inputs."""
        origin = self.origins[name]
        output = _value(origin.output)
        clamp, expression = self._clamp(self.graph.expression(self.graph.bound(name), self.values))
        real = expression.args[0] if operator(expression) == "quantize" else None
        if not isinstance(real, relax.Var):
            raise self._refusal([origin], error) from None
        value = Value(f"{output.name}:float", output.shape, "float32")
        inner = {real.name: replace(origin, number=-1)}
        lowering = FloatLowering(self.graph, inner, {real.name: value}, self.values)
        try:
            self.operators += lowering.lower([real.name])
        except UnmatchedError as float_error:
            raise self._refusal([origin], float_error) from None
        found = Found("quantize", (value,), Conversion(clamp))
        self._append(found, origin, output, origin.number)
        self.values[name] = output

    def _refusal(self, origins: Iterable[Origin], error: UnmatchedError) -> UtvmError:
        first, *_, last = [*origins] * 2
        named = f"{first.source}, '{first.output.name}'"
        if first is not last:
            named += f" to {last.source}, '{last.output.name}'"
        what = f"has a form that is not supported ({error})"
        hint = "report it, with the model"
        return UtvmError(what, where=f"{self.path}: {named}", hint=hint)

    def _result(self, given: Any, origin: Origin, output: Value, number: int) -> Value:
        """The value of ``given``, computed into ``output`` unless it is there already."""
        expression = self.graph.expression(given, self.values)
        if isinstance(expression, relax.Var):
            return self.values[expression.name]
        if shape(expression) != output.shape:
            what = f"its shape is {shape(expression)} and the model says {output.shape}"
            raise UnmatchedError(what)
        clamp, expression = self._clamp(expression)
        region = Region(self.graph, self.values, output, clamp, origin.options, self.rounding)
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
        if "function" in region.options:
            return named(region, inner)
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
            if operator(inner) == operator(expression) == "take":  # One operator on both axes.
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
_CHAINED = (
    *("clip", "nn.pad", "permute_dims", "quantize", "reshape", "squeeze", "strided_slice"),
    *("take", "tuple_get_item"),
)


def _match(patterns: Any, region: Region, expression: Any) -> Found:
    name = operator(expression)
    if name not in patterns:
        raise UnmatchedError(f"'{name or type(expression).__name__}' has no integer form")
    found: Found = patterns[name](region, expression)
    return found


def _value(info: TensorInfo) -> Value:
    return Value(info.name, info.shape, info.dtype, info.scales, info.zero_point)
