# SPDX-License-Identifier: Apache-2.0
"""Neighbouring float operators of a model as one Relax function.

What it takes are float32 values that are known before it; int8 ones become such by a
``dequantize`` of the integer program. Weights are turned so that sums run along the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tvm import relax, topi

from west_utvm.lowering.graph import Graph, UnmatchedError, constant, integers, operator, shape
from west_utvm.lowering.program import Array, Value

# Before the names of variables that stand for one of the model's module.
_PREFIX = "n_"
_RESULT = ".result"


def original(name: str) -> str | None:
    """The variable of the model's module that one of the region's stands for, if any."""
    return name.removeprefix(_PREFIX).removesuffix(_RESULT) if name.startswith(_PREFIX) else None


@dataclass(frozen=True)
class Parameter:
    """A parameter of the function: ``value``, or the float32 form of an int8 ``value``."""

    variable: Any
    value: Value

    @property
    def dequantized(self) -> bool:
        return self.value.dtype != "float32"


@dataclass
class FloatRegion:
    """``known`` are the values from before it, by the names of variables. ``built`` are its own
    variables by those of ``graph`` that they stand for."""

    graph: Graph
    known: Mapping[str, Value]
    results: Sequence[str]
    parameters: dict[str, Parameter] = field(default_factory=dict)
    built: dict[str, Any] = field(default_factory=dict)
    builder: Any = field(default_factory=relax.BlockBuilder)

    def module(self, names: Sequence[str]) -> Any:
        """The module; its ``main`` returns a tuple of the results. ``names`` are those variables
        whose order is to be kept."""
        needed = set().union(*(self.graph.above(name, self.known) for name in self.results))
        with self.builder.function("main"):
            with self.builder.dataflow():
                for name in (*names, *self.results):
                    if name in needed:
                        self.variable(name)
                results = [self._result(name) for name in self.results]
            parameters = [parameter.variable for parameter in self.parameters.values()]
            self.builder.emit_func_output(relax.Tuple(results), parameters)
        return self.builder.get()

    def _result(self, name: str) -> Any:
        result = self.variable(name)
        # A parameter or another name for one: an operator of its own has to move it.
        if not isinstance(result, relax.DataflowVar):
            return result
        return self.builder.emit_output(result, f"{_PREFIX}{name}{_RESULT}")

    def variable(self, name: str) -> Any:
        """What stands for the graph's variable: a variable, a constant or a tuple."""
        if name in self.known:
            return self._parameter(name, self.known[name])
        if name not in self.built:
            expression = self.expression(self.graph.bound(name))
            if isinstance(expression, relax.Call):
                expression = self.builder.emit(expression, f"{_PREFIX}{name}")
            self.built[name] = expression
        return self.built[name]

    def expression(self, given: Any) -> Any:
        """``given`` with the region's variables in it."""
        if isinstance(given, relax.Var):
            return self.variable(given.name)
        if isinstance(given, relax.Tuple):
            return relax.Tuple([self.expression(item) for item in given.fields])
        if isinstance(given, relax.TupleGetItem):
            return self._item(given)
        if not isinstance(given, relax.Call):
            return given
        special = _SPECIAL.get(operator(given))
        made = special(self, given) if special else None
        if made is not None:
            return made
        args = [self.expression(arg) for arg in given.args]
        return relax.Call(given.op, args, given.attrs, given.ty_args)

    def _item(self, given: Any) -> Any:
        """A part of a split as a slice; any other field of a tuple."""
        call = self.graph.expression(given.tuple_value, self.known)
        if isinstance(call, relax.Tuple):
            return self.expression(call.fields[given.index])
        if operator(call) != "split":
            return relax.TupleGetItem(self.expression(given.tuple_value), given.index)
        data, size = self.expression(call.args[0]), shape(call.args[0])
        axis = int(call.attrs.axis) % len(size)
        before = given.tuple_value.ty.fields[: given.index]
        begin = sum(int(kind.shape[axis]) for kind in before)
        part = int(given.ty.shape[axis])
        return relax.op.strided_slice(data, [axis], [begin], [begin + part])

    def _parameter(self, name: str, value: Value) -> Any:
        if value.dtype != "float32":
            raise UnmatchedError(f"it computes on '{value.name}', which is {value.dtype}")
        return self._taken(name, value)

    def _taken(self, key: str, value: Value) -> Any:
        if key not in self.parameters:
            kind = relax.TensorType(value.shape, "float32")
            name = f"p{len(self.parameters)}"
            self.parameters[key] = Parameter(relax.Var(name, kind), value)
        return self.parameters[key].variable

    def dequantize(self, call: Any) -> Any:
        """A constant, or a parameter for the float32 form of an int8 value."""
        data = self.graph.expression(call.args[0], self.known)
        if isinstance(data, relax.Var) and data.name in self.known:
            return self._taken(f"{data.name}:float", self.known[data.name])
        real = self._real(data, constant(call.args[1]), constant(call.args[2]), call.attrs.axis)
        return relax.const(real, "float32")

    def _real(self, given: Any, scale: Array, zero_point: Array, axis: int) -> Array:
        data = self.folded(given)
        if data is None:
            raise UnmatchedError("a dequantize of what is no constant")
        along = [1] * data.ndim
        if scale.size > 1:
            along[axis] = scale.size
        centered = data.astype(np.int64) - zero_point.astype(np.int64).reshape(
            along if zero_point.size > 1 else ()
        )
        scales = scale.reshape(along) if scale.size > 1 else scale.reshape(())
        return centered.astype(np.float32) * scales.astype(np.float32)

    def folded(self, given: Any) -> Array | None:
        """The elements of a constant, through what only moves or converts it; else None."""
        expression = self.graph.expression(given, self.known)
        name = operator(expression)
        if name == "permute_dims":
            data = self.folded(expression.args[0])
            axes = expression.attrs.axes
            return None if data is None else data.transpose(axes and integers(axes))
        if name == "reshape":
            data = self.folded(expression.args[0])
            return None if data is None else data.reshape(shape(expression))
        if name == "astype":
            data = self.folded(expression.args[0])
            return None if data is None else data.astype(str(expression.attrs.dtype))
        if name == "dequantize":
            converted = self.dequantize(expression)
            expression = None if isinstance(converted, relax.Var) else converted
        value: Any = getattr(expression, "value", None)
        return np.asarray(value.numpy()) if hasattr(value, "numpy") else None

    def convolution(self, call: Any) -> Any:
        """With an image's channels last, weights are turned to have their input channels last."""
        attrs = call.attrs
        weights = self.folded(call.args[1])
        if str(attrs.kernel_layout) != "HWIO" or weights is None:
            return None
        return relax.op.nn.conv2d(
            self.expression(call.args[0]),
            relax.const(np.ascontiguousarray(weights.transpose(3, 0, 1, 2))),
            strides=integers(attrs.strides),
            padding=integers(attrs.padding),
            dilation=integers(attrs.dilation),
            groups=int(attrs.groups),
            data_layout=str(attrs.data_layout),
            kernel_layout="OHWI",
            out_layout=str(attrs.out_layout),
            out_dtype="float32",
        )

    def product(self, call: Any) -> Any:
        """By a constant matrix: that is turned to have a row for each result."""
        weights = self.folded(call.args[1])
        if weights is None or weights.ndim != 2 or len(shape(call.args[0])) != 2:
            return None
        turned = relax.const(np.ascontiguousarray(weights.T))
        return self.builder.call_te(topi.nn.dense, self.expression(call.args[0]), turned)


_SPECIAL: dict[str, Callable[[FloatRegion, Any], Any]] = {
    "dequantize": FloatRegion.dequantize,
    "nn.conv2d": FloatRegion.convolution,
    "matmul": FloatRegion.product,
}
