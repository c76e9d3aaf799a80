# SPDX-License-Identifier: Apache-2.0
"""Which Relax expressions are which integer operators.

``FLOAT`` are the forms between dequantize and quantize, by the operator that is next to the
quantize; ``INTEGER`` those on integers. Each pattern looks at one expression and says what
operator it is, or raises UnmatchedError.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from tvm import relax

from west_utvm.lowering.graph import (
    Graph,
    UnmatchedError,
    constant,
    integers,
    number,
    operator,
    shape,
)
from west_utvm.lowering.program import (
    Array,
    Attributes,
    BatchMatmul,
    Bilinear,
    Clamp,
    Concatenation,
    Convolution,
    Elementwise,
    FullyConnected,
    Gather,
    Pad,
    Pooling,
    Reduction,
    Reshape,
    Resize,
    Rounding,
    Softmax,
    StridedSlice,
    Transpose,
    TransposedConvolution,
    Unary,
    Value,
)
from west_utvm.lowering.quantize import ACTIVATIONS, Bounds, round_half_away


@dataclass(frozen=True)
class Found:
    kind: str
    inputs: tuple[Value, ...]
    attributes: Attributes


@dataclass(frozen=True)
class Region:
    """One operator's expansion: what is known before it, and the value that it computes.

    ``arguments`` are inputs that were lowered already, ``activation`` the bounds in real numbers
    that ``clamp`` has in quantized ones.
    """

    graph: Graph
    values: Mapping[str, Value]
    output: Value
    clamp: Clamp
    options: Mapping[str, Any]
    rounding: Rounding = "tflm"
    arguments: tuple[Value, ...] = ()
    activation: Bounds | None = None

    def clamped(self, clamp: Clamp) -> Region:
        low, high = max(self.clamp.low, clamp.low), min(self.clamp.high, clamp.high)
        return replace(self, clamp=Clamp(low, high))

    def activated(self, bounds: Bounds | None) -> Region:
        return replace(self, activation=bounds)

    def given(self, arguments: Sequence[Value]) -> Region:
        return replace(self, arguments=tuple(arguments))

    def expression(self, given: Any) -> Any:
        return self.graph.expression(given, self.values)

    def expect(self, given: Any, *names: str) -> Any:
        """The call that ``given`` is, of one of these operators."""
        expression = self.expression(given)
        if operator(expression) not in names:
            what = f"'{operator(expression) or type(expression).__name__}' in place of"
            raise UnmatchedError(f"{what} {' or '.join(names)}")
        return expression

    def integer(self, given: Any) -> Value:
        """The int8 value that ``given`` is: computed before, or a constant."""
        if self.arguments:
            return self.arguments[0]
        expression = self.expression(given)
        if isinstance(expression, relax.Var):
            return self.values[expression.name]
        data = constant(expression)
        return Value(f"{self.output.name}:constant", data.shape, str(data.dtype), data=data)

    def dequantized(self, given: Any) -> Value:
        """The int8 value that ``given`` is the dequantize of."""
        data, scale, zero_point = self.expect(given, "dequantize").args[:3]
        value = self.integer(data)
        if value.data is not None:
            scales = tuple(map(float, np.atleast_1d(constant(scale))))
            return replace(value, scales=scales, zero_point=int(constant(zero_point)))
        self.check_quantization(value, constant(scale), constant(zero_point))
        return value

    @staticmethod
    def check_quantization(value: Value, scale: Array, zero_point: Array) -> None:
        if tuple(map(float, np.atleast_1d(scale))) != value.scales:
            raise UnmatchedError(f"'{value.name}' has two scales")
        if int(zero_point) != value.zero_point:
            raise UnmatchedError(f"'{value.name}' has two zero points")


Pattern = Callable[[Region, Any], Found]


def _add(region: Region, call: Any) -> Found:
    """A bias after a product with weights, or an addition of two activations."""
    name = operator(region.expression(call.args[0]))
    if name not in _BIASED:
        return _elementwise("add")(region, call)
    dequantize = region.expect(call.args[1], "dequantize")
    bias = constant(region.expression(dequantize.args[0]))
    if bias.dtype != np.int32 or bias.ndim != 1:
        raise UnmatchedError("a bias is int32 and one-dimensional")
    return _BIASED[name](region, region.expression(call.args[0]), bias)


def _convolution(region: Region, call: Any, bias: Array | None = None) -> Found:
    """``nn.conv2d(dequantize(x), dequantize(constant))``, NHWC. Depthwise weights may be
    reshaped after their dequantize."""
    attrs = call.attrs
    if attrs.data_layout != "NHWC" or attrs.out_layout != "NHWC":
        raise UnmatchedError("its layout is not NHWC")
    weights = _symmetric(_weights(region, call.args[1]))
    data = region.dequantized(call.args[0])
    attributes = Convolution(
        strides=_pair(attrs.strides),
        padding=_four(attrs.padding),
        dilation=_pair(attrs.dilation),
        clamp=region.clamp,
    )
    kind = _CONVOLUTIONS.get((str(attrs.kernel_layout), int(attrs.groups) > 1))
    if kind is None or weights.data is None:
        raise UnmatchedError(f"it has {attrs.groups} groups")
    height, width, *channels = shape(call.args[1])
    if kind != "depthwise_conv2d":
        given = weights.data.reshape(shape(call.args[1]))
        ordered = np.ascontiguousarray(given.transpose(3, 0, 1, 2))
    else:
        ordered = weights.data.reshape(height, width, channels[0])
    weights = replace(weights, shape=ordered.shape, data=ordered)
    return Found(kind, (data, weights, _bias(region, weights, bias)), attributes)


def _transposed(region: Region, call: Any, bias: Array | None = None) -> Found:
    """``nn.conv2d_transpose(dequantize(x), dequantize(constant))``, NHWC and IOHW."""
    attrs = call.attrs
    layouts = (str(attrs.data_layout), str(attrs.kernel_layout))
    plain = integers(attrs.dilation) == (1, 1) and not any(integers(attrs.output_padding))
    if layouts != ("NHWC", "IOHW") or int(attrs.groups) != 1 or not plain:
        raise UnmatchedError("a transposed convolution of this kind")
    weights = _symmetric(_weights(region, call.args[1]))
    if weights.data is None:
        raise UnmatchedError("its weights are computed")
    ordered = np.ascontiguousarray(weights.data.transpose(1, 2, 3, 0))
    weights = replace(weights, shape=ordered.shape, data=ordered)
    attributes = TransposedConvolution(
        strides=_pair(attrs.strides),
        padding=_four(attrs.padding),
        clamp=region.clamp,
        computed_shape=bool(region.options.get("computed_shape")),
    )
    data = region.dequantized(call.args[0])
    inputs = (data, weights, _bias(region, weights, bias))
    return Found("conv2d_transpose", inputs, attributes)


# By the layout of the weights and whether there is more than one group.
_CONVOLUTIONS = {
    ("HWIO", False): "conv2d",
    ("HWIO", True): "grouped_conv2d",
    ("HWOI", True): "depthwise_conv2d",
}


def _weights(region: Region, given: Any) -> Value:
    expression = region.expression(given)
    if operator(expression) == "reshape":
        expression = region.expression(expression.args[0])
    return replace(region.dequantized(expression), name=f"{region.output.name}:weights")


def _symmetric(weights: Value) -> Value:
    if weights.zero_point:
        raise UnmatchedError("its weights have a zero point: quantize them symmetrically")
    return weights


def _bias(region: Region, weights: Value, bias: Array | None) -> Value:
    channels = region.output.shape[-1]
    data = np.zeros(channels, np.int32) if bias is None else bias
    if data.shape != (channels,):
        raise UnmatchedError("its bias has another number of channels")
    return Value(f"{region.output.name}:bias", data.shape, "int32", data=data)


def _matmul(region: Region, call: Any, bias: Array | None = None) -> Found:
    """``matmul(dequantize(x), dequantize(permute_dims(constant)))``: a fully connected layer."""
    dequantize = region.expect(call.args[1], "dequantize")
    transposed = region.expect(dequantize.args[0], "permute_dims")
    data = constant(region.expression(transposed.args[0]))
    scales = tuple(map(float, np.atleast_1d(constant(dequantize.args[1]))))
    name = f"{region.output.name}:weights"
    zero = int(constant(dequantize.args[2]))
    weights = _symmetric(Value(name, data.shape, str(data.dtype), scales, zero, data))
    inputs = (region.dequantized(call.args[0]), weights, _bias(region, weights, bias))
    return Found("fully_connected", inputs, FullyConnected(region.clamp))


_BIASED: dict[str, Callable[[Region, Any, Array], Found]] = {
    "nn.conv2d": _convolution,
    "nn.conv2d_transpose": _transposed,
    "matmul": _matmul,
}


def _elementwise(kind: str) -> Pattern:
    def match(region: Region, call: Any) -> Found:
        first, second = (region.dequantized(arg) for arg in call.args)
        offset = int(region.options.get("offset", 0))
        return Found(kind, (first, second), Elementwise(region.clamp, offset))

    return match


def _softmax(region: Region, call: Any) -> Found:
    value = region.dequantized(call.args[0])
    if int(call.attrs.axis) not in (-1, len(value.shape) - 1):
        raise UnmatchedError("its axis is not the last")
    return Found("softmax", (value,), Softmax(float(region.options.get("beta", 1.0))))


def _dequantize(region: Region, call: Any) -> Found:
    """Nothing between dequantize and quantize, or nothing but bounds."""
    activation = region.activation
    function = "requantize" if activation is None else ACTIVATIONS.get(activation, "requantize")
    return Found("unary", (region.dequantized(call),), Unary(function, clamp=region.clamp))


def _unary(function: str) -> Pattern:
    def match(region: Region, call: Any) -> Found:
        unary = Unary(function, clamp=region.clamp)
        return Found("unary", (region.dequantized(call.args[0]),), unary)

    return match


def named(region: Region, call: Any) -> Found:
    """A function that the importer says the name of, whatever it is an expression of."""
    function = region.options["function"]
    sources = tuple(_sources(region, call))
    if function == "squared_difference":  # (a - b) * (a - b)
        sources = sources[:2]
    if function not in _OF_TWO:
        sources = tuple({id(value): value for value in sources}.values())
    if len(sources) != (2 if function in _OF_TWO else 1):
        raise UnmatchedError(f"it is of {len(sources)} values")
    if any(len(value.scales) != 1 for value in sources):
        raise UnmatchedError("an input is quantized by channel")
    if function in ("maximum", "minimum"):
        for value in sources:
            _same_quantization(region, value)
    if function == "batch_matmul":
        return _batch_matmul(region, sources)
    if function in _OF_TWO:
        return Found(function, sources, Elementwise(region.clamp))
    return Found("unary", sources, Unary(function, clamp=region.clamp))


# Functions of two values, which are operators of their own.
_OF_TWO = ("batch_matmul", "maximum", "minimum", "prelu", "squared_difference")


def _batch_matmul(region: Region, sources: tuple[Value, ...]) -> Found:
    whole = math.prod(region.output.shape[:-2])
    if any(math.prod(value.shape[:-2]) not in (1, whole) for value in sources):
        raise UnmatchedError("it broadcasts a part of its batches")
    return Found("batch_matmul", sources, BatchMatmul(region.options["adjoints"]))


def _sources(region: Region, given: Any) -> list[Value]:
    """The int8 values that an expression of float32 is computed from."""
    expression = region.expression(given)
    if operator(expression) == "dequantize":
        return [region.dequantized(expression)]
    args = getattr(expression, "args", ())
    return [value for arg in args for value in _sources(region, arg)]


def _leaky_relu(region: Region, call: Any) -> Found:
    value = region.dequantized(call.args[0])
    return Found("unary", (value,), Unary("leaky_relu", float(call.attrs.alpha), region.clamp))


def _hard_swish(region: Region, call: Any) -> Found:
    """``x * clip(x + 3, 0, 6) / 6``"""
    product = region.expect(call.args[0], "multiply")
    value = region.dequantized(product.args[0])
    clip = region.expect(product.args[1], "clip")
    total = region.expect(clip.args[0], "add")
    figures = (
        *(number(arg) for arg in clip.args[1:]),
        float(constant(total.args[1])),
        float(constant(call.args[1])),
    )
    if figures != (0.0, 6.0, 3.0, 6.0) or region.dequantized(total.args[0]) is not value:
        raise UnmatchedError("a division")
    return Found("unary", (value,), Unary("hard_swish", clamp=region.clamp))


def _reduction(function: str) -> Pattern:
    def match(region: Region, call: Any) -> Found:
        value = region.dequantized(call.args[0])
        if function in ("max", "min"):
            _same_quantization(region, value)
        rank = len(value.shape)
        axes = range(rank) if call.attrs.axis is None else integers(call.attrs.axis)
        return Found(
            "reduction", (value,), Reduction(function, tuple(sorted({a % rank for a in axes})))
        )

    return match


def _concat(region: Region, call: Any) -> Found:
    """Of dequantized values, or of integers."""
    fields = region.expression(call.args[0]).fields
    if str(call.ty.dtype) == "float32":
        values = tuple(region.dequantized(field) for field in fields)
    else:
        values = tuple(region.integer(_unshaped(region, field)) for field in fields)
    axis = int(call.attrs.axis) % len(region.output.shape)
    for value in values:
        if (value.scales, value.zero_point) != (region.output.scales, region.output.zero_point):
            raise UnmatchedError(f"'{value.name}' has another quantization than the result")
    return Found("concatenation", values, Concatenation(axis))


def _unshaped(region: Region, given: Any) -> Any:
    """What is given another shape by it: bytes lie in the same order."""
    expression = region.expression(given)
    while operator(expression) in ("expand_dims", "reshape"):
        given = expression.args[0]
        expression = region.expression(given)
    return given


def _same_quantization(region: Region, value: Value) -> None:
    output = region.output
    if (value.scales, value.zero_point) != (output.scales, output.zero_point):
        raise UnmatchedError("input and output have different quantizations")


def _reshape(region: Region, call: Any) -> Found:
    return Found("reshape", (region.integer(call.args[0]),), Reshape())


def _max_pool(region: Region, call: Any) -> Found:
    value = region.integer(call.args[0])
    _same_quantization(region, value)
    return _pool(region, call, value, "max_pool2d")


def _average_pool(region: Region, call: Any) -> Found:
    """``astype(nn.avg_pool2d(astype(x, int32)), int8)``"""
    pool = region.expect(call.args[0], "nn.avg_pool2d")
    if pool.attrs.count_include_pad:
        raise UnmatchedError("padded pixels are counted")
    widened = region.expect(pool.args[0], "astype")
    value = region.integer(widened.args[0])
    _same_quantization(region, value)
    return _pool(region, pool, value, "average_pool2d")


def _float_average_pool(region: Region, call: Any) -> Found:
    """``nn.avg_pool2d(dequantize(x))``, with any quantization of the result."""
    if call.attrs.count_include_pad:
        raise UnmatchedError("padded pixels are counted")
    return _pool(region, call, region.dequantized(call.args[0]), "average_pool2d")


def _pool(region: Region, call: Any, value: Value, kind: str) -> Found:
    attrs = call.attrs
    if attrs.layout != "NHWC" or integers(attrs.dilation) != (1, 1):
        raise UnmatchedError("a pooling of this kind")
    attributes = Pooling(
        window=_pair(attrs.pool_size),
        strides=_pair(attrs.strides),
        padding=_four(attrs.padding),
        clamp=region.clamp,
        offset=int(region.options.get("offset", 0)),
    )
    return Found(kind, (value,), attributes)


def _pad(region: Region, call: Any) -> Found:
    value = region.integer(call.args[0])
    widths = integers(call.attrs.pad_width)
    if call.attrs.pad_mode != "constant":
        raise UnmatchedError("padding by reflection")
    fill = number(call.args[1]) if len(call.args) > 1 else float(call.attrs.pad_value)
    if region.options.get("blocks") and region.rounding == "tflm":
        # TensorFlow Lite Micro pads with a figure that it never sets: 0 in memory that was cleared.
        fill = 0.0
    return Found("pad", (value,), Pad(widths[::2], widths[1::2], int(fill)))


def _transpose(region: Region, call: Any) -> Found:
    value = region.integer(call.args[0])
    rank = len(value.shape)
    axes = call.attrs.axes
    order = tuple(reversed(range(rank))) if axes is None else integers(axes)
    return Found("transpose", (value,), Transpose(tuple(axis % rank for axis in order)))


def _take(region: Region, call: Any) -> Found:
    """``take(table, astype(x, int32) + 128)``, or elements at constant places."""
    if hasattr(call.args[1], "value"):
        return _gather(region, call)
    table = constant(call.args[0])
    place = region.expect(call.args[1], "add")
    widened = region.expect(place.args[0], "astype")
    if table.shape != (256,) or int(constant(place.args[1])) != 128:
        raise UnmatchedError("a look-up")
    value = region.integer(widened.args[0])
    return Found("unary", (value,), Unary("table", table=integers(table.tolist())))


def _gather(region: Region, call: Any) -> Found:
    """``take(x, constant)``, also of another one along another axis."""
    places: list[tuple[int, ...] | None] = [None] * len(shape(call))
    expression, given = call, call.args[0]
    while operator(expression) == "take" and hasattr(expression.args[1], "value"):
        given, axis = expression.args[0], int(expression.attrs.axis)
        if places[axis] is not None:
            raise UnmatchedError("places of places")
        places[axis] = integers(constant(expression.args[1]).tolist())
        expression = region.expression(given)
    value = region.integer(_unshaped(region, given))
    return Found("gather", (value,), Gather(shape(given), tuple(places)))


def _strided_slice(region: Region, call: Any) -> Found:
    """Any axes; begins are brought into the range that Python's slices give them."""
    value = region.integer(call.args[0])
    axes, begin, end, *given = (_tuple(region, arg) for arg in call.args[1:5])
    strides = given[0] if given else (1,) * len(axes)
    slices = {
        axis: slice(*bounds).indices(value.shape[axis])
        for axis, *bounds in zip(axes, begin, end, strides, strict=True)
    }
    every = [slices.get(axis, (0, dim, 1)) for axis, dim in enumerate(value.shape)]
    if tuple(len(range(*bounds)) for bounds in every) != region.output.shape:
        raise UnmatchedError("its bounds")
    attributes = StridedSlice(tuple(b for b, _, _ in every), tuple(s for _, _, s in every))
    return Found("strided_slice", (value,), attributes)


def _split(region: Region, item: Any) -> Found:
    """A part of ``split``."""
    call = region.expect(item.tuple_value, "split")
    value = region.integer(call.args[0])
    axis = int(call.attrs.axis) % len(value.shape)
    begin = [0] * len(value.shape)
    begin[axis] = sum(int(part.shape[axis]) for part in call.ty.fields[: int(item.index)])
    if begin[axis] + region.output.shape[axis] > value.shape[axis]:
        raise UnmatchedError("parts that it has not")
    return Found("strided_slice", (value,), StridedSlice(tuple(begin), (1,) * len(begin)))


def _resize(region: Region, call: Any) -> Found:
    attrs, value = call.attrs, region.integer(call.args[0])
    if "rows" in region.options:
        return Found(
            "resize_nearest",
            (value,),
            Resize(region.options["rows"], region.options["columns"]),
        )
    if attrs.method != "nearest_neighbor" or attrs.layout != "NHWC":
        raise UnmatchedError(f"resizing by {attrs.method}")
    mode = str(attrs.coordinate_transformation_mode)
    rows, columns = (
        tuple(
            _nearest(i, value.shape[axis], region.output.shape[axis], mode)
            for i in range(region.output.shape[axis])
        )
        for axis in (1, 2)
    )
    return Found("resize_nearest", (value,), Resize(rows, columns))


def _bilinear(region: Region, call: Any) -> Found:
    """``image.resize2d(dequantize(x))`` of a TFLite model."""
    names = ("align_corners", "half_pixel_centers")
    if not all(name in region.options for name in names):
        raise UnmatchedError(f"resizing by {call.attrs.method}")
    value = region.dequantized(call.args[0])
    _same_quantization(region, value)
    attributes = Bilinear(*(bool(region.options[name]) for name in names))
    return Found("resize_bilinear", (value,), attributes)


def _nearest(position: int, size: int, out_size: int, mode: str) -> int:
    """The input's row for one of the output, in single precision as TFLite has it."""
    single = np.float32
    corners = mode == "align_corners"
    if corners and out_size > 1:
        scale = single(size - 1) / single(out_size - 1)
    else:
        scale = single(size) / single(out_size)
    offset = single(0.5 if mode == "half_pixel" else 0)
    exact = float((single(position) + offset) * scale)
    nearest = round_half_away(exact) if corners else math.floor(exact)
    return max(0, min(nearest, size - 1))


def _tuple(region: Region, given: Any) -> tuple[int, ...]:
    return tuple(int(number(field)) for field in region.expression(given).fields)


def _pair(given: Any) -> tuple[int, int]:
    first, second = integers(given)
    return first, second


def _four(given: Any) -> tuple[int, int, int, int]:
    top, left, bottom, right = integers(given)
    return top, left, bottom, right


FLOAT: dict[str, Pattern] = {
    "add": _add,
    "concat": _concat,
    "dequantize": _dequantize,
    "divide": _hard_swish,
    "image.resize2d": _bilinear,
    "matmul": _matmul,
    "max": _reduction("max"),
    "min": _reduction("min"),
    "mean": _reduction("mean"),
    "multiply": _elementwise("mul"),
    "nn.avg_pool2d": _float_average_pool,
    "nn.conv2d": _convolution,
    "nn.conv2d_transpose": _transposed,
    "nn.leakyrelu": _leaky_relu,
    "nn.softmax": _softmax,
    "sigmoid": _unary("logistic"),
    "subtract": _elementwise("sub"),
    "sum": _reduction("sum"),
    "tanh": _unary("tanh"),
}

INTEGER: dict[str, Pattern] = {
    "astype": _average_pool,
    "concat": _concat,
    "expand_dims": _reshape,
    "image.resize2d": _resize,
    "nn.max_pool2d": _max_pool,
    "nn.pad": _pad,
    "permute_dims": _transpose,
    "reshape": _reshape,
    "squeeze": _reshape,
    "strided_slice": _strided_slice,
    "take": _take,
    "tuple_get_item": _split,
}
