# SPDX-License-Identifier: Apache-2.0
"""Float operators of a model -> operators of the program: fused loop nests, and what moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tvm import relax, tirx

from west_utvm.importer.model import Origin
from west_utvm.lowering.fusion import MOVES, FusedCall, fuse
from west_utvm.lowering.graph import Graph, UnmatchedError, constant, shape
from west_utvm.lowering.program import Attributes, Conversion, Loops, Operator, Reshape, Value
from west_utvm.lowering.region import FloatRegion, Parameter, original

_DTYPES = ("float32", "int32")


@dataclass
class FloatLowering:
    """Lowers float operators that are neighbours in the model, together.

    ``origins`` are those operators, in the model's order, by the variables of ``graph`` that are
    their results; ``values`` are these results; ``known`` is all that was computed before.
    """

    graph: Graph
    origins: Mapping[str, Origin]
    values: Mapping[str, Value]
    known: Mapping[str, Value]
    operators: list[Operator] = field(default_factory=list)
    # By the names of variables of the fused function.
    _computed: dict[str, Value] = field(default_factory=dict)

    def lower(self, results: Sequence[str]) -> list[Operator]:
        """Operators for the variables ``results``, in an order that they can run in.

        UnmatchedError says what TVM has no loops for.
        """
        region = FloatRegion(self.graph, self.known, results)
        calls, ends = _fused(region.module(tuple(self.origins)))
        for parameter in region.parameters.values():
            self._computed[parameter.variable.name] = self._parameter(parameter)
        targets = dict(zip(ends, results, strict=True))
        for call in calls:
            self._computed[call.variable.name] = self._call(call, targets)
        for end, result in zip(ends, results, strict=True):
            if self._computed[end] is not self.values[result]:
                origin, value = self.origins[result], self.values[result]
                self._append("reshape", origin, (self._computed[end],), value, Reshape())
        return self.operators

    def _parameter(self, parameter: Parameter) -> Value:
        value = parameter.value
        if not parameter.dequantized:
            return value
        real = Value(f"{value.name}:float", value.shape, "float32")
        first = next(iter(self.origins.values()))
        self._append("dequantize", first, (value,), real, Conversion())
        return real

    def _call(self, call: FusedCall, targets: Mapping[str, str]) -> Value:
        covered = self._covered(call)
        call = _constants_last(call)
        inputs = tuple(map(self._input, call.arguments))
        value = self._target(call, targets, covered[-1])
        for item in (*inputs, value):
            if item.dtype not in _DTYPES:
                raise UnmatchedError(f"it computes on {item.dtype}")
        kinds = [kind for kind, _ in call.members]
        if call.function is None:
            if kinds[0] not in MOVES:
                raise UnmatchedError(f"TVM has no loops for '{kinds[0]}'")
            self._append("reshape", covered[-1], inputs[:1], value, Reshape())
            return value
        sources = tuple(f"{origin.source}, '{origin.output.name}'" for origin in covered)
        loops = Loops(call.function, "_".join(kinds), sources)
        self._append("loops", covered[-1], inputs, value, loops)
        return value

    def _target(self, call: FusedCall, targets: Mapping[str, str], origin: Origin) -> Value:
        """The value that a call computes: an operator's of the model, or one between two."""
        result = targets.get(call.variable.name) or original(call.members[-1][1]) or ""
        size, dtype = shape(call.variable), str(call.variable.ty.dtype)
        if result not in self.values:
            return Value(f"{origin.output.name}:{call.members[-1][0]}", size, dtype)
        value = self.values[result]
        if (value.shape, value.dtype) != (size, dtype):
            what = f"it computes {dtype} {size} and the model says {value.dtype} {value.shape}"
            raise UnmatchedError(what)
        return value

    def _input(self, argument: Any) -> Value:
        if isinstance(argument, relax.Var):
            return self._computed[argument.name]
        data = constant(argument)
        return Value("constant", data.shape, str(data.dtype), data=data)

    def _covered(self, call: FusedCall) -> list[Origin]:
        """The operators of the model that a call is of, in the model's order."""
        names = {original(name) for _, name in call.members}
        found = [
            origin
            for result, origin in self.origins.items()
            if names & self.graph.above(result, {*self.known, *self.origins})
        ]
        return found or list(self.origins.values())[-1:]

    def _append(
        self,
        kind: str,
        origin: Origin,
        inputs: tuple[Value, ...],
        output: Value,
        attributes: Attributes,
    ) -> None:
        whole = output is self.values.get(self._name_of(origin))
        self.operators.append(
            Operator(
                kind=kind,
                name=origin.output.name,
                source=origin.source,
                number=origin.number if whole else -1,
                inputs=inputs,
                outputs=(output,),
                attributes=attributes,
            )
        )

    def _name_of(self, origin: Origin) -> str:
        return next(name for name, item in self.origins.items() if item is origin)


def _constants_last(call: FusedCall) -> FusedCall:
    """The call with its function's parameters in the order of :class:`Operator`'s inputs."""
    if call.function is None:
        return call
    known = [not isinstance(argument, relax.Var) for argument in call.arguments]
    order = sorted(range(len(known)), key=known.__getitem__)
    given = call.function
    parameters = [given.params[i] for i in (*order, len(order))]
    function = tirx.PrimFunc(parameters, given.body, given.ret_type, given.attrs)
    arguments = tuple(call.arguments[i] for i in order)
    return replace(call, function=function, arguments=arguments)


def _fused(module: Any) -> tuple[list[FusedCall], list[str]]:
    """The calls of a region, and the names of the variables that are its results."""
    try:
        calls, main = fuse(module)
    except Exception as error:  # TVM's own errors, of many classes
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise UnmatchedError(f"TVM says: {reason[-1][:200]}") from None
    return calls, Graph(main).results
